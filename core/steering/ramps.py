"""Numbers that are where they should be at a pose, and get there without a jerk.

At every pose the quintic is planned anew that leads from where the numbers are, with the speed and
the acceleration that they have, to rest at their goal; one step of it is taken. While the goal
stays this is the curve of least jerk; where it moves they follow as smoothly as the time that is
left allows. Nothing is known ahead, so that any chunking gives the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Ramp:
    """Some numbers with their speeds and accelerations, per pose."""

    def __init__(self, width: int) -> None:
        self.value, self.speed, self._push = np.zeros((3, width))

    @property
    def rests(self) -> bool:
        """Whether all are zero and stay so."""
        return not (self.value.any() or self.speed.any() or self._push.any())

    def step(self, goal: np.ndarray | float, left: int) -> np.ndarray:
        """Go one pose on towards `goal`, to be reached in `left` poses; return (width,)."""
        x, v, a = self.value, self.speed, self._push
        if left <= 1:
            self.value = np.broadcast_to(np.asarray(goal, np.float64), x.shape).copy()
            self.speed, self._push = np.zeros((2, len(x)))
            return self.value
        way, v_left, a_left = goal - x, v * left, a * left**2
        c3 = (20 * way - 12 * v_left - 3 * a_left) / (2 * left**3)
        c4 = (-30 * way + 16 * v_left + 3 * a_left) / (2 * left**4)
        c5 = (12 * way - 6 * v_left - a_left) / (2 * left**5)
        self.value = x + v + a / 2 + c3 + c4 + c5
        self.speed = v + a + 3 * c3 + 4 * c4 + 5 * c5
        self._push = a + 6 * c3 + 12 * c4 + 20 * c5
        return self.value


def ease(gap: np.ndarray, speed: np.ndarray, length: int) -> np.ndarray:
    """Return what is left of a gap (C,) that closes at `speed` a pose, pose by pose (length, C).

    The first row is the gap itself, what would be row `length` is zero and rests.
    """
    ramp = Ramp(len(gap))
    ramp.value, ramp.speed = gap.astype(np.float64), speed.astype(np.float64)
    return np.stack([ramp.value] + [ramp.step(0.0, length - k) for k in range(length - 1)])


class Held:
    """Numbers of a body that keys lead in the poses `before` them, and let go `after` them."""

    def __init__(self, width: int, before: int, after: int) -> None:
        self.ramp, self.before = Ramp(width), before
        self._after, self._until = after, 0

    @property
    def rests(self) -> bool:
        """Whether nothing is led."""
        return self.ramp.rests

    def step(self, at: int, goal: np.ndarray, due: int | None) -> np.ndarray:
        """Return the numbers at pose `at`; the goal is for pose `due`, if there is one."""
        if due is not None:
            self._until = at + self._after
            return self.ramp.step(goal, due - at + 1)
        return self.let_go(at)

    def let_go(self, at: int, *, wait: bool = False) -> np.ndarray:
        """Return the numbers at a pose that no key is near; with `wait` they stay for now."""
        if wait:
            self._until = max(self._until, at + self._after // 2)
        if self.ramp.rests:
            return self.ramp.value
        return self.ramp.step(self.ramp.value if wait else 0.0, self._until - at + 1)

    def run(
        self, first: int, goals: np.ndarray, due: Sequence[int | None]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Step through the poses from `first` on with goals (T, C); return numbers and speeds."""
        steps = [(self.step(first + i, g, due[i]), self.ramp.speed) for i, g in enumerate(goals)]
        values, speeds = zip(*steps, strict=True)
        return np.stack(values), np.stack(speeds)
