"""What happens when the prompt changes: `python -m benchmarks.switches --json`.

Row `captions`: two captions of the set after one another. Of the second phase, how well it matches
its own caption and how near it is to the one before, and its sliding feet; jerk over the switch.
Row `commands`: seconds until geometry finds the new thing for half a second (`PATIENCE` where it
never does), and the share that gets there. Row `call`: what blocks cost, those after a change by
themselves.

`--keep-history` leaves history as it was committed. That is another thing only for weights whose
history carries text, such as CMDM's own; it is committed anew by default. Noise is the same both
ways, so that motions are the same up to the switch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import product
from typing import Annotated
from unittest import mock

import numpy as np
import typer
from scipy.ndimage import gaussian_filter1d

from benchmarks import metrics, reporting
from benchmarks.counting import RAISED, STILL_HANDS, STILL_ROOT
from benchmarks.directions import heading
from benchmarks.motion_quality import DATA, open_quality
from benchmarks.probe_prompts import LYING, SITTING, UPRIGHT, WHO
from benchmarks.quality_rows import AFTER, BEFORE, Quality
from benchmarks.reporting import (
    Row,
    Step,
    emit,
    over_seeds,
    quality_table,
    rounded,
    timed,
    told_errors,
)
from core.body.features import decode
from core.body.skeleton import ELBOWS, FPS, WRISTS
from core.diffusion.sampler import StreamSampler
from core.settings import CHECKPOINTS

PATIENCE = 5.0
"""Seconds that a new command is waited for."""
HELD = FPS // 2
"""Poses for which a body does the new thing before it counts."""
WALKING, RUNNING = 0.3, 1.6
"""Speeds (m/s) from which on somebody goes somewhere, and runs."""
CHANGES, BETWEEN = 20, 12
"""Changes of the prompt that are timed, and blocks from one to the next."""

Doing = Callable[[np.ndarray], np.ndarray]
"""(T, 22, 3) joints -> at which poses (T,) a body does what was asked."""


def speed(joints: np.ndarray) -> np.ndarray:
    """Speeds (T, J) in m/s of joints (T, J, 3), smoothed."""
    steps = np.linalg.norm(np.gradient(joints, axis=0), axis=-1) * FPS
    return gaussian_filter1d(steps, FPS / 8, axis=0, mode="nearest")


def ahead(joints: np.ndarray) -> np.ndarray:
    """Speed (T,) in m/s along the heading of the moment, negative when going backwards."""
    yaw, steps = heading(joints), np.gradient(joints[:, 0], axis=0) * FPS
    along = steps[:, 0] * np.sin(yaw) + steps[:, 2] * np.cos(yaw)
    return gaussian_filter1d(along, FPS / 8, mode="nearest")


def still(joints: np.ndarray) -> np.ndarray:
    """Say where root and hands rest."""
    hands = speed(joints[:, WRISTS]).max(1)
    return (speed(joints[:, :1])[:, 0] < STILL_ROOT) & (hands < STILL_HANDS)


def left_hand_up(joints: np.ndarray) -> np.ndarray:
    """Say where the left wrist is raised above its elbow."""
    return joints[:, WRISTS[0], 1] - joints[:, ELBOWS[0], 1] > RAISED


COMMANDS: tuple[tuple[str, str, Doing], ...] = (
    ("walks forward", "sits down", lambda j: j[:, 0, 1] < SITTING),
    ("jumps", "sits down", lambda j: j[:, 0, 1] < SITTING),
    ("walks", "lies down", lambda j: j[:, 0, 1] < LYING),
    ("sits down", "stands up", lambda j: j[:, 0, 1] > UPRIGHT),
    ("runs", "stands still", still),
    ("dances", "stands still", still),
    ("waves", "walks backwards", lambda j: ahead(j) < -WALKING),
    ("walks forward", "walks backwards", lambda j: ahead(j) < -WALKING),
    ("walks backwards", "walks forward", lambda j: ahead(j) > WALKING),
    ("stands still", "walks forward", lambda j: ahead(j) > WALKING),
    ("walks", "runs", lambda j: speed(j[:, :1, [0, 2]])[:, 0] > RUNNING),
    ("walks forward", "waves with the left hand", left_hand_up),
)


def seconds_until(doing: np.ndarray) -> float:
    """Return seconds until something is done for HELD poses on end; PATIENCE where it never is."""
    long = np.convolve(doing, np.ones(HELD), mode="valid") == HELD
    return min(float(np.argmax(long)) / FPS, PATIENCE) if long.any() else PATIENCE


def kept_history(kept: bool) -> AbstractContextManager[object]:
    """Have samplers leave history as it was committed."""
    return mock.patch.object(StreamSampler, "_commit_anew") if kept else nullcontext()


def captions(quality: Quality, switches: int) -> Row:
    """Measure switches between two captions of the set."""
    pairs = quality.pairs(switches)
    made = quality.switched(pairs, AFTER)
    embedded = quality.embed_made([x[BEFORE:] for x in made])
    old, new = (quality.embed_text(list(texts)) for texts in zip(*pairs, strict=True))
    joints = [decode(x) for x in made]
    to_old, to_new = (np.linalg.norm(embedded - text, axis=-1) for text in (old, new))
    return {
        "n": switches,
        **quality.matching(embedded, new),
        "mm_dist_before": metrics.mm_dist(embedded, old),
        "nearer_before": float(np.mean(to_old < to_new)),
        "foot_skate": metrics.foot_skate([j[BEFORE:] for j in joints]),
        **quality.jerk_of(joints),
    }


def commands(quality: Quality, people: tuple[str, ...]) -> Row:
    """Measure how long it takes until the new thing is done."""
    asked = list(product(COMMANDS, people))
    after = round(PATIENCE * FPS) + HELD
    made = quality.switched([(f"{who} {a}", f"{who} {b}") for (a, b, _), who in asked], after)
    joints = [decode(x)[BEFORE:] for x in made]
    late = [seconds_until(doing(j)) for ((*_, doing), _), j in zip(asked, joints, strict=True)]
    apart = np.reshape(late, (len(COMMANDS), -1)).mean(1)
    return {
        "n": len(late),
        "seconds": float(np.mean(late)),
        "median_seconds": float(np.median(late)),
        "arrived": float(np.mean(np.array(late) < PATIENCE)),
        "foot_skate": metrics.foot_skate(joints),
        "each": {f"{a}, {b}": float(s) for (a, b, _), s in zip(COMMANDS, apart, strict=True)},
    }


def call(quality: Quality) -> Row:
    """Time blocks of a stream by the clock and of the CPU, those after a change by themselves."""
    news: list[bool] = []

    def asked() -> Iterator[str]:
        for k in range((CHANGES + 2) * BETWEEN):
            news.append(k % BETWEEN == 0)
            yield f"a person {('walks', 'waves')[k // BETWEEN % 2]}"

    stream = quality.engine.motion(asked(), checkpoint=quality.checkpoint, seed=quality.seed)
    blocks: list[tuple[bool, Step]] = []
    for _ in range((CHANGES + 2) * BETWEEN):
        step = timed(lambda: next(stream))
        blocks.append((any(news), step))
        news.clear()
    found: Row = {}
    for name, new in (("changed", True), ("usual", False)):
        steps = [step for was, step in blocks[2 * BETWEEN :] if was is new]  # all has been read
        found[f"{name}_ms"] = 1000 * float(np.median([step.wall for step in steps]))
        found[f"{name}_cpu_ms"] = 1000 * float(np.median([step.cpu for step in steps]))
    return found


def measure(quality: Quality, kept: bool) -> Row:
    """Return all rows and what they were measured on."""
    start = time.monotonic()
    with kept_history(kept):
        rows = {
            "captions": captions(quality, 32 if quality.quick else 96),
            "commands": commands(quality, WHO[:1] if quality.quick else WHO),
            "call": call(quality),
        }
    about = {
        "checkpoint": quality.checkpoint,
        "history": "kept" if kept else "committed anew",
        "jerk_level": quality.jerk_level,
        "seed": quality.seed,
        "seconds": time.monotonic() - start,
    }
    return rows | {"about": about}


def main(
    data: reporting.MotionData = DATA,
    packs: reporting.Packs = "",
    split: reporting.Split = "auto",
    checkpoint: reporting.WhichMotion = "motion",
    checkpoints: reporting.TheirFolder = CHECKPOINTS,
    keep_history: Annotated[
        bool, typer.Option(help="Leave history as it was committed for the prompt before.")
    ] = False,
    as_json: reporting.AsJson = False,
    quick: Annotated[bool, typer.Option(help="A third of the switches.")] = False,
    seed: int = 0,
    seeds: reporting.Seeds = 1,
    evaluator: reporting.TheirEvaluator = None,
    out: reporting.Out = None,
) -> None:
    """Measure switches of the prompt."""
    with told_errors():
        opened = partial(
            open_quality, checkpoints, checkpoint, data, packs=packs, split=split, quick=quick
        )
        numbers = range(seed, seed + seeds)
        found = [measure(opened(seed=n, evaluator=evaluator), keep_history) for n in numbers]
        result = rounded(over_seeds(found))
    emit(result, quality_table, as_json=as_json, out=out)


if __name__ == "__main__":
    typer.run(main)
