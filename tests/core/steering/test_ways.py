"""How long ways are that legs can turn, and where they lead."""

from __future__ import annotations

import cmath
import math

import pytest

from core.steering.ways import TIGHT, Now, points, walk, way, worth_running
from core.steering.wishes import KeyPose, Waypoint, Wishes

NOW = Now(0j, 0.0, 0.0)


def test_straight_ahead_is_as_far_as_it_is():
    assert walk(3 + 0j, 0.0, TIGHT) == pytest.approx(3)
    assert walk(3j, math.pi / 2, TIGHT) == pytest.approx(3)


def test_a_quarter_turn_to_the_left_or_right():
    there = TIGHT * (1 + 1j)  # z + i x: ahead and to the left, where the circle leads
    for to in (there, there.conjugate()):
        assert walk(to, 0.0, TIGHT) == pytest.approx(TIGHT * math.pi / 2)


def test_what_lies_behind_takes_a_turn():
    length = walk(-2 + 0j, 0.0, TIGHT)
    assert 2 + TIGHT < length < 2 + 2 * math.pi * TIGHT


def test_what_is_too_near_to_turn_to_takes_a_round():
    assert walk(TIGHT * (1j - 0.1), 0.0, TIGHT) > math.pi * TIGHT
    assert walk(TIGHT * (1j + 0.1), 0.0, TIGHT) < 1.1 * TIGHT


def test_points_are_by_time_and_keys_with_a_place_are_among_them():
    pose = tuple((0.0, 1.0, 0.0) for _ in range(22))
    keys = (KeyPose(at=1, joints=pose, place=(1, 2)), KeyPose(at=2, joints=pose))
    wishes = Wishes(waypoints=(Waypoint(place=(0, 5), at=3, facing=90, stop=True),), keys=keys)
    key, point = points(wishes)
    assert (key.at, key.place, key.stop) == (1, 2 + 1j, False)
    assert (point.facing, point.stop) == (pytest.approx(math.pi / 2), True)


def test_a_facing_is_come_to_from_behind():
    wishes = Wishes(waypoints=(Waypoint(place=(0, 4), at=9, facing=90),))
    direction, length = way(points(wishes), NOW, 100.0, TIGHT)
    assert cmath.phase(direction) < -math.radians(15)  # out to the right, to come from there
    assert length > 4
    assert way(points(wishes), NOW, 4.1, TIGHT)[0] == pytest.approx(1)  # no time for it


def test_running_is_for_what_is_far_and_ahead():
    assert worth_running(5 + 1j, 0.0)
    assert not worth_running(1 + 0j, 0.0)
    assert not worth_running(-5 + 0j, 0.0)
