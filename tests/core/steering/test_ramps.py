"""Numbers that reach their goals in time, smoothly, and are let go again."""

from __future__ import annotations

import numpy as np

from core.steering.ramps import Held, Ramp, ease


def test_a_ramp_is_the_quintic_of_least_jerk():
    ramp = Ramp(2)
    way = np.stack([ramp.step(np.array([1.0, -2]), 10 - k) for k in range(10)])
    t = np.arange(1, 11) / 10
    curve = 10 * t**3 - 15 * t**4 + 6 * t**5
    assert np.allclose(way, curve[:, None] * [1, -2], atol=1e-12)
    assert not ramp.speed.any()


def test_a_goal_that_moves_is_reached_all_the_same():
    rng, ramp = np.random.default_rng(0), Ramp(3)
    goals = np.cumsum(rng.normal(0, 0.01, (12, 3)), axis=0) + 1
    way = np.stack([ramp.step(goal, 12 - k) for k, goal in enumerate(goals)])
    assert np.array_equal(way[-1], goals[-1])
    assert np.abs(np.diff(way, n=3, axis=0)).max() < 0.15


def test_what_is_held_is_let_go_after_its_key_and_when_the_key_is_gone():
    for until in (12, 8):
        held, goal = Held(1, 8, 6), np.ones(1)
        due = [12 if 5 <= at <= until else None for at in range(30)]
        numbers = [float(held.step(at, goal, due[at])[0]) for at in range(30)]
        assert numbers[4] == 0 < numbers[6]
        assert numbers[12] == 1 or until < 12
        assert max(numbers) <= 1 + 1e-9
        assert numbers[until + 6] == 0
        assert held.rests


def test_a_gap_closes_from_its_size_and_speed():
    gap, speed = np.array([0.3, -0.1]), np.array([0.02, 0.0])
    left = ease(gap, speed, 16)
    assert left.shape == (16, 2)
    assert np.array_equal(left[0], gap)
    assert np.allclose(left[1] - left[0], speed, atol=5e-3)
    assert np.abs(left[-1]).max() < 2e-3
