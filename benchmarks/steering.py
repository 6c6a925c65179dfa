"""How well a body obeys what is wanted of path and poses: `python -m benchmarks.steering --json`.

Prints one JSON object with the rows steered, no control and shuffled conditions and what real
motion has (see steering_rows), and endurance, in-betweening and cost (see steering_apart).
"""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated

import torch
import typer

from benchmarks import reporting
from benchmarks.motion_items import MotionItems
from benchmarks.motion_quality import DATA
from benchmarks.quality_rows import Quality
from benchmarks.reporting import columns_table, emit, rounded, told_errors
from benchmarks.steering_apart import GAPS, between, cost, endurance
from benchmarks.steering_rows import ROWS, Steering
from core.checkpoint import load
from core.motion.text import load_text_encoder
from core.settings import CHECKPOINTS
from train.evaluator import Evaluator


def main(
    data: reporting.MotionData = DATA,
    packs: reporting.Packs = "",
    split: Annotated[str, typer.Option(help="auto, val, train or all.")] = "auto",
    checkpoint: reporting.WhichMotion = "motion",
    checkpoints: reporting.TheirFolder = CHECKPOINTS,
    as_json: reporting.AsJson = False,
    quick: Annotated[bool, typer.Option(help="A few runs of every kind.")] = False,
    seed: int = 0,
    out: reporting.Out = None,
) -> None:
    """Measure how well a motion checkpoint obeys way-points, key poses and drives."""
    from core.engine import Engine

    start = time.monotonic()
    if torch.get_num_threads() > 2:  # matmuls of this size lose time with more
        torch.set_num_threads(2)
    with told_errors():
        evaluator = load(checkpoints / "motion-evaluator", Evaluator)
        engine = Engine.load(checkpoints)
        items = MotionItems(data, split=split, only=tuple(p for p in packs.split(",") if p))
        quality = Quality(
            engine,
            evaluator,
            load_text_encoder("minilm"),
            items,
            checkpoint=checkpoint,
            seed=seed,
            quick=quick,
        )
        steering = Steering(engine, quality, seed=seed, quick=quick)
        result = steering.rows()
        result["endurance"] = endurance(engine, checkpoint, seed=seed, quick=quick)
        result["between"] = {
            f"{gap} s": between(engine, checkpoint, steering.items, gap, quick=quick)
            for gap in GAPS
        }
        result["cost"] = cost(engine, checkpoint, steering.items[0], quick=quick)
    result["about"] = {
        "checkpoint": checkpoint,
        "split": items.split,
        "motions": len(steering.items),
        "seed": seed,
        "seconds": time.monotonic() - start,
    }
    emit(rounded(result), partial(columns_table, names=(*ROWS, "real")), as_json=as_json, out=out)


if __name__ == "__main__":
    typer.run(main)
