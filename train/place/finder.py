"""Train the finder: `python -m train.place.finder --data SET`.

A place is taken for a draw from the finder's guesses, a mixture of Laplace distributions, and is to
be likely. Tokens get noise, as those that a world dreams will have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor

from core import checkpoint
from core.device import pick_device
from core.video.finder import Finder, FinderConfig, Guesses
from core.video.tokenizer import FrameTokenizer
from train.loop import LoopSettings, Losses, Trainer
from train.place.stage import Stage, judge, place_of, resume_from
from train.place.walks import Walk, Walks
from train.setup import CHECKPOINTS, Out, PlayData, Run, fresh_seed

TOKEN_NOISE = 0.2
"""Largest deviation of the noise on tokens, which have deviation 1."""
JUDGED = 4096
"""Held-out frames that a checkpoint is judged by."""
SHARES = (0.5, 0.9, 0.99)
POOR = 96.0
"""Units that the nearest guess may be off at the median: from farther, no search finds the place.
"""


def log_likelihood(guesses: Guesses, where: Tensor) -> Tensor:
    """Return how likely places (B, 3) are under the guesses, (B,) up to a constant."""
    angle = torch.deg2rad(where[:, None, 2])
    off = torch.stack(
        [
            (guesses.where[..., :2] - where[:, None, :2]).abs().sum(-1),
            (guesses.direction - torch.stack([angle.cos(), angle.sin()], -1)).abs().sum(-1),
        ],
        dim=-1,
    )
    each = -(off / guesses.scale + 2 * guesses.scale.log()).sum(-1)  # a scale has two numbers
    return (guesses.weight.log_softmax(-1) + each).logsumexp(-1)


def loss_fn(model: Finder, batch: Walk, step: int) -> Losses:
    x = batch.tokens[:, 0]
    level = TOKEN_NOISE * torch.rand(len(x), 1, 1, device=x.device)
    guesses = model(x + level * torch.randn_like(x))
    return Losses(-log_likelihood(guesses, batch.where[:, 0]).mean())


@torch.no_grad()
def held_out(model: Finder, walk: Walk) -> dict[str, float]:
    """Return how far the surest guess is off, in units and degrees, and the nearest of all."""
    parts = [model(x) for x in walk.tokens[:, 0].split(512)]
    guesses, where = Guesses(*map(torch.cat, zip(*parts, strict=True))), walk.where[:, 0]
    apart = guesses.where - where[:, None]
    units = apart[..., :2].norm(dim=-1)
    degrees = ((apart[..., 2] + 180) % 360 - 180).abs()
    surest = guesses.weight - 2 * guesses.scale.log().sum(-1)
    surest = surest.argmax(-1, keepdim=True)
    figures = {"score": -log_likelihood(guesses, where).mean().item()}
    for name, off in (
        ("units", units.gather(1, surest)),
        ("degrees", degrees.gather(1, surest)),
        ("nearest", units.min(1).values),
    ):
        figures |= {f"{name}{100 * q:.0f}": off.quantile(q).item() for q in SHARES}
    return figures


def train(walks: Walks, judged: Walks, stage: Stage, *, lr: float = 1e-3) -> dict[str, float]:
    """Train a finder of a set's place; return its figures. Raises ValueError for a poor one."""
    place, (tokens, channels) = place_of(walks.frames), walks.tokens.shape[1:]
    cfg = FinderConfig(low=place.low, high=place.high, tokens=tokens, channels=channels)
    model, fixed = Finder(cfg), judged.fixed(JUDGED, 1)
    known = resume_from(model, stage.out)
    settings = LoopSettings(
        stage.run,
        stage.steps,
        stage.minutes,
        stage.precision,
        lr=lr,
        warmup=100,
        weight_decay=0.01,
        eval_every=500,
    )
    trainer = Trainer(model, settings, stage.out, walks.frames.about())
    if known:
        trainer.beat(held_out, fixed)
    trainer.run(walks.random(stage.batch, 1), loss_fn, held_out, fixed)
    figures = judge(stage.out, Finder, held_out, fixed, stage.device)
    if figures["nearest50"] > POOR:
        raise ValueError(
            f"the finder is poor: its nearest guess is {figures['nearest50']:.0f} units off in half"
            f" of the held-out frames, and {POOR:.0f} is the most; give it more minutes or frames"
        )
    return figures


def main(
    data: PlayData,
    out: Out = CHECKPOINTS / "world-blocks" / "finder",
    tokenizer: Annotated[
        Path | None, typer.Option(help="The frame tokenizer's checkpoint; default: beside out.")
    ] = None,
    run: Run = Path("runs/place/finder"),
    steps: int = 1_000_000,
    minutes: float = 10.0,
    batch: Annotated[int, typer.Option(help="2048 suits a GPU.")] = 64,
    lr: float = 1e-3,
    precision: str = "auto",
) -> None:
    """Train the finder of a world alone."""
    fresh_seed(run)
    device = pick_device()
    coder = checkpoint.load(tokenizer or out.parent / "tokenizer", FrameTokenizer, device=device)
    walks, judged = Walks.splits(data, coder, device)
    train(walks, judged, Stage(out, run, minutes, batch, device, precision, steps), lr=lr)


if __name__ == "__main__":
    typer.run(main)
