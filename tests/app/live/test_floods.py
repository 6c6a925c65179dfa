"""Pages that ask again and again: one thread each, the newest request wins, others go on."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from app.live import sharing, stream
from app.live.sharing import Buckets
from app.live.stream import in_time
from app.protocol import MAX_STEERING, Ack, Follow, Hello, Model, Problem, pack
from tests.support.fake_capture import fake_film
from tests.support.server import LIVE, hello, receive
from tests.support.visitors import IDS, START, WORLD, CapturePage, MotionPage, WorldPage, until

FLOOD = 200


@pytest.fixture
def clock(monkeypatch):
    """A clock that only the tests move: buckets fill when they say so."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(sharing, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def threads(kind: str, name: str = IDS[0]) -> int:
    return sum(thread.name == f"{kind}-{name[:8]}" for thread in threading.enumerate())


def flooding_motion(lobby, engine):
    page = MotionPage(lobby)
    return lambda i: page.visitor.start(replace(START, seed=i)), lambda: [
        options["settings"].seed for options in engine.opened if options["settings"].seed < FLOOD
    ]


def flooding_world(lobby, engine):
    page = WorldPage(lobby)
    return lambda i: page.visitor.begin(replace(WORLD, steps=1 + i % 50)), lambda: [
        dream.settings["steps"] - 1 for dream in engine.dreams
    ]


def flooding_capture(lobby, engine):
    page = CapturePage(lobby)
    page.upload(fake_film(4000))
    return lambda i: page.visitor.follow(Follow(person=1 + i % 50)), lambda: [
        options["person"] - 1 for options in engine.followed
    ]


@pytest.mark.parametrize(
    ("kind", "flooding"),
    [("motion", flooding_motion), ("world", flooding_world), ("capture", flooding_capture)],
)
def test_a_flood_takes_one_thread_and_the_newest_wins(make_lobby, engine, clock, kind, flooding):
    lobby = make_lobby()
    other = MotionPage(lobby, "another-visitor")
    other.visitor.start(replace(START, seed=FLOOD))
    other.play(8)
    ask, begun = flooding(lobby, engine)
    most = 0
    for i in range(FLOOD):
        ask(i)
        most = max(most, threads(kind))
        if i % 20 == 0:
            other.play(other.end + 4)  # goes on meanwhile
    assert most == 1
    other.play(other.end + 8)
    assert 1 <= len(begun()) <= 3  # the clock stands still, so no more are allowed
    clock.now += 1
    until(lambda: begun()[-1] in (FLOOD - 1, (FLOOD - 1) % 50))
    assert len(begun()) <= 4
    assert engine.most_running == 1


def test_three_starts_within_a_moment_are_honest(make_lobby, engine, clock):
    page = MotionPage(make_lobby())
    for seed in range(3):
        page.visitor.start(replace(START, seed=seed))
        until(lambda: (page.read(), page.end >= 4)[-1])
    assert [options["settings"].seed for options in engine.opened] == [0, 1, 2]


def test_visitors_of_one_address_share_its_starts(make_lobby, engine, clock):
    lobby = make_lobby(starts=1)
    first, second, third = (MotionPage(lobby, name, address="10.0.0.1") for name in IDS[:3])
    for one in (first, second):
        one.visitor.start(START)
        one.play(4)
    third.visitor.start(START)
    first.visitor.start(START)  # a second one
    elsewhere = MotionPage(lobby, IDS[3], address="10.0.0.2")
    elsewhere.visitor.start(START)
    elsewhere.play(40)
    third.read()
    assert not third.poses
    assert len(engine.opened) == 3
    clock.now += 1
    third.play(8)  # asked for once, it comes by itself
    first.play(8)


def test_a_request_that_waits_can_be_stopped(make_lobby, engine, clock):
    page = MotionPage(make_lobby(starts=1))
    page.visitor.start(START)
    page.play(4)
    page.visitor.start(replace(START, seed=2))
    page.visitor.stop()
    until(page.idle)
    clock.now += 1
    assert [options["settings"].seed for options in engine.opened] == [1]


