"""Train the finder of a world: `python -m train.place.finder --data SET`.

A place is taken for a draw from the finder's guesses, a mixture of Laplace distributions, and is to
be likely; tokens get noise, as those that a world dreams will have. Sketches are to be near what is
seen from a place, though they are drawn from a little beside it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor

from core import checkpoint
from core.device import pick_device
from core.video.finder import Finder, FinderConfig, Guesses
from core.video.model import FrameDiT
from core.video.mover import difference
from core.video.place import PlaceMap
from core.video.tokenizer import FrameTokenizer
from core.video.world import FINDER
from train.loop import LoopSettings, Losses, Trainer
from train.place.stage import Stage, begin_with, judge, resume_from
from train.place.walks import Walk, Walks
from train.setup import CHECKPOINTS, PlayData, Run, fresh_seed

TOKEN_NOISE = 0.2
"""Largest deviation of the noise on tokens, which have deviation 1."""
BESIDE = (0.7, 0.7, 0.3)
"""Deviation of the places that sketches are drawn from, in units and degrees."""
SKETCH_FACTOR = 3.0
"""Sketches learn so many times as fast as guesses."""
JUDGED = 4096
"""Held-out frames that a checkpoint is judged by."""
SHARES = (0.5, 0.9, 0.99)
POOR = 96.0
"""Units that the nearest guess may be off at the median; from farther, no search finds a place."""


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


def sketch_error(model: Finder, place_map: PlaceMap, where: Tensor, tokens: Tensor) -> Tensor:
    """Return the squared error of sketches from places (B, 1, 3) against tokens (B, P, C)."""
    with torch.no_grad():
        seen, _ = place_map.features(where)
    return (model.sketch(seen[:, 0]).float() - tokens).square().mean()


def loss_fn(model: Finder, batch: Walk, step: int, *, place_map: PlaceMap) -> Losses:
    x, where = batch.tokens[:, 0], batch.where
    level = TOKEN_NOISE * torch.rand(len(x), 1, 1, device=x.device)
    guesses = model(x + level * torch.randn_like(x))
    unlikely = -log_likelihood(guesses, where[:, 0]).mean()
    beside = where + torch.tensor(BESIDE, device=x.device) * torch.randn_like(where)
    sketched = sketch_error(model, place_map, beside, x)
    parts = {"unlikely": unlikely.detach(), "sketch": sketched.detach()}
    return Losses(unlikely + sketched, parts)


@torch.no_grad()
def held_out(model: Finder, walk: Walk, *, place_map: PlaceMap) -> dict[str, float]:
    """Return how far the surest guess is off, in units and degrees, and the nearest of all."""
    parts = [model(x) for x in walk.tokens[:, 0].split(512)]
    guesses, where = Guesses(*map(torch.cat, zip(*parts, strict=True))), walk.where[:, 0]
    apart = guesses.where - where[:, None]
    units = apart[..., :2].norm(dim=-1)
    degrees = difference(guesses.where[..., 2], where[:, None, 2]).abs()
    surest = guesses.weight - 2 * guesses.scale.log().sum(-1)
    surest = surest.argmax(-1, keepdim=True)
    sketched = sketch_error(model, place_map, walk.where[::8], walk.tokens[::8, 0]).item()
    unlikely = -log_likelihood(guesses, where).mean().item()
    figures = {"score": unlikely + sketched, "sketch": sketched}
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
    dit: FrameDiT,
    stage: Stage,
    *,
    base: Path | None = None,
    lr: float = 1e-3,
) -> dict[str, float]:
    """Train the finder of a world; return its figures. Raises ValueError for a poor one.

    What fits of the finder of `base` is where a new one begins.
    """
    place, place_map, (rows, columns) = dit.cfg.place, dit.place_map, dit.cfg.grid
    assert place is not None
    assert place_map is not None
    cfg = FinderConfig(
        low=place.low,
        high=place.high,
        tokens=rows * columns,
        channels=dit.cfg.channels,
        map_width=dit.cfg.width,
    )
    model, fixed = Finder(cfg), judged.fixed(JUDGED, 1)
    known = resume_from(model, stage.out)
    if base is not None and not known:
        begin_with(model, base)
    sketching = {name for name, _ in model.named_parameters() if name.startswith("sketch_")}
    settings = LoopSettings(
        *stage.loop,
        lr=lr,
        lr_factors=dict.fromkeys(sketching, SKETCH_FACTOR),
        warmup=100,
        weight_decay=0.01,
        eval_every=500,
    )
    trainer = Trainer(model, settings, stage.out, walks.frames.about())
    evaluate = partial(held_out, place_map=place_map)
    if known:
        trainer.beat(evaluate, fixed)
    loss = partial(loss_fn, place_map=place_map)
    trainer.run(walks.random(stage.batch, 1), loss, evaluate, fixed)
    figures = judge(stage.out, Finder, evaluate, fixed, stage.device)
    if figures["nearest50"] > POOR:
        raise ValueError(
            f"the finder is poor: its nearest guess is {figures['nearest50']:.0f} units off in half"
            f" of the held-out frames, and {POOR:.0f} is the most; give it more minutes or frames"
        )
    return figures


def main(
    data: PlayData,
    world: Annotated[Path, typer.Option(help="Its checkpoint.")] = CHECKPOINTS / "world-blocks",
    out: Annotated[Path | None, typer.Option(help="Default: in the world's folder.")] = None,
    run: Run = Path("runs/finder"),
    steps: int = 1_000_000,
    minutes: float = 10.0,
    batch: Annotated[int, typer.Option(help="2048 suits a GPU.")] = 64,
    lr: float = 1e-3,
    precision: str = "auto",
) -> None:
    """Train the finder of a world alone, beginning with what fits of the one that it has."""
    fresh_seed(run)
    device, there = pick_device(), world / FINDER
    dit = checkpoint.load(world, FrameDiT, device=device)
    coder = checkpoint.load(world.parent / dit.cfg.tokenizer, FrameTokenizer, device=device)
    walks, judged = Walks.splits(data, coder, device)
    stage = Stage(out or there, run, minutes, batch, device, precision, steps)
    base = there if (there / "config.json").is_file() else None
    train(walks, judged, dit, stage, base=base, lr=lr)


if __name__ == "__main__":
    typer.run(main)
