"""Jumps, steps, waves and kicks are counted on joints that were moved by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import counting
from core.body.skeleton import FPS, WRISTS
from tests.support.moving import jumping, kicking, standing, stepping, walking, waving

COUNTS = (counting.jumps, counting.steps, counting.waves, counting.kicks)


def counts(joints: np.ndarray) -> list[int]:
    return [count(joints) for count in COUNTS]


@pytest.mark.parametrize(
    ("joints", "found"),
    [
        (standing(8), [0, 0, 0, 0]),
        (jumping(1.0), [1, 0, 0, 0]),
        (jumping(1.0, 2.0, 3.5), [3, 0, 0, 0]),
        (jumping(1.0, height=0.04), [0, 0, 0, 0]),
        (stepping(2), [0, 2, 0, 0]),
        (stepping(5), [0, 5, 0, 0]),
        (stepping(2, length=0.05), [0, 0, 0, 0]),
        (waving(1), [0, 0, 1, 0]),
        (waving(3), [0, 0, 3, 0]),
        (waving(2, side=0), [0, 0, 2, 0]),
        (waving(2, width=0.01), [0, 0, 0, 0]),
        (kicking(1.0), [0, 0, 0, 1]),
        (kicking(1.0, 2.5, 4.0), [0, 0, 0, 3]),
        (kicking(1.0, side=0) + kicking(3.0) - standing(8), [0, 0, 0, 2]),
    ],
)
def test_what_was_moved_is_counted(joints, found):
    assert counts(joints) == found


def test_tremor_counts_as_nothing():
    rng = np.random.default_rng(0)
    assert counts(standing(8) + rng.normal(0, 0.005, (160, 22, 3))) == [0, 0, 0, 0]


def test_who_still_walks_or_waves_does_not_stand():
    assert counting.stands_still(jumping(1.0))
    assert not counting.stands_still(walking(speed=0.3))
    busy = standing(8)
    busy[:, WRISTS[0], 0] += 0.2 * np.sin(np.arange(160) / FPS * 8)
    assert not counting.stands_still(busy)
