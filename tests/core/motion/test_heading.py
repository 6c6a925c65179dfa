"""Who goes straight does not turn little by little; everybody else turns as they like."""

from __future__ import annotations

import numpy as np

from core.body.features import LAYOUT, NUM_FEATURES
from core.body.skeleton import REST_JOINTS
from core.motion.heading import HeadingHold
from core.motion.traits import straight

POSES = 160


def swaying(drift: float) -> np.ndarray:
    """Features (1, T, 263) of a body that sways by 4 degrees and drifts by so many a second."""
    t = np.arange(POSES)
    yaw = np.radians(4 * np.sin(2 * np.pi * t / 20) + drift * t / 20)
    x = np.zeros((1, POSES, NUM_FEATURES), np.float32)
    x[0, :, LAYOUT.joints] = REST_JOINTS[1:].ravel()
    x[0, :, LAYOUT.turn.start] = -np.diff(yaw, append=yaw[-1]) / 2
    return x


def headings(features: np.ndarray) -> np.ndarray:
    return np.degrees(np.cumsum(-2 * features[0, :, LAYOUT.turn.start]))


def test_drift_goes_and_sway_stays():
    x, on = swaying(14.0), np.ones((1, POSES), bool)
    led = headings(HeadingHold().push(x, on))
    assert abs(headings(x)[-1]) > 90
    assert np.abs(led).max() < 20
    assert np.ptp(led[60:]) > 5


def test_chunks_are_the_whole():
    x, on = swaying(14.0), np.ones((1, POSES), bool)
    hold = HeadingHold()
    parts = [hold.push(x[:, i : i + 8], on[:, i : i + 8]) for i in range(0, POSES, 8)]
    assert np.array_equal(np.concatenate(parts, axis=1), HeadingHold().push(x, on))


def test_who_may_turn_does():
    x = swaying(14.0)
    assert np.array_equal(HeadingHold().push(x, np.zeros((1, POSES), bool)), x)


def test_which_words_insist():
    assert straight("a person walks backwards")
    assert straight("a person runs forward quickly")
    assert not straight("a person walks")
    assert not straight("a person walks forward and turns left")
    assert not straight("a person walks backwards in a circle")
