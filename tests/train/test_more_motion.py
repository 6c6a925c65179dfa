"""Motions made of others do what they are told to do; captions in other words mean the same."""

from __future__ import annotations

import numpy as np
import torch

from core.body import features
from core.body.skeleton import BONE_LENGTHS, INDEX, PARENTS
from core.motion import traits
from tests.support.synthetic import walk
from train.data import Record, Segment
from train.paraphrase import Paraphraser, base, progressive
from train.recombine import made
from train.recombine.arms import with_arms
from train.recombine.low import descents
from train.vae import foot_steps


def record(name: str, caption: str, poses: int) -> Record:
    segment = Segment(start=0, end=poses, captions=(caption,), crop_ok=True)
    said = {"id": name, "label": name, "pack": "made-up", "licence": "CC0", "split": "train"}
    return Record(**said, weight=1.0, poses=poses, segments=(segment,))


def test_a_straight_walk_gives_one_backwards():
    joints = walk(100)[2]
    found = made([record("w", "a person walks forward", 100)], {"w": joints})
    told = {r.segments[0].captions[0] for r, _ in found}
    assert any("backward" in caption for caption in told)
    assert {"a person walks forward quickly", "a person walks forward slowly"} <= told
    for record_, x in found:
        forward = traits.measure(features.encode(x, "steady"))[:, traits.TRAITS.index("forward")]
        assert forward.mean() < -0.5 or "backward" not in record_.segments[0].captions[0]
        assert record_.poses == len(x)


def test_arms_of_one_on_legs_of_another():
    legs, arms = walk(60)[2], walk(60, speed=0.0)[2].copy()
    arms[:, INDEX["left_wrist"]] = arms[:, INDEX["left_elbow"]] + [0, BONE_LENGTHS[20], 0]
    x = with_arms(legs, arms)
    assert np.array_equal(x[:, :16], legs[:, :16])
    assert (x[:, INDEX["left_wrist"], 1] > x[:, INDEX["left_elbow"], 1] + 0.1).all()
    lengths = np.linalg.norm(x[:, 1:] - x[:, list(PARENTS[1:])], axis=-1)
    assert np.allclose(lengths, lengths[:1], atol=1e-4)


def test_where_somebody_goes_down():
    height = np.concatenate([np.full(60, 0.9), np.linspace(0.9, 0.5, 15), np.full(30, 0.5)])
    joints = np.zeros((len(height), 22, 3), np.float32)
    joints[:, :, 1] = height[:, None]
    ((stands, falls, low, end),) = descents(joints, (0.35, 0.68))
    assert (stands, end) == (0, len(height))
    assert height[falls - 1] >= 0.82 > height[falls]
    assert height[low] <= 0.68 < height[low - 1]
    assert not list(descents(joints[:60], (0.35, 0.68)))


def test_who_sat_down_gets_up_and_stands_still():
    height = np.concatenate([np.full(60, 0.9), np.linspace(0.9, 0.5, 15), np.full(60, 0.5)])
    joints = walk(len(height))[2][:1].repeat(len(height), axis=0)
    joints[:, 0, 1] = height
    found = made([record("s", "a person sits down on a chair", len(height))], {"s": joints})
    told = {r.segments[0].captions[0]: (r.segments[0], x) for r, x in found}
    segment, x = told["a person stands up"]
    assert x[segment.start, 0, 1] < 0.6
    assert x[-20:, 0, 1].min() > 0.8
    assert segment.start > 40  # it sits for a while before


def test_other_words():
    verbs = ("carries", "does", "runs", "dances", "lies", "punches", "sits", "throws")
    assert [base(v) for v in verbs] == [
        *("carry", "do", "run", "dance", "lie", "punch", "sit", "throw")
    ]
    assert [progressive(v) for v in verbs] == [
        *("carrying", "doing", "running", "dancing", "lying", "punching", "sitting", "throwing")
    ]
    captions = ["a person walks forward and waves", "a person waves with the left hand"]
    say = Paraphraser(captions)
    found = set(say(captions[0], 40))
    assert {"walk forward and wave", "walking forward and waving"} <= found
    assert all("left" in text for text in say(captions[1], 20))
    assert say("歩く", 3) == []


def test_steps_of_feet_are_those_in_the_world():
    x = features.encode(walk(60)[2], "steady")
    feet = features.decode(x)[:, [7, 10, 8, 11]]
    steps = np.linalg.norm(np.diff(feet, axis=0)[..., [0, 2]], axis=-1)
    found = foot_steps(torch.from_numpy(x)[None])[0].norm(dim=-1).numpy()
    assert np.allclose(found, steps, atol=1e-5)
