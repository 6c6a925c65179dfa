"""Feet on the floor: what a camera cannot tell about a person's path, their standing feet can.

A camera sees well how a body moves across the picture and badly how far away it is. So steps of
the root follow the foot that stands, wherever one does, and the camera keeps the sum of them near
the truth; heights follow the lowest foot, and the camera only says how high a jump goes.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solveh_banded
from scipy.ndimage import gaussian_filter1d, grey_opening

from core.body.feet import holding
from core.body.skeleton import FEET, FPS, REST_JOINTS

SOLES = REST_JOINTS[FEET, 1].astype(np.float64)
"""Heights (m) of ankles and toes that stand on the floor."""
LOW, HIGH = 0.03, 0.08
"""Heights (m) over the floor below which a joint of a foot stands and above which it does not."""
SLOW, FAST = 0.45, 1.0
"""Speeds (m/s) likewise."""
JUMP, GRAZE = 0.06, 0.03
"""A body this high (m) over its usual height has left the floor; less than GRAZE is noise."""
SWERVE = 0.003
"""Second difference (m) of the path that is expected; larger ones are made smaller."""
STEADY = 1.0
"""Poses over which the root's height is averaged."""
LOWEST_CAMERA = 0.3
"""A camera less high (m) above the floor sees nothing of what moves on it to and fro."""
FLIGHT = round(0.9 * FPS)
"""Poses of the longest flight."""
SOFT = 0.01
"""Meters within which feet share being the lowest, so that the root does not jerk from one to
the other."""
CAMERA_PATH, CAMERA_STEP, STANCE_STEP = 0.15, 0.015, 0.005
"""Errors (m) expected of the camera's path, of its steps from pose to pose, and of steps that are
told by a standing foot."""


_BEND = ((0, 0, 1), (1, 1, 4), (2, 2, 1), (0, 1, -2), (1, 2, -2), (0, 2, 1))
"""(1, -2, 1) times itself: what a squared second difference adds to a symmetric system."""


def place_on_floor(
    joints: np.ndarray, path: np.ndarray, feet: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Root path (T, 3) on the floor and contacts (T, 4), 0 to 1, of FEET.

    `joints` (T, 22, 3) are relative to a point whose way `path` (T, 3) the camera saw; `feet`
    (T, 4, 3) are heels and toes as it saw them. Both are relative to the camera; Y is up.
    """
    soles = feet[..., 1].min(axis=1)
    floor = grey_opening(soles, size=FLIGHT, mode="nearest")
    near = joints[:, FEET]
    low = near[..., 1] - SOLES
    lowest = -SOFT * np.log(np.exp(-(low - low.min()) / SOFT).sum(axis=1)) + low.min()
    hips = path[:, 1] - grey_opening(path[:, 1], size=FLIGHT + FPS // 4, mode="nearest")
    height = _jumps(np.minimum(soles - floor, hips)) - gaussian_filter1d(
        lowest, STEADY, mode="nearest"
    )
    firm = holding(low + height[:, None], LOW, HIGH) * holding(_speeds(feet, floor), SLOW, FAST)
    across = _walk(near[..., [0, 2]], firm, path[:, [0, 2]] - path[0, [0, 2]])
    return np.stack([across[:, 0], height, across[:, 1]], axis=1), firm


def _speeds(feet: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Speeds (T, 4) in m/s of feet where their lines of sight meet the floor.

    That a foot stands still is seen in the picture, however badly its distance is known.
    """
    down = -float(np.median(floor))
    if down > LOWEST_CAMERA:
        feet = feet * (down / np.maximum(-feet[..., 1:2], down / 2))
    return np.linalg.norm(np.gradient(feet[..., [0, 2]], axis=0), axis=-1) * FPS


def _jumps(lift: np.ndarray) -> np.ndarray:
    """Heights (T,) of flights: short peaks, else it is the floor that is further than thought."""
    return (1 - holding(lift, GRAZE, JUMP)) * lift


def _walk(feet: np.ndarray, firm: np.ndarray, path: np.ndarray) -> np.ndarray:
    """The path (T, 2) that least contradicts camera and standing feet: a banded linear system.

    `feet` (T, 4, 2) are relative to it, `firm` (T, 4) tells how sure each of them stands.
    """
    if len(path) < 3:
        return path
    both = np.minimum(firm[:-1], firm[1:])
    steps = -(both[..., None] * np.diff(feet, axis=0)).sum(1) / np.maximum(
        both.sum(1, keepdims=True), 1e-6
    )
    stance = both.max(axis=1) / STANCE_STEP**2
    free = np.full(len(stance), 1 / CAMERA_STEP**2)
    wanted = stance[:, None] * steps + free[:, None] * np.diff(path, axis=0)
    strength = stance + free
    bands = np.zeros((3, len(path)))  # row 2 - k: the k-th diagonal above the main one
    bands[2] = 1 / CAMERA_PATH**2
    bands[2, :-1] += strength
    bands[2, 1:] += strength
    bands[1, 1:] -= strength
    for i, j, value in _BEND:  # squared second differences
        bands[2 - (j - i), j : len(path) - 2 + j] += value / SWERVE**2
    right = path / CAMERA_PATH**2
    right[:-1] -= wanted
    right[1:] += wanted
    return solveh_banded(bands, right)
