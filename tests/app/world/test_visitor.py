"""Worlds against a fake engine: keys, pacing, pausing, and worlds that survive."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np

from app.protocol import DreamState, Tally, Tune
from app.world.job import WorldJob
from app.world.pictures import decode
from app.world.protocol import DRAFTED
from tests.support.fake_dream import FPS
from tests.support.visitors import IDS, WORLD, WorldPage, until

W, L = 1, 16


def pictures(frames) -> list[np.ndarray]:
    return [decode(frame.jpeg) for frame in frames]


def masks(page: WorldPage) -> list[int]:
    return [frame.mask for frame in page.frames]


def test_frames_come_at_the_worlds_pace_and_follow_each_other(make_lobby):
    page = WorldPage(make_lobby())
    page.visitor.begin(WORLD)
    page.play(1)
    began = time.monotonic()
    page.play(31)
    assert time.monotonic() - began > 0.9 * 30 / FPS  # never faster; slower on a busy machine
    assert [frame.index for frame in page.frames] == list(range(len(page.frames)))
    states = [item.state for item in page.seen if isinstance(item, DreamState)]
    assert states[-2:] == ["warming", "playing"]
    assert pictures(page.frames[:1])[0].shape == (96, 128, 3)


def test_no_frame_of_a_world_comes_after_the_next_one_was_asked_for(make_lobby, monkeypatch):
    page = WorldPage(make_lobby())
    page.visitor.begin(WORLD)
    page.play(20)
    forget = page.visitor._make_room

    def forget_slowly() -> None:
        forget()
        time.sleep(0.15)  # frames come meanwhile, if they may

    monkeypatch.setattr(page.visitor, "_make_room", forget_slowly)
    page.visitor.begin(replace(WORLD, seed=9))
    page.frames.clear()
    page.play(5)
    assert [frame.index for frame in page.frames][:5] == list(range(5))
    assert page.last(DreamState).state == "playing"


def test_a_key_is_obeyed_by_the_very_next_frame(make_lobby):
    page = WorldPage(make_lobby())
    page.visitor.begin(WORLD)
    page.play(5)
    for i in range(12):
        time.sleep(0.05 + 0.007 * (i % 5))
        page.read()
        last, mask = page.frames[-1].index, W if i % 2 == 0 else 0
        seq = page.hold(mask)
        until(lambda seq=seq: (page.read(), page.frames[-1].seq == seq)[-1])
        obeying = next(frame for frame in page.frames if frame.seq == seq)
        assert obeying.mask == mask
        assert obeying.index <= last + 2  # one may have been under way


def test_a_key_hurries_the_frame_that_answers_it(engine):
    run = WorldJob(WORLD, None, lock=threading.Condition())
    run.open(engine, lambda: None)
    run.pace.begin(100.0)
    assert run.due(100.001) > 0.03
    run.press(W, 1)
    assert run.due(100.001) == 0
    run.step()
    run.pace.begin(100.001)
    assert run.due(100.002) > 0.06


def test_a_tap_shorter_than_a_frame_is_seen(make_lobby):
    page = WorldPage(make_lobby())
    page.visitor.begin(WORLD)
    page.play(3)
    page.hold(L)
    page.hold(0)
    page.play(len(page.frames) + 4)
    assert masks(page).count(L) == 1


def test_a_page_that_draws_nothing_holds_the_world_back(make_lobby, engine):
    page = WorldPage(make_lobby())
    page.visitor.begin(WORLD)
    page.play(5)
    drawn = len(page.frames)
    for _ in range(30):
        page.read(draw=False)
        time.sleep(0.01)
    assert len(page.frames) <= drawn + 2
    made = len(engine.dreams[0].held)
    time.sleep(0.1)
    assert len(engine.dreams[0].held) == made
    assert len(page.feed._unsent) == 0
    page.play(drawn + 10)
    assert page.feed.quality < 85


def test_a_page_that_reads_nothing_costs_no_memory(make_lobby, engine):
    page = WorldPage(make_lobby())
    page.visitor.begin(WORLD)
    time.sleep(0.4)
    assert len(page.feed._unsent) <= 2
    assert len(engine.dreams[0].held) <= 2
    for _ in range(100):
        page.visitor.tune(Tune(steps=60))
    assert len(page.visitor._job.wishes) <= 51


def test_idle_time_is_used_to_draft_and_a_new_key_drops_the_drafts(make_lobby, engine):
    page = WorldPage(make_lobby())
    page.visitor.begin(WORLD)
    page.play(20)
    assert sum(frame.flags & DRAFTED for frame in page.frames) >= 3
    assert not page.frames[0].flags & DRAFTED
    for press in range(20):
        page.hold(W * (press % 2))
        page.play(len(page.frames) + 4)
        if engine.dreams[0].tally.dropped:
            break
    assert engine.dreams[0].tally.dropped
    tally = until(lambda: (page.read(), page.last(Tally))[-1])
    assert tally.accepted >= 3
    assert tally.depth == 2
    assert 0 < tally.made_fps < 40
    assert tally.frame_ms > 0.5
    assert engine.most_running == 1


def test_drafting_changes_no_frame(make_lobby):
    lobby, shown = make_lobby(), []
    for name, ahead in zip(IDS[:2], (-1, 0), strict=True):
        page = WorldPage(lobby, name)
        page.visitor.begin(replace(WORLD, ahead=ahead, script="W:9,WL:8,-:7"))
        page.play(24)
        page.visitor.stop()
        shown.append(pictures(page.frames[:24]))
        assert any(frame.flags & DRAFTED for frame in page.frames) == (ahead < 0)
    np.testing.assert_array_equal(*shown)
