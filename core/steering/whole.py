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
from core.steering.course import Aims, Course, fading
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

    def push(
        self, course: Course, first: int, aims: Aims
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return roots (T, 3) and local rotations (T, 22, 4) of the poses led, and how much
        further the roots will be shifted (T, 3) when they are at their keys."""
        goals = np.zeros((len(aims), _TURNS + 3))
        for aim in {aim for aim in aims if aim}:
            rows = np.array([i for i, other in enumerate(aims) if other == aim])
            k, key = aim
            if key not in self._solved:
                self._solved[key] = _solve(key, course, rows[0])
            height, wanted = self._solved[key]
            wanted = np.repeat(wanted[None], len(rows), axis=0)
            wanted[:, 0] = quat_multiply(about_y(course.facing[rows]), wanted[:, 0])
            going = course.turning[rows] * fading(k - first - rows)[:, None, None]
            going[:, 0] = 0  # a pelvis is wanted as seen from its heading, wherever that goes
            there = quat_multiply(quat_from_axis_angle(going), course.rotations[rows])
            gap = quat_to_axis_angle(quat_multiply(wanted, quat_inverse(there)))
            goals[rows, :_TURNS] = gap.reshape(len(rows), -1)
            if key.place is None:
                feet = [seen(key, course.root[row], course.facing[row])[ANKLES] for row in rows]
                goals[rows, _TURNS:] = course.over_feet(rows, np.stack(feet))
            goals[rows, _TURNS + 1] = height - course.root[rows, 1]
        led, _ = self._held.run(first, goals, [aim and aim[0] for aim in aims])
        turns = quat_from_axis_angle(led[:, :_TURNS].reshape(-1, len(JOINTS), 3))
        local = quat_multiply(turns, course.rotations)
        return course.root + led[:, _TURNS:], local, goals[:, _TURNS:] - led[:, _TURNS:]


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
