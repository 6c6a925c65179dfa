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
from tests.support.visitors import IDS, WORLD, Gamer, until

W, L = 1, 16


def pictures(frames) -> list[np.ndarray]:
    return [decode(frame.jpeg) for frame in frames]


def masks(gamer: Gamer) -> list[int]:
    return [frame.mask for frame in gamer.frames]


def test_frames_come_at_the_worlds_pace_and_follow_each_other(make_lobby):
    gamer = Gamer(make_lobby())
    gamer.player.begin(WORLD)
    gamer.play(1)
    began = time.monotonic()
    gamer.play(31)
    assert time.monotonic() - began > 0.9 * 30 / FPS  # never faster; slower on a busy machine
    assert [frame.index for frame in gamer.frames] == list(range(len(gamer.frames)))
    states = [item.state for item in gamer.seen if isinstance(item, DreamState)]
    assert states[-2:] == ["warming", "playing"]
    assert pictures(gamer.frames[:1])[0].shape == (96, 128, 3)


def test_a_key_is_obeyed_by_the_very_next_frame(make_lobby):
    gamer = Gamer(make_lobby())
    gamer.player.begin(WORLD)
    gamer.play(5)
    for i in range(12):
        time.sleep(0.05 + 0.007 * (i % 5))
        gamer.read()
        last, mask = gamer.frames[-1].index, W if i % 2 == 0 else 0
        seq = gamer.hold(mask)
        until(lambda seq=seq: (gamer.read(), gamer.frames[-1].seq == seq)[-1])
        obeying = next(frame for frame in gamer.frames if frame.seq == seq)
        assert obeying.mask == mask
        assert obeying.index <= last + 2  # one may have been under way


def test_a_key_hurries_the_frame_that_answers_it(engine):
    run = WorldJob(WORLD, None, lock=threading.Condition())
    run.open(engine)
    run.pace.begin(100.0)
    assert run.due(100.001) > 0.03
    run.press(W, 1)
    assert run.due(100.001) == 0
    run.step()
    run.pace.begin(100.001)
    assert run.due(100.002) > 0.06


def test_a_tap_shorter_than_a_frame_is_seen(make_lobby):
    gamer = Gamer(make_lobby())
    gamer.player.begin(WORLD)
    gamer.play(3)
    gamer.hold(L)
    gamer.hold(0)
    gamer.play(len(gamer.frames) + 4)
    assert masks(gamer).count(L) == 1


def test_a_page_that_draws_nothing_holds_the_world_back(make_lobby, engine):
    gamer = Gamer(make_lobby())
    gamer.player.begin(WORLD)
    gamer.play(5)
    drawn = len(gamer.frames)
    for _ in range(30):
        gamer.read(draw=False)
        time.sleep(0.01)
    assert len(gamer.frames) <= drawn + 2
    made = len(engine.dreams[0].masks)
    time.sleep(0.1)
    assert len(engine.dreams[0].masks) == made
    assert len(gamer.feed._unsent) == 0
    gamer.play(drawn + 10)
    assert gamer.feed.quality < 85


def test_a_page_that_reads_nothing_costs_no_memory(make_lobby, engine):
    gamer = Gamer(make_lobby())
    gamer.player.begin(WORLD)
    time.sleep(0.4)
    assert len(gamer.feed._unsent) <= 2
    assert len(engine.dreams[0].masks) <= 2
    for _ in range(100):
        gamer.player.tune(Tune(steps=60))
    assert len(gamer.player._job.tunes) <= 51


def test_idle_time_is_used_to_draft_and_a_new_key_drops_the_drafts(make_lobby, engine):
    gamer = Gamer(make_lobby())
    gamer.player.begin(WORLD)
    gamer.play(20)
    assert sum(frame.flags & DRAFTED for frame in gamer.frames) >= 3
    assert not gamer.frames[0].flags & DRAFTED
    for press in range(20):
        gamer.hold(W * (press % 2))
        gamer.play(len(gamer.frames) + 4)
        if engine.dreams[0].tally.dropped:
            break
    assert engine.dreams[0].tally.dropped
    tally = until(lambda: (gamer.read(), gamer.last(Tally))[-1])
    assert tally.accepted >= 3
    assert tally.depth == 2
    assert 0 < tally.made_fps < 40
    assert tally.frame_ms > 0.5
    assert engine.most_running == 1


def test_drafting_changes_no_frame(make_lobby):
    lobby, shown = make_lobby(), []
    for name, ahead in zip(IDS[:2], (-1, 0), strict=True):
        gamer = Gamer(lobby, name)
        gamer.player.begin(replace(WORLD, ahead=ahead, script="W:9,WL:8,-:7"))
        gamer.play(24)
        gamer.player.stop()
        shown.append(pictures(gamer.frames[:24]))
        assert any(frame.flags & DRAFTED for frame in gamer.frames) == (ahead < 0)
    np.testing.assert_array_equal(*shown)
