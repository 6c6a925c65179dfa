"""Counts of made-up motion: what has been done counts, what is still being done does not."""

from __future__ import annotations

import numpy as np
import pytest

from core.body.skeleton import INDEX, REST_JOINTS
from core.words.counting import KINDS, turned
from tests.support.synthetic import walk

T = np.arange(100)
PULSE = np.maximum(np.sin(2 * np.pi * T / 25), 0)
"""Four of them, each half a second long."""


def moved(**curves: np.ndarray) -> np.ndarray:
    """A body at rest whose named joints are displaced by curves (T,) or (T, 3)."""
    joints = np.repeat(REST_JOINTS[None].astype(float), len(T), 0)
    joints[..., 1] -= joints[..., 1].min()
    for name, curve in curves.items():
        joints[:, INDEX[name]] += curve if curve.ndim == 2 else np.outer(curve, [0, 1, 0])
    return joints


def everything(curve: np.ndarray) -> np.ndarray:
    return moved() + np.outer(curve, [0, 1, 0])[:, None]


def rotated(angle: np.ndarray, axis: int) -> np.ndarray:
    """The body turned about the pelvis by angles (T,), about y (1) or x (0)."""
    joints = moved()
    a, b = ((2, 0), (1, 2))[axis == 0]
    x = joints - joints[:, :1]
    out = x.copy()
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    out[..., a], out[..., b] = cos * x[..., a] - sin * x[..., b], sin * x[..., a] + cos * x[..., b]
    return out + joints[:, :1]


MADE = {
    "jump": (everything(0.3 * PULSE), 4),
    "kick": (moved(left_ankle=0.6 * PULSE), 4),
    "punch": (moved(right_wrist=np.outer(PULSE, [-0.3, 0, 0])), 4),
    "wave": (moved(right_wrist=np.stack([0.2 * PULSE, 0.5 + 0 * T, 0 * T], -1)), 4),
    "lift": (moved(left_wrist=0.5 * PULSE, right_wrist=0.5 * PULSE), 4),
    "dip": (moved(head=-0.4 * PULSE), 4),
    "clap": (
        moved(left_wrist=np.outer(PULSE, [-0.6, 0, 0]), right_wrist=np.outer(PULSE, [0.6, 0, 0])),
        4,
    ),
    "round": (rotated(2 * np.pi * T / 45, 1), 2),
    "half": (rotated(np.pi * T / 99, 1), 1),
    "quarter": (rotated(-np.pi * T / 190, 1), 1),
    "flip": (rotated(2 * np.pi * T / 45, 0), 2),
    "rest": (everything(-0.4 * np.clip(T / 40, 0, 1)), 1),
}


@pytest.mark.parametrize("name", MADE)
def test_what_was_done_is_counted(name):
    joints, count = MADE[name]
    assert int(KINDS[name].count(joints)) == count
    so_far = [int(KINDS[name].count(joints[:n])) for n in range(1, len(T), 8)]
    assert so_far == sorted(so_far), "what was counted stays counted"
    assert so_far[0] == 0


@pytest.mark.parametrize("name", KINDS)
def test_who_stands_does_nothing(name):
    assert KINDS[name].count(moved()) == 0


def test_who_is_in_the_air_has_jumped():
    up = everything(0.4 * np.clip((T - 80) / 10, 0, 1))
    assert [KINDS["jump"].count(up[:n]) for n in (82, 90, 100)] == [0, 1, 1]


def test_a_hanging_hand_that_swings_does_not_wave():
    swings = np.stack([0.2 * PULSE, -0.3 + 0 * T, 0 * T], -1)
    assert KINDS["wave"].count(moved(right_wrist=swings)) == 0


def test_raising_a_hand_is_no_wave():
    up = np.clip((T - 30) / 10, 0, 1)
    assert KINDS["wave"].count(moved(right_wrist=np.outer(up, [0.2, 0.5, 0]))) == 0


def test_a_step_is_no_kick():
    assert KINDS["kick"].count(moved(left_ankle=np.outer(PULSE, [0, 0.15, 0.5]))) == 0


def test_steps_are_feet_set_down_elsewhere():
    # a foot stands still while the body passes over it
    joints = walk(88, speed=1.0)[2].astype(float)
    phase = np.arange(88) / 22
    for side, shift in (("left", 0.0), ("right", 0.5)):
        t = phase + shift
        place = np.floor(t) + np.clip(2 * (t - np.floor(t)), 0, 1)
        for name in (f"{side}_ankle", f"{side}_foot"):
            joints[:, INDEX[name], 2] = 1.1 * (place - shift) + 0.1 * name.endswith("foot")
    assert abs(KINDS["step"].count(joints) - 8) <= 1
    assert KINDS["step"].count(joints[:5]) <= 2


def test_turning_back_takes_nothing_away():
    there_and_back = rotated(np.pi * np.sin(np.pi * T / 99), 1)
    assert turned(there_and_back) == pytest.approx(np.pi, rel=0.01)
