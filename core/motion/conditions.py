"""Wishes in numbers: what a steering adapter is told, as seen from where the body is.

Everything is told in the frame F of the next pose: its point on the floor is the origin, it faces
Z, X is to its left. They are made anew for every block: who is told again and again how far it is
off gets there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.body.features import LAYOUT
from core.body.skeleton import FPS, JOINTS
from core.motion.vae import STRIDE

KINDS = ("drive", "point", "key")
WIDTH = 96
"""Numbers of a condition; what a kind has no use for is zero."""
MOST = 16
"""Conditions at once."""
HORIZON = 8.0
"""Seconds ahead; what is further away waits."""
AHEAD = 5
"""Blocks ahead of which a drive tells where they end."""
_NEAR = 0.1
"""Meters below which distances are told linearly."""


@dataclass(frozen=True)
class Conditions:
    """What is wanted, in rows as a network takes them."""

    kinds: np.ndarray
    """(N,) int64, indices into KINDS."""
    times: np.ndarray
    """(N,) float32, latents from the next pose."""
    numbers: np.ndarray
    """(N, WIDTH) float32."""

    def __len__(self) -> int:
        return len(self.kinds)


def gather(rows: list[tuple[str, float, np.ndarray]]) -> Conditions:
    """Return the nearest conditions of rows (kind, seconds from the next pose, numbers)."""
    rows = sorted((r for r in rows if 0 <= r[1] <= HORIZON), key=lambda r: r[1])[:MOST]
    numbers = np.zeros((len(rows), WIDTH), np.float32)
    for row, (_, _, values) in zip(numbers, rows, strict=True):
        row[: len(values)] = values
    kinds = np.array([KINDS.index(kind) for kind, _, _ in rows], np.int64)
    times = np.array([seconds * FPS / STRIDE for _, seconds, _ in rows], np.float32)
    return Conditions(kinds, times, numbers)


def drive(place: np.ndarray, facing: float | None, speed: float, turn: float) -> np.ndarray:
    """Tell where a block is to end: place (2,) and facing in F, speed (m/s), yaw rate (rad/s)."""
    return np.array([*place, *_angle(facing), speed, turn], np.float32)


def point(
    place: np.ndarray, seconds: float, facing: float | None = None, stop: bool = False
) -> np.ndarray:
    """Tell a way-point: place (2,) and facing in F."""
    distance = float(np.hypot(*place))
    unit = np.asarray(place) / max(distance, 1e-6)
    pace = distance / max(seconds, 1 / FPS)
    far = np.log1p(distance / _NEAR) / 2
    return np.array([*unit, far, pace, seconds / 4, *_angle(facing), stop], np.float32)


def key(
    joints: np.ndarray,
    held: np.ndarray,
    seconds: float,
    place: np.ndarray | None = None,
    facing: float | None = None,
) -> np.ndarray:
    """Tell a key pose: joints (22, 3) in its own root's frame, which of them are held (22,)."""
    shown = np.where(held[:, None], joints, 0.0)
    where = [0.0, 0.0, 0.0] if place is None else [1.0, *place]
    return np.array([*shown.ravel(), *held, *where, *_angle(facing), seconds / 4], np.float32)


def _angle(facing: float | None) -> list[float]:
    return [0.0, 0.0, 0.0] if facing is None else [1.0, np.cos(facing), np.sin(facing)]


def path(features: np.ndarray) -> np.ndarray:
    """Return x, z and yaw (T + 1, 3) of the roots of features (T, 263) and of the pose after them.

    The first stands at the origin; yaw is in radians from Z and grows to the left.
    """
    yaw = -2 * np.cumsum(features[:, LAYOUT.turn.start], dtype=np.float64)
    step = features[:, LAYOUT.velocity].astype(np.float64)
    x = step[:, 0] * np.cos(yaw) + step[:, 1] * np.sin(yaw)
    z = step[:, 1] * np.cos(yaw) - step[:, 0] * np.sin(yaw)
    found = np.cumsum(np.stack([x, z], axis=-1), axis=0)
    return np.insert(np.concatenate([found, yaw[:, None]], axis=1), 0, 0.0, axis=0)


def rooted(features: np.ndarray) -> np.ndarray:
    """Return joints (..., 22, 3) of features (..., 263) as seen from the root's floor point."""
    local = features[..., LAYOUT.joints].reshape(*features.shape[:-1], len(JOINTS) - 1, 3)
    root = np.zeros_like(local[..., :1, :])
    root[..., 0, 1] = features[..., LAYOUT.height.start]
    return np.concatenate([root, local], axis=-2)
