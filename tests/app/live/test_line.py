"""Pages without a WebSocket: the same messages, limits and checks over plain requests."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette

from app.live import line
from app.live.line import CLOSED, LENGTH, split
from app.motion.routes import motion_routes
from app.protocol import MAX_STEERING, Ack, Model, Poses, Problem, Start, TakeInfo, pack
from app.protocol import unpack_from_server as unpack
from tests.support.server import LIVE, hello

START = pack(Start(id=7, prompt="a person walks"))


class LinePage:
    """A page's side: one answer that is read as it comes, and requests."""

    def __init__(self, app: Starlette):
        self._app, self.path = app, f"{LIVE}/{uuid.uuid4()}"
        self._asked, self.gone, self.news = False, asyncio.Event(), asyncio.Condition()
        self.status, self.headers, self._data = 0, {}, b""
        self.messages: list = []
        self.beats, self.code, self.ended = 0, None, False
        self.taken = asyncio.Event()
        self.taken.set()

    async def say(self, *messages: bytes, data: bytes = b"") -> httpx.Response:
        body = b"".join(LENGTH.pack(len(message)) + message for message in messages)
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post(self.path, content=body + data)

    async def listen(self) -> None:
        scope = {"type": "http", "method": "GET", "path": self.path, "query_string": b""}
        scope |= {"headers": [], "client": ("test", 1), "app": self._app}
        await self._app(scope, self._receive, self._send)
        await self._tell(ended=True)

    async def _receive(self) -> dict:
        if self._asked:
            await self.gone.wait()
            return {"type": "http.disconnect"}
        self._asked = True
        return {"type": "http.request", "body": b""}

    async def _send(self, message: dict) -> None:
        await self.taken.wait()
        if message["type"] == "http.response.start":
            self.headers = dict(message["headers"])
            return await self._tell(status=message["status"])
        self._data += message.get("body", b"")
        while len(self._data) >= LENGTH.size and self.status == 200:
            length = LENGTH.unpack_from(self._data)[0]
            if length >= CLOSED:
                return await self._tell(code=length - CLOSED)
            if length:
                self.messages.append(unpack(self._data[4 : 4 + length]))
            await self._tell(beats=self.beats + (not length))
            self._data = self._data[4 + length :]
        return None

    async def _tell(self, **news) -> None:
        async with self.news:
            vars(self).update(news)
            self.news.notify_all()

    async def until(self, happened):
        async with self.news:
            await asyncio.wait_for(self.news.wait_for(lambda: happened(self)), 10)

    async def got(self, kind: type):
        """Wait for a message of this kind; return the newest."""
        await self.until(lambda page: any(isinstance(m, kind) for m in page.messages))
        return [m for m in self.messages if isinstance(m, kind)][-1]


@asynccontextmanager
async def connected(app: Starlette, *first: bytes):
    """A page that has been answered, and said this."""
    page = LinePage(app)
    listening = asyncio.create_task(page.listen())
    await page.until(lambda page: page.beats)
    if first:
        assert (await page.say(*first)).status_code == 204
    try:
        yield page
    finally:
        page.taken.set()
        page.gone.set()
        await listening


@pytest.fixture
def lobby(make_lobby):
    return make_lobby()


@pytest.fixture
def app(lobby):
    return Starlette(routes=motion_routes(lobby))


def test_poses_come_as_over_a_socket_until_the_page_is_gone(app, lobby):
    greeting = hello()

    async def talk() -> None:
        async with connected(app, pack(greeting), START) as page:
            assert (await page.got(Model)).state == "ready"
            take = (await page.got(TakeInfo)).take
            visitor = lobby.motion_visitors.find(greeting.session)
            assert visitor.feed.address == "test"
            for _ in range(4):
                end = (await page.got(Poses)).first + 1
                await page.say(pack(Ack(lead=10, take=take, received=end, shown=end)))
                await page.until(lambda page, end=end: page.messages[-1].first >= end)
            firsts = [m.first for m in page.messages if isinstance(m, Poses)]
            assert firsts[0] == 0
            assert firsts == sorted(set(firsts))
            assert page.headers[b"x-accel-buffering"] == b"no"
            page.gone.set()
            await page.until(lambda page: page.ended)
            await asyncio.sleep(0)
            assert visitor.feed is None
            assert (await page.say(START)).status_code == 404

    asyncio.run(talk())


@pytest.mark.parametrize(
    "first", [START, pack(hello(version=99)), b"", b"\x03{}", b"\x03" + b"x" * MAX_STEERING]
)
def test_a_bad_greeting_is_answered_with_a_sentence(app, first):
    async def talk() -> None:
        async with connected(app, first) as page:
            assert (await page.got(Problem)).message.endswith(".")
            await page.until(lambda page: page.ended)
            assert page.code == 4000

    asyncio.run(talk())


def test_limits_are_those_of_a_socket(app):
    flood = [pack(Ack(lead=1, take=1, received=1, shown=1))] * 150

    async def talk() -> None:
        async with connected(app, pack(hello())) as page:
            for junk in (b"\x03{", b"\xff", b"\x03" + b"x" * MAX_STEERING):
                await page.say(junk)
                assert (await page.got(Problem)).about == "connection"
                page.messages.clear()
            assert (await page.say(data=b"x" * (2**20 + 1))).status_code == 400
            assert (await page.say(*flood)).json()["message"] == line.ENDED
            await page.until(lambda page: page.ended)
            assert page.code == 1008

    asyncio.run(talk())


def test_a_newer_page_takes_over(app):
    greeting = pack(hello())

    async def talk() -> None:
        async with connected(app, greeting) as first, connected(app, greeting):
            await first.until(lambda page: page.ended)
            assert first.code == 4001
            assert "another tab" in first.messages[-1].message

    asyncio.run(talk())


def test_who_does_not_greet_or_read_holds_nothing_up(app, lobby, monkeypatch):
    monkeypatch.setattr("app.live.stream.HELLO_SECONDS", 0.05)
    monkeypatch.setattr(line, "BEAT_SECONDS", 0.02)
    greeting = hello()

    async def talk() -> None:
        async with connected(app) as silent:
            await silent.until(lambda page: page.ended)
            assert silent.code == 4000
            assert silent.beats > 1
        async with connected(app, pack(greeting), START) as page:
            await page.got(Poses)
            page.taken.clear()
            await asyncio.sleep(0.3)
            assert lobby.motion_visitors.find(greeting.session)._job.buffer.end < 700

    asyncio.run(talk())


def test_a_line_is_for_one_page(app):
    async def talk() -> None:
        async with connected(app, pack(hello())) as page:
            other = LinePage(app)
            other.path = page.path
            await other.listen()
            assert other.status == 409
            other.path = LIVE + "/not-a-uuid"
            await other.listen()
            assert other.status == 404

    asyncio.run(talk())


def test_messages_are_taken_apart_as_they_were_put_together():
    messages = [b"a", b"", b"bc" * 300]
    data = b"".join(LENGTH.pack(len(message)) + message for message in messages)
    assert list(split(data)) == messages
    for wrong in (data[:-1], data + b"\x01", data + LENGTH.pack(2**31)):
        with pytest.raises(ValueError, match="cut off"):
            list(split(wrong))
