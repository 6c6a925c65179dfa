"""What words ask for in numbers, and that it means what is measured of a motion."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.body.features import encode, mirror
from core.motion.model import MotionConfig, MotionDiT
from core.motion.traits import SCALES, TRAITS, asked, average, measure
from tests.support.synthetic import walk
from tests.support.tiny_index import turned


def told(text: str) -> dict[str, float]:
    values = asked(text) * SCALES
    return {n: float(v) for n, v in zip(TRAITS, values, strict=True) if not np.isnan(v)}


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("a person turns left", {"turn": 1}),
        ("a person walks in a circle to the right", {"turn": -1}),
        ("a person walks forward", {"forward": 1, "turn": 0, "left": 0}),
        ("walks backwards slowly", {"forward": -1, "turn": 0, "left": 0}),
        ("a person steps to the left", {"left": 1, "turn": 0, "forward": 0}),
        ("a person waves with the right hand", {"hands": -1}),
        ("a person kicks with the left leg", {"legs": 1}),
        ("a person sits down", {"height": 1}),
        ("a person dances slowly", {"pace": 1}),
        ("a person dances", {}),
        ("a person sits down and stands up", {}),
    ],
)
def test_words(text, signs):
    assert {name: np.sign(value) for name, value in told(text).items()} == signs


def test_how_fast():
    speeds = [told(f"a person {does}")["forward"] for does in WAYS]
    assert speeds == sorted(speeds)


WAYS = (
    "walks backwards",
    "walks backwards slowly",
    "sneaks forward",
    "walks forward slowly",
    "walks forward",
    "walks forward quickly",
    "runs forward",
    "sprints forward",
)


def of(joints: np.ndarray) -> dict[str, float]:
    mean = average(measure(encode(joints, "steady"))) * SCALES
    return dict(zip(TRAITS, map(float, mean), strict=True))


def test_a_walk_is_measured():
    straight = walk(80)[2]
    found = of(straight)
    assert found["forward"] == pytest.approx(1.2, abs=0.05)
    assert abs(found["turn"]) < 0.05
    assert of(turned(straight, 1.5))["turn"] == pytest.approx(1.5 / 4, rel=0.3)
    sideways = walk(80, speed=0.0)[2] + np.arange(80)[:, None, None] * [0.02, 0, 0]
    assert of(sideways)["left"] == pytest.approx(0.4, abs=0.05)
    assert found["height"] == pytest.approx(straight[-8:, 0, 1].mean(), abs=0.02)


def test_the_mirror_changes_sides_and_nothing_else():
    joints = turned(walk(80)[2], 1.0)
    joints[:, 20, 1] += 0.4  # the left wrist
    plain, flipped = of(joints), of(mirror(joints))
    assert plain["hands"] > 0.3
    for name in TRAITS:
        sign = -1 if name in ("turn", "left", "hands", "legs") else 1
        assert flipped[name] == pytest.approx(sign * plain[name], abs=0.06)


def test_what_is_not_told_costs_nothing():
    torch.manual_seed(0)
    cfg = MotionConfig(latent_dim=4, width=16, depth=1, heads=2, hidden=24, traits=len(TRAITS))
    dit = MotionDiT(cfg).eval()
    states, mask = torch.randn(2, 5, cfg.text_dim), torch.ones(2, 5, dtype=torch.bool)
    nothing = torch.full((2, len(TRAITS)), torch.nan)
    plain, silent = dit.prompt(states, mask), dit.prompt(states, mask, traits=nothing)
    assert plain.context
    assert silent.context
    assert torch.equal(plain.context.keys[0], silent.context.keys[0])
    some = nothing.clone()
    some[0, 2] = 1.0
    said = dit.prompt(states, mask & False, traits=some)
    assert said.context
    assert said.context.keys[0].shape[2] == 6
    # a row that is told nothing at all still attends to something, and stays a number
    assert said.context.mask.any(-1).all()
