"""`python -m train.place blocks --minutes 30` makes a world that knows where it is.

It records the world, trains tokenizer, mover, transformer and finder by the clock, and chooses
seeds. Each stage is judged on held-out walks before the next one begins. Called again, it goes on
where it was stopped; with its folder below `runs` gone, it begins with the checkpoint's weights.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from core import checkpoint
from core.device import pick_device
from core.video.model import FrameConfig, FrameDiT
from core.video.tokenizer import FrameTokenizer
from core.video.world import FINDER, MOVER, SEEDS, write_seeds
from train.frames import FrameSet
from train.place import finder, mover, tokenizer, transformer
from train.place.stage import Stage
from train.place.walks import Walks
from train.seeds import choose
from train.setup import CHECKPOINTS, Compile, compiles, fresh_seed
from train.worlds.__main__ import main as record

SHARES = {"record": 0.15, "tokenizer": 0.2, "transformer": 0.55, "finder": 0.1}
"""Of the time. What is recorded has to be encoded, too; a mover takes seconds."""
BATCHES = {
    "cpu": {"tokenizer": 12, "finder": 64, "transformer": 8},
    "cuda": {"tokenizer": 256, "finder": 2048, "transformer": 192},
}
MOST_FRAMES, MOST_WORKERS = 300_000, 12
RECORDED = 500
"""Frames a second that a process records."""
ENCODED = {"cpu": 130, "cuda": 15_000}
"""Frames a second that become tokens."""
FRESH_LR, FURTHER_LR = 2e-3, 5e-4
"""Of a transformer that is new or has a new map, and of one that is trained on."""
STARTS = 12


class Stages:
    """What a run began with and what of it is done, kept in its folder."""

    def __init__(self, run: Path, *, known: bool) -> None:
        """`known` tells whether the world had weights when the run began."""
        self.path = run / "stages.json"
        state = {"known": known, "done": {}}
        if self.path.is_file():
            state = json.loads(self.path.read_text())
        self.known: bool = state["known"]
        self.done: dict[str, dict[str, float]] = state["done"]
        self._write()

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        state = {"known": self.known, "done": self.done}
        self.path.write_text(json.dumps(state, indent=1) + "\n")

    def __call__(self, name: str, work: Callable[[], dict[str, float]]) -> None:
        """Do a stage, unless it is done, and tell its figures."""
        if name not in self.done:
            typer.echo(f"{name} ...")
            self.done[name] = work()
            self._write()
        figures = (f"{key} {value:.4g}" for key, value in self.done[name].items())
        typer.echo(f"{name}: {', '.join(figures)}")


def minutes_of(shares: dict[str, float], minutes: float) -> dict[str, float]:
    """Share out the time among stages."""
    return {name: minutes * share / sum(shares.values()) for name, share in shares.items()}


def frames_in(minutes: float, device: str, workers: int) -> int:
    """Return how many frames can be recorded and encoded in a time."""
    seconds_each = 1 / (RECORDED * workers) + 1 / ENCODED[device]
    return max(min(round(60 * minutes / seconds_each), MOST_FRAMES), 2)


def main(
    world: Annotated[str | None, typer.Argument(help="blocks or rooms, our own worlds.")] = None,
    minutes: Annotated[float, typer.Option(help="For everything, or nearly.")] = 60.0,
    env: Annotated[str | None, typer.Option(help="A ViZDoom .cfg or .wad instead.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="A set made by train.worlds, which saves recording.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Default: checkpoints/world-NAME.")] = None,
    base: Annotated[
        str | None, typer.Option(help="A world beside it to share tokenizer and transformer with.")
    ] = None,
    run: Annotated[Path | None, typer.Option(help="Default: runs/world-NAME.")] = None,
    size: Annotated[str, typer.Option(help="Of recorded frames, WIDTHxHEIGHT.")] = "256x192",
    frames: Annotated[int | None, typer.Option(help="To record; default: by the time.")] = None,
    workers: Annotated[int | None, typer.Option(help="That record; default: by the cores.")] = None,
    seed: Annotated[int, typer.Option(help="Of what is recorded.")] = 0,
    precision: str = "auto",
    compile: Compile = None,
) -> None:
    """Make a world that knows where it is, from its recording to its seeds."""
    device = pick_device()
    name = world or Path(env or data or "world").stem
    out, run = out or CHECKPOINTS / f"world-{name}", run or Path("runs") / f"world-{name}"
    if base is None and (out / "config.json").is_file():
        base = checkpoint.describe(out).get("base")
    workers = workers or min(os.cpu_count() or 1, MOST_WORKERS)
    unneeded = {"record"} if data else set()
    unneeded |= {"tokenizer"} if base else set()
    lasts = minutes_of({k: v for k, v in SHARES.items() if k not in unneeded}, minutes)
    folder = data or Path("data") / name
    fresh_seed(run / "transformer")

    def stage(name: str, part: str = "") -> Stage:
        batch = BATCHES[device][name]
        return Stage(out / part, run / name, lasts[name], batch, device, precision)

    try:
        if data is None and not (folder / "meta.json").is_file():
            count = frames or frames_in(lasts["record"], device, workers)
            record(folder, world, env, size=size, frames=count, seed=seed, workers=workers)
        stages = Stages(run, known=(out / "config.json").is_file())
        origin = out.parent / base if base else None
        make(folder, origin, stages, stage, compile=compiles(compile))
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def make(
    data: Path, base: Path | None, stages: Stages, stage: Callable[..., Stage], *, compile: bool
) -> None:
    """Train a world on a recorded set, stage by stage; raise ValueError where one is poor."""
    frames, validation = FrameSet(data, "train"), FrameSet(data, "val")
    whole = stage("transformer")
    out, coded = whole.out, whole.out / "tokenizer"
    if base is not None:
        coded = base.parent / FrameConfig(**checkpoint.describe(base)["config"]).tokenizer
    else:  # where a transformer has learnt the tokens, they stay
        part = stage("tokenizer", "tokenizer")
        work = partial(tokenizer.train, frames, validation, part, decoder_only=stages.known)
        stages("tokenizer", work)
    stages("mover", partial(mover.train, frames, validation, out / MOVER))
    coder = checkpoint.load(coded, FrameTokenizer, device=whole.device)
    walks, judged = Walks.splits(data, coder, whole.device)
    if (out / "config.json").is_file():  # its map stays where it is, whatever was walked this time
        cfg = FrameConfig(**checkpoint.describe(out)["config"])
    elif base is not None:
        cfg = transformer.like(walks, base)
    else:
        cfg = transformer.fresh(walks, f"{out.name}/tokenizer", coder.cfg.grid)
    lr = FURTHER_LR if stages.known else FRESH_LR
    work = partial(transformer.train, walks, judged, cfg, whole, base=base, lr=lr, compile=compile)
    stages("transformer", work)
    dit, like = checkpoint.load(out, FrameDiT, device=whole.device), base and base / FINDER
    stages("finder", partial(finder.train, walks, judged, dit, stage("finder", FINDER), base=like))
    write_seeds(out / SEEDS, choose(validation, STARTS))
    typer.echo(f"{out} is ready to be played")


if __name__ == "__main__":
    typer.run(main)
