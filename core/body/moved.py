"""Poses moved over the floor, or with joints elsewhere, and their features with them.

Features are what a stream goes on from and what is found alike; they see a body from its own
heading and do not change where it is moved. Of joints that change, features' places follow; that is
what poses are made from, and the rest stays as it was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from core.body.features import LAYOUT
from core.body.rotations import about_y, quat_multiply, quat_rotate
from core.body.take import Poses

P = TypeVar("P", bound=Poses)


def moved(poses: P, shift: np.ndarray, yaw: np.ndarray | float = 0.0) -> P:
    """Return poses turned by `yaw` (T,), radians to the left about the origin, then shifted (T, 3).

    One number, one vector for a motion that is moved as a whole.
    """
    turn = about_y(np.broadcast_to(np.asarray(yaw, np.float64), len(poses)))
    shift = np.broadcast_to(shift, poses.root.shape)
    rotations = poses.rotations.copy()
    rotations[:, 0] = quat_multiply(turn, rotations[:, 0])
    return replace(
        poses,
        root=_placed(turn, poses.root, shift),
        rotations=rotations,
        joints=_placed(turn[:, None], poses.joints, shift[:, None]),
        unsolved=_placed(turn[:, None], poses.unsolved, shift[:, None]),
    )


def _placed(turn: np.ndarray, points: np.ndarray, shift: np.ndarray) -> np.ndarray:
    return (quat_rotate(turn, points) + shift).astype(np.float32)


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
