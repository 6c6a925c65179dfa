"""Streams led to key poses: met, nothing else changed, the same every time."""

from __future__ import annotations

from itertools import repeat

import numpy as np
import pytest
import torch

from core.body.take import Take
from core.engine import Engine
from core.settings import MotionSettings
from core.steering.keys import key_from_pose
from core.steering.pins import PAUSE
from core.steering.wishes import Steer, Wishes
from tests.support.tiny import write_checkpoints

N = 40


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Engine:
    return Engine.load(write_checkpoints(tmp_path_factory.mktemp("checkpoints")), device="cpu")


def stream(engine: Engine, steer: Steer | None = None, poses: int = 140, **options) -> Take:
    chunks, made = [], 0
    for chunk in engine.motion(repeat("a person walks"), steer=steer, **options):
        chunks.append(chunk)
        made += len(chunk)
        if made >= poses:
            break
    return Take.from_chunks(chunks)


def test_a_stream_is_led_to_a_pose_of_another_and_then_goes_on(engine):
    plain = stream(engine)
    key = key_from_pose(stream(engine, seed=7), N)
    steer = Steer(Wishes(keys=(key,)))
    led = stream(engine, steer, stagger=4)
    same = stream(engine, Steer(), stagger=4)
    (told,) = [m for m in steer.report if m.wish == key]
    assert told.at == N / 20
    assert told.parts["body"] < 0.03
    assert led.rotations[: N - 10].tobytes() == same.rotations[: N - 10].tobytes()
    after = N + 4 * PAUSE
    assert led.features[after:].tobytes() == same.features[after:].tobytes()
    assert len(plain) == len(led)


def test_a_take_is_gone_on_with_to_a_key(engine):
    take = stream(engine, poses=60)
    key = key_from_pose(take, 10).changed(at=(len(take) + 4) / 20)
    steer = Steer(Wishes(keys=(key,)))
    more = stream(engine, steer, after=take, poses=30)
    assert [m.wish for m in steer.report] == [key]
    assert np.isfinite(more.rotations).all()


def test_what_comes_next_can_be_told_from_a_window(engine):
    model = engine.model()
    sampler = model._new_sampler(1, MotionSettings(steps=4, stagger=1))
    assert sampler.preview() is None
    expected, blocks = [], []
    for sampled in sampler.stream(repeat(model.prompt("a person walks"), 8)):
        blocks.append(sampled.x)
        expected.append(sampler.preview())
    assert expected[-1] is None
    for told, block in zip(expected[:-1], blocks[1:], strict=True):
        assert told.shape == block.shape
        assert torch.linalg.norm(told - block) < torch.linalg.norm(block)