def test_who_does_not_stand_in_line_is_not_told_to_wait(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor._wait(1, 30)  # a call that comes late
    assert page.visitor._state.state == "idle"
    page.visitor.start(START)
    page.play(8)
    page.visitor._wait(1, 30)
    assert page.visitor._state.state == "running"
    page.visitor.stop()
    page.visitor._wait(1, 30)
    assert page.visitor._state.state == "stopped"


def test_buckets_refill_and_are_forgotten(clock):
    starts = Buckets()

    def take(who: str, where: str) -> float:
        return starts.take({who: 2, where: 4})

    assert [take("a", "here") for _ in range(3)] == [0, 0, 0.5]
    assert [take("b", "here") for _ in range(3)] == [0, 0, 0.5]
    assert take("c", "here") == 0.25  # the address is out of starts
    assert take("c", "there") == 0
    clock.now += 0.5
    assert take("a", "here") == 0
    for i in range(99):
        clock.now += 1
        take(f"visitor {i}", "there")
    assert len(starts._full) < 70


def test_who_reconnects_gets_no_new_bucket(clock, monkeypatch):
    waits = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.now += seconds

    monkeypatch.setattr(asyncio, "sleep", sleep)
    buckets = Buckets()

    async def say(address: str) -> None:
        await in_time(buckets, address, 100)

    async def flood() -> None:
        for _ in range(300):
            await say("10.0.0.1")
        before = len(waits)
        await say("10.0.0.2")
        assert len(waits) == before

    asyncio.run(flood())
    assert 1.9 < sum(waits) < 2.1


def test_an_address_is_where_the_connection_comes_from(client, lobby):
    greeting: Hello = hello()
    headers = {"x-forwarded-for": "10.9.9.9"}
    with client.websocket_connect(LIVE, headers=headers) as socket:
        socket.send_bytes(pack(greeting))
        receive(socket, Model)
        assert lobby.motion_visitors.find(greeting.session).feed.address == "testclient"


def test_hellos_leave_no_thread(make_lobby):
    lobby = make_lobby(pages=4, recent_seconds=0)
    before = threading.active_count()
    for i in range(50):
        name = f"{i}{IDS[0]}"
        page = CapturePage(lobby, name)
        if i % 2:
            page.upload(fake_film(4))
        page.visitor.detach(page.feed)
    # who is remembered may have a file that will go
    until(lambda: threading.active_count() <= before + 4)
    for visitor in lobby.capture_visitors.everybody():
        visitor.close()
    until(lambda: threading.active_count() <= before)


def test_who_sends_many_bytes_waits_and_is_not_cut_off(client):
    with client.websocket_connect(LIVE) as socket:
        socket.send_bytes(pack(hello()))
        receive(socket, Model)
        began = time.monotonic()
        for _ in range(18):  # 2 more than are read at once, at four a second
            socket.send_bytes(b"\xff" * MAX_STEERING)
            receive(socket, Problem)
        assert time.monotonic() - began > 0.3


@pytest.mark.parametrize(("stopped", "sent", "closed"), [(0, 150, 1), (12, 150, 0), (12, 1500, 1)])
def test_what_piles_up_while_the_server_is_stopped_is_no_flood(stopped, sent, closed):
    """Messages of a page that shows poses go on coming while a laptop sleeps."""
    clock, codes, left = SimpleNamespace(now=5.0), [], [*range(sent)]
    said = pack(Ack(lead=1, take=1, received=1, shown=1))

    async def receive_one():
        if len(left) == sent - 1:
            clock.now += stopped
        if not left:
            raise WebSocketDisconnect
        left.pop()
        return {"type": "websocket.receive", "bytes": said}

    async def close(code: int) -> None:
        codes.append(code)

    async def page() -> None:
        asyncio.get_running_loop().time = lambda: clock.now  # pyright: ignore
        feed = SimpleNamespace(address="", tell=lambda _: None)
        unused: Any = None
        channel: stream.Channel[Any, Any] = stream.Channel(
            open=unused, connect=unused, greet=unused, known=unused, act=lambda *_: None
        )
        with suppress(WebSocketDisconnect):
            socket = SimpleNamespace(receive=receive_one, close=close)
            await stream.receive(socket, channel, SimpleNamespace(feed=feed), feed)  # pyright: ignore

    asyncio.run(page())
    assert len(codes) == closed
