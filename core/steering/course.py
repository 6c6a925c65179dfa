"""Where a stream's body is, and where it goes."""

from __future__ import annotations

import numpy as np

from core.body.features import contacts, facing
from core.body.feet import holding
from core.body.rotations import (
    about_y,
    quat_from_axis_angle,
    quat_inverse,
    quat_multiply,
    quat_rotate,
    quat_to_axis_angle,
)
from core.body.skeleton import ANKLES, FPS
from core.body.take import Poses
from core.steering.wishes import KeyPose

SPAN = 8
"""Poses over which the speeds of the root are told."""
KNOWN = 10
"""Poses ahead that are told by what is known of them."""
_GOING = 4
"""Poses for which joints and headings go on as they move where nothing is known."""
_STILL, _MOVING = 0.2, 0.6
"""Speeds (m/s) of a root that stands over its feet, and that walks over them."""
_FLAT = np.array([1.0, 0, 1])
Due = tuple[int, KeyPose]
"""A key and the number of its pose."""
Dues = list[Due | None]
"""For each pose the key that it is led to."""


class Course:
    """Some poses as they come, in float64, and how they go on.

    What is known of the next ones is used, KNOWN poses far; otherwise joints and heading go on for
    a moment as they move, the root for good.
    """

    def __init__(self, tail: Poses | None, poses: Poses, ahead: Poses | None) -> None:
        """`tail` are the SPAN poses before them, fewer at the beginning of a stream."""
        before = poses[:0] if tail is None else tail
        stood = [(before if len(before) else poses)[:1]] * (SPAN - len(before))
        every = Poses.concatenate([*stood, before, poses, *([ahead] if ahead else [])])
        self._size = len(poses)
        self.tail = every[len(poses) : len(poses) + SPAN]
        """Before the poses that follow."""
        self._every = root, rotations, joints, look = (
            *(x.astype(np.float64) for x in (every.root, every.rotations, every.joints)),
            np.unwrap(facing(every.joints)),
        )
        here = slice(SPAN, SPAN + len(poses))
        self.root, self.rotations, self.joints, self.facing = (x[here] for x in self._every)
        ago, just = slice(0, len(poses)), slice(SPAN - 2, SPAN - 2 + len(poses))
        self._speed = (self.root - root[ago]) / SPAN * _FLAT
        self._turned = (self.facing - look[ago]) / SPAN
        self._turning = quat_to_axis_angle(
            quat_multiply(self.rotations, quat_inverse(rotations[just]))
        )
        self._moving = (self.joints - joints[just]) / 2
        self._yaw, self._turn = np.zeros(len(poses)), about_y(np.zeros(len(poses)))
        self.contacts = contacts(poses.features)
        self.stands = self.contacts.reshape(-1, 2, 2).max(axis=2)
        """Which feet do, (T, 2)."""

    def __len__(self) -> int:
        return self._size

    def _known(self, i: int, left: int) -> int | None:
        """Return where what pose i is in `left` poses stands among all, None if that is unknown."""
        k = SPAN + i + left
        return k if left <= KNOWN and k < len(self._every[0]) else None

    def move(self, poses: Poses, yaw: np.ndarray) -> None:
        """Have the poses elsewhere, turned by `yaw` (T,) about their roots, and what follows."""
        self.root, self.rotations, self.joints = (
            x.astype(np.float64) for x in (poses.root, poses.rotations, poses.joints)
        )
        self.facing = self.facing + yaw
        self._yaw, self._turn = yaw, about_y(yaw)

    def turned(self, i: int, left: int) -> tuple[np.ndarray, float]:
        """Return the rotations (22, 4) of pose i in `left` poses, and the heading that their pelvis
        is seen from: the one of now, where it is not known how that goes on."""
        k = self._known(i, left)
        if k is not None:
            there = self._every[1][k].copy()
            there[0] = quat_multiply(self._turn[i], there[0])
            return there, float(self._every[3][k] + self._yaw[i])
        going = self._turning[i] / 2 * _fading(left)
        going[0] = 0
        there = quat_multiply(quat_from_axis_angle(going), self.rotations[i])
        return there, float(self.facing[i])

    def height(self, i: int, left: int) -> float:
        """Return how high the root of pose i is in `left` poses."""
        k = self._known(i, left)
        return float(self.root[i, 1] if k is None else self._every[0][k, 1])

    def turns(self, i: int, left: int) -> float:
        """Return by how much (rad) pose i turns to the left in `left` poses."""
        k = self._known(i, left)
        if k is None:
            return self._turned[i] * _fading(left)
        return float(self._every[3][k] - self._every[3][SPAN + i])

    def travels(self, i: int, left: int) -> np.ndarray:
        """Return how far (3,) the root of pose i goes over the floor in `left` poses."""
        k = self._known(i, left)
        if k is None:
            return self._speed[i] * left
        return (self._every[0][k] - self._every[0][SPAN + i]) * _FLAT

    def goes(self, i: int, left: int, joint: int) -> np.ndarray:
        """Return how far (3,) a joint of pose i goes in `left` poses."""
        k = self._known(i, left)
        if k is None:
            travels = self._speed[i] * _fading(left)
            goes = self._moving[i, joint] * _fading(left)
        else:
            travels = self.travels(i, left)
            goes = self._every[2][k, joint] - self._every[2][SPAN + i, joint]
        return travels + quat_rotate(self._turn[i], goes - travels)

    def over_feet(self, i: int, left: int, feet: np.ndarray) -> np.ndarray:
        """Return the shift (3,) over the floor that puts feet, ankles at (2, 3), where those that
        stand in pose i are in `left` poses; none where the root walks over them."""
        pace = np.hypot(self._speed[i, 0], self._speed[i, 2]) * FPS
        share = self.stands[i] * holding(pace, _STILL, _MOVING) / max(self.stands[i].sum(), 1)
        there = [self.joints[i, ankle] + self.goes(i, left, ankle) for ankle in ANKLES]
        return (share[:, None] * (np.stack(there) - feet)).sum(axis=0) * _FLAT


def _fading(poses: int) -> float:
    """Return for how many poses a speed holds in the next so many: it dies away."""
    return _GOING * (1 - float(np.exp(-poses / _GOING)))
