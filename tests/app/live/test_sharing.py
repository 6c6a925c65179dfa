"""Several visitors on one machine: turns, places, the table of sessions, bounded takes."""

from __future__ import annotations

import gc
import time
import weakref

import pytest

from app.live.clock import lived
from app.live.take_buffer import TakeBuffer
from app.protocol import Prompt, Start, State
from core.body.skeleton import FPS
from tests.support.visitors import IDS, START, MotionPage, until


def test_two_visitors_share_the_engine_but_nothing_else(make_lobby, engine):
    lobby = make_lobby()
    walker, jumper = MotionPage(lobby, IDS[0]), MotionPage(lobby, IDS[1])
    walker.visitor.start(START)
    jumper.visitor.start(Start(id=1, prompt="a person jumps"))
    for _ in range(40):
        walker.play(walker.end + 4)
        jumper.play(jumper.end + 4)
    assert {p.prompt for p in walker.poses} == {1}
    assert walker.visitor.cut(0, 9).prompts[0].text == "a person walks forward"
    assert jumper.visitor.cut(0, 9).prompts[0].text == "a person jumps"
    assert engine.most_running == 1  # never two at once
    walker.visitor.stop()
    until(walker.idle)
    jumper.play(jumper.end + 20)


def test_the_line_moves_when_somebody_stops(make_lobby):
    lobby = make_lobby(moving=1)
    first, second, third = (MotionPage(lobby, name) for name in IDS[:3])
    for one in (first, second, third):
        one.visitor.start(START)
        one.read()
    assert second.last(State).position == 1
    assert third.last(State).position == 2
    assert "number 2 in line, about" in third.last(State).message
    second.visitor.stop()  # leaves the line
    until(lambda: (third.read(), third.last(State).position == 1)[-1])
    first.visitor.stop()
    until(lambda: (third.read(), third.last(State).state == "running")[-1])
    third.play(8)
    assert not second.poses


def test_a_turn_ends_when_others_wait(make_lobby):
    lobby = make_lobby(moving=1, turn_seconds=0.05)
    first, second = MotionPage(lobby, IDS[0]), MotionPage(lobby, IDS[1])
    first.visitor.start(START)
    first.play(8)
    time.sleep(0.1)
    first.play(16)  # nobody waits: goes on
    second.visitor.start(START)
    until(lambda: (first.read(), first.show(), first.last(State).reason == "turn")[-1])
    second.play(8)


@pytest.mark.parametrize("again", ["start", "change"])
def test_asking_again_makes_no_turn_longer(make_lobby, again):
    lobby = make_lobby(moving=1, turn_seconds=0.1)
    first, second = MotionPage(lobby, IDS[0]), MotionPage(lobby, IDS[1])
    first.visitor.start(START)
    second.visitor.start(START)

    def served() -> bool:
        if again == "start":
            first.visitor.start(START)
        else:
            first.visitor.change(Prompt(id=2, text="a person jumps"))
        for page in (first, second):
            page.read()
            page.show()
        return second.end > 0

    until(served, 5)


def test_a_page_that_is_away_gives_its_place_back(make_lobby):
    page = MotionPage(make_lobby(away_seconds=0.1))
    page.visitor.start(START)
    page.play(8)
    until(lambda: (page.read(), page.last(State).reason == "away")[-1])
    until(page.idle)
    page.visitor.change(Prompt(id=2, text="a person walks forward"))
    page.play(40)


def test_a_page_that_is_gone_gives_its_place_back_sooner(make_lobby):
    page = MotionPage(make_lobby(gone_seconds=0.1))
    page.visitor.start(START)
    page.play(8)
    page.visitor.detach(page.feed)
    until(page.idle)


def test_idle_pages_make_room_for_newcomers_and_are_told(make_lobby):
    lobby = make_lobby(pages=2)
    first, second = MotionPage(lobby, IDS[0]), MotionPage(lobby, IDS[1])
    second.visitor.start(START)
    third = MotionPage(lobby, IDS[2])
    assert first.visitor.feed is None
    assert "made room" in first.feed.farewell
    with pytest.raises(ValueError, match="does not know this take"):
        lobby.motion_visitors.find(IDS[0])
    third.visitor.start(START)
    with pytest.raises(ValueError, match="takes no more"):  # something moves on both
        lobby.motion_visitors.open(IDS[3])


