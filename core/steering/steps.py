"""Feet that are led to a key by steps: one that stands waits for the other, and is lifted.

A foot that is led at any time would slide under the body. One in the air goes at once; of two that
stand the one that lacks more goes first, the other in the second half; each is lifted as far as it
goes. Where a key lets a foot stand as good as where it does, it stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.body.feet import holding
from core.steering.ramps import Held

BEFORE, AFTER = 10, 10
"""Poses before and after a key in which feet are led."""
HALF = 5
"""Poses before a key when the second foot goes at the latest."""
STRIDE = 0.1
"""Meters for which a foot goes a pose earlier."""
STAYS, GOES = 0.03, 0.06
"""A foot that a key wants less far (m) from where it stands stays there; one further off goes."""
LIFT, STEEP = 0.06, 1.5
"""How high (m) a foot is lifted at most, and by how much for a meter a pose of its way."""
_CREEP = 0.004
"""Meters a pose that a foot may be led on the floor."""


@dataclass(frozen=True)
class Footing:
    """What a key wants of a foot at a pose."""

    due: int
    """The key's number."""
    lacks: np.ndarray
    """How far (3,) from where it comes it will have to be."""
    stands: bool
    """Whether it may as well stay where it stands."""


class Steps:
    """Lead the feet of one stream; call `push` once a pose."""

    def __init__(self) -> None:
        self._feet = Held(3, BEFORE, AFTER), Held(3, BEFORE, AFTER)

    @property
    def rests(self) -> bool:
        """Whether both feet are where they come."""
        return all(foot.rests for foot in self._feet)

    def push(
        self, at: int, steps: tuple[Footing | None, Footing | None], planted: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return how far (2, 3) feet are led from where they come, and whether each is on its way;
        `planted` (2,) says which stand there."""
        goals = [_goal(step, stands) for step, stands in zip(steps, planted, strict=True)]
        values = [foot.ramp.value for foot in self._feet]
        far = [np.linalg.norm(g - x) for g, x in zip(goals, values, strict=True)]
        planted = planted & (np.abs([value[1] for value in values]) < STAYS)
        for side, foot in enumerate(self._feet):
            step, other = steps[side], 1 - side
            waits = planted[side] and (far[other] > far[side] or not planted[other])
            if step is not None:
                waits = waits and step.due - at >= HALF + far[side] / STRIDE
                foot.step(at, values[side] if waits else goals[side], step.due)
            else:
                foot.let_go(at, wait=bool(waits) and far[other] > STAYS)
        out = np.stack([foot.ramp.value for foot in self._feet])
        pace = np.stack([foot.ramp.speed for foot in self._feet])
        pace = np.hypot(pace[:, 0], pace[:, 2])
        out[:, 1] += np.clip(STEEP * (pace - _CREEP), 0, LIFT)
        return out, pace > _CREEP / 2


def _goal(step: Footing | None, planted: bool) -> np.ndarray:
    if step is None:
        return np.zeros(3)
    if not (step.stands and planted):
        return step.lacks
    return step.lacks * holding(np.linalg.norm(step.lacks), GOES, STAYS)
