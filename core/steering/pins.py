"""Key poses met exactly: the last mile of a stream whose network has brought it near, or has not.

What lacks at a key is told pose by pose, from where the body is and how it moves, and added along
a ramp (core.steering.ramps): in joint rotations for all of a body, in places for hands, feet and
head. After the key it is taken back, but for place and facing, which the stream goes on from. So
the body moves on through a key with its own speed. Feet that stand, stand; what is out of reach is
approached as far as it goes, and `met` says by how much a key was missed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.body.features import facing
from core.body.moved import posed
from core.body.rotations import normalize, quat_continuous
from core.body.skeleton import ANKLES, FPS, TOES, forward, local_rotations
from core.body.soles import flat_heights
from core.body.take import Poses
from core.steering.course import SPAN, Aims, Course, Path
from core.steering.keys import ENDS, missed, placed, seen
from core.steering.limbs import ARMS, Stance, bend, lean
from core.steering.ramps import Held
from core.steering.steps import BEFORE, Step, Steps
from core.steering.whole import Whole
from core.steering.wishes import PARTS, KeyPose

PART, PATH = (8, 6), 20
"""Poses before and after a key in which hands and head are led; before it, the path."""
STANDS = 0.03
"""Height (m) of a sole below which a key's foot stands."""
_FEET, _HANDS = ("left_foot", "right_foot"), ("left_hand", "right_hand")


class Pins:
    """Lead the solved poses of one stream to key poses; call `push` with chunks in a row."""

    def __init__(self) -> None:
        self.met: dict[KeyPose, dict[str, float]] = {}
        """By how much (m) the parts of each key that is past were missed."""
        self._path: Path | None = None  # from the first key on
        self._came: Poses | None = None  # the last poses, and those on the path
        self._moved: Poses | None = None
        self._whole, self._steps, self._stance = Whole(), Steps(), Stance()
        self._ends = {part: Held(3, *PART) for part in (*_HANDS, "head")}
        self._shown: np.ndarray | None = None  # the last rotations

    def push(
        self, poses: Poses, first: int, keys: Sequence[KeyPose] = (), ahead: Poses | None = None
    ) -> Poses:
        """Return the next poses, the first of them number `first` of the stream, led to `keys`.

        `ahead` are poses after them, as far as known: the better, the smoother.
        """
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
        led = self._lead(poses, ahead, start, due)
        self._remember(poses)
        for k, key in due:
            if k < end:
                self.met[key] = missed(key, led.joints[k - start].astype(np.float64))
        return Poses.concatenate([plain, led])

    def _remember(self, plain: Poses) -> None:
        tail = plain if self._came is None else Poses.concatenate([self._came, plain])
        self._came = self._moved = tail[-SPAN:]

    def _lead(
        self, poses: Poses, ahead: Poses | None, first: int, due: list[tuple[int, KeyPose]]
    ) -> Poses:
        def aims(before: int, *parts: str) -> Aims:
            wanted = [aim for aim in due if {*parts} & {*aim[1].parts}]
            return [
                next((a for a in wanted if at <= a[0] < at + before), None)
                for at in range(first, first + len(poses))
            ]

        came = Course(self._came, poses, ahead)
        self._path = self._path or Path(came.before)
        leads = aims(PATH, *PARTS)
        poses, ahead = self._path.push(poses, ahead, came, first, leads)
        here = Course(self._moved, poses, ahead)
        self._came, self._moved = came.tail, here.tail
        root, local, lacks = self._whole.push(here, first, aims(BEFORE, "body"))
        joints, _ = forward(root, local)
        ends = {part: aims(PART[0], part) for part in self._ends}
        local = self._lead_ends(here, root, local, first, ends)
        steps = [aims(BEFORE, "body", foot) for foot in _FEET]
        shifts, moving = self._lead_feet(here, root, facing(joints), lacks, first, steps)
        stand = here.contacts & ~moving.repeat(2, axis=1)
        root, local = self._stance.push(root, local, stand, here.joints[:, ANKLES] + shifts)
        local = quat_continuous(local, self._shown).astype(np.float32)
        self._shown, root = local[-1], root.astype(np.float32)
        return posed(poses, root, local, forward(root, local)[0])

    def _lead_ends(
        self, course: Course, root: np.ndarray, local: np.ndarray, first: int, aims: dict[str, Aims]
    ) -> np.ndarray:
        """Return rotations (T, 22, 4) of poses whose heads and hands are led."""
        joints, world = forward(root, local)
        look, shifts = facing(joints), {}
        for part, held in self._ends.items():
            if any(aims[part]) or not held.ramp.rests:
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
            local = lean(root, local, joints[:, ENDS["head"]] + shifts["head"])
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
        aims: list[Aims],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return how far feet are led from where they come (T, 2, 3), which are on their way."""

        def step(i: int, side: int) -> Step | None:
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
            return Step(due=k, lacks=wanted[ankle] - there, stands=stands)

        out = [
            self._steps.push(first + i, (step(i, 0), step(i, 1)), course.stands[i])
            for i in range(len(root))
        ]
        shifts, moving = zip(*out, strict=True)
        return np.stack(shifts), np.stack(moving)
