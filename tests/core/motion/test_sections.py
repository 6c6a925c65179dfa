"""Takes edited: sides stay, seams are no steps, loops close."""

from __future__ import annotations

from itertools import repeat

import numpy as np
import pytest

from core.body.skeleton import BONE_LENGTHS, PARENTS
from core.body.take import Take
from core.engine import Engine
from core.export import resample
from core.motion.sections import Edited
from tests.support.tiny import write_checkpoints

ARRAYS = ("root", "rotations", "joints", "features", "unsolved")


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Engine:
    return Engine.load(write_checkpoints(tmp_path_factory.mktemp("checkpoints")), device="cpu")


def made(engine: Engine, poses: int, seed: int) -> Take:
    chunks, count = [], 0
    for chunk in engine.motion(repeat("a person walks"), seed=seed):
        chunks.append(chunk)
        count += len(chunk)
        if count >= poses:
            break
    return Take.from_chunks(chunks, {"licence": "CC0"}).slice(0, poses)


@pytest.fixture(scope="module")
def take(engine) -> Take:
    return made(engine, 80, 1)


def same(a: Take, b: Take) -> bool:
    return all(getattr(a, n).tobytes() == getattr(b, n).tobytes() for n in ARRAYS)


def hops(take: Take) -> np.ndarray:
    """By how much (m) each pose is off what the two before it lead to, (T - 2,)."""
    return np.linalg.norm(np.diff(take.joints, n=2, axis=0), axis=-1).mean(axis=1)


def check(edited: Edited, seam: int) -> None:
    """Raise AssertionError where a seam is a step or a body broken."""
    take, hop = edited.take, hops(edited.take)
    assert hop[seam - 2 : seam + 1].max() < np.quantile(hop, 0.9) + 0.01
    bones = np.linalg.norm(take.joints[:, 1:] - take.joints[:, list(PARENTS[1:])], axis=-1)
    assert np.allclose(bones, BONE_LENGTHS[1:], atol=2e-3)
    assert np.isfinite(take.features).all()


def test_a_section_is_made_anew_and_the_rest_stays(engine, take):
    edited = engine.redo(take, 1.5, 2.5, "a person jumps", seed=5, candidates=3)
    assert (edited.start, edited.end) == (30, 50)
    assert len(edited.take) == len(take)
    assert same(edited.take[:30], take[:30])
    assert same(edited.take[50:], take[50:])
    assert not same(edited.take[30:50], take[30:50])
    told = [(m.start, m.text) for m in edited.take.prompts]
    assert told == [(0, "a person walks"), (30, "a person jumps"), (50, "a person walks")]
    assert "1.5 s to 2.5 s" in edited.take.info["edited"]
    for seam in (30, 50):
        check(edited, seam)


def test_seeds_make_other_sections_and_the_same_one_the_same(engine, take):
    one, two, other = (
        engine.redo(take, 1.5, 2.5, "a person jumps", seed=seed, candidates=2) for seed in (5, 5, 6)
    )
    assert same(one.take, two.take)
    assert not same(one.take, other.take)


def test_the_beginning_and_the_end_can_be_made_anew(engine, take):
    begun = engine.redo(take, 0, 1, "a person jumps", candidates=2)
    assert same(begun.take[20:], take[20:])
    check(begun, 20)
    ended = engine.redo(take, 3, 4, "a person jumps", candidates=2)
    assert same(ended.take[:60], take[:60])
    assert len(ended.take) == 80
    check(ended, 60)


def test_two_takes_are_led_over(engine, take):
    other = made(engine, 60, 9)
    edited = engine.between(take, other, "a person turns", 1.0, candidates=2)
    assert same(edited.take[: edited.start], take)
    assert same(edited.take[edited.end :], other)
    moved = engine.between(take, other, "a person turns", 1.0, stay=False, candidates=2)
    assert moved.bent == 0
    assert abs(moved.end - moved.start - 20) <= 5
    assert np.allclose(moved.take.features[moved.end :], other.features)
    for result in (edited, moved):
        check(result, result.end)


def test_a_bridge_closes_a_loop(engine, take):
    for stay in (False, True):
        edited = engine.bridge(take, "a person walks", 1.0, stay=stay, candidates=2)
        loop = edited.take
        first, last = loop.joints[0] - loop.root[0], loop.joints[-1] - loop.root[-1]
        assert np.allclose(np.linalg.norm(first, axis=-1), np.linalg.norm(last, axis=-1), atol=1e-4)
        assert np.allclose(loop.root[-1], loop.root[0], atol=1e-4) == stay
        assert "loop" in loop.info
        assert len(resample(loop, 30)) == round((len(loop) - 1) * 1.5) + 1
        check(edited, edited.end)


def test_what_cannot_be_is_refused(engine, take):
    with pytest.raises(ValueError, match=r"not 0\.1 s"):
        engine.redo(take, 1, 1.1, "a person jumps")
    with pytest.raises(ValueError, match="candidates"):
        engine.redo(take, 1, 2, "a person jumps", candidates=0)
    with pytest.raises(ValueError, match="the prompt is empty"):
        engine.redo(take, 1, 2, " ")
