"""By how much wishes are missed, in meters, degrees and seconds; joints are (T, 22, 3) in a world.

Poses are counted from the take's first one. A place is that of the pelvis over the floor, smoothed
over a fifth of a second; a velocity is that of the smoothed place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from benchmarks import metrics
from benchmarks.directions import heading
from benchmarks.steering_runs import key_joints
from core.body.skeleton import FPS
from core.steering.keys import ENDS
from core.steering.wishes import KeyPose, Waypoint

SMOOTH = 2.0
"""Poses, deviation of the filter on places."""
NEAR = 4
"""Poses before and after its time at which a way-point may be passed, too."""
AROUND = 6
"""Poses before and after a key at which jitter is looked for."""


@dataclass(frozen=True, kw_only=True)
class Passed:
    """How a way-point was passed."""

    miss: float
    """Meters off at its time."""
    nearest: float
    """Meters off at the best time within .2 s."""
    facing: float
    """Degrees off, NaN where none was wanted."""


@dataclass(frozen=True, kw_only=True)
class Response:
    """How a body took up another velocity; what was never reached took all the time there was."""

    t50: float
    """Seconds until half of the change was made."""
    t90: float
    responds: bool
    """Whether half of it was made at all, by a body that did before what it was told before."""
    overshoot: float
    """How much further than wanted it went at most, as a share of the change."""
    angle: float
    """Degrees that it goes astray in the end, NaN where it was to stand."""
    speed: float
    """Share of the wanted speed that it is off in the end; m/s where it was to stand."""


def places(joints: np.ndarray) -> np.ndarray:
    """Smoothed places (T, 2) on the floor, x and z."""
    return gaussian_filter1d(joints[:, 0, [0, 2]], SMOOTH, axis=0, mode="nearest")


def passed(joints: np.ndarray, point: Waypoint, at: float | None = None) -> Passed:
    """Say how a way-point was passed at its time, or at another (seconds)."""
    pose = min(round((point.at if at is None else at) * FPS), len(joints) - 1)
    off = np.linalg.norm(places(joints) - point.place, axis=1)
    facing = np.nan
    if point.facing is not None:
        yaw = np.degrees(gaussian_filter1d(heading(joints), SMOOTH, mode="nearest")[pose])
        facing = abs((yaw - point.facing + 180) % 360 - 180)
    nearest = off[max(pose - NEAR, 0) : pose + NEAR + 1].min()
    return Passed(miss=float(off[pose]), nearest=float(nearest), facing=float(facing))


def key_misses(joints: np.ndarray, key: KeyPose) -> tuple[float, float]:
    """Mean distance (m) of the joints that a key holds, in the world and beside the pelvis."""
    wanted, made = key_joints(key), joints[min(round(key.at * FPS), len(joints) - 1)]
    held = slice(None) if "body" in key.parts else [ENDS[part] for part in key.parts]
    off = np.linalg.norm(made - wanted, axis=1)[held]
    beside = np.linalg.norm(made - made[0] - (wanted - wanted[0]), axis=1)[held]
    return float(off.mean()), float(beside.mean())


def jitter(joints: np.ndarray, pose: int) -> float:
    """Mean jerk (m/frame^3) around a pose."""
    return float(metrics.jerk(joints[max(pose - AROUND, 0) : pose + AROUND + 1]).mean())


def response(
    joints: np.ndarray, event: int, told: tuple[float, float], wanted: tuple[float, float]
) -> Response:
    """Say how a body took up a wanted velocity (x, z) in m/s at pose `event`, told another before.

    Progress is how far its velocity has come from the one to the other, so that speed and
    direction count together.
    """
    velocity = np.gradient(places(joints), axis=0) * FPS
    change = np.subtract(wanted, told)
    progress = (velocity[event:] - told) @ change / (change @ change)
    obeyed = (velocity[event - NEAR] - told) @ change < 0.5 * (change @ change)
    end = velocity[-FPS - NEAR : -NEAR].mean(0)  # the filter shortens the very last steps
    goal, speed = float(np.hypot(*wanted)), float(np.linalg.norm(end))
    angle = np.nan
    if goal > 0:
        cross, dot = end[0] * wanted[1] - end[1] * wanted[0], end @ wanted
        angle = float(np.degrees(abs(np.arctan2(cross, dot))))
    return Response(
        t50=_when(progress, 0.5) if obeyed else len(progress) / FPS,
        t90=_when(progress, 0.9) if obeyed else len(progress) / FPS,
        responds=bool(obeyed and progress.max() >= 0.5),
        overshoot=max(float(progress.max()) - 1, 0.0),
        angle=angle,
        speed=abs(speed - goal) / goal if goal else speed,
    )


def turn(joints: np.ndarray, event: int, wanted: float) -> tuple[float, float]:
    """Say how a body that looked along Z turned to where it was to look (degrees) from a pose on.

    Returns seconds until half of the turn was made (NaN where there was none to make), and degrees
    off in the last second.
    """
    off = np.angle(np.exp(1j * (heading(joints)[event:] - np.radians(wanted))), deg=True)
    half = _when(1 - np.abs(off / wanted), 0.5) if wanted else np.nan
    return half, float(np.abs(off[-FPS:]).mean())


def _when(progress: np.ndarray, share: float) -> float:
    """Seconds until progress (T,) first reaches a share, all of them where it never does."""
    reached = progress >= share
    return float(reached.argmax() if reached.any() else len(reached)) / FPS
