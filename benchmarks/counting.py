"""How often a body jumps, steps, waves or kicks, and whether it then stands: plain geometry.

Nothing here knows the model, its features or its contact flags. Joints are (T, 22, 3) meters at 20
poses a second, Y up; a joint's standing height is the height it is seldom below.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from benchmarks.directions import heading
from core.body.skeleton import ANKLES, ELBOWS, FEET, FPS, TOES, WRISTS

OFF_GROUND, BACK_ON_GROUND = 0.06, 0.03
"""Heights (m) over their standing height that all joints of both feet exceed in a jump, and below
which one of them ends it."""
PLANTED_SPEED, PLANTED_HEIGHT = 0.4, 0.05
"""A foot slower than this (m/s) and lower than this (m) over its standing height is planted."""
STEP = 0.15
"""Meters between two plants of a foot that make a step."""
SWING = 0.06
"""Prominence (m) of a wrist's swing, seen from the elbow, that counts as waving."""
RAISED = 0.1
"""Meters that a wrist is above its elbow while it waves."""
KICK_HEIGHT, KICK_REACH = 0.2, 0.4
"""Height (m) of an ankle over its standing height, and its distance (m) from the pelvis over the
floor, in a kick."""
KICK_BEHIND = 0.25
"""Meters behind the pelvis beyond which a foot is on its way, and does not kick."""
STILL_ROOT, STILL_HANDS = 0.15, 0.3
"""Mean speeds (m/s) of who stands still."""


def jumps(joints: np.ndarray) -> int:
    """Count how often both feet leave the floor."""
    height = _over_standing(joints, FEET).min(1)
    return len(_runs(height, OFF_GROUND, BACK_ON_GROUND))


def steps(joints: np.ndarray) -> int:
    """Count how often a foot is planted elsewhere than where it stood before."""
    return sum(_plants(joints, foot) for foot in zip(ANKLES, TOES, strict=True))


def waves(joints: np.ndarray) -> int:
    """Count how often the busier wrist swings to and fro while its forearm is raised."""
    return max(_swings(joints, *arm) for arm in zip(WRISTS, ELBOWS, strict=True))


def kicks(joints: np.ndarray) -> int:
    """Count how often a foot is thrown forward or to the side, well off the floor."""
    yaw, found = heading(joints), 0
    for ankle in ANKLES:
        away = (joints[:, ankle] - joints[:, 0])[:, [0, 2]]
        ahead = away[:, 0] * np.sin(yaw) + away[:, 1] * np.cos(yaw)
        reach = np.linalg.norm(away, axis=-1) * (ahead > -KICK_BEHIND)
        high = _over_standing(joints, [ankle])[:, 0] / KICK_HEIGHT
        found += len(_runs(np.minimum(high, reach / KICK_REACH), 1.0, 0.6))
    return found


def stands_still(joints: np.ndarray, seconds: float = 1.0) -> bool:
    """Say whether the root and the hands rest at the end."""
    last = joints[-round(seconds * FPS) - 1 :]
    speeds = np.linalg.norm(np.diff(last, axis=0), axis=-1).mean(0) * FPS
    return bool(speeds[0] < STILL_ROOT and speeds[WRISTS].max() < STILL_HANDS)


def _over_standing(joints: np.ndarray, which: list[int]) -> np.ndarray:
    """Heights (T, len(which)) of joints over their own standing heights."""
    heights = joints[:, which, 1]
    return heights - np.quantile(heights, 0.1, axis=0)


def _runs(values: np.ndarray, begin: float, end: float) -> list[tuple[int, int]]:
    """First and last index of each stretch that exceeds `begin` and has not fallen below `end`."""
    runs: list[tuple[int, int]] = []
    inside = False
    for i, value in enumerate(values):
        if not inside and value > begin:
            inside = True
            runs.append((i, i))
        elif inside and value > end:
            runs[-1] = (runs[-1][0], i)
        else:
            inside = False
    return runs


def _plants(joints: np.ndarray, foot: tuple[int, int]) -> int:
    """Count the plants of a foot that lie a step away from the one before."""
    place = joints[:, foot].mean(1)
    speed = np.linalg.norm(np.gradient(place, axis=0), axis=-1) * FPS
    low = _over_standing(joints, list(foot)).min(1) < PLANTED_HEIGHT
    found, before = 0, place[0]
    for first, last in _runs((low & (speed < PLANTED_SPEED)).astype(float), 0.5, 0.5):
        here = place[first : last + 1].mean(0)
        if np.linalg.norm((here - before)[[0, 2]]) > STEP:
            found, before = found + 1, here
    return found


def _swings(joints: np.ndarray, wrist: int, elbow: int) -> int:
    """Count the turning points of a raised forearm's main swing, those of one end of it.

    Only what it does over the floor counts: arms go up and down once for every wave, too.
    """
    arm = joints[:, wrist] - joints[:, elbow]
    raised = arm[:, 1] > RAISED
    if raised.sum() < 4:
        return 0
    yaw = heading(joints)
    ahead = arm[:, 0] * np.sin(yaw) + arm[:, 2] * np.cos(yaw)
    left = arm[:, 0] * np.cos(yaw) - arm[:, 2] * np.sin(yaw)
    swing = np.stack([left, ahead], axis=1)[raised]
    swing = gaussian_filter1d(swing - swing.mean(0), 1, axis=0, mode="nearest")
    main = swing @ np.linalg.svd(swing, full_matrices=False)[2][0]
    return max(len(find_peaks(side, prominence=SWING)[0]) for side in (main, -main))
