"""Going on after a take: place, heading, history, manner, and how it is joined."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, repeat

import numpy as np
import pytest
import torch

from benchmarks.capture_seam import manner_gap
from benchmarks.metrics import jerk
from core.body.features import LAYOUT, FeatureDecoder
from core.body.take import Take
from core.diffusion.attention import KVCache
from core.engine import Engine
from core.export.metadata import continued
from core.motion.decode import Inertialization
from core.motion.generate import FILTER_EDGE, filmed, remember
from core.motion.model import UNASKED
from core.motion.vae import STRIDE
from core.settings import CHECKPOINTS
from tests.support.synthetic import walk
from tests.support.tiny import DIT
from tests.support.tiny_index import to_take, turned, write_library


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Engine:
    folder = tmp_path_factory.mktemp("checkpoints")
    return Engine.load(write_library(folder, motion="CC0 1.0"), device="cpu")


@pytest.fixture(scope="module")
def shipped() -> Engine:
    return Engine.load(CHECKPOINTS, device="cpu")


@pytest.fixture(scope="module")
def curve() -> Take:
    """A walk that ends somewhere else, facing another way."""
    return to_take(turned(walk(61)[2], 2.0))


def go_on(engine: Engine, take: Take, count: int = 4, **options):
    return list(islice(engine.motion(repeat("a person jumps"), after=take, **options), count))


def test_chunks_go_on_where_the_take_ends(engine, curve):
    for foot_contacts in (True, False):
        chunks = go_on(engine, curve, foot_contacts=foot_contacts)
        assert chunks[0].first == len(curve)
        assert [c.first for c in chunks[1:]] == [c.first + len(c) for c in chunks[:-1]]
        whole = Take.from_chunks([*curve.chunks(), *chunks])
        assert len(whole) == chunks[-1].first + len(chunks[-1])
        assert [(m.start, m.text) for m in whole.prompts] == [(len(curve), "a person jumps")]


def test_the_last_poses_are_not_lost(engine, curve):
    chunks = list(engine.motion(["a person jumps"] * 3, after=curve))
    assert sum(map(len, chunks)) == 3 * DIT.block * STRIDE


def test_it_is_the_same_every_time_and_depends_on_the_take(engine, curve):
    one, two = (go_on(engine, curve, seed=5) for _ in range(2))
    assert all(
        a.rotations.tobytes() == b.rotations.tobytes() for a, b in zip(one, two, strict=True)
    )
    other = go_on(engine, to_take(walk(61)[2]), seed=5)
    assert not np.allclose(one[-1].features, other[-1].features)


def test_recovery_stands_where_a_take_stood(curve):
    recovery = FeatureDecoder()
    recovery.stand(curve.unsolved[-10], curve.features[-10])
    found = recovery.push(curve.features[-9:])
    assert np.allclose(found, curve.unsolved[-9:], atol=2e-3)


def test_a_seam_leaves_no_step_and_no_kink():
    poses = np.arange(40.0)
    end = np.zeros((40, 263))
    end[:, LAYOUT.joints] = 0.02 * poses[:, None]
    after = np.zeros((60, 263))
    after[:, LAYOUT.joints] = 3 - 0.01 * np.arange(60)[:, None]
    joined = np.concatenate([end, Inertialization(end[-2:], after[:2]).push(after)])[
        :, LAYOUT.joints.start
    ]
    speed = np.diff(joined)
    assert speed[39] == pytest.approx(0.02, abs=0.12)  # three meters are made up for later
    assert np.abs(np.diff(speed)).max() < 0.12
    assert joined[-1] == pytest.approx(after[-1, LAYOUT.joints.start], abs=0.01)
    same = np.zeros((44, 263))
    same[:, LAYOUT.joints] = 0.02 * np.arange(44.0)[:, None]
    assert np.allclose(Inertialization(same[38:40], same[40:42]).push(same[40:]), same[40:])


def test_the_history_is_what_the_vae_makes_of_the_end(engine, curve):
    model = engine.model("motion")
    history = remember(model, curve, 3)
    assert history.blocks.shape == (1, 3, DIT.block, DIT.latent_dim)
    whole = model.encode(curve.features[len(curve) % STRIDE :])[:, -3 * DIT.block :]
    assert torch.allclose(model.dit.to_latents(history.blocks), whole, atol=1e-4)


def test_a_filmed_take_is_not_trusted_to_its_last_pose(engine, curve):
    film = replace(curve, info={**curve.info, "pose_network": "some"})
    assert filmed(film)
    assert not filmed(curve)
    assert remember(engine.model("motion"), film, 6).edge == FILTER_EDGE
    chunks = go_on(engine, film)
    assert chunks[0].first == len(film)
    longer = continued(film, chunks, {"licence": "CC0"})
    assert not filmed(longer)
    assert go_on(engine, longer)[0].first == len(longer)


@pytest.mark.parametrize("poses", [2, 5, 9])
def test_short_takes_will_do(engine, curve, poses):
    chunks = go_on(engine, curve.slice(0, poses))
    assert chunks[0].first == poses
    assert np.isfinite(chunks[-1].joints).all()


def test_takes_that_will_not_do(engine, curve):
    with pytest.raises(ValueError, match="20 poses a second"):
        engine.motion(["walk"], after=replace(curve, fps=30.0))
    with pytest.raises(ValueError, match="at least two poses"):
        engine.motion(["walk"], after=curve.slice(0, 1))


def test_chunks_of_a_take_undo_joining(engine, curve):
    longer = Take.from_chunks([*curve.chunks(), *go_on(engine, curve)])
    again = Take.from_chunks(longer.chunks())
    assert again.prompts == longer.prompts
    assert np.array_equal(again.features, longer.features)
    part = longer.slice(len(curve) + 2, len(longer))
    assert Take.from_chunks(part.chunks()).prompts == part.prompts


def test_licences_of_both_parts_are_told(engine, curve):
    manner = engine.manner(curve, "a person jumps", weight=0.5, count=2)
    chunks = go_on(engine, curve, manner=manner)
    info = continued(curve, chunks, {"licence": "Apache-2.0"}, manner).info
    assert info["licence"] == f"Apache-2.0; before {curve.seconds:g} s: CC0"
    assert info["manner"] == "0.5"
    assert all(match.id in info["manner_clips"] for match in manner.matches)
    assert "manner" not in continued(curve, chunks, {"licence": "CC0"}).info


def plain_bytes(chunks) -> list[bytes]:
    return [c.features.tobytes() + c.rotations.tobytes() for c in chunks]


def test_weight_nothing_is_byte_for_byte_plain(engine, curve):
    manner = engine.manner(curve, "a person jumps", weight=0.0)
    for options in ({}, {"after": curve}):
        plain = islice(engine.motion(repeat("walk"), **options), 4)
        with_it = islice(engine.motion(repeat("walk"), manner=manner, **options), 4)
        assert plain_bytes(plain) == plain_bytes(with_it)


def test_a_manner_changes_the_motion_the_more_the_heavier(engine):
    def last(weight: float) -> np.ndarray:
        manner = engine.manner(None, "a person runs", weight=weight)
        stream = engine.motion(repeat("walk"), manner=manner)
        return np.concatenate([c.features for c in islice(stream, 5)])

    plain, some, more = last(0), last(0.02), last(1)
    assert 0 < np.abs(some - plain).mean() < np.abs(more - plain).mean()


def test_what_a_manner_is_made_of(engine, curve):
    manner = engine.manner(curve, "a person waves", count=2)
    assert len(manner.matches) == 2
    assert len(manner.pieces) == 3
    alone = engine.manner(curve, count=0)
    assert (len(alone.matches), len(alone.pieces)) == (0, 1)
    for made in (manner, alone):
        blocks = made.blocks(engine.model("motion").dit)
        assert blocks.shape[1] < DIT.context
        assert blocks.shape[2:] == (DIT.block, DIT.latent_dim)
    assert [round(replace(alone, weight=w).emphasis, 6) for w in (0, 0.5, 1)] == [0, 9, 99]


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        ((None,), {}, "a take, or a prompt"),
        ((None, "walk"), {"count": 0}, "a take, or a prompt"),
        ((None, "walk"), {"weight": 1.5}, r"0\.\.1"),
        ((None, "walk"), {"count": -1}, r"0\.\.50"),
        ((None, "walk"), {"weight": float("nan")}, r"0\.\.1"),
    ],
)
def test_manners_that_cannot_be(engine, arguments, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        engine.manner(*arguments, **options)


def test_a_manner_of_other_latents_is_refused(engine, curve):
    manner = replace(engine.manner(curve, count=0), vae="another")
    with pytest.raises(ValueError, match="latents of 'another'"):
        engine.motion(["walk"], manner=manner)


def test_a_weight_is_as_many_copies(tiny_dit):
    """A pinned block of weight 2 counts like the same block twice, positions aside."""
    cfg, past = tiny_dit.cfg, torch.randn(1, 3, 2, 6)
    x, t = torch.randn(1, 2, 2, 6), torch.tensor([[0.3, 0.1]])

    def velocity(weight: float, prefix: int):
        cache = KVCache(cfg.depth, cfg.block, context=8, prefix=prefix, weight=weight)
        tiny_dit(past, torch.ones(1, 3), [UNASKED], cache, 3)
        return tiny_dit(x, t, [UNASKED], cache)

    plain = velocity(1.0, 0)
    assert torch.equal(velocity(1.0, 1), plain)
    assert torch.equal(velocity(5.0, 0), plain)
    assert torch.allclose(velocity(1 + 1e-6, 2), plain, atol=1e-4)
    assert not torch.allclose(velocity(20.0, 2), plain, atol=1e-2)


def test_the_context_makes_room_for_the_prefix(tiny_dit):
    cache = tiny_dit.new_cache(4, 9.0)
    tiny_dit(torch.randn(1, 4, 2, 6), torch.ones(1, 4), [UNASKED], cache, 4)
    for _ in range(4):
        tiny_dit(torch.randn(1, 5, 2, 6), torch.ones(1, 5), [UNASKED], cache, 5)
    assert cache.length == tiny_dit.cfg.context * tiny_dit.cfg.block


def test_shipped_weights_join_without_a_jump(shipped):
    take = to_take(walk(81)[2])
    curves = []
    for seed in range(3):
        stream = shipped.motion(repeat("a person walks forward"), seed=seed, after=take)
        chunks = list(islice(stream, 4))
        joints = np.concatenate([take.joints, *(c.joints for c in chunks)])
        curves.append(jerk(joints)[len(take) - 4 : len(take) + 2].max())
    assert np.mean(curves) < 0.25
    assert 0 < joints[-1, 0, 2] - take.joints[-1, 0, 2] < 3  # it walks on the way it went


def test_shipped_manner_draws_closer(shipped):
    match = shipped.similar("a person runs forward", 1)[0]
    gaps = []
    for weight in (0.0, 0.5, 1.0):
        manner = shipped.manner(match.take(), count=0, weight=weight)
        stream = shipped.motion(repeat("a person walks forward"), seed=1, manner=manner)
        made = np.concatenate([c.features for c in islice(stream, 6)])
        gaps.append(manner_gap(made, match.features)["speed_m_s"])
    assert gaps[2] < gaps[1] < gaps[0]
