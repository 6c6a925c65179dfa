"""Dream: one visitor's world, its settings, its start pictures, and bytes that a seed decides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.settings import WorldSettings
from core.video.dream import Dream
from core.video.world import Seed, VideoModel
from tests.support.tiny import KEYS, WORLD, tiny_world

MODEL = tiny_world()
W, R = 1, 32


def dream(model: VideoModel = MODEL, start: int = 0, **options) -> Dream:
    return Dream(model, model.seeds[start], WorldSettings(**options))


def film(world: Dream, masks) -> np.ndarray:
    return np.stack([world.step(mask).frame for mask in masks])


def seed_of(frames: int, actions: np.ndarray | None = None) -> Seed:
    pictures = np.random.default_rng(1).integers(0, 256, (frames, 16, 32, 3), np.uint8)
    unknown = np.full((frames, len(KEYS)), -1, np.float32)
    return Seed("a row", pictures, unknown if actions is None else actions, np.empty(0))


def test_a_frame_for_every_step():
    world = dream()
    for i, mask in enumerate([W, W, W | R, 0]):
        made = world.step(mask)
        assert (made.index, made.mask, made.drafted) == (i, mask, False)
        assert made.frame.shape == (16, 32, 3)
        assert made.frame.dtype == np.uint8
        assert made.frame.std() > 1
    assert (world.fps, world.keys) == (30, KEYS)
    assert world.tally.made == 4


def test_drafts_are_taken_while_the_key_is_held():
    world = dream(ahead=2)
    assert world.draft() is False  # nothing is held yet
    world.step(W)
    assert [world.draft() for _ in range(3)] == [True, True, False]
    flags = [world.step(mask).drafted for mask in (W, R, R)]
    assert flags == [True, False, False]
    assert (world.tally.drafted, world.tally.accepted, world.tally.dropped) == (2, 1, 1)


ops = st.lists(
    st.one_of(
        st.integers(0, 2).map(lambda mask: ("step", mask)),
        st.just(("draft", 4)),
        st.sampled_from([-1, 0, 3, 8]).map(lambda ahead: ("ahead", ahead)),
    ),
    max_size=14,
)


@settings(max_examples=40, deadline=None)
@given(ops=ops, together=st.integers(1, 3))
def test_neither_drafts_nor_how_many_change_a_byte(ops, together):
    plain, drafting = dream(ahead=0, together=together), dream(together=together)
    for verb, value in ops:
        match verb:
            case "step":
                expected, found = plain.step(value), drafting.step(value)
                assert found.frame.tobytes() == expected.frame.tobytes()
                assert found.index == expected.index
            case "draft":
                for _ in range(value):
                    drafting.draft()
            case "ahead":
                drafting.tune(ahead=value)
    assert np.array_equal(plain.context(), drafting.context())


@pytest.mark.parametrize("options", [{}, {"steps": 1}, {"context_noise": 0.0}, {"together": 2}])
def test_a_seed_decides_all_bytes(options):
    masks = [W, W, W | R, R, 0, 0, W]
    one, two = (film(dream(seed=7, **options), masks) for _ in range(2))
    assert one.tobytes() == two.tobytes()
    assert film(dream(seed=8, **options), masks).tobytes() != one.tobytes()
    assert film(dream(seed=7, start=1, **options), masks).tobytes() != one.tobytes()


@pytest.mark.parametrize("options", [{"steps": 5}, {"context_noise": 0.4}, {"together": 3}])
def test_settings_matter(options):
    assert film(dream(**options), [W] * 4).tobytes() != film(dream(), [W] * 4).tobytes()


def test_every_key_is_felt_in_the_very_next_frame():
    after = {film(dream(), [0, mask])[1].tobytes() for mask in (0, *(1 << i for i in range(6)))}
    assert len(after) == 7


def test_two_worlds_do_not_disturb_each_other():
    masks = [W, W, R, R, 0]
    alone = [film(dream(seed=seed), masks) for seed in (1, 2)]
    worlds = [dream(seed=seed) for seed in (1, 2)]
    for i, mask in enumerate(masks):
        for world, expected in zip(worlds, alone, strict=True):
            assert np.array_equal(world.step(mask).frame, expected[i])
            world.draft()


def test_the_strip_shows_the_pinned_frame_and_the_newest():
    world, first = dream(), MODEL.seeds[0].frames
    assert np.array_equal(world.context(), first)
    made = [world.step(W).frame for _ in range(5)]
    world.draft()  # not seen before it is shown
    expected = np.stack([first[0], *made[-WORLD.context :]])
    assert np.array_equal(world.context(), expected)


def test_a_seed_of_several_frames_is_history():
    actions = np.zeros((3, len(KEYS)), np.float32)
    actions[0], moved = -1, actions.copy()
    moved[2, 0] = 1
    still, moving = (Dream(MODEL, seed_of(3, a)) for a in (actions, moved))
    assert np.array_equal(still.context(), seed_of(3).frames)
    assert not np.array_equal(still.step(0).frame, moving.step(0).frame)
    long = Dream(MODEL, seed_of(9))
    assert len(long.context()) == WORLD.prefix + WORLD.context
    assert np.array_equal(long.context()[0], seed_of(9).frames[0])


def test_tuning_acts_from_the_next_frame_on_and_keeps_the_history():
    masks = [W, W, R, 0]
    plain, tuned = dream(), dream()
    assert np.array_equal(film(plain, masks), film(tuned, masks))
    tuned.draft()
    before = tuned.context()
    tuned.tune(steps=4, context_noise=0.3, ahead=2, together=2)
    assert tuned.settings == {"steps": 4, "context_noise": 0.3, "ahead": 2, "together": 2}
    assert np.array_equal(tuned.context(), before)
    one, other = tuned.step(W), plain.step(W)
    assert one.index == other.index == len(masks)
    assert not np.array_equal(one.frame, other.frame)
    # a world that was tuned at the same frame, but drafted nothing, goes on with the same bytes
    again = dream()
    film(again, masks)
    again.tune(steps=4, context_noise=0.3, together=2)
    assert np.array_equal(again.step(W).frame, one.frame)


def test_tuning_to_what_is_already_set_changes_nothing():
    plain, tuned = dream(together=3), dream(together=3)
    for i in range(6):
        tuned.tune(**{**tuned.settings, "ahead": i % 3})
        assert np.array_equal(plain.step(W).frame, tuned.step(W).frame)


WRONG = [
    ({"steps": 0}, r"steps must be in 1\.\.50, got 0"),
    ({"steps": 51}, "steps must be in"),
    ({"context_noise": -0.1}, r"context_noise must be in 0\.\.0\.5, got -0\.1"),
    ({"context_noise": 0.6}, "context_noise must be in"),
    ({"context_noise": float("nan")}, "context_noise must be in"),
    ({"ahead": 9}, r"ahead must be in 0\.\.8"),
    ({"together": 0}, r"together must be in 1\.\.3"),
]


@pytest.mark.parametrize(("options", "sentence"), WRONG)
def test_wrong_settings_are_told_and_change_nothing(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        dream(**options)
    world = dream(ahead=2)
    world.step(W)
    world.draft()
    before = world.settings
    with pytest.raises(ValueError, match=sentence):
        world.tune(**{"steps": 3, "ahead": 5, **options})
    assert world.settings == before
    assert world.step(W).drafted  # not even a draft was dropped


def test_no_more_frames_together_than_the_model_has_positions_for():
    model = tiny_world(WORLD.model_copy(update={"max_frames": 8}))  # 4 in view, and twice two
    with pytest.raises(ValueError, match=r"together must be in 1\.\.2 in this world, got 3"):
        dream(model, together=3)
    world = dream(model, together=2, ahead=8)
    with pytest.raises(ValueError, match="together must be in"):
        world.tune(together=3)
    for mask in [W, W, R, R, R, 0, 0, W, W, W]:
        world.step(mask)
        while world.draft():
            pass


@pytest.mark.parametrize("mask", [-1, 64])
def test_an_unknown_mask_is_told_and_changes_nothing(mask):
    world, plain = dream(), dream()
    with pytest.raises(ValueError, match=r"an action must be in 0\.\.63"):
        world.step(mask)
    assert np.array_equal(world.step(W).frame, plain.step(W).frame)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_an_impossible_seed_is_told(seed):
    with pytest.raises(ValueError, match="seed must be a whole number"):
        dream(seed=seed)
