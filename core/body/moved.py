"""Poses moved over the floor, or with joints elsewhere, and their features with them.

Features are what a stream goes on from and what is found alike; of theirs the root and the joints'
places follow, which all that decodes them is made from. The rest stays as it was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from core.body.features import LAYOUT
from core.body.rotations import about_y, quat_multiply, quat_rotate
from core.body.take import Poses

P = TypeVar("P", bound=Poses)


def moved(
    poses: P, shift: np.ndarray, yaw: np.ndarray | float = 0.0, speeds: np.ndarray | None = None
) -> P:
    """Return poses turned by `yaw` (T,), radians to the left about the origin, then shifted (T, 3).

    `speeds` (T, 4) are how fast the root gets a shift and a turn by that, meters and radians a
    pose; None where a motion is moved as a whole.
    """
    turn = about_y(np.broadcast_to(np.asarray(yaw, np.float64), len(poses)))
    shift = np.broadcast_to(shift, poses.root.shape)
    rotations = poses.rotations.copy()
    rotations[:, 0] = quat_multiply(turn, rotations[:, 0])
    out = {
        name: (quat_rotate(turn[:, None], array) + shift[:, None]).astype(np.float32)
        for name, array in {"joints": poses.joints, "unsolved": poses.unsolved}.items()
    }
    root = (quat_rotate(turn, poses.root) + shift).astype(np.float32)
    if speeds is not None:
        features = poses.features.copy()
        half = features[:, LAYOUT.turn]
        back = about_y(2 * half[:, 0] - speeds[:, 3] - _headings(poses) - yaw)
        features[:, LAYOUT.velocity] += quat_rotate(back, speeds[:, :3])[:, [0, 2]]
        half -= speeds[:, 3:] / 2  # half the turn, the other way round
        out["features"] = features
    return replace(poses, root=root, rotations=rotations, **out)


def posed(poses: P, root: np.ndarray, rotations: np.ndarray, joints: np.ndarray) -> P:
    """Return poses with other roots (T, 3), rotations (T, 22, 4) and joints (T, 22, 3)."""
    change = joints - poses.joints
    own = change - change[:, :1] * [1, 0, 1]
    own = quat_rotate(about_y(-_headings(poses))[:, None], own)
    features = poses.features.copy()
    features[:, LAYOUT.height] += own[:, 0, 1:2]
    features[:, LAYOUT.joints] += own[:, 1:].reshape(len(poses), -1)
    unsolved = (poses.unsolved + change).astype(np.float32)
    return replace(
        poses, root=root, rotations=rotations, joints=joints, features=features, unsolved=unsolved
    )


def _headings(poses: Poses) -> np.ndarray:
    """Return the angles (T,) from Z, to the left, that features see their joints from."""
    local = poses.features[:, LAYOUT.joints].reshape(len(poses), -1, 3).astype(np.float64)
    world = (poses.unsolved[:, 1:] - poses.unsolved[:, :1]).astype(np.float64)
    (lx, lz), (x, z) = ((a[..., 0], a[..., 2]) for a in (local, world))
    return np.arctan2((lz * x - lx * z).sum(axis=1), (lx * x + lz * z).sum(axis=1))
