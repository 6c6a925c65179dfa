"""Key poses met exactly: the last mile of a stream whose network has brought it near, or has not.

What lacks at a key is told pose by pose, from where the body is and how it moves, and added along a
ramp (core.steering.ramps): in joint rotations for all of a body, in places for hands, feet and head.
After the key it is taken back, but for place and facing, which the stream goes on from. So the body
moves on through a key with its own speed. Feet that stand, stand; what is out of reach is approached
as far as it goes, and `met` says by how much a key was missed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from core.body.features import contacts, facing
from core.body.ik import PoseSolver
from core.body.moved import moved, posed
from core.body.rotations import (
    about_y,
    quat_continuous,
    quat_from_axis_angle,
    quat_inverse,
    quat_multiply,
    quat_rotate,
    quat_to_axis_angle,
)
from core.body.skeleton import ANKLES, FPS, forward, local_rotations
from core.body.take import Poses
from core.steering.course import SPAN, Course, Path, fading
from core.steering.keys import ENDS, missed, placed
from core.steering.limbs import ARMS, HEAD, LEGS, Stance, bend, lean
from core.steering.ramps import Held
from core.steering.wishes import KeyPose

BODY, PART, PATH = (10, 10), (8, 6), 20
"""Poses before and after a key in which all of a body and a part of it are led; before, its path."""
LIFT = 0.06
"""How high (m) a foot is lifted at most on its way to a key."""
_SETTLED = 12
"""Poses in which the twists of a key, told anew from those of the stream, come to rest."""
_TURNS, _ROOT = slice(0, 66), slice(66, 69)
_FEET, _HANDS = ("left_foot", "right_foot"), ("left_hand", "right_hand")

Aims = list[tuple[int, KeyPose] | None]
"""For each pose the key it is led to and that one's number."""


