"""Probes ask a hundred prompts a kind; their judges know what geometry shows."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import probe_prompts as asked
from benchmarks.probes import Probes, streamed
from core.body.features import encode
from core.body.skeleton import WRISTS
from tests.support.moving import jumping, standing, walking


def lowered(height: float, *, lying: bool = False) -> np.ndarray:
    """Three seconds upright and three with the pelvis at a height."""
    joints = standing(6)
    if lying:
        joints[60:] = joints[60:, :, [0, 2, 1]]
    joints[60:, :, 1] += height - joints[60:, :1, 1]
    return joints


def test_every_kind_has_a_hundred_prompts():
    pairs = [{p for pair in kind for p in (pair.first, pair.second)} for kind in PAIRED]
    assert [len(prompts) for prompts in pairs] == [100, 100, 100]
    assert len({c.prompt for c in asked.COUNTS}) == 100
    assert len({a.segments for a in asked.POSTURES}) == 100
    assert len({a.segments for a in asked.BACKWARDS}) == 20


PAIRED = (asked.SIDES, asked.WAYS, asked.SPEEDS)


def test_sides_of_a_pair_differ_in_one_word():
    assert all(pair.first.replace("left", "right") == pair.second for pair in asked.SIDES)
    assert all(pair.first.replace("forward", "backward") == pair.second for pair in asked.WAYS)


def test_postures():
    assert asked.sits(lowered(0.5))
    assert not asked.sits(standing(6))
    assert asked.lies(lowered(0.15, lying=True))
    assert not asked.lies(lowered(0.3))  # low, but its trunk is upright
    assert not asked.lies(lowered(0.5, lying=True))
    assert asked.stands(standing(6))
    assert not asked.stands(walking())
    assert not asked.stands(lowered(0.5))
    assert asked.rises(lowered(0.5)[::-1])
    assert not asked.rises(standing(6))


@pytest.mark.parametrize(
    ("degrees", "speed", "straight"),
    [(0, -0.6, True), (15, -0.6, True), (40, -0.6, False), (0, 0.6, False), (0, -0.05, False)],
)
def test_backwards_is_straight_within_twenty_degrees(degrees, speed, straight):
    assert asked.backs_straight(walking(degrees, speed)) == straight


def test_the_hand_that_reaches_out_is_found():
    joints = standing(4)
    joints[20:40, WRISTS[0], 2] += 0.5
    assert asked.left_hand_farther(joints) > 0


class Obedient:
    """A stream that jumps three times, whatever it is asked."""

    def __init__(self, joints: np.ndarray) -> None:
        self.joints, self.prompts = joints, []

    def motion(self, prompts, *, checkpoint, seed):
        self.prompts.append(next(iter(prompts)))
        for first in range(0, len(self.joints), 8):
            yield Chunk(joints=self.joints[first : first + 8])


class Chunk(SimpleNamespace):
    def __len__(self):
        return len(self.joints)


def sample(prompts, frames, label):
    """Walk where the words say."""
    ways = {"left": (90, 1), "right": (-90, 1), "backward": (0, -1), "slowly": (0, 0.5)}
    made = []
    for prompt, count in zip(prompts, frames, strict=True):
        words = prompt if isinstance(prompt, str) else prompt[0][0]
        way = next((way for word, way in ways.items() if word in words), (0, 1))
        made.append(encode(walking(*way, seconds=count / 20 + 0.05))[:count])
    return made


def test_rows_tell_how_many_did_right():
    engine = Obedient(jumping(1.0, 2.0, 3.0))
    rows = Probes(engine, sample, quick=True).rows()
    assert rows["direction"] == {"n": 20, "share": 1}
    assert rows["backwards_straight"] == {"n": 4, "share": 1}
    assert rows["speed"]["n"] == 20
    assert rows["posture"]["n"] == 20
    assert set(rows["posture"]) == {"n", "share", "sits", "lies", "stands", "rises"}
    jumps = [c for c in asked.COUNTS[::5] if "jumps" in c.prompt]
    right = sum(abs(c.number - 3) <= 1 for c in jumps)
    assert rows["count"]["n"] == len(engine.prompts) == 20
    assert rows["count"]["share"] == pytest.approx(right / 20)
    assert rows["count"]["stands_after"] == 1


def test_streams_are_cut_to_length():
    assert streamed(Obedient(standing(8)), "x", 52, "motion", 0).shape == (52, 22, 3)
