"""A connection where proxies let no WebSocket through: one answer that goes on, requests back.

Both ways messages follow each other, each behind its length (uint32, little-endian). From the
server a length of 0 says only that it is there, and one from `CLOSED` on that it closes the
connection, with the code that is above that.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from uuid import UUID

import anyio
from starlette.datastructures import Address
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from app.live.replies import problem, read_body

LENGTH = struct.Struct("<I")
CLOSED = 0xFFFF0000
THERE = LENGTH.pack(0)
BEAT_SECONDS = 20
"""Proxies end answers in which nothing comes for a minute or so."""
AHEAD = 4
"""Messages that wait for the network; who sends more waits."""
AT_ONCE = {"cache-control": "no-store, no-transform", "x-accel-buffering": "no"}
"""Asks proxies not to hold anything back; the last one is nginx's."""
ENDED = "This connection has ended."


Serve = Callable[["Line"], Awaitable[None]]


class Line:
    """Has of a WebSocket what `serve` needs."""

    def __init__(self, client: Address | None):
        self.client = client
        self.turn = asyncio.Lock()
        """Of the requests of a page: messages stay in order."""
        self._sent, self._to_send = anyio.create_memory_object_stream[bytes](AHEAD)
        self._said, self._to_hear = anyio.create_memory_object_stream[bytes](0)

    async def receive(self) -> Message:
        """Wait for what the page says."""
        return {"type": "websocket.receive", "bytes": await self._to_hear.receive()}

    async def send_bytes(self, data: bytes) -> None:
        """Send a message; waits while the page does not take them."""
        await self._send(LENGTH.pack(len(data)) + data)

    async def close(self, code: int) -> None:
        """Say that the connection is closed, which ends the answer."""
        await self._send(LENGTH.pack(CLOSED + code))
        self._sent.close()

    async def _send(self, frame: bytes) -> None:
        try:
            await self._sent.send(frame)
        except anyio.ClosedResourceError as error:
            raise WebSocketDisconnect from error

    async def hear(self, message: bytes) -> None:
        """Take a message of the page when the one before was; raise ValueError at the end."""
        try:
            await self._said.send(message)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            raise ValueError(ENDED) from None

    async def run(self, serve: Serve) -> None:
        """Be served to the end."""
        async with self._sent, self._to_hear:
            await serve(self)

    async def answer(self) -> AsyncIterator[bytes]:
        """What the page is sent, and from time to time that somebody is there."""
        frame = THERE
        while True:
            yield frame
            frame = THERE
            with anyio.move_on_after(BEAT_SECONDS):
                try:
                    frame = await self._to_send.receive()
                except anyio.EndOfStream:
                    return


class Answer(StreamingResponse):
    """The way to the page, which is served as long as this goes on."""

    def __init__(self, line: Line, serve: Serve, over: Callable[[], None]):
        super().__init__(line.answer(), media_type="application/octet-stream", headers=AT_ONCE)
        self._line, self._serve, self._over = line, serve, over

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer to the end."""
        serving = asyncio.create_task(self._line.run(self._serve))
        try:
            await super().__call__(scope, receive, send)
        finally:
            serving.cancel()
            self._over()


def line_routes(path: str, serve: Serve, most: int) -> list[BaseRoute]:
    """Have pages served there; `most` bytes are taken at once."""
    lines: dict[UUID, Line] = {}

    async def begin(request: Request) -> Response:
        """GET: the messages of the server, for as long as there are any."""
        name = request.path_params["line"]
        if name in lines:
            return problem("This connection is there already.", 409)
        lines[name] = Line(request.client)
        return Answer(lines[name], serve, lambda: lines.pop(name, None) and None)

    async def say(request: Request) -> Response:
        """POST: messages of the page."""
        line = lines.get(request.path_params["line"])
        if line is None:
            return problem(ENDED, 404)
        try:
            async with line.turn:
                data = await read_body(request, most, "The messages are too long.")
                for message in split(data):
                    await line.hear(message)
        except (ValueError, ClientDisconnect) as error:
            return problem(str(error), 400)
        return Response(status_code=204)

    address = f"{path}/{{line:uuid}}"
    return [Route(address, begin), Route(address, say, methods=["POST"])]


def split(data: bytes) -> Iterator[bytes]:
    """Take messages apart; raise ValueError where they are cut off."""
    at = 0
    while at < len(data):
        start = at + LENGTH.size
        if start > len(data) or (at := start + LENGTH.unpack_from(data, start - 4)[0]) > len(data):
            raise ValueError("A message is cut off.")
        yield data[start:at]
