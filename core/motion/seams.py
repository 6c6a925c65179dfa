"""How a middle is joined to the sides of an edit: where it stands, what bends it, how well it fits.

Middles come two poses longer than they shall be; what these two are like is how they meet the next
side.
"""

from __future__ import annotations

import numpy as np

from core.body.features import contacts, facing
from core.body.moved import P, moved, posed
from core.body.rotations import (
    about_y,
    quat_continuous,
    quat_from_axis_angle,
    quat_inverse,
    quat_multiply,
    quat_rotate,
    quat_to_axis_angle,
)
from core.body.skeleton import ANKLES, FPS, TOES, forward
from core.body.take import Poses, Take
from core.steering.limbs import Stance
from core.steering.ramps import ease

EASE = 12
"""Poses in which the last difference of speed goes."""


def bend(row: Poses, before: Take, first: Poses, yaw: float) -> tuple[Poses, float]:
    """Turn and shift a path, all along it, until it ends where the next side begins; return it and
    by how many meters."""
    poses = len(row) - 2
    root = np.concatenate([before.root[-1:], row.root]).astype(np.float64) * [1, 0, 1]
    steps = np.diff(root, axis=0)
    t = np.arange(1, len(row) + 1) / (poses + 1)
    rate = np.where(t < 1, 30 * t**2 * np.maximum(1 - t, 0) ** 2, 0)
    rate *= 0.3 + np.linalg.norm(steps, axis=1) * FPS  # the more, the faster it goes
    share = np.cumsum(rate) / rate[: poses + 1].sum()
    turn = yaw * share
    path = root[0] + np.cumsum(quat_rotate(about_y(turn), steps), axis=0)
    lacks = first.root[0] * [1, 0, 1] - path[poses]
    path += share[:, None] * lacks
    row = moved(row, path - quat_rotate(about_y(turn), row.root * [1, 0, 1]), turn)
    root, local = Stance().push(
        row.root.astype(np.float64),
        row.rotations.astype(np.float64),
        contacts(row.features),
        row.joints[:, ANKLES].astype(np.float64),
    )
    return _shown(row, root, local), float(np.linalg.norm(lacks))


def speed_up(row: Poses, first: Poses) -> Poses:
    """Let a middle, two poses too long, come to the next side's first poses with their speed."""
    end = len(row) - 2
    goal, last = first.rotations.astype(np.float64), row.rotations[end:].astype(np.float64)
    turns = quat_to_axis_angle(quat_multiply(goal, quat_inverse(last))).reshape(2, -1)
    gap = np.concatenate([turns, first.root - row.root[end:]], axis=1)
    length = min(EASE, end)
    fade = ease(gap[0], gap[0] - gap[1], length + 1)[:0:-1]  # backwards in time, without the seam
    local, root = row.rotations.astype(np.float64), row.root.astype(np.float64)
    near = slice(end - length, end)
    turns = quat_from_axis_angle(fade[:, :-3].reshape(length, -1, 3))
    local[near] = quat_multiply(turns, local[near])
    root[near] += fade[:, -3:]
    return _shown(row, root, local)


def _shown(row: Poses, root: np.ndarray, local: np.ndarray) -> Poses:
    local = quat_continuous(local).astype(np.float32)
    root = root.astype(np.float32)
    return posed(row, root, local, forward(root, local)[0])


def put(poses: P, number: int, there: Poses) -> P:
    """Return poses moved so that pose `number` stands and looks like the first one there."""
    yaw = facing(there.joints[:1])[0] - facing(poses.joints[number : number + 1])[0]
    root = quat_rotate(about_y(yaw), poses.root[number].astype(np.float64))
    return moved(poses, (there.root[0] - root) * [1, 0, 1], yaw)


def apart(some: Poses, others: Poses) -> float:
    """Return how far apart (m) joints of two poses are, and where they will be a moment on."""
    seen = []
    for poses in (some, others):
        back = about_y(-facing(poses.joints[:1])[0])
        local = quat_rotate(back, poses.joints[:2] - poses.joints[:1, :1] * [1, 0, 1])
        seen.append(np.stack([local[0], local[0] + 2 * (local[1] - local[0])]))
    return float(np.linalg.norm(seen[0] - seen[1], axis=-1).mean())


def slide(poses: Poses) -> float:
    """Return the mean speed (m/s) over the floor of toes that stand."""
    stand = contacts(poses.features)[:, 1::2]
    steps = np.diff(poses.joints[:, TOES][..., [0, 2]], axis=0)
    held = stand[1:] & stand[:-1]
    return float((np.linalg.norm(steps, axis=-1) * held).sum() / max(held.sum(), 1)) * FPS
