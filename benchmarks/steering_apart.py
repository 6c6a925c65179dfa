"""What steering is measured on apart: long streams, gaps between known poses, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import cycle, islice

import numpy as np

from benchmarks import metrics
from benchmarks.motion_items import Item
from benchmarks.probes import Streams
from benchmarks.reporting import Row
from benchmarks.steering_figures import passed
from benchmarks.steering_runs import PAST, Run, bridged, drives, keyed, paths, stream, wandering
from core.body.skeleton import FPS
from core.steering.wishes import Wishes

APART = ("endurance", "between", "cost")
GAPS = (1, 2, 4)
"""Seconds between two known stretches."""


def endurance(engine: Streams, checkpoint: str, *, seed: int, quick: bool) -> Row:
    """Misses and sliding in the last and in the first fifth of long streams."""
    rng = np.random.default_rng(seed)
    (path,) = paths(rng, 1, points=10 if quick else 60)
    made = stream(engine, path, checkpoint, path.script)
    misses = [passed(made.joints, point).miss for point in path.wishes.waypoints]
    fifth = len(misses) // 5
    drive = wandering(rng, 20.0 if quick else 300.0)
    walked = stream(engine, drive, checkpoint, drive.script).joints
    part = len(walked) // 5
    return {
        "miss_cm_first_fifth": 100 * float(np.median(misses[:fifth])),
        "miss_cm_last_fifth": 100 * float(np.median(misses[-fifth:])),
        "drive_foot_skate_first_fifth": metrics.foot_skate([walked[:part]]),
        "drive_foot_skate_last_fifth": metrics.foot_skate([walked[-part:]]),
        "drive_seconds": drive.poses / FPS,
    }


def between(
    engine: Streams, checkpoint: str, items: Sequence[Item], gap: int, *, quick: bool
) -> Row:
    """How seconds between known poses land on the recording, and how they vary with the seed."""
    items = [item for item in items if len(item.features) > PAST + gap * FPS + 2]
    if not items:
        return {"n": 0}
    end = PAST + gap * FPS
    place, speed, truth, variety, middles = [], [], [], [], []
    for item in items[: 4 if quick else 24]:
        real, made = item.joints, []
        for seed in range(2 if quick else 8):
            run = bridged(item, gap, seed)
            joints = stream(engine, run, checkpoint, run.script).joints
            place.append(np.linalg.norm(joints[end, 0] - real[end, 0]))
            step = (joints[end] - joints[end - 1]) - (real[end] - real[end - 1])
            speed.append(FPS * np.linalg.norm(step, axis=-1).mean())
            truth.append(np.linalg.norm(joints[PAST:end] - real[PAST:end], axis=-1).mean())
            made.append(joints[PAST:end])
        off = np.stack(made) - np.mean(made, axis=0)
        variety.append(np.linalg.norm(off, axis=-1).mean())
        middles += made
    return {
        "n": len(place),
        "seam_place_cm": 100 * float(np.median(place)),
        "seam_speed_m_s": float(np.median(speed)),
        "off_truth_cm": 100 * float(np.median(truth)),
        "variety_cm": 100 * float(np.mean(variety)),
        "foot_skate": metrics.foot_skate(middles),
    }


def cost(engine: Streams, checkpoint: str, item: Item, *, quick: bool) -> Row:
    """CPU time of a pose with wishes over that without, in turns; empty wishes change no byte."""
    (path,), (drive, *_) = paths(np.random.default_rng(0), 1), drives([0])
    points, driven = path.wishes.waypoints, drive.wishes.drive
    wishes = {
        "plain": None,
        "nothing wanted": Wishes(),
        "waypoints": path.wishes,
        "drive": drive.wishes,
        "all": Wishes(waypoints=points, keys=keyed(item, 0).wishes.keys, drive=driven),
    }
    spent: dict[str, list[float]] = {name: [] for name in wishes}
    joints: dict[str, np.ndarray] = {}
    for name in islice(cycle(wishes), len(wishes) * (2 if quick else 10)):
        told = None if wishes[name] is None else ((0, wishes[name]),)
        run = Run(prompt=path.prompt, script=(), poses=80 if quick else 400, seed=0)
        start = time.process_time()
        joints[name] = stream(engine, run, checkpoint, told).joints
        spent[name].append(time.process_time() - start)
    plain = np.array(spent.pop("plain"))
    same = joints["plain"].tobytes() == joints["nothing wanted"].tobytes()
    ratios = {name: float(np.median(np.array(times) / plain)) for name, times in spent.items()}
    return {"cpu_over_plain": ratios, "nothing_wanted_same_bytes": same}
