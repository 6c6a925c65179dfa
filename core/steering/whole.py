"""All of a body led to a key: by what its joints will lack in rotation, its root in place."""

from __future__ import annotations

import numpy as np

from core.body.features import facing
from core.body.ik import PoseSolver
from core.body.rotations import (
    about_y,
    quat_from_axis_angle,
    quat_inverse,
    quat_multiply,
    quat_to_axis_angle,
)
from core.body.skeleton import ANKLES, JOINTS
from core.steering.course import Course, Dues
from core.steering.keys import seen
from core.steering.ramps import Held
from core.steering.steps import AFTER, BEFORE
from core.steering.wishes import KeyPose

_SETTLED = 12
"""Poses in which the twists of a key, told anew from those of the stream, come to rest."""
_TURNS = 3 * len(JOINTS)


class Whole:
    """Lead the bodies of one stream."""

    def __init__(self) -> None:
        self._held = Held(_TURNS + 3, BEFORE, AFTER)
        self._solved: dict[KeyPose, tuple[float, np.ndarray]] = {}

    @property
    def rests(self) -> bool:
        """Whether no body is led."""
        return self._held.rests

    def push(
        self, course: Course, first: int, aims: Dues
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return roots (T, 3) and local rotations (T, 22, 4) of the poses led, and how much
        further the roots will be shifted (T, 3) when they are at their keys."""
        wanted = [aim[1] for aim in aims if aim]
        self._solved = {key: told for key, told in self._solved.items() if key in wanted}
        goals = np.zeros((len(course), _TURNS + 3))
        for i, aim in enumerate(aims):
            if aim is not None:
                k, key = aim
                if key not in self._solved:
                    self._solved[key] = _solve(key, course, i)
                goals[i] = self._lacks(key, course, i, k - first - i)
        led, _ = self._held.run(first, goals, [aim and aim[0] for aim in aims])
        turns = quat_from_axis_angle(led[:, :_TURNS].reshape(-1, len(JOINTS), 3))
        local = quat_multiply(turns, course.rotations)
        return course.root + led[:, _TURNS:], local, goals[:, _TURNS:] - led[:, _TURNS:]

    def _lacks(self, key: KeyPose, course: Course, i: int, left: int) -> np.ndarray:
        """Return what pose i will lack in `left` poses: rotation vectors and a shift, (69,)."""
        height, wanted = self._solved[key]
        there, look = course.turned(i, left)
        turned = wanted.copy()
        turned[0] = quat_multiply(about_y(look), turned[0])
        gap = quat_to_axis_angle(quat_multiply(turned, quat_inverse(there)))
        shift = np.zeros(3)
        if key.place is None:
            there = course.root[i] + course.travels(i, left)
            shift = course.over_feet(i, left, seen(key, there, look)[ANKLES])
        shift[1] = height - course.height(i, left)
        return np.concatenate([gap.ravel(), shift])


def _solve(key: KeyPose, course: Course, row: int) -> tuple[float, np.ndarray]:
    """Return a key's height of the root and its rotations (22, 4), those of the pelvis as seen from
    its heading; twists that it leaves open are those of the pose that is led to it."""
    joints = seen(key, course.root[row], course.facing[row])
    solver = PoseSolver(foot_contacts=False)
    solver.prime(course.joints[[row]], np.zeros((1, 4)), course.rotations[[row]])
    root, local = solver.push(np.repeat(joints[None], _SETTLED, axis=0))
    rotations = local[-1].astype(np.float64)
    rotations[0] = quat_multiply(about_y(-facing(joints[None])[0]), rotations[0])
    return float(root[-1, 1]), rotations
