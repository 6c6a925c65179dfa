"""Live routes: who may come in, reading what the page says, sending what it lacks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from starlette.datastructures import Address
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.live.feed import Connection, PoseFeed
from app.live.line import line_routes
from app.live.loader import Loader
from app.live.replies import sentence
from app.live.shares import address_of
from app.live.sharing import Buckets
from app.protocol import (
    MAX_MESSAGE,
    VERSION,
    FromPage,
    FromServer,
    Hello,
    PageBytes,
    Problem,
    pack,
    unpack_from_page,
)

HELLO_SECONDS = 10
BURST = 12.0
"""Seconds' worth of connections that an address may open at once: a class comes together."""
MOST_STOPPED = 30
"""Seconds whose messages may come at once."""
REFUSED, REPLACED = 4000, 4001
"""Close codes after which the page does not try again by itself."""

F = TypeVar("F", bound=Connection)


class Socket(Protocol):
    """What is needed of a WebSocket."""

    @property
    def client(self) -> Address | None: ...

    async def receive(self) -> Message: ...

    async def send_bytes(self, data: bytes) -> None: ...

    async def close(self, code: int) -> None: ...


class Served(Protocol[F]):
    """What a route needs of a visitor."""

    feed: F | None

    def attach(self, feed: F) -> None: ...

    def detach(self, feed: F) -> None: ...

    def collect(self, feed: F) -> list[bytes]: ...


V = TypeVar("V", bound=Served[Any])


@dataclass(frozen=True, kw_only=True)
class Channel(Generic[V, F]):
    """What sets one route apart from another."""

    open: Callable[[str, str], V]
    """Finds or makes the visitor with an id, at an address."""
    connect: Callable[[Callable[[], None], Hello], F]
    """Makes the connection, from what wakes its sender and from the greeting."""
    greet: Callable[[], FromServer]
    """Says what there is."""
    known: Future[None]
    """When that is known."""
    act: Callable[[V, F, FromPage | PageBytes], None]
    """Does what the page says; a ValueError is told to it."""
    what: str = "take"
    """What an older page loses when a newer one has taken over."""
    most_bytes: int = MAX_MESSAGE
    """Longest message that is read."""
    most_messages: int = 100
    """Messages a page may send in a second; a page of poses sends about ten."""
    calls: Buckets = field(default_factory=lambda: Buckets(most=BURST))
    """Connections of each address, which wait where there are too many."""
    said: Buckets = field(default_factory=Buckets)
    """Messages of each address, however often it connects, likewise."""
    connections: float = 10
    """Of an address in a second, in the long run."""
    messages: float = 2000
    """Of an address in a second."""
    burst: int = 2**20
    """Bytes that are read at once; after them no more than `pace`, however many there are."""
    pace: int = 2**18
    """Bytes a second."""

    def routes(self, path: str) -> list[BaseRoute]:
        """Serve pages there, with a WebSocket or without."""

        async def live(socket: Socket) -> None:
            await serve(socket, self)

        async def accept(socket: WebSocket) -> None:
            await socket.accept()
            await live(socket)

        return [WebSocketRoute(path, accept), *line_routes(path, live, self.burst)]


def pose_channel(
    loader: Loader,
    open: Callable[[str, str], V],
    act: Callable[[V, PoseFeed, FromPage | PageBytes], None],
    most_bytes: int = MAX_MESSAGE,
) -> Channel[V, PoseFeed]:
    """Make a channel for poses: the motion tab's, and that of the tab of videos."""
    return Channel(
        open=open,
        connect=lambda wake, hello: PoseFeed(wake, take=hello.take, have=hello.have),
        greet=loader.model,
        known=loader.engine_known,
        act=act,
        most_bytes=most_bytes,
    )


