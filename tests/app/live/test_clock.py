"""Time that nobody lived through, and files that go by the clock."""

from __future__ import annotations

import asyncio
import math

import pytest

from app.capture import uploads as files
from app.capture.uploads import Uploads
from app.exports import store
from app.exports.store import Exports
from app.live import clock as clocks
from app.live import visitor as visitors
from app.live.clock import GAP
from app.motion import visitor as motion
from tests.support.faulty import Hands
from tests.support.visitors import IDS, START, CapturePage, MotionPage, until


@pytest.fixture
def hands(monkeypatch):
    hands = Hands()
    monkeypatch.setattr(clocks, "clock", lambda: hands.clock)
    for module in (files, store):
        monkeypatch.setattr(module, "clock", lambda: hands.clock)
    for module in (files, store, visitors, motion):
        monkeypatch.setattr(module, "lived", hands.clock.lived)
    return hands


def test_the_hour_of_a_stopped_laptop_is_not_lived_through():
    hands = Hands()
    before = hands.clock.lived()
    hands.run(10)
    assert hands.clock.lived() - before == 10
    hands.now += 3600
    assert hands.clock.lived() - before == 10 + GAP  # whoever looks first
    hands.clock.tick()
    hands.run(10)
    assert hands.clock.lived() - before == 20 + GAP


def test_no_turn_ends_while_the_server_was_stopped(make_lobby, hands):
    lobby = make_lobby(moving=1, turn_seconds=60, away_seconds=60)
    first, second = MotionPage(lobby, IDS[0]), MotionPage(lobby, IDS[1])
    first.visitor.start(START)
    first.play(20)
    second.visitor.start(START)
    hands.run(20)
    hands.stop(3600)
    first.play(40)
    assert second.visitor._state.state == "waiting"
    hands.run(60)
    first.read()
    until(lambda: (first.show(), first.visitor._state.reason == "turn")[-1])
    second.play(10)
    assert len(first.visitor.cut(0, 40)) == 40


def test_one_that_cannot_sweep_keeps_no_other_from_it(caplog):
    swept, hands = [], Hands()

    class Broken:
        def sweep(self) -> None:
            swept.append(self)
            raise OSError

    both = Broken(), Broken()
    for one in both:
        hands.clock.look_after(one)
    hands.run(1)
    assert set(swept) == set(both)
    assert "cannot sweep" in caplog.text


def test_files_of_those_who_left_go_when_others_need_the_room(make_lobby, hands, monkeypatch):
    monkeypatch.setattr(files, "MOST_KEPT", 100)
    lobby = make_lobby()

    async def parts():
        yield b"x" * 40

    def upload(page: CapturePage) -> None:
        page.visitor.keep(asyncio.run(lobby.uploads.receive(parts(), "a.mp4", size=40)))

    pages = [CapturePage(lobby, name) for name in IDS[:4]]
    for page in pages[:2]:
        upload(page)
    with pytest.raises(ValueError, match="too many files"):
        upload(pages[2])
    for page in pages[:2]:
        page.visitor.detach(page.feed)
        hands.run(1)
    upload(pages[2])
    assert [page.visitor._upload.path.is_file() for page in pages[:3]] == [False, True, True]
    hands.run(1801)
    assert [page.visitor._upload.path.is_file() for page in pages[1:3]] == [False, True]


def test_one_visitor_sends_two_files_at_a_time(hands):
    uploads = Uploads()

    async def never():
        yield b"x"
        await asyncio.sleep(60)

    async def crowd():
        tasks = [asyncio.create_task(uploads.receive(never(), "a.mp4", owner="a")) for _ in "ab"]
        await asyncio.sleep(0)
        with pytest.raises(ValueError, match="still on its way"):
            await uploads.receive(never(), "a.mp4", owner="a")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(crowd())
    assert not uploads._coming
    assert not uploads.kept


def test_many_exports_leave_the_newest(hands, monkeypatch):
    monkeypatch.setattr(store, "OWN_BYTES", 250)
    monkeypatch.setattr(store, "MOST_BYTES", 450)
    exports = Exports(keep_seconds=60)

    def made(owner: str):
        job = exports.submit(owner, "a.bvh", lambda path, tell: path.write_text("x" * 100))
        exports.wait(job, 10)
        until(lambda: job.ended < math.inf)
        hands.run(1)
        return job

    own = [made("a") for _ in range(5)]
    assert [job.gone for job in own] == [True, True, True, False, False]
    others = [made(owner) for owner in "bcd"]
    assert [job.gone for job in (*own[3:], *others)] == [True, False, False, False, False]
    assert sum(job.path.is_file() for job in (*own, *others)) == 4
    hands.run(61)
    assert not any(job.path.exists() for job in others)
    exports.close()
