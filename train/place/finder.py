"""Train the finder: `python -m train.place.finder --data SET`.

A place is taken for a draw from the finder's guesses, a mixture of Laplace distributions, and is to
be likely. Tokens get noise, as those that a world dreams will have.
"""

from __future__ import annotations

import math
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
from train.place.walks import Sights, Walks
from train.setup import CHECKPOINTS, Out, PlayData, Run, fresh_seed, resume_from

TOKEN_NOISE = 0.2
"""Largest deviation of the noise on tokens, which have deviation 1."""
JUDGED = 4096
"""Held-out frames that a checkpoint is judged by."""
SHARES = (0.5, 0.9, 0.99)
POOR = 64.0
"""Units by which the surest guess may be off, at the median; beyond, a search has no start."""


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


def loss_fn(model: Finder, batch: Sights, step: int) -> Losses:
    x = batch.tokens
    level = TOKEN_NOISE * torch.rand(len(x), 1, 1, device=x.device)
    return Losses(-log_likelihood(model(x + level * torch.randn_like(x)), batch.where).mean())


@torch.no_grad()
def held_out(model: Finder, sights: Sights) -> dict[str, float]:
    """Return how far the surest guess is off, in units and degrees, and the nearest of all."""
    parts = [model(x) for x in sights.tokens.split(512)]
    guesses = Guesses(*(torch.cat(x) for x in zip(*parts, strict=True)))
    apart = (guesses.where - sights.where[:, None]).cpu()
    units = apart[..., :2].norm(dim=-1)
    degrees = ((apart[..., 2] + 180) % 360 - 180).abs()
    surest = guesses.weight - 2 * guesses.scale.log().sum(-1)
    surest = surest.argmax(-1, keepdim=True).cpu()
    figures = {"score": -log_likelihood(guesses, sights.where).mean().item()}
    for name, off in (
        ("units", units.gather(1, surest)),
        ("degrees", degrees.gather(1, surest)),
        ("nearest", units.min(1).values),
    ):
        figures |= {f"{name}{100 * q:.0f}": off.quantile(q).item() for q in SHARES}
    return figures


def train(
    walks: Walks,
    judged: Walks,
    out: Path,
    run: Path,
    *,
    minutes: float,
    steps: int,
    batch: int,
    lr: float = 1e-3,
    precision: str = "auto",
) -> dict[str, float]:
    """Train a finder of a set's place; return its held-out figures."""
    place = walks.place()
    tokens, channels = walks.tokens.shape[1:]
    model = Finder(FinderConfig(low=place.low, high=place.high, tokens=tokens, channels=channels))
    resume_from(model, out)
    settings = LoopSettings(
        run, steps, minutes, precision, lr=lr, warmup=100, weight_decay=0.01, eval_every=500
    )
    chosen = judged.index[:: math.ceil(len(judged.index) / JUDGED)]
    trainer = Trainer(model, settings, out, walks.frames.about())
    return trainer.run(walks.sights(batch), loss_fn, held_out, judged.sight(chosen))


def main(
    data: PlayData,
    out: Out = CHECKPOINTS / "world-blocks" / "finder",
    tokenizer: Annotated[Path | None, typer.Option(help="Default: beside the finder.")] = None,
    run: Run = Path("runs/place/finder"),
    steps: int = 1_000_000,
    minutes: float = 10.0,
    batch: Annotated[int, typer.Option(help="2048 suits a GPU.")] = 64,
    lr: float = 1e-3,
    precision: str = "auto",
) -> None:
    """Train the finder alone."""
    fresh_seed(run)
    device = pick_device()
    coder = checkpoint.load(tokenizer or out.parent / "tokenizer", FrameTokenizer, device=device)
    walks, judged = Walks.splits(data, coder, device)
    train(
        walks, judged, out, run, minutes=minutes, steps=steps, batch=batch, lr=lr,
        precision=precision,
    )  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
