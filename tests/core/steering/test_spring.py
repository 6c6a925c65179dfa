"""The spring against the closed form of its equation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from core.steering.spring import HALF_LIFE, spring


@pytest.mark.parametrize(("value", "speed"), [(1.0, 0.0), (-2.0, 3.0), (0.0, -1.0)])
def test_it_solves_its_equation(value, speed):
    y, goal = 2 * np.log(2) / HALF_LIFE, 0.5
    solved = solve_ivp(
        lambda _, state: [state[1], y**2 * (goal - state[0]) - 2 * y * state[1]],
        (0, 0.7),
        (value, speed),
        rtol=1e-9,
        atol=1e-9,
    )
    assert spring(value, speed, goal, 0.7) == pytest.approx(tuple(solved.y[:, -1]), abs=1e-6)


def test_many_steps_are_one():
    state = (1 + 2j, -1j)
    for _ in range(10):
        state = spring(*state, goal=3 + 0j, seconds=0.05)
    assert state == pytest.approx(spring(1 + 2j, -1j, 3 + 0j, 0.5))


def test_it_does_not_overshoot():
    values = [spring(1.0, 0.0, 0.0, t)[0] for t in np.linspace(0, 3, 100)]
    assert min(values) >= 0
    assert values[-1] == pytest.approx(0, abs=1e-6)
