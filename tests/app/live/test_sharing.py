"""Several visitors on one machine: turns, places, the table of sessions, bounded takes."""

from __future__ import annotations

import threading
import time

import pytest

from app.live.sharing import Slots, Turnstile
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
    assert "number 2 in line" in third.last(State).message
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


def test_the_table_of_sessions_is_bounded(make_lobby):
    lobby = make_lobby(pages=2)
    first, second = MotionPage(lobby, IDS[0]), MotionPage(lobby, IDS[1])
    with pytest.raises(ValueError, match="takes no more"):
        lobby.motion_visitors.open(IDS[2])
    first.visitor.detach(first.feed)  # its take goes to make room
    lobby.motion_visitors.open(IDS[2])
    with pytest.raises(ValueError, match="does not know this take"):
        lobby.motion_visitors.find(IDS[0])
    assert lobby.motion_visitors.find(IDS[1]) is second.visitor


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


def test_the_turnstile_is_fair():
    turnstile, order, begin = Turnstile(), [], threading.Barrier(3)

    def work(name: int) -> None:
        begin.wait(5)
        for _ in range(5):
            with turnstile.turn():
                order.append(name)
                time.sleep(0.002)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(set(order[i : i + 3])) == 3 for i in range(3, 9, 3))


def test_slots_let_in_as_many_as_there_are_places():
    slots, inside, positions = Slots(2), [], {}
    for who in "abcd":
        slots.ask(
            who,
            enter=lambda who=who: inside.append(who),
            wait=lambda position, who=who: positions.__setitem__(who, position),
        )
    assert (inside, positions, slots.waiting) == (["a", "b"], {"c": 1, "d": 2}, 2)
    slots.leave("a")
    slots.leave("a")
    assert (inside, positions["d"]) == (["a", "b", "c"], 1)


def test_a_long_turn_lets_others_go_in_between():
    turnstile, order = Turnstile(), []

    def long() -> None:
        with turnstile.turn():
            order.append("long")
            until(lambda: len(turnstile._line) == 2)
            turnstile.pass_on()
            order.append("long")
            turnstile.pass_on()  # nobody waits any more

    def short() -> None:
        with turnstile.turn():
            order.append("short")

    threads = [threading.Thread(target=long)]
    threads[0].start()
    until(lambda: order == ["long"])
    threads.append(threading.Thread(target=short))
    threads[1].start()
    for thread in threads:
        thread.join(5)
    assert order == ["long", "short", "long"]
    assert not turnstile.busy
