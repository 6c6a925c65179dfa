"""How well a body obeys what is wanted of path and poses: `python -m benchmarks.steering --json`.

Prints one JSON object with the rows steered, no control and shuffled conditions and what real
motion has (see steering_rows), and endurance, in-betweening and cost (see steering_apart). With
`--seeds 3` they are means, and `spread` has their standard deviations.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated

import typer

from benchmarks import reporting
from benchmarks.motion_quality import DATA, open_quality
from benchmarks.quality_rows import Quality
from benchmarks.reporting import Row, columns_table, emit, over_seeds, rounded, told_errors
from benchmarks.steering_apart import APART, GAPS, between, cost, endurance
from benchmarks.steering_rows import KINDS, ROWS, Steering
from core.settings import CHECKPOINTS


def measure(quality: Quality, chosen: set[str]) -> Row:
    """Return the rows of what is chosen, and what they were measured on."""
    start, seed, quick = time.monotonic(), quality.seed, quality.quick
    engine, checkpoint = quality.engine, quality.checkpoint
    steering = Steering(quality)
    kinds = [kind for kind in KINDS if kind in chosen]
    result = steering.rows(kinds) if kinds else {}
    if "endurance" in chosen:
        result["endurance"] = endurance(engine, checkpoint, seed=seed, quick=quick)
    if "between" in chosen:
        result["between"] = {
            f"{gap} s": between(engine, checkpoint, steering.items, gap, quick=quick)
            for gap in GAPS
        }
    if "cost" in chosen:
        result["cost"] = cost(engine, checkpoint, steering.items[0], quick=quick)
    about = {
        "checkpoint": checkpoint,
        "split": quality.source.split,
        "motions": len(steering.items),
        "seed": seed,
        "seconds": time.monotonic() - start,
    }
    return result | {"about": about}


def main(
    data: reporting.MotionData = DATA,
    packs: reporting.Packs = "",
    split: reporting.Split = "auto",
    checkpoint: reporting.WhichMotion = "motion",
    checkpoints: reporting.TheirFolder = CHECKPOINTS,
    as_json: reporting.AsJson = False,
    quick: Annotated[bool, typer.Option(help="A few runs of every kind.")] = False,
    seed: int = 0,
    seeds: reporting.Seeds = 1,
    only: Annotated[str, typer.Option(help=f"Of {', '.join((*KINDS, *APART))}.")] = "",
    out: reporting.Out = None,
) -> None:
    """Measure how well a motion checkpoint obeys way-points, key poses and drives."""
    chosen = set(only.split(",") if only else (*KINDS, *APART))
    with told_errors():
        if unknown := chosen - {*KINDS, *APART}:
            raise ValueError(f"there is no {', '.join(sorted(unknown))} to measure")
        opened = partial(
            open_quality, checkpoints, checkpoint, data, packs=packs, split=split, quick=quick
        )
        found = [measure(opened(seed=number), chosen) for number in range(seed, seed + seeds)]
    result = rounded(over_seeds(found))
    emit(result, partial(columns_table, names=(*ROWS, "real")), as_json=as_json, out=out)


if __name__ == "__main__":
    typer.run(main)
