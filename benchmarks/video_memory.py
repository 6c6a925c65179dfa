"""What a world remembers of its place: `python -m benchmarks.video_memory --json`.

The game engine plays live beside the dream, under the same keys, from moments that no weights have
seen (ViZDoom is needed: requirements-dev.txt). Prints one JSON object with the rows engine,
tokenizer, true_place, shipped and without_memory (see memory_rows) and `about`. Without --json it
prints a table; progress shows on stderr. With `--seeds 3` rows are means, and `spread` has their
standard deviations.

Parts: starts (where a world takes them to be), turn, return, recall (after a minute), place (its
error after 1, 10 and 60 seconds), long (minutes of play: how frames look, whether they agree with
earlier ones of the same place), walls (an hour of the mover alone).
"""

from __future__ import annotations

import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from tqdm import tqdm

from benchmarks import reporting
from benchmarks.reporting import columns_table, emit, machine, over_seeds, rounded, told_errors
from core.settings import CHECKPOINTS

PARTS = ("starts", "turn", "return", "recall", "place", "long", "walls")


def chosen(text: str, known: tuple[str, ...], word: str) -> list[str]:
    """Return which of the `known` a list such as "turn,return" names; nothing is all of them."""
    names = [name.strip() for name in text.split(",") if name.strip()] or list(known)
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"{word} are {', '.join(known)}; got {', '.join(unknown)}")
    return names


def measure(
    checkpoints: Path,
    checkpoint: str | None,
    without: str,
    *,
    land: str,
    seed: int,
    parts: list[str],
    rows: list[str],
    long_rows: list[str],
    sheet: Path | None,
    **counts: int,
) -> dict[str, Any]:
    """Return all rows, and what was measured on what; `counts` are those of `Memory`."""
    from benchmarks.live_walks import Live
    from benchmarks.memory_rows import Memory
    from core.engine import Engine

    engine = Engine(checkpoints, "cpu")
    model = engine.world(checkpoint)
    other = engine.world(without) if without and "without_memory" in rows else None
    found: dict[str, Any] = {row: {} for row in rows}
    seconds: dict[str, float] = {}
    with closing(Live(land, model.size, seed)) as live:
        memory = Memory(live, model, other, rows=rows, long_rows=long_rows, **counts)
        for part in tqdm(parts, unit="part", disable=None):
            began = time.monotonic()
            for row, figures in memory.measure(part).items():
                found[row] |= figures
            seconds[part] = time.monotonic() - began
        if sheet is not None:
            from benchmarks.memory_sheet import draw
            from core.export.render.media import png

            sheet.write_bytes(png(draw(memory)))
    return {row: figures for row, figures in found.items() if figures} | {
        "about": {
            "checkpoint": engine.video_models.pick(checkpoint),
            "without": without,
            "land": land,
            "seed": seed,
            **counts,
            "long_rows": long_rows,
            "long_minutes": counts["frames"] / model.dit.cfg.fps / 60,
            "seconds": seconds,
            "threads": torch.get_num_threads(),
            "machine": machine(),
        }
    }


def main(
    checkpoint: Annotated[str | None, typer.Option(help="Default: the first with a place.")] = None,
    without: Annotated[str, typer.Option(help="A world without a place.")] = "video",
    checkpoints: reporting.Checkpoints = CHECKPOINTS,
    parts: Annotated[str, typer.Option(help=f"Of {', '.join(PARTS)}; default: all.")] = "",
    rows: Annotated[str, typer.Option(help="Such as shipped,true_place; default: all.")] = "",
    starts: Annotated[int, typer.Option(help="Moments to begin from.")] = 32,
    beside: Annotated[int, typer.Option(help="One in so many for rows beside the shipped.")] = 4,
    recalls: Annotated[int, typer.Option(help="Of these, walked for a minute.")] = 4,
    frames: Annotated[int, typer.Option(help="Frames of the longest walk.")] = 9000,
    long_rows: Annotated[str, typer.Option(help="Rows that take the longest walk.")] = "shipped",
    land: Annotated[str, typer.Option(help="The map that the world is of.")] = "blocks",
    seed: Annotated[int, typer.Option(help="Of the moments; one that no weights have seen.")] = 911,
    seeds: reporting.Seeds = 1,
    threads: Annotated[int, typer.Option(help="Threads of PyTorch.")] = 1,
    sheet: Annotated[Path | None, typer.Option(help="Draw frames into this picture.")] = None,
    as_json: reporting.AsJson = False,
    out: reporting.Out = None,
) -> None:
    """Measure what a world remembers of its place."""
    from benchmarks.memory_rows import ROWS

    torch.set_num_threads(threads)
    with told_errors():
        measured = partial(
            measure,
            checkpoints,
            checkpoint,
            without,
            land=land,
            parts=chosen(parts, PARTS, "parts"),
            rows=chosen(rows, ROWS, "rows"),
            long_rows=chosen(long_rows, ROWS, "rows"),
            starts=starts,
            beside=beside,
            recalls=recalls,
            frames=frames,
        )
        numbers = range(seed, seed + seeds)
        found = [measured(seed=n, sheet=sheet if n == seed else None) for n in numbers]
    emit(rounded(over_seeds(found)), partial(columns_table, names=ROWS), as_json=as_json, out=out)


if __name__ == "__main__":
    typer.run(main)
