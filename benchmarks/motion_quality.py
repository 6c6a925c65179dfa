"""Quality of a motion checkpoint: `python -m benchmarks.motion_quality --json`.

Prints one JSON object with the rows real, reconstruction, samples, shuffled and probes (see
quality_rows), `solved` (see solved_poses) and `about`: what was measured on what. Without --json it
prints a table. Nothing else goes to stdout; progress shows on stderr.

`--seeds 3` measures three times: rows are means then, and `spread` has their standard deviations.
`--evaluator FOLDER` measures as published tables are made: HumanML3D's evaluator, its test split.
"""

from __future__ import annotations

import math
import time
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from benchmarks import metrics, reporting
from benchmarks.motion_items import MotionItems
from benchmarks.published_evaluator import Words, load_evaluator
from benchmarks.published_quality import PublishedItems, PublishedQuality
from benchmarks.quality_rows import WINDOW, Quality
from benchmarks.reporting import Row, emit, over_seeds, quality_table, rounded, told_errors
from benchmarks.solved_poses import solved_row
from core.checkpoint import load
from core.motion.text import load_text_encoder
from core.motion.vae import STRIDE
from core.settings import CHECKPOINTS, MotionSettings
from train.evaluator import Evaluator

DATA = Path("data/free")
"""A training set of the packs that are free for any use; the README tells how to make it."""


def measure(quality: Quality) -> dict[str, Row]:
    """Return all rows and what they were measured on."""
    start = time.monotonic()
    rows = quality.rows()
    about = {
        "checkpoint": quality.checkpoint,
        "evaluator": quality.whose,
        "split": quality.source.split,
        "clips": len(quality.source.clips),
        "motions": len(quality.real),
        "pool": min(32, len(quality.real)),
        "switches": quality.switches,
        "jerk_window_poses": WINDOW,
        "jerk_level": quality.jerk_level,
        "skate_speed_m_s": metrics.SKATE_SPEED,
        "skate_height_m": metrics.SKATE_HEIGHT,
        "seed": quality.seed,
        "seconds": time.monotonic() - start,
    }
    return rows | {"about": about}


def open_quality(
    checkpoints: Path,
    checkpoint: str,
    data: Path,
    *,
    packs: str,
    split: str,
    seed: int,
    quick: bool,
    evaluator: Path | None = None,
) -> Quality:
    """Open a folder of checkpoints with their evaluator, and a set to measure one of them on.

    `evaluator` is a download of HumanML3D's. Raises ValueError where anything is missing.
    """
    from core.engine import Engine

    if torch.get_num_threads() > 2:  # matmuls of this size lose time with more
        torch.set_num_threads(2)
    engine = Engine.load(checkpoints)
    cfg = engine.model(checkpoint).dit.cfg
    steps, stagger = cfg.pace(MotionSettings())
    # a change of prompts begins every unfinished block anew
    early = (math.ceil(steps / stagger) - 1) * cfg.block * STRIDE
    how: dict[str, Any] = {"checkpoint": checkpoint, "seed": seed, "quick": quick, "early": early}
    if evaluator is not None:
        theirs, items = load_evaluator(evaluator), PublishedItems(data, split)
        words, heading = Words(evaluator, items.tokens), engine.model(checkpoint).vae.cfg.heading
        return PublishedQuality(engine, theirs, words, items, heading=heading, **how)
    ours = load(checkpoints / "motion-evaluator", Evaluator)
    items = MotionItems(data, split=split, only=tuple(p for p in packs.split(",") if p))
    return Quality(engine, ours, load_text_encoder("minilm"), items, **how)


def main(
    data: reporting.MotionData = DATA,
    packs: reporting.Packs = "",
    split: reporting.Split = "auto",
    checkpoint: reporting.WhichMotion = "motion",
    checkpoints: reporting.TheirFolder = CHECKPOINTS,
    as_json: reporting.AsJson = False,
    quick: Annotated[bool, typer.Option(help="A third of the motions.")] = False,
    seed: int = 0,
    seeds: reporting.Seeds = 1,
    evaluator: reporting.TheirEvaluator = None,
    out: reporting.Out = None,
) -> None:
    """Measure the quality of a motion checkpoint."""
    with told_errors():
        opened = partial(
            open_quality, checkpoints, checkpoint, data, packs=packs, split=split, quick=quick
        )
        found = []
        for number in range(seed, seed + seeds):
            quality = opened(seed=number, evaluator=evaluator)
            found.append(measure(quality))
        solved = solved_row(quality.engine, checkpoint, 3 if quick else 20)
        result = rounded({**over_seeds(found), "solved": solved})
    emit(result, quality_table, as_json=as_json, out=out)


if __name__ == "__main__":
    typer.run(main)
