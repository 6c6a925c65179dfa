"""Quality of the keyboard world: `python -m benchmarks.video_quality --json --data SET`.

Prints one JSON object with the rows real, copy_last, tokenizer, world (whose place is found in the
pixels), world_told (the true place of every frame), teacher and student (which know no places; see
video_rows) and `about`: what was measured on what. A row is left out where its checkpoint is named
"". Without --data, play is recorded first, other play for every seed and none that weights have
seen; that needs ViZDoom. Without --json it prints a table. Nothing else goes to stdout; progress
shows on stderr. With `--seeds 3` rows are means, and `spread` has their standard deviations.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import torch
import typer

from benchmarks import idm
from benchmarks.reporting import (
    AsJson,
    Checkpoints,
    Out,
    Seeds,
    emit,
    over_seeds,
    quality_table,
    rounded,
    told_errors,
)
from core.settings import CHECKPOINTS

if TYPE_CHECKING:
    from benchmarks.frame_items import HeldOut

SAMPLE = Path("assets/worlds/blocks")
"""A small sample of held-out play, with a network that reads keys from frames."""
LENGTH = 200
RECORDED, EPISODES = 911, 16
"""Seed, to which the measured one is added, and episodes of what is recorded without a set."""


@contextmanager
def held_out(data: Path | None, size: tuple[int, int], seed: int) -> Iterator[HeldOut]:
    """Open a set, or one of frames of a size that is recorded for as long as it is needed."""
    from benchmarks.frame_items import HeldOut, record_live

    if data is not None:
        yield HeldOut(data)
        return
    with tempfile.TemporaryDirectory(prefix="blocks-") as name:
        record_live(Path(name), size, seed=RECORDED + seed, episodes=EPISODES)
        shutil.copy(SAMPLE / idm.FILE, name)
        yield HeldOut(Path(name))


def measure(
    data: Path | None,
    checkpoints: Path,
    models: dict[str, str],
    *,
    starts: int,
    length: int,
    seed: int,
    device: str = "cpu",
    settings: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return all rows.

    `models` maps rows to checkpoints, of which some may be missing. `settings` replace the
    checkpoints' own.
    """
    from benchmarks.video_rows import VideoQuality
    from core.engine import Engine

    start, engine = time.monotonic(), Engine(checkpoints, device)
    there = {row: name for row, name in models.items() if name in engine.worlds}
    if not there:
        raise ValueError(f"none of the worlds {', '.join(models.values())} is in {checkpoints}")
    worlds = {row: engine.world(name) for row, name in there.items()}
    for world in worlds.values():
        world.dit.cfg = world.dit.cfg.model_copy(update=settings)
    with held_out(data, max(world.size for world in worlds.values()), seed) as played:
        quality = VideoQuality(
            played, list(worlds.values()), starts=starts, length=length, seed=seed
        )
        rows = {
            "real": quality.real_row(),
            "copy_last": quality.copy_row(),
            "tokenizer": quality.tokenizer_row(),
        }
        for row, world in worlds.items():
            rows[row] = quality.model_row(world, row)
            if world.mover is not None and quality.play.places is not None:
                rows[f"{row}_told"] = quality.told_row(world, f"{row}, told")
        about = quality.about()
    missing = {row: name for row, name in models.items() if row not in there}
    return rows | {
        "about": {
            **about,
            "checkpoints": there,
            "missing": missing,
            "device": device,
            "seconds": time.monotonic() - start,
        }
    }


def main(
    data: Annotated[
        Path | None, typer.Option(help="A recorded set, or a sample; default: recorded now.")
    ] = None,
    world: Annotated[str, typer.Option(help="Checkpoint that knows its place.")] = "world-blocks",
    teacher: Annotated[str, typer.Option(help="Checkpoint of many steps.")] = "video-teacher",
    student: Annotated[str, typer.Option(help="Checkpoint of few steps.")] = "video",
    checkpoints: Checkpoints = CHECKPOINTS,
    device: Annotated[str, typer.Option(help="cpu, or cpu:fp32, cpu:bf16, cpu:int8.")] = "cpu",
    starts: Annotated[int, typer.Option(help="Moments of play to begin from.")] = 32,
    length: Annotated[int, typer.Option(help="Frames to generate from each.")] = LENGTH,
    steps: Annotated[int | None, typer.Option(help="Default: each checkpoint's.")] = None,
    context_noise: Annotated[float | None, typer.Option(help="Default: each checkpoint's.")] = None,
    seed: int = 0,
    seeds: Seeds = 1,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Measure the quality of a keyboard world."""
    if torch.get_num_threads() > 2:  # batches of this size gain little from more
        torch.set_num_threads(2)
    with told_errors():
        named = {"world": world, "teacher": teacher, "student": student}
        models = {row: name for row, name in named.items() if name}
        said = {"steps": steps, "context_noise": context_noise}
        measured = partial(
            measure,
            data,
            checkpoints,
            models,
            starts=starts,
            length=length,
            device=device,
            settings={name: value for name, value in said.items() if value is not None},
        )
        result = over_seeds([measured(seed=number) for number in range(seed, seed + seeds)])
    emit(rounded(result), quality_table, as_json=as_json, out=out)


if __name__ == "__main__":
    typer.run(main)
