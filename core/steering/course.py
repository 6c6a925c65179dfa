"""Where a stream's body is and goes, and a path under it that is shifted and turned for good."""

from __future__ import annotations

import numpy as np

from core.body.features import contacts, facing
from core.body.feet import holding
from core.body.moved import moved
from core.body.rotations import (
    about_y,
    quat_inverse,
    quat_multiply,
    quat_rotate,
    quat_to_axis_angle,
)
from core.body.skeleton import ANKLES, FPS
from core.body.take import Poses
from core.steering.ramps import Ramp
from core.steering.wishes import KeyPose

SPAN = 8
"""Poses over which the speeds of the root are told."""
_AHEAD = 4
"""Poses for which joints and headings go on as they move."""
_STILL, _MOVING = 0.2, 0.6
"""Speeds (m/s) of a root that stands over its feet, and that walks over them."""
MOST_SHIFT, MOST_TURN = 0.15, np.radians(45)
"""Farthest (m, rad) that a key moves the path: feet follow that by their own steps."""


def fading(poses: np.ndarray | int) -> np.ndarray:
    """Return for how many poses a speed holds in the next so many: it dies away."""
    return _AHEAD * (1 - np.exp(-np.asarray(poses, np.float64) / _AHEAD))


Aim = tuple[int, KeyPose]
"""A key and the number of its pose."""
Aims = list[Aim | None]
"""For each pose the key that it is led to."""


class Course:
    """Some poses as they come, in float64, and how they move."""

    def __init__(self, tail: Poses | None, poses: Poses) -> None:
        """`tail` are the SPAN poses ahead of them, fewer at the beginning of a stream."""
        ahead = poses[:0] if tail is None else tail
        stood = [(ahead if len(ahead) else poses)[:1]] * (SPAN - len(ahead))
        every = Poses.concatenate([*stood, ahead, poses])
        self.tail = every[-SPAN:]
        """Ahead of the poses that follow."""
        root, rotations, joints = (
            array.astype(np.float64) for array in (every.root, every.rotations, every.joints)
        )
        look = np.unwrap(facing(joints))
        self.root, self.rotations, self.joints, self.facing = (
            array[SPAN:] for array in (root, rotations, joints, look)
        )
        self.before = root[SPAN - 1]
        """The root ahead of the first pose."""
        self.speed = (root[SPAN:] - root[:-SPAN]) / SPAN * [1, 0, 1]
        """Of the root over the floor, a pose."""
        self.turned = (look[SPAN:] - look[:-SPAN]) / SPAN
        """Radians a pose, to the left."""
        twice = quat_multiply(self.rotations, quat_inverse(rotations[SPAN - 2 : -2]))
        self.turning = quat_to_axis_angle(twice) / 2
        """Rotation vectors a pose (T, 22, 3), of joints seen from their parents."""
        self.moving = (self.joints - joints[SPAN - 2 : -2]) / 2
        """Of the joints, a pose (T, 22, 3)."""
        self.contacts = contacts(poses.features)
        self.stands = self.contacts.reshape(-1, 2, 2).any(axis=2)
        """Which feet do, (T, 2)."""

    def over_feet(self, rows: np.ndarray, feet: np.ndarray) -> np.ndarray:
        """Return the shift (K, 3) on the floor that puts feet, ankles at (K, 2, 3), where those
        stand that do; none where the root walks over them."""
        stands = self.stands[rows].astype(np.float64)
        pace = np.hypot(self.speed[rows, 0], self.speed[rows, 2]) * FPS
        share = stands * holding(pace, _STILL, _MOVING)[:, None]
        share /= np.maximum(stands.sum(axis=1, keepdims=True), 1)
        apart = self.joints[rows][:, ANKLES] - feet
        return (share[..., None] * apart).sum(axis=1) * [1, 0, 1]


class Path:
    """Shift and turn of what comes, led to the places and headings of keys."""

    def __init__(self, start: np.ndarray) -> None:
        """Begin with the root at `start` (3,), where it is."""
        self._out = start * [1, 0, 1]
        self._shift, self._yaw = Ramp(3), Ramp(1)
        self._since: tuple[KeyPose | None, np.ndarray, float] = (None, np.zeros(3), 0.0)

    def push(self, poses: Poses, course: Course, first: int, aims: Aims) -> Poses:
        """Return the next poses, which are those of the course, on the path."""
        steps = np.diff(course.root, axis=0, prepend=course.before[None]) * [1, 0, 1]
        out = [self._step(course, i, steps[i], first + i, aim) for i, aim in enumerate(aims)]
        floor, yaw, speeds = (np.stack(column) for column in zip(*out, strict=True))
        shift = floor - quat_rotate(about_y(yaw), course.root * [1, 0, 1])
        return moved(poses, shift, yaw, speeds)

    def _step(
        self, course: Course, i: int, step: np.ndarray, at: int, aim: Aim | None
    ) -> tuple[np.ndarray, float, np.ndarray]:
        """Return where the root is on the floor (3,), the turn, and how fast (4,) the shift and the
        turn go on."""
        due, key = aim or (at, None)
        left = due - at
        if key != self._since[0]:
            self._since = key, self._shift.value.copy(), float(self._yaw.value[0])
        _, shifted, turned = self._since
        yaw = goal = float(self._yaw.value[0])
        if key is not None and key.facing is not None:
            there = course.facing[i] + course.turned[i] * fading(left)
            lacks = np.remainder(np.radians(key.facing) - there - turned + np.pi, 2 * np.pi) - np.pi
            goal = turned + np.clip(lacks, -MOST_TURN, MOST_TURN)
        yaw = float(self._yaw.step(goal, left + 1)[0])
        turn = about_y(np.float64(yaw))
        self._out = self._out + quat_rotate(turn, step)
        before = goal = self._shift.value
        if key is not None and key.place is not None:
            there = self._out + quat_rotate(turn, course.speed[i]) * left
            lacks = np.array([key.place[0], 0, key.place[1]]) - there + before - shifted
            far = np.linalg.norm(lacks)
            goal = shifted + lacks * min(1, MOST_SHIFT / max(far, MOST_SHIFT))
        self._out = self._out + self._shift.step(goal, left + 1) - before
        return self._out, yaw, np.concatenate([self._shift.speed, self._yaw.speed])