async def serve(socket: Socket, channel: Channel[V, F]) -> None:
    """Serve one page until it leaves."""
    # the page may be gone at any time, also while it is told why it has to go
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        try:
            visitor, feed, ready = await admit(socket, channel)
        except ValueError as error:
            await socket.send_bytes(pack(Problem(message=sentence(error), about="connection")))
            await socket.close(REFUSED)
            return
        sender = asyncio.create_task(send(socket, channel, visitor, feed, ready))
        try:
            await receive(socket, channel, visitor, feed)
        finally:
            visitor.detach(feed)
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                await sender


async def admit(socket: Socket, channel: Channel[V, F]) -> tuple[V, F, asyncio.Event]:
    """Read the first message and attach to its visitor; ValueError says why not."""
    address = address_of(socket.client)
    await in_time(channel.calls, address, channel.connections)
    try:
        data = await asyncio.wait_for(read(socket, channel.most_bytes), HELLO_SECONDS)
    except asyncio.TimeoutError as error:
        raise ValueError("The page did not say who it is.") from error
    hello = unpack_from_page(data)
    if not isinstance(hello, Hello):
        raise ValueError("The first message must be a hello.")
    if hello.version != VERSION:
        raise ValueError("The app was updated; please reload the page.")
    visitor = channel.open(hello.session, address)
    loop, ready = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended with the server
            loop.call_soon_threadsafe(ready.set)

    feed = channel.connect(wake, hello)
    feed.address = address
    known = channel.known.done()
    feed.tell(channel.greet())
    visitor.attach(feed)
    if not known:
        channel.known.add_done_callback(lambda _: feed.tell(channel.greet()))
    return visitor, feed, ready


async def in_time(buckets: Buckets, address: str, rate: float) -> None:
    """Wait until an address may do what it may do so often a second."""
    while wait := buckets.take({address: rate}):
        await asyncio.sleep(wait)


async def read(socket: Socket, most: int) -> bytes:
    """The next message; raise ValueError when it is text or too long."""
    event = await socket.receive()
    if event["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(event.get("code", 1006))
    data = event.get("bytes")
    if data is None or len(data) > most:
        raise ValueError(f"The server reads binary messages of at most {most} bytes.")
    return data


async def receive(socket: Socket, channel: Channel[V, F], visitor: V, feed: F) -> None:
    """Act on what the page says until it leaves."""
    clock = asyncio.get_running_loop().time
    second, count, most = int(clock()), 0, channel.most_messages
    paid = clock() - channel.burst / channel.pace  # when all that came would have come at the pace
    while True:
        if (now := int(clock())) > second:
            # what has piled up while this process stood still is no flood
            most = channel.most_messages * min(now - second, MOST_STOPPED)
            second, count = now, 0
        count += 1
        if count > most:
            await socket.close(1008)
            return
        try:
            data = await read(socket, channel.most_bytes)
            paid = max(paid, clock() - channel.burst / channel.pace) + len(data) / channel.pace
            if paid > clock():  # who sends too much waits, not everybody else
                await asyncio.sleep(paid - clock())
            await in_time(channel.said, feed.address, channel.messages)
            item = unpack_from_page(data, channel.most_bytes)
        except ValueError as error:
            feed.tell(Problem(message=sentence(error), about="connection"))
            continue
        if visitor.feed is not feed:
            continue
        try:
            channel.act(visitor, feed, item)
        except ValueError as error:
            feed.tell(Problem(message=sentence(error), about="settings"))


async def send(
    socket: Socket, channel: Channel[V, F], visitor: V, feed: F, ready: asyncio.Event
) -> None:
    """Send what the page lacks whenever there may be something."""
    while visitor.feed is feed:
        messages = visitor.collect(feed)
        for data in messages:
            await socket.send_bytes(data)
        if not messages:
            await ready.wait()
            ready.clear()
    message = feed.farewell or f"This {channel.what} was opened in another tab."
    await socket.send_bytes(pack(Problem(message=message, about="connection")))
    await socket.close(REPLACED)
