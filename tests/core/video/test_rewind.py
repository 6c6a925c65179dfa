"""Places in a dream: carried by the keys, rolled back with drafts, set by hand; and what if."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.settings import WorldSettings
from core.video.dream import Dream
from core.video.log import Change
from core.video.place import Place
from core.video.rewind import SECONDS
from core.video.world import VideoModel
from tests.support.fake_graphs import record_on_cpu
from tests.support.tiny import PLACE_WORLD, WORLD, tiny_world

MODEL, WITHOUT = tiny_world(PLACE_WORLD), tiny_world()
SLOW = tiny_world(PLACE_WORLD.model_copy(update={"fps": 2.0}))
"""The same at two frames a second: its past is 20 frames, with a memento every second one."""
W, D, L = 1, 8, 16


def dream(model: VideoModel = MODEL, start: int = 0, **options) -> Dream:
    return Dream(model, model.seeds[start], WorldSettings(**options))


def film(world: Dream, masks) -> list[tuple[bytes, Place | None]]:
    """Bytes and places of the next frames."""
    made = [world.step(mask) for mask in masks]
    return [(frame.frame.tobytes(), frame.place) for frame in made]


def test_a_start_knows_its_place_and_keys_carry_it():
    world = dream(start=0)
    assert (world.place.x, world.place.y, world.place.degrees) == (8, 8, 0)
    assert world.place.spread > 0
    assert world.fit is None  # it was stored
    places = [world.step(mask).place for mask in (0, W, W, L)]
    assert [(p.x, p.y, p.degrees) for p in places] == [
        (8, 8, 0),
        (13, 8, 0),
        (18, 8, 0),
        (18, 8, 6),
    ]
    assert world.place == places[-1]


def test_a_world_without_a_place_has_none():
    world = dream(WITHOUT)
    assert world.place is world.fit is world.step(W).place is None
    with pytest.raises(ValueError, match="does not know where it is"):
        world.stand(8, 8)


def test_turns_do_not_add_up():
    world = dream()
    places = [world.step(L).place for _ in range(61)]
    assert places[-1].degrees == pytest.approx(6)
    assert abs(world._speculator.shown.course[:, 2]).max() < 360


def test_a_place_is_seen():
    here, there = dream(start=0), dream(start=0)
    there.stand(56, 56)
    assert film(here, [0])[0][0] != film(there, [0])[0][0]


# ---- standing somewhere else


def test_only_the_place_changes_and_always_alike():
    one, other = dream(seed=3, ahead=0), dream(seed=3, ahead=4)
    for world in (one, other):
        film(world, [W, W])
    while other.draft():
        pass
    for world in (one, other):
        before = world.context()
        world.stand(40, 56, 30)
        assert np.array_equal(world.context(), before)
    assert (one.place.x, one.place.y, one.place.degrees) == (40, 56, 30)
    assert 0 < one.place.spread < 1
    assert other.tally.dropped == 4
    assert film(one, [W, L, W]) == film(other, [W, L, W])
    other.stand(40, 8)
    assert other.place.degrees == pytest.approx(36)  # without a heading it stays


def test_the_frames_before_were_seen_from_where_they_were():
    """What was made before one stands elsewhere joins the history with the place it had."""
    world, seen = dream(context_noise=0.0), []
    film(world, [W])
    network = world._sampler.denoiser

    def spy(x, t, conditions, cache, commit):
        seen.append([c.course[0].tolist() for c in conditions[:commit]])
        return network(x, t, conditions, cache, commit)

    world._sampler.denoiser = spy
    world.stand(40, 56, 30)
    film(world, [0])
    assert seen[0] == [[13, 8, 0]]


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ((24, 24), "nobody can stand at 24, 24 in this world"),
        ((-5, 8), "nobody can stand at -5, 8"),
        ((1e300, 8), r"nobody can stand at 1e\+300, 8 "),
        ((float("nan"), 8), "all of them finite"),
        ((8, 8, float("inf")), "all of them finite"),
    ],
)
def test_where_nobody_can_stand_is_told_and_changes_nothing(place, sentence):
    world, plain = dream(ahead=2), dream(ahead=2)
    for each in (world, plain):
        each.step(W)
        each.draft()
    with pytest.raises(ValueError, match=sentence):
        world.stand(*place)
    made = world.step(W)
    assert made.drafted  # not even a draft was dropped
    assert np.array_equal(made.frame, plain.step(W).frame)


def test_a_change_is_made_as_a_whole_or_not_at_all():
    world = dream()
    with pytest.raises(ValueError, match="nobody can stand"):
        Change(frame=0, steps=2, x=24, y=24).make(world)
    assert world.settings == dream().settings
    with pytest.raises(ValueError, match="steps"):
        Change(frame=0, steps=1000, x=40, y=56).make(world)
    assert world.place == dream().place


def test_a_heading_of_any_size_is_a_heading():
    one, other = dream(), dream()
    one.stand(40, 56, 30)
    other.stand(40, 56, 30 - 360 * 1000)
    assert film(one, [W, L]) == film(other, [W, L])


def test_a_place_off_the_map_is_brought_back_to_it():
    world = Dream(MODEL, MODEL.seeds[0]._replace(path=np.array([[-3.0, 70.0, 10.0]])))
    assert (world.place.x, world.place.y) == pytest.approx((0, 64), abs=1e-3)
    assert MODEL.mover.can_stand(world._speculator.shown.course[:, :2]).all()


ops = st.lists(
    st.one_of(
        st.tuples(st.just("step"), st.integers(0, 2)),
        st.just(("draft", 4)),
        st.tuples(st.just("ahead"), st.sampled_from([-1, 0, 3, 8])),
        st.tuples(st.just("stand"), st.sampled_from([(8, 8), (56, 24, 90), (40, 60, 7)])),
        st.tuples(st.just("steps"), st.integers(1, 2)),
    ),
    max_size=14,
)


def act(world: Dream, verb: str, value) -> None:
    """Do one of `ops` that shows no frame."""
    match verb:
        case "draft":
            for _ in range(value):
                world.draft()
        case "ahead":
            world.tune(ahead=value)
        case "stand":
            world.stand(*value)
        case "steps":
            world.tune(steps=value)


@settings(max_examples=40, deadline=None)
@given(ops=ops, together=st.integers(1, 3))
def test_drafting_changes_no_byte_and_no_place(ops, together):
    plain, drafting = dream(ahead=0, together=together), dream(together=together)
    for verb, value in ops:
        match verb:
            case "step":
                assert film(plain, [value]) == film(drafting, [value])
            case "draft" | "ahead":
                act(drafting, verb, value)
            case _:
                act(plain, verb, value)
                act(drafting, verb, value)
        assert plain.place == drafting.place
    assert np.array_equal(plain.context(), drafting.context())


# ---- what if


@settings(max_examples=40, deadline=None)
@given(ops=ops, together=st.integers(1, 3), data=st.data())
def test_a_branch_with_the_same_keys_is_what_was(ops, together, data):
    """Wherever it begins: after tuning and standing, within a group, while drafts are pending."""
    world, made = dream(SLOW, together=together), []
    for verb, value in ops:
        if verb == "step":
            made += film(world, [value])
        else:
            act(world, verb, value)
    assert world.past == range(len(made) + 1)
    frame = data.draw(st.sampled_from(list(world.past)))
    changed = [i for i in range(frame + 1, len(made)) if world._history.change(i)]
    until = min(changed, default=len(made))  # from there on it was another play
    branch = world.branch(frame)
    assert film(branch, world.masks(frame)[: until - frame]) == made[frame:until]
    if frame == len(made):
        assert film(branch, [1, 1, 2]) == film(world, [1, 1, 2])


def test_another_key_makes_another_world():
    world = dream(seed=5)
    made = film(world, [W] * 8)
    branch = world.branch(3)
    assert branch.place == made[2][1]
    other = film(branch, [D] * 5)
    assert all(one[0] != two[0] for one, two in zip(made[3:], other, strict=True))
    assert (branch.place.x, branch.place.y) != (world.place.x, world.place.y)
    assert film(world, [W]) == film(world.branch(8), [W])  # the one it came from plays on
    assert len(branch.context()) <= PLACE_WORLD.context
    assert world.branch(0).context().shape == (0, 16, 32, 3)


def test_worlds_without_a_place_branch_as_well():
    world = dream(WITHOUT, seed=5, together=2)
    made = film(world, [W, W, D, D, 0])
    assert film(world.branch(2), [D, D, 0]) == made[2:]
    assert WORLD.prefix == 1  # the pinned frame is in it


def test_a_branch_branches():
    world = dream()
    made = film(world, [W, L, W, W, 0])
    branch = world.branch(1)
    film(branch, [L, W])
    assert film(branch.branch(2), [W, W, 0]) == made[2:]


def test_only_the_last_seconds_can_be_gone_back_to():
    world = dream(SLOW)
    span = round(2 * SECONDS)
    assert world.past == range(1)
    film(world, [W] * 50)
    assert world.past[-1] == 50
    assert span <= len(world.past) - 1 <= span + 2
    assert world.masks(47) == [W] * 3
    for frame in (world.past[0] - 1, 51, -1):
        with pytest.raises(ValueError, match="the last 10 seconds can be gone back to"):
            world.branch(frame)


def test_what_is_kept_of_the_past_is_bounded():
    world = dream(SLOW, ahead=0)
    for i in range(100):
        for _ in range(3):  # somebody who clicks the map and moves sliders all the time
            world.tune(steps=1 + i % 2)
            world.stand(8, 8, i)
        world.step(W)
    history = world._history
    assert len(history._mementos) <= SECONDS + 2
    assert len(history._masks) <= 2 * SECONDS + 2
    assert len(history._changes) <= 2 * SECONDS + 3
    tokens = MODEL.dit.frame_shape[0]
    for memento in history._mementos:
        assert memento.cache.length <= PLACE_WORLD.context * tokens
        assert memento.cache.layers[0].length == memento.cache.length  # no slack is kept


def test_a_branch_is_approached_frame_by_frame_and_forks_at_once():
    world = dream(seed=2)
    film(world, [W] * 20)
    world.stand(8.0, 56.0)
    film(world, [W] * 5)
    stops = [branch.past[-1] for branch in world.approach(23)]
    assert stops == [*range(24)]
    *_, there = world.approach(23)
    assert [branch.past[-1] for branch in there.approach(23)] == [23]
    again = there.branch(23)
    assert film(again, [W, L]) == film(there, [W, L])


# ---- at fixed addresses


def story(world: Dream) -> np.ndarray:
    """Pictures of a play with drafts, changes and two branches, which are what was, or would be."""
    made = film(world, [W, W, D, D])
    world.draft()
    made += film(world, [D, L, L])
    world.tune(steps=4, context_noise=0.3)
    world.draft()
    made += film(world, [L, W, W])
    world.tune(steps=1)
    made += film(world, [W, D])
    one, other = world.branch(5), world.branch(8)
    assert film(one, world.masks(5)[:2]) == made[5:7]
    made += film(other, [0, 0, 0])
    assert film(world.branch(4), [D]) == made[4:5]
    made += film(world, [W])
    return np.stack([np.frombuffer(picture, np.uint8) for picture, _ in made]).astype(int)


@pytest.mark.parametrize("together", [1, 3])
@pytest.mark.parametrize("cfg", [WORLD, PLACE_WORLD], ids=["pinned", "place"])
def test_graphs_of_whole_frames_change_nothing(cfg, together, monkeypatch):
    monkeypatch.setattr("core.video.dream.fast_precision", lambda device: nullcontext())
    model = tiny_world(cfg)
    expected = story(dream(model, together=together, ahead=2))
    replays = record_on_cpu(monkeypatch)
    model.dit.run_static(torch.float32)
    for _ in range(3):  # called, recorded, replayed
        found = story(dream(model, together=together, ahead=2))
        assert np.abs(found - expected).max() <= 1
    assert len(replays) > 20
