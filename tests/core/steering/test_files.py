"""Paths, key poses and held keys that visitors write, and what is said of wrong ones."""

from __future__ import annotations

import json

import pytest

from core.steering.files import read_drive, read_keys, read_path
from core.steering.wishes import MOST_WAYPOINTS, Waypoint

POSE = [[0.0, 1.0, 0.0]] * 22


def test_paths_come_by_time():
    text = json.dumps({"waypoints": [{"place": [1, 2], "at": 4}, {"place": [0, 1], "at": 2}]})
    assert read_path(text) == (Waypoint(place=(0, 1), at=2), Waypoint(place=(1, 2), at=4))
    assert read_path('[{"place": [0, 1], "at": 2, "stop": true}]')[0].stop


def test_key_poses():
    text = json.dumps({"keys": [{"at": 1, "joints": POSE, "parts": ["left_hand"]}]})
    assert read_keys(text)[0].parts == ("left_hand",)


def test_held_keys():
    drives = read_drive("0 W\n\n2.5 w d  # on\n4 -\n5.2 shift W\n6 A @-90\n")
    assert [at for at, _ in drives] == [0, 2.5, 4, 5.2, 6]
    walks, aslant, stands, runs, _ = (drive.velocity for _, drive in drives)
    assert [drive.facing for _, drive in drives] == [None] * 4 + [-90]
    assert walks == (0, 1.4)
    assert aslant == pytest.approx((-1.4 / 2**0.5, 1.4 / 2**0.5))
    assert stands == (0, 0)
    assert runs == (0, 2.8)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("3", "list of objects"),
        ('{"points": []}', "list of objects"),
        ('[{"place": [0, 1], "at": 2}, {"place": [0, 1e9], "at": 2}]', "waypoint 2: "),
        ('[{"place": [0, NaN], "at": 2}]', "waypoint 1: "),
        ('[{"place": [0, 1], "at": -2}]', "0 or more seconds"),
        ('[{"place": [0, 1], "at": 2, "self": 1}]', "waypoint 1: "),
        (json.dumps([{"place": [0, 1], "at": 2}] * (MOST_WAYPOINTS + 1)), "are the most"),
        ("[" + " " * 4_000_000 + "]", "longer than"),
    ],
)
def test_wrong_paths_are_told_in_a_sentence(text, told):
    with pytest.raises(ValueError, match=told) as error:
        read_path(text)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("W", "line 1 must begin with seconds"),
        ("0 W\n-1 S", "line 2"),
        ("nan W", "line 1"),
        ("1 W\n0 S", "not earlier"),
        ("0 Q", "line 1: keys are"),
        ("0 A @left", "line 1: @ is followed by degrees"),
        ("0 A @nan", "line 1: facing"),
        ("0 W\n" * 10_001, "are the most"),
    ],
)
def test_wrong_keys_are_told_in_a_sentence(text, told):
    with pytest.raises(ValueError, match=told):
        read_drive(text)
