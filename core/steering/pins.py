"""Key poses met exactly: the last mile of a stream whose network has brought it near, or has not.

What lacks at a key is told pose by pose, from where the body is and how it moves, and added along
a ramp (core.steering.ramps): in joint rotations for all of a body, in places for hands, feet and
head. After the key it is taken back, but for place and facing, which the stream goes on from. So
the body moves on through a key with its own speed. Feet that stand, stand; what is out of reach is
approached as far as it goes, and the report says by how much a key was missed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from core.body.features import facing
from core.body.moved import moved, posed
from core.body.rotations import about_y, normalize, quat_continuous, quat_rotate, wrap
from core.body.skeleton import ANKLES, FPS, TOES, forward, local_rotations
from core.body.soles import flat_heights
from core.body.take import Poses
from core.steering.course import SPAN, Course, Dues
from core.steering.keys import ENDS, met, placed, seen
from core.steering.limbs import ARMS, Stance, bend, lean
from core.steering.ramps import Held
from core.steering.steps import BEFORE, Footing, Steps
from core.steering.whole import Whole
from core.steering.wishes import KeyPose, Met

PART, PATH = (10, 10), (20, 30)
"""Poses before and after a key in which hands and head are led, and the path."""
MOST_SHIFT, MOST_TURN = 0.3, np.radians(30)
"""Farthest (m, rad) that a key moves the path: feet have to follow it by their own steps."""
PAUSE = 20
"""Every so many poses it is asked whether anything is left to do."""
STANDS = 0.03
"""Height (m) of a sole below which a key's foot stands."""
_FEET, _HANDS = ("left_foot", "right_foot"), ("left_hand", "right_hand")