def test_a_take_of_the_last_minutes_makes_no_room(make_lobby):
    lobby = make_lobby(pages=2, recent_seconds=0.5)
    page, idle = MotionPage(lobby, IDS[0]), MotionPage(lobby, IDS[1])
    page.visitor.start(START)
    page.play(8)
    page.visitor.stop()
    until(page.idle)
    page.visitor.detach(page.feed)  # its link is down
    for name in IDS[2:6]:
        idle = MotionPage(lobby, name)
    assert lobby.motion_visitors.find(IDS[0]) is page.visitor
    idle.visitor.start(START)
    with pytest.raises(ValueError, match="takes no more"):
        lobby.motion_visitors.open(IDS[6])
    time.sleep(0.6)
    lobby.motion_visitors.open(IDS[6])


def test_an_address_crowds_out_itself(make_lobby):
    lobby = make_lobby(pages=4, pages_of_address=2)
    open = lobby.motion_visitors.open
    other = open(IDS[0], "10.0.0.2")
    for name in IDS[1:9]:
        open(name, "10.0.0.1")
    assert lobby.motion_visitors.find(IDS[0]) is other
    assert len(lobby.motion_visitors.everybody()) == 3


def test_takes_are_forgotten_by_the_clock(make_lobby):
    lobby = make_lobby(forget_seconds=60, gone_seconds=0)
    here, gone = MotionPage(lobby, IDS[0]), MotionPage(lobby, IDS[1])
    gone.visitor.start(START)
    gone.play(8)
    gone.visitor.detach(gone.feed)
    until(gone.idle)
    table, now = lobby.motion_visitors, lived()
    assert table.tidy(now + 30) == 0
    assert table.tidy(now + 90) == 1
    assert table.everybody() == [here.visitor]


def test_of_many_takes_that_nobody_uses_the_oldest_go(make_lobby):
    lobby = make_lobby(takes=1)
    first, second = (MotionPage(lobby, name) for name in IDS[:2])
    for page in (first, second):
        page.visitor.start(START)
        page.play(8)
        page.visitor.stop()
        until(page.idle)
    table, now = lobby.motion_visitors, lived()
    assert table.tidy(now) == 0  # of the last minutes none goes
    assert table.tidy(now + 400) == 1
    assert "made room" in first.feed.farewell
    assert table.everybody() == [second.visitor]


def test_what_is_forgotten_is_freed_at_once(make_lobby):
    lobby = make_lobby(gone_seconds=0)
    page = MotionPage(lobby)
    gc.disable()  # it comes rarely
    try:
        jobs = []
        for _ in range(3):
            page.visitor.start(START)
            page.play(8)
            jobs.append(weakref.ref(page.visitor._job))
        page.visitor.detach(page.feed)
        until(page.idle)
        lobby.motion_visitors.tidy(lived() + 10**6)
        until(lambda: not any(job() for job in jobs), 2)
    finally:
        gc.enable()


def test_a_recording_keeps_the_newest_minutes(engine):
    recording = TakeBuffer(keep_seconds=10)
    texts = iter(text for text in ["a", "b", "c", "d"] for _ in range(12))
    stream = engine.motion(texts)
    for _ in range(90):
        chunk = next(stream)
        recording.append(chunk, prompt="abcd".index(chunk.prompt), milliseconds=1)
    assert 10 * FPS <= recording.end - recording.first <= 10 * FPS * 1.04
    assert recording.marks[0].start <= recording.first < recording.marks[1].start
    assert recording.read(0, 50).first == recording.first
    assert recording.read(recording.end, 50) is None
    take = recording.cut(0, recording.end, {})
    assert take.prompts[0].start == 0
    assert len(recording.cut(recording.end - 7, 10**9, {})) == 7
