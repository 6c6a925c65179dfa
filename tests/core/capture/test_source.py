"""What holds for skeletons of every format."""

from __future__ import annotations

import numpy as np
import pytest

from core.capture.source import astray


def walking(unit: float) -> np.ndarray:
    """Places (200, 4, 3) of a tall thing that goes a hundred times its height."""
    places = np.zeros((200, 4, 3))
    places[..., 1] = np.arange(4)
    places[..., 0] = np.linspace(0, 300, 200)[:, None]
    return places * unit


@pytest.mark.parametrize("unit", [1e-3, 1, 1e3])
def test_a_pose_far_off_is_found_in_every_unit(unit):
    places = walking(unit)
    assert astray(places) is None
    assert astray(places + 1e6 * unit) is None
    for odd in (1e5 * unit, -1e10, np.nan, np.inf):
        places[17, 2] = odd
        assert astray(places) == 17
    places[17] = 1e5 * unit  # the whole body
    assert astray(places) == 17


def test_a_skeleton_without_size_is_none_of_its_business():
    assert astray(np.zeros((5, 3, 3))) is None
    assert astray(np.arange(5.0)[:, None, None] * np.ones((5, 3, 3))) is None