class Pins:
    """Lead the solved poses of one stream to key poses; call `push` with chunks in a row."""

    def __init__(self, report: list[Met] | None = None) -> None:
        """How nearly each key was met is written into `report` when it was shown."""
        self.report = [] if report is None else report
        self._busy, self._leaves = False, False
        self._came: Poses | None = None  # the last poses
        self._path, self._whole, self._steps = Held(4, *PATH), Whole(), Steps()
        self._ends = {part: Held(3, *PART) for part in (*_HANDS, "head")}
        self._stance = Stance()
        self._shown: np.ndarray | None = None  # the last rotations

    def push(
        self, poses: Poses, first: int, keys: Sequence[KeyPose] = (), ahead: Poses | None = None
    ) -> Poses:
        """Return the next poses, the first of them number `first` of the stream, led to `keys`.

        `ahead` are poses after them, as far as known: the better, the smoother.
        """
        due = sorted((k, i) for i, key in enumerate(keys) if (k := round(key.at * FPS)) >= first)
        due = [(k, keys[i]) for k, i in due]
        begins = {k - _before(key) + 1 - first for k, key in due}
        out, at, size = [poses[:0]], 0, len(poses)
        while at < size:
            if at in begins or (not at and min(begins, default=1) < 0):
                self._busy, self._leaves = True, False
            pause = at + PAUSE - (first + at) % PAUSE
            end = min([size, pause, *(begin for begin in begins if begin > at)])
            if self._busy:
                follow = Poses.concatenate([poses[end:], *([ahead] if ahead else [])])
                out.append(self._lead(poses[at:end], follow, first + at, due))
                if end == pause and self._rests:  # once it is done feet are let go, then it rests
                    self._busy, self._leaves = not self._leaves, True
            else:  # what no key leads stays as it is, to the last bit
                out.append(poses[at:end])
                self.pass_by(poses[at:end])
            at = end
        return Poses.concatenate(out)

    @property
    def _rests(self) -> bool:
        led = (self._path, self._whole, self._steps, *self._ends.values())
        return all(part.rests for part in led)

    def pass_by(self, plain: Poses) -> None:
        """Go on after poses that are shown as they are."""
        tail = plain if self._came is None else Poses.concatenate([self._came, plain])
        self._came = tail[-SPAN:]
        self._shown = plain.rotations[-1] if len(plain) else self._shown
        self._stance = Stance()

    def _lead(
        self, poses: Poses, ahead: Poses, first: int, due: list[tuple[int, KeyPose]]
    ) -> Poses:
        def aims(before: int, has: Callable[[KeyPose], bool]) -> Dues:
            wanted = [aim for aim in due if has(aim[1])]
            return [
                next((a for a in wanted if at <= a[0] < at + before), None)
                for at in range(first, first + len(poses))
            ]

        here = Course(self._came, poses, ahead)
        self._came = here.tail
        poses = self._lead_path(here, poses, first, aims(PATH[0], _has_place))
        whole = aims(BEFORE, lambda key: "body" in key.parts)
        root, local, lacks = self._whole.push(here, first, whole)
        joints, _ = forward(root, local)
        ends = {part: aims(PART[0], lambda key, p=part: p in key.parts) for part in self._ends}
        local = self._lead_ends(here, root, local, first, ends)
        steps = [
            aims(BEFORE, lambda k, f=foot: not {"body", f}.isdisjoint(k.parts)) for foot in _FEET
        ]
        shifts, moving = self._lead_feet(here, root, facing(joints), lacks, first, steps)
        stand = here.contacts & ~moving.repeat(2, axis=1) & (not self._leaves)
        root, local = self._stance.push(root, local, stand, here.joints[:, ANKLES] + shifts)
        local = quat_continuous(local, self._shown).astype(np.float32)
        self._shown, root = local[-1], root.astype(np.float32)
        joints = forward(root, local)[0]
        for k, key in due:
            if first <= k < first + len(poses):
                self.report.append(met(key, joints[k - first].astype(np.float64)))
        return posed(poses, root, local, joints)

    def _lead_path(self, course: Course, poses: Poses, first: int, aims: Dues) -> Poses:
        """Return poses shifted and turned about their roots."""
        if self._path.rests and not any(aims):
            return poses
        lacks = np.zeros((len(poses), 4))
        for i, aim in enumerate(aims):
            if aim is not None:
                k, key = aim
                if key.place is not None:
                    there = course.root[i] + course.travels(i, k - first - i)
                    lacks[i, [0, 2]] = key.place - there[[0, 2]]
                if key.facing is not None:
                    there = course.facing[i] + course.turns(i, k - first - i)
                    lacks[i, 3] = wrap(np.radians(key.facing) - there)
        far = np.linalg.norm(lacks[:, :3], axis=1, keepdims=True)
        lacks[:, :3] *= np.minimum(1, MOST_SHIFT / np.maximum(far, MOST_SHIFT))
        lacks[:, 3] = np.clip(lacks[:, 3], -MOST_TURN, MOST_TURN)
        led, _ = self._path.run(first, lacks, [aim and aim[0] for aim in aims])
        floor, yaw = poses.root * [1, 0, 1], led[:, 3]
        poses = moved(poses, floor + led[:, :3] - quat_rotate(about_y(yaw), floor), yaw)
        course.move(poses, yaw)
        return poses

    def _lead_ends(
        self, course: Course, root: np.ndarray, local: np.ndarray, first: int, aims: dict[str, Dues]
    ) -> np.ndarray:
        """Return rotations (T, 22, 4) of poses whose heads and hands are led."""
        joints, world = forward(root, local)
        look, shifts = facing(joints), {}
        for part, held in self._ends.items():
            if any(aims[part]) or not held.rests:
                end, lacks = ENDS[part], np.zeros((len(root), 3))
                for i, aim in enumerate(aims[part]):
                    if aim is not None:
                        k, key = aim
                        left = k - first - i
                        floor = root[i] + course.travels(i, left)
                        wanted = placed(key, floor, look[i] + course.turns(i, left))[end]
                        lacks[i] = wanted - joints[i, end] - course.goes(i, left, end)
                shifts[part], _ = held.run(first, lacks, [aim and aim[0] for aim in aims[part]])
        if "head" in shifts:
            rows, heads = shifts["head"].any(axis=1), joints[:, ENDS["head"]] + shifts["head"]
            local = local.copy()
            local[rows] = lean(root[rows], local[rows], heads[rows])
            joints, world = forward(root, local)
        if {*_HANDS} & {*shifts}:
            hands = [joints[:, ENDS[hand]] + shifts.get(hand, 0) for hand in _HANDS]
            bend(joints, world, ARMS, np.stack(hands, axis=1))
            local = local_rotations(world)
        return local

    def _lead_feet(
        self,
        course: Course,
        root: np.ndarray,
        look: np.ndarray,
        lacks: np.ndarray,
        first: int,
        aims: list[Dues],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return how far feet are led from where they come (T, 2, 3), which are on their way."""

        def step(i: int, side: int) -> Footing | None:
            aim = aims[side][i]
            if aim is None:
                return None
            k, key = aim
            left, whole, ankle = k - first - i, "body" in key.parts, ANKLES[side]
            floor = root[i] + course.travels(i, left) + lacks[i]
            to = seen if whole else placed  # as the root will be, wherever that is
            wanted = to(key, floor, look[i] + course.turns(i, left))
            there = course.joints[i, ankle] + course.goes(i, left, ankle)
            feet = normalize(wanted[TOES] - wanted[ANKLES])
            soles = flat_heights(wanted[None, ANKLES], feet[None])
            stands = whole and _FEET[side] not in key.parts and soles[0, side] < STANDS
            return Footing(due=k, lacks=wanted[ankle] - there, stands=stands)

        if self._steps.rests and not any(map(any, aims)):
            return np.zeros((len(root), 2, 3)), np.zeros((len(root), 2), bool)
        out = [
            self._steps.push(first + i, (step(i, 0), step(i, 1)), course.stands[i])
            for i in range(len(root))
        ]
        shifts, moving = zip(*out, strict=True)
        return np.stack(shifts), np.stack(moving)


def _has_place(key: KeyPose) -> bool:
    return key.place is not None or key.facing is not None


def _before(key: KeyPose) -> int:
    """Return how many poses before a key it is led to."""
    return PATH[0] if _has_place(key) else BEFORE