class Pins:
    """Lead the solved poses of one stream to key poses; call `push` with chunks in a row."""

    def __init__(self) -> None:
        self.met: dict[KeyPose, dict[str, float]] = {}
        """By how much (m) the parts of each key that is past were missed."""
        self._tail: Poses | None = None  # as they came
        self._path: Path | None = None  # from the first key on
        self._body = Held(69, *BODY)
        self._parts = {part: Held(3, *PART) for part in ENDS}
        self._solved: dict[KeyPose, tuple[float, np.ndarray]] = {}
        self._stance = Stance()
        self._led: np.ndarray | None = None  # joints of the last two poses before parts are led
        self._shown: np.ndarray | None = None  # the last rotations

    def push(self, poses: Poses, first: int, keys: Sequence[KeyPose] = ()) -> Poses:
        """Return the next poses, the first of them number `first` of the stream, led to `keys`."""
        end = first + len(poses)
        due = sorted((k, i) for i, key in enumerate(keys) if (k := round(key.at * FPS)) >= first)
        due = [(k, keys[i]) for k, i in due]
        start = first
        if self._path is None:  # what no key leads stays as it is, to the last bit
            start = min([max(k - PATH + 1, first) for k, _ in due], default=end)
        plain, poses = poses[: start - first], poses[max(start - first, 0) :]
        self._remember(plain)
        if not len(poses):
            return plain
        led = self._lead(poses, start, due)
        self._remember(poses)
        for k, key in due:
            if k < end:
                self.met[key] = missed(key, led.joints[k - start].astype(np.float64))
        return Poses.concatenate([plain, led])

    def _remember(self, poses: Poses) -> None:
        tail = poses if self._tail is None else Poses.concatenate([self._tail, poses])
        self._tail = tail[-SPAN:]

    def _lead(self, poses: Poses, first: int, due: list[tuple[int, KeyPose]]) -> Poses:
        course = Course(self._tail, poses)
        self._path = self._path or Path(course.before)

        def aims(before: int, has: Callable[[KeyPose], bool]) -> Aims:
            wanted = [aim for aim in due if has(aim[1])]
            return [
                next((a for a in wanted if at <= a[0] < at + before), None)
                for at in range(first, first + len(poses))
            ]

        leads = aims(PATH, lambda key: key.place is not None or key.facing is not None)
        path, yaw, speeds = self._path.run(course, first, leads)
        whole = aims(BODY[0], lambda key: "body" in key.parts)
        offsets = self._lead_body(course, first, whole)
        turn = about_y(yaw)
        local = quat_from_axis_angle(offsets[:, _TURNS].reshape(-1, 22, 3))
        local = quat_multiply(local, course.rotations)
        local[:, 0] = quat_multiply(turn, local[:, 0])
        root = path + course.root * [0, 1, 0] + quat_rotate(turn, offsets[:, _ROOT])
        some = {part: aims(PART[0], lambda key, p=part: p in key.parts) for part in ENDS}
        root, local = self._lead_parts(root, local, first, some, contacts(poses.features))
        local = quat_continuous(local, self._shown).astype(np.float32)
        self._shown, root = local[-1], root.astype(np.float32)
        joints, _ = forward(root, local)
        poses = moved(poses, path - quat_rotate(turn, course.root * [1, 0, 1]), yaw, speeds)
        return posed(poses, root, local, joints)

    def _lead_body(self, course: Course, first: int, aims: Aims) -> np.ndarray:
        """Return rotation vectors of joints and a shift of the root, (T, 69)."""
        goals = np.zeros((len(aims), 69))
        for aim in {aim for aim in aims if aim}:
            rows = np.array([i for i, other in enumerate(aims) if other == aim])
            k, key = aim
            if key not in self._solved:
                self._solved[key] = _solve(key, course, rows[0])
            height, wanted = self._solved[key]
            turns = about_y(course.facing[rows])
            goal = np.repeat(wanted[None], len(rows), axis=0)
            goal[:, 0] = quat_multiply(turns, goal[:, 0])
            going = course.turning[rows] * fading(k - first - rows)[:, None, None]
            going[:, 0] = 0  # a pelvis is wanted as seen from its heading, wherever that goes
            there = quat_multiply(quat_from_axis_angle(going), course.rotations[rows])
            gap = quat_to_axis_angle(quat_multiply(goal, quat_inverse(there)))
            goals[rows, _TURNS] = gap.reshape(len(rows), -1)
            if key.place is None:
                feet = np.array(key.joints)[ANKLES] - np.array(key.joints)[0]
                goals[rows, _ROOT] = course.over_feet(rows, quat_rotate(turns[:, None], feet))
            goals[rows, _ROOT.start + 1] = height - course.root[rows, 1]
        return self._body.run(first, goals, [aim and aim[0] for aim in aims])[0]

    def _lead_parts(
        self,
        root: np.ndarray,
        local: np.ndarray,
        first: int,
        aims: dict[str, Aims],
        stand: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return roots and rotations with head, hands and feet where they should be; `stand` are
        the contacts (T, 4)."""
        joints, world = forward(root, local)
        before = joints[[0, 0]] if self._led is None else self._led
        every = np.concatenate([before, joints])
        self._led, speeds = every[-2:], (every[2:] - every[:-2]) / 2
        shifts, stand = {}, stand.copy()
        for part, held in self._parts.items():
            if any(aims[part]) or not held.ramp.rests:
                goals = _lacks(ENDS[part], aims[part], joints, speeds, first)
                shift, pace = held.run(first, goals, [aim and aim[0] for aim in aims[part]])
                if part in _FEET:  # what is moved does not stand; its way is no slide
                    side = _FEET.index(part)
                    stand[np.abs(shift).max(axis=1) > 0.01, 2 * side : 2 * side + 2] = False
                    shift[:, 1] += np.minimum(np.hypot(pace[:, 0], pace[:, 2]), LIFT)
                shifts[part] = shift
        if "head" in shifts:
            local = lean(root, local, joints[:, HEAD] + shifts["head"])
            joints, world = forward(root, local)
        for limbs, sides in ((ARMS, _HANDS), (LEGS, _FEET)):
            if any(side in shifts for side in sides):
                ends = joints[:, limbs[2]]
                for i, side in enumerate(sides):
                    ends[:, i] += shifts.get(side, 0)
                bend(joints, world, limbs, ends)
                local = local_rotations(world)
        return self._stance.push(root, local, stand)


def _lacks(end: int, aims: Aims, joints: np.ndarray, speeds: np.ndarray, first: int) -> np.ndarray:
    """Return what a joint will lack (T, 3) at its keys if it goes on; where a key has no place, it
    is wanted as seen from the root."""
    lacks, look = np.zeros((len(aims), 3)), facing(joints)
    for i, aim in enumerate(aims):
        if aim is not None:
            k, key = aim
            wanted = placed(key, joints[i, 0], look[i])[end]
            speed = speeds[i, end] - (0 if key.place else speeds[i, 0])
            lacks[i] = wanted - joints[i, end] - speed * fading(k - first - i)
    return lacks


def _solve(key: KeyPose, course: Course, row: int) -> tuple[float, np.ndarray]:
    """Return a key's height of the root and its rotations (22, 4), those of the pelvis as seen from
    its heading; twists that it leaves open are those of the pose that is led to it."""
    joints = placed(key, course.root[row], course.facing[row])
    solver, none = PoseSolver(foot_contacts=False), np.zeros((1, 4))
    solver.prime(course.joints[[row]], none, course.rotations[[row]])
    root, local = solver.push(np.repeat(joints[None], _SETTLED, axis=0))
    local = local[-1].astype(np.float64)
    local[0] = quat_multiply(about_y(-facing(joints[None])[0]), local[0])
    return float(root[-1, 1]), local
