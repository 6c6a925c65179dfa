"""A past shown twice, as it was and under other keys: the pairs, and the play that waits for it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from app.protocol import Change, DreamState
from app.world.what_if import compare, obey
from core.settings import WorldSettings
from core.video.dream import Dream
from tests.support.fake_dream import PLACED
from tests.support.tiny import PLACE_WORLD, tiny_world
from tests.support.tiny import WORLD as PLAIN
from tests.support.visitors import IDS, WORLD, WorldPage, until

W, A, L, R = 1, 4, 16, 32
PLACE = replace(WORLD, checkpoint=PLACED)


@pytest.fixture
def page(make_lobby) -> WorldPage:
    page = WorldPage(make_lobby())
    page.visitor.begin(PLACE)
    page.play(5)
    page.hold(W)
    page.play(20)
    return page


def over(page: WorldPage) -> None:
    until(lambda: (page.read(), page.pasts[1] and not page.last(DreamState).what_if)[-1])


def test_both_pasts_are_shown_and_play_goes_on_where_it_was(page, engine):
    page.do("record")
    page.play(24)
    page.what_if(9, L)
    over(page)
    was, other = page.pasts
    assert page.last(DreamState).state == "paused"
    assert [f.index for f in was] == [f.index for f in other] == list(range(9, 9 + len(was)))
    assert [f.mask for f in was] == engine.dreams[0].held[9:]
    assert {f.mask for f in other} == {L}
    first = {f.index: f for f in page.frames}
    assert [f.place for f in was] == [first[f.index].place for f in was if f.index in first]
    assert other[-1].place[0] < was[-1].place[0]
    assert not any(f.flags & 2 for f in was + other)  # they are in no recording
    index, made = was[-1].index, len(page.frames)
    page.do("play")
    page.play(made + 5)
    assert [f.index for f in page.frames[made:]][:5] == list(range(index + 1, index + 6))
    assert page.frames[made].place[0] == was[-1].place[0] + 2
    page.do("keep")
    recording = page.visitor.recording()
    assert recording.count == recording.end - recording.first
    assert list(recording.log.masks[9 : index + 1]) == [f.mask for f in was]


@pytest.mark.parametrize("frame", [10**6, 2**32 - 1])
def test_a_moment_still_to_come_is_refused(page, frame):
    with pytest.raises(ValueError, match="still to come"):
        page.what_if(frame, L)
    page.play(len(page.frames) + 3)  # it was not even paused


def test_unknown_keys_and_no_world_are_refused(page, make_lobby):
    with pytest.raises(ValueError, match="6 keys"):
        page.what_if(9, 1 << 9)
    page.play(len(page.frames) + 3)  # it was not even paused
    with pytest.raises(ValueError, match="no world yet"):
        WorldPage(make_lobby(), IDS[1]).what_if(0, 0)


@pytest.mark.parametrize("button", ["pause", "play", "single", "stop"])
def test_it_ends_where_a_button_is_pressed(page, button):
    page.what_if(5, L)
    until(lambda: (page.read(), len(page.pasts[0]) > 2)[-1])
    page.do(button)
    page.await_state({"play": "playing", "stop": "stopped"}.get(button, "paused"))
    assert not page.last(DreamState).what_if
    shown, made = len(page.pasts[0]), len(page.frames)
    page.do("play")
    page.play(made + 4)
    assert len(page.pasts[0]) <= shown + 2


def test_a_newer_one_takes_its_place(page):
    page.what_if(5, L)
    until(lambda: (page.read(), len(page.pasts[0]) > 2)[-1])
    page.what_if(12, R)
    over(page)
    newer = [frame for frame in page.pasts[1] if frame.mask == R]
    assert newer[0].index == 12
    assert page.pasts[1][-len(newer) :] == newer


def test_a_page_that_vanishes_loses_nothing(make_lobby):
    lobby = make_lobby(gone_seconds=0.2, away_seconds=0.2)
    page = WorldPage(lobby)
    page.visitor.begin(PLACE)
    page.play(20)
    page.what_if(2, L)
    until(lambda: (page.read(), page.pasts[1])[-1])
    page.visitor.detach(page.feed)
    until(page.idle)
    again = WorldPage(lobby)
    again.read()
    state = again.last(DreamState)
    assert (state.state, state.what_if) == ("stopped", False)
    again.do("play")
    again.play(4)
    assert again.frames[-1].index >= 20
    assert not again.pasts[0]


def test_a_stopped_world_can_be_looked_back_on(page):
    page.do("stop")
    until(page.idle)
    page.what_if(9, L)
    over(page)
    assert page.last(DreamState).state == "paused"


def test_another_player_keeps_pace(make_lobby, engine):
    lobby = make_lobby()
    pages = [WorldPage(lobby, name) for name in IDS[:2]]
    for page in pages:
        page.visitor.begin(PLACE)
        page.play(20)
    pages[0].what_if(2, L)
    before = len(pages[1].frames)
    until(lambda: ([page.read() for page in pages], len(pages[0].pasts[1]) >= 15)[-1])
    assert len(pages[1].frames) - before > 7
    assert engine.most_running == 1


@pytest.mark.parametrize("together", [1, 2])
@pytest.mark.parametrize("cfg", [PLAIN, PLACE_WORLD], ids=["plain", "place"])
def test_as_it_was_are_the_same_bytes(cfg, together):
    model = tiny_world(cfg)
    dream = Dream(model, model.moment(0), WorldSettings(seed=2, together=together, ahead=2))
    changes = [Change(frame=8, steps=1)]
    if cfg.place:
        changes.append(Change(frame=16, x=56.0, y=40.0))
    made = []
    for index, mask in enumerate([W] * 12 + [W | L] * 12):
        for change in changes:
            if change.frame == index:
                obey(dream, change)
        made.append(dream.step(mask))
        dream.draft()
    for first in (0, 5, 16):
        pairs = [p for p in compare(dream, first, A, changes, nullcontext) if p]
        assert len(pairs) == 24 - first
        for (was, other), frame in zip(pairs, made[first:], strict=True):
            np.testing.assert_array_equal(was.frame, frame.frame)
            assert (was.index, was.mask, was.place) == (frame.index, frame.mask, frame.place)
            assert (other.index, other.mask) == (frame.index, A)
        assert any((was.frame != other.frame).any() for was, other in pairs)
    held = dream.step(W)  # the dream itself stands where it stood
    assert held.index == 24


def test_what_is_too_old_gives_way_to_the_oldest():
    model = tiny_world(PLAIN.model_copy(update={"fps": 2.0}))
    dream = Dream(model, model.moment(0))
    for _ in range(30):
        dream.step(W)
    pairs = [p for p in compare(dream, 0, A, [], nullcontext) if p]
    assert [was.index for was, _ in pairs] == list(range(dream.past.start, 30))
    assert pairs[0][0].index > 0
