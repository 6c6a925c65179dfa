"""Quality of the keyboard world: `python -m benchmarks.video_quality --json --data SET`.

Prints one JSON object with the rows real, copy_last, tokenizer, teacher and student (see
video_rows) and `about`: what was measured on what. Without --json it prints a table. Nothing else
goes to stdout; progress shows on stderr.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from benchmarks.reporting import AsJson, Checkpoints, Out, emit, quality_table, rounded, told_errors
from core.settings import CHECKPOINTS

DATA = Path("assets/worlds/blocks")
"""A small sample of held-out play."""
LENGTH = 200


def measure(
    data: Path,
    checkpoints: Path,
    models: dict[str, str],
    *,
    starts: int,
    length: int,
    seed: int,
    settings: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return all rows.

    `models` maps rows to checkpoints, of which one may be missing. `settings` replace the
    checkpoints' own.
    """
    from benchmarks.frame_items import HeldOut
    from benchmarks.video_rows import VideoQuality
    from core.engine import Engine

    start = time.monotonic()
    engine, held_out = Engine(checkpoints, "cpu"), HeldOut(data)
    there = {row: name for row, name in models.items() if name in engine.worlds}
    if not there:
        raise ValueError(f"none of the worlds {', '.join(models.values())} is in {checkpoints}")
    worlds = {row: engine.world(name) for row, name in there.items()}
    for world in worlds.values():
        world.dit.cfg = world.dit.cfg.model_copy(update=settings)
    quality = VideoQuality(
        held_out, list(worlds.values())[-1], starts=starts, length=length, seed=seed
    )
    rows = {
        "real": quality.real_row(),
        "copy_last": quality.copy_row(),
        "tokenizer": quality.tokenizer_row(),
        **{row: quality.model_row(world, row) for row, world in worlds.items()},
    }
    missing = {row: name for row, name in models.items() if row not in there}
    return rows | {
        "about": {
            **quality.about(),
            "checkpoints": there,
            "missing": missing,
            "seconds": time.monotonic() - start,
        }
    }


def main(
    data: Annotated[Path, typer.Option(help="A recorded set, or a sample of one.")] = DATA,
    teacher: Annotated[str, typer.Option(help="Checkpoint of many steps.")] = "video-teacher",
    student: Annotated[str, typer.Option(help="Checkpoint of few steps.")] = "video",
    checkpoints: Checkpoints = CHECKPOINTS,
    starts: Annotated[int, typer.Option(help="Moments of play to begin from.")] = 32,
    length: Annotated[int, typer.Option(help="Frames to generate from each.")] = LENGTH,
    steps: Annotated[int | None, typer.Option(help="Default: each checkpoint's.")] = None,
    context_noise: Annotated[float | None, typer.Option(help="Default: each checkpoint's.")] = None,
    seed: int = 0,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Measure the quality of a keyboard world."""
    if torch.get_num_threads() > 2:  # batches of this size gain little from more
        torch.set_num_threads(2)
    with told_errors():
        models = {"teacher": teacher, "student": student}
        said = {"steps": steps, "context_noise": context_noise}
        result = measure(
            data,
            checkpoints,
            models,
            starts=starts,
            length=length,
            seed=seed,
            settings={name: value for name, value in said.items() if value is not None},
        )
    emit(rounded(result), quality_table, as_json=as_json, out=out)


if __name__ == "__main__":
    typer.run(main)
