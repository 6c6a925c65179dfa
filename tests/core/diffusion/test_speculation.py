"""Speculation: what is drafted changes no byte, what is dropped leaves no trace, tallies add up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.diffusion.sampler import StreamSampler
from core.diffusion.speculation import SLACK, DraftStats, KeyHold, Speculator
from core.settings import AUTO, MOST_AHEAD, MOST_TOGETHER
from core.video.model import Action, FrameDiT
from tests.support.tiny import KEYS, WORLD, tiny_world

MODEL = tiny_world().dit
ACTIONS = [
    Action(torch.tensor([[mask >> i & 1 for i in range(len(KEYS))]]).float(), mask)
    for mask in range(3)
]
plays = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=9)
"""Which key is held for a frame, and how often idle time lets us draft after it."""


def make_sampler(model: FrameDiT = MODEL, **options) -> StreamSampler[Action]:
    options = {"steps": 1, "context_noise": 0.1, **options}
    sampler = StreamSampler(
        model,
        (1, *model.frame_shape),
        model.new_cache(SLACK),
        stagger=options["steps"],
        generator=torch.Generator().manual_seed(5),
        **options,
    )
    first = torch.randn(1, 1, *model.frame_shape, generator=torch.Generator().manual_seed(6))
    sampler.commit(first, ACTIONS[:1])
    return sampler


def state(sampler: StreamSampler[Action]) -> list[torch.Tensor]:
    """Everything that the next frame depends on."""
    views = [part for layer in sampler.cache.layers for part in layer.view]
    finished = [frame.x for frame in sampler.finished]
    counts = torch.tensor([sampler.committed, len(finished)])
    return [counts, sampler.generator.get_state(), *views, *finished]


def same(one: list[torch.Tensor], two: list[torch.Tensor]) -> bool:
    return len(one) == len(two) and all(map(torch.equal, one, two))


@settings(max_examples=60, deadline=None)
@given(play=plays, together=st.integers(1, MOST_TOGETHER), ahead=st.integers(AUTO, MOST_AHEAD))
def test_drafting_changes_no_byte_and_leaves_no_trace(play, together, ahead):
    plain = Speculator(make_sampler(), ahead=0, together=together)
    drafting = Speculator(make_sampler(), ahead=ahead, together=together)
    pending = 0
    for key, idle in play:
        expected, _ = plain.next(ACTIONS[key])
        found, drafted = drafting.next(ACTIONS[key])
        assert torch.equal(found.x, expected.x)
        assert found.condition is ACTIONS[key]
        pending = pending - 1 if drafted else together - 1
        for _ in range(idle):
            pending += len(drafting.draft())
        assert pending < max(drafting.depth, 1) + together
    tally = drafting.tally
    assert tally.made == len(play)
    assert tally.drafted == tally.accepted + tally.dropped + pending
    assert 0 <= tally.accept_rate <= 1
    for speculator in (plain, drafting):
        speculator.drop()
    assert same(state(plain.sampler), state(drafting.sampler))
    assert tally.drafted == tally.accepted + tally.dropped


@settings(max_examples=10, deadline=None)
@given(keys=st.lists(st.integers(0, 2), min_size=1, max_size=8))
def test_one_by_one_it_is_the_plain_sampler(keys):
    sampler, speculator = make_sampler(), Speculator(make_sampler(), ahead=3)
    for key in keys:
        (expected,) = sampler.sample([ACTIONS[key]])
        assert torch.equal(speculator.next(ACTIONS[key])[0].x, expected.x)
        while speculator.draft():
            pass


def test_a_change_of_key_rolls_the_cache_back_to_where_it_was():
    speculator = Speculator(make_sampler(), ahead=MOST_AHEAD)
    for _ in range(6):  # the window is full and frames leave it
        speculator.next(ACTIONS[1])
    before, drafts = state(speculator.sampler), 0
    while made := speculator.draft():
        drafts += len(made)
    assert drafts == MOST_AHEAD
    assert not same(state(speculator.sampler), before)
    speculator.drop()
    assert same(state(speculator.sampler), before)
    assert speculator.tally == DraftStats(
        made=6, drafted=MOST_AHEAD, dropped=MOST_AHEAD, depth=MOST_AHEAD
    )


def test_a_held_key_takes_drafts_and_another_drops_them():
    speculator = Speculator(make_sampler(), ahead=3)
    assert speculator.draft() == []  # nothing is held yet
    assert speculator.next(ACTIONS[1])[1] is False
    assert [len(speculator.draft()) for _ in range(5)] == [1, 1, 1, 0, 0]
    assert speculator.next(ACTIONS[1])[1] is True
    assert speculator.next(ACTIONS[2])[1] is False
    expected = DraftStats(made=3, drafted=3, accepted=1, dropped=2, depth=3)
    assert speculator.tally == expected
    assert expected.accept_rate == pytest.approx(1 / 3)
    assert DraftStats().accept_rate == 1


def test_frames_denoised_together_come_in_groups():
    speculator = Speculator(make_sampler(), ahead=0, together=3)
    held = [speculator.next(ACTIONS[1])[1] for _ in range(7)]
    assert held == [False, True, True, False, True, True, False]
    assert speculator.next(ACTIONS[2])[1] is False  # two of the group were not shown
    expected = DraftStats(made=8, drafted=8, accepted=4, dropped=2, depth=0)
    assert speculator.tally == expected


@pytest.mark.parametrize(("positions", "most"), [(8, 2), (10, 3), (7, 1), (36, 3)])
def test_a_model_has_positions_for_as_many_together_as_it_says(positions, most):
    cfg = WORLD.model_copy(update={"max_frames": positions})
    assert cfg.most_together == most
    sampler = make_sampler(FrameDiT(cfg).eval())
    speculator = Speculator(sampler, ahead=MOST_AHEAD, together=most, most_together=most)
    for _ in range(20):
        speculator.next(ACTIONS[0])
        speculator.draft()
    with pytest.raises(ValueError, match=rf"1\.\.{most} in this world, got {most + 1}"):
        Speculator(sampler, together=most + 1, most_together=most)


def test_depth_follows_how_often_keys_change():
    hold = KeyHold()

    def after(changes: Callable[[int], bool], frames: int = 120) -> int:
        for i in range(frames):
            hold.observe(changes(i))
        return hold.depth()

    first = hold.depth()
    assert 0 < first < MOST_AHEAD
    assert after(lambda i: False) == MOST_AHEAD
    assert after(lambda i: i % 4 == 0) in (1, 2, 3)
    assert after(lambda i: True) == 0
    assert 0 < after(lambda i: False, 60) < MOST_AHEAD  # a second or two
    assert after(lambda i: False) == MOST_AHEAD


def test_depth_is_automatic_only_where_it_is_asked_for():
    fixed, free = (Speculator(make_sampler(), ahead=ahead) for ahead in (2, AUTO))
    for i in range(40):
        for speculator in (fixed, free):
            speculator.next(ACTIONS[i % 2])
    assert (fixed.depth, free.depth) == (2, 0)
    assert free.draft() == []
    assert (fixed.tally.depth, free.tally.depth) == (2, 0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"together": 0}, r"together must be in 1\.\.3 in this world, got 0"),
        ({"together": 4}, r"together must be in 1\.\.3 in this world, got 4"),
    ],
)
def test_settings_out_of_range_are_told(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        Speculator(make_sampler(), **options)


@pytest.mark.parametrize(("steps", "noise"), [(1, 0.1), (3, 0.0), (3, 0.3)])
def test_one_frame_sampled_is_one_frame_streamed(steps, noise):
    options = {"steps": steps, "context_noise": noise}
    plan = [ACTIONS[i] for i in (0, 1, 1, 2, 2, 2, 0)]
    one, other = make_sampler(**options), make_sampler(**options)
    streamed = [frame.x for frame in one.stream(plan)]
    sampled = [other.sample([condition])[0].x for condition in plan]
    assert same(streamed, sampled)
    assert same(state(one), state(other))


@pytest.mark.parametrize("noise", [0.0, 0.25])
def test_what_is_committed_stands_at_the_noise_it_has(noise):
    sampler, calls = make_sampler(steps=2, context_noise=noise), []
    network = sampler.denoiser

    def spy(x, t, conditions, cache, commit):
        calls.append((x[:, :commit], t[:, :commit], t[:, commit:]))
        return network(x, t, conditions, cache, commit)

    sampler.denoiser = spy
    made = [sampler.sample([ACTIONS[1]])[0].x for _ in range(3)]
    sampler.commit(torch.zeros(1, 1, *MODEL.frame_shape), ACTIONS[:1])
    assert [t.shape[1] for _, t, _ in calls] == [0, 0, 1, 0, 1, 0, 1, 1]
    assert [t.tolist() for _, _, t in calls[:6]] == [[[0.0]], [[0.5]]] * 3
    clean = [*made, torch.zeros_like(made[0])]  # the third waited; it goes first
    for (x, t, _), frame in zip((calls[2], calls[4], calls[6], calls[7]), clean, strict=True):
        assert t.tolist() == [[1 - noise]]
        left = x[:, 0] - (1 - noise) * frame
        assert left.std().item() == pytest.approx(noise, rel=0.5)


def test_steps_and_noise_change_between_frames():
    one, other = make_sampler(steps=2), make_sampler(steps=2)
    for sampler in (one, other):
        sampler.sample(ACTIONS[:1])
    one.retime(3, 0.4)
    assert (one.steps, one.stagger, one.context_noise) == (3, 3, 0.4)
    assert not torch.equal(one.sample(ACTIONS[:1])[0].x, other.sample(ACTIONS[:1])[0].x)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        one.retime(0, 0.1)
    assert (one.steps, one.context_noise) == (3, 0.4)


@pytest.mark.parametrize("noise", [-0.1, 1.0, float("nan")])
def test_impossible_context_noise_is_told(noise):
    with pytest.raises(ValueError, match="context_noise must be in"):
        make_sampler(context_noise=noise)


def test_a_sampler_goes_back_no_further_than_its_cache_remembers():
    sampler = make_sampler()
    start = sampler.snapshot()
    first = [sampler.sample(ACTIONS[:1])[0].x for _ in range(SLACK)]
    sampler.restore(start)
    assert same([sampler.sample(ACTIONS[:1])[0].x for _ in range(SLACK)], first)
    for _ in range(2):
        sampler.sample(ACTIONS[:1])
    before = state(sampler)
    with pytest.raises(ValueError, match=f"can roll back {SLACK} frames, asked for {SLACK + 1}"):
        sampler.restore(start)
    assert same(state(sampler), before)


# ---- conditions that depend on the frame before: here, its number


def counted(asked: Action, before: Action | None) -> Action:
    number = 0.0 if before is None or before.course is None else before.course[0, 0]
    return replace(asked, course=np.array([[number + 1, 0.0, 0.0]]))


def number(action: Action | None) -> float:
    assert action is not None
    assert action.course is not None
    return float(action.course[0, 0])


@settings(max_examples=40, deadline=None)
@given(play=plays, together=st.integers(1, MOST_TOGETHER), ahead=st.integers(AUTO, MOST_AHEAD))
def test_what_is_carried_follows_the_frames_that_are_shown(play, together, ahead):
    start = counted(ACTIONS[0], None)
    speculator = Speculator(
        make_sampler(), ahead=ahead, together=together, carry=counted, start=start
    )
    for shown, (key, idle) in enumerate(play, start=2):
        made, _ = speculator.next(ACTIONS[key])
        assert number(made.condition) == number(speculator.shown) == shown
        assert torch.equal(made.condition.keys, ACTIONS[key].keys)
        for _ in range(idle):
            drafts = speculator.draft()
            assert all(number(draft.condition) > shown for draft in drafts)
        assert number(speculator.shown) == shown


def test_a_restart_drops_drafts_and_carries_on_from_there():
    speculator = Speculator(make_sampler(), ahead=3, carry=counted)
    speculator.next(ACTIONS[1])
    while speculator.draft():
        pass
    speculator.restart(replace(ACTIONS[1], course=np.array([[70.0, 0, 0]])))
    assert number(speculator.shown) == 70
    assert speculator.tally.dropped == 3
    assert number(speculator.draft()[0].condition) == 71
    made, drafted = speculator.next(ACTIONS[1])
    assert (number(made.condition), drafted) == (71, True)


@pytest.mark.parametrize("together", [1, 2])
def test_where_a_sampler_stood_before_all_drafts(together):
    speculator = Speculator(make_sampler(), ahead=5, together=together)
    for _ in range(6):
        speculator.next(ACTIONS[1])
    assert speculator.between_groups
    snapshot, _ = speculator.standing()
    while speculator.draft():
        pass
    later, cache = speculator.standing()
    assert (later.committed, len(later.finished)) == (snapshot.committed, len(snapshot.finished))
    other = make_sampler()
    other.cache = cache
    other.restore(later)
    again = Speculator(other, ahead=0, together=together)
    for key in (1, 2, 2, 0):
        assert torch.equal(again.next(ACTIONS[key])[0].x, speculator.next(ACTIONS[key])[0].x)
