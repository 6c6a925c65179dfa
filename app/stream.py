"""The WebSocket route: who may come in, reading what the page says, sending what it lacks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.feed import Feed
from app.lobby import Lobby
from app.protocol import (
    MAX_MESSAGE,
    VERSION,
    Ack,
    Hello,
    Problem,
    Prompt,
    Start,
    Stop,
    pack,
    unpack_from_page,
)
from app.session import Session

HELLO_SECONDS = 10
MOST_MESSAGES = 100
"""Messages a page may send in a second; ours sends about ten."""

REFUSED, REPLACED = 4000, 4001
"""Close codes after which the page does not try again by itself."""

log = logging.getLogger(__name__)


def same_origin(request: HTTPConnection) -> bool:
    """Whether the page that asks came from this host (browsers always say)."""
    origin = request.headers.get("origin")
    host = request.headers.get("x-forwarded-host") or request.headers.get("host", "")
    return origin is None or urlsplit(origin).netloc == host.split(",")[0].strip()


async def live(socket: WebSocket, lobby: Lobby) -> None:
    """Serve one page until it leaves."""
    if not same_origin(socket):
        await socket.close(1008)
        return
    await socket.accept()
    # the page may be gone at any time, also while it is told why it has to go
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        try:
            session, feed, ready = await admit(socket, lobby)
        except ValueError as error:
            await socket.send_bytes(pack(Problem(message=str(error), about="connection")))
            await socket.close(REFUSED)
            return
        sender = asyncio.create_task(send(socket, session, feed, ready))
        try:
            await receive(socket, session, feed)
        finally:
            session.detach(feed)
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                await sender


async def admit(socket: WebSocket, lobby: Lobby) -> tuple[Session, Feed, asyncio.Event]:
    """Read the first message and attach to its session; ValueError says why not."""
    try:
        data = await asyncio.wait_for(read(socket), HELLO_SECONDS)
    except asyncio.TimeoutError as error:
        raise ValueError("The page did not say who it is.") from error
    hello = unpack_from_page(data)
    if not isinstance(hello, Hello):
        raise ValueError("The first message must be a hello.")
    if hello.version != VERSION:
        raise ValueError("The app was updated; please reload the page.")
    session = lobby.session(hello.session)
    loop, ready = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended with the server
            loop.call_soon_threadsafe(ready.set)

    feed = Feed(wake, take=hello.take, have=hello.have)
    feed.tell(lobby.loader.model())
    session.attach(feed)
    if lobby.loader.model().state == "loading":
        lobby.loader.listen(lambda: feed.tell(lobby.loader.model()))
    return session, feed, ready


async def read(socket: WebSocket) -> bytes:
    """The next message; raise ValueError when it is text or too long."""
    event = await socket.receive()
    if event["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(event.get("code", 1006))
    data = event.get("bytes")
    if data is None or len(data) > MAX_MESSAGE:
        raise ValueError(f"The server reads binary messages of at most {MAX_MESSAGE} bytes.")
    return data


async def receive(socket: WebSocket, session: Session, feed: Feed) -> None:
    """Act on what the page says until it leaves."""
    clock = asyncio.get_running_loop().time
    second, count = 0, 0
    while True:
        try:
            item = unpack_from_page(await read(socket))
        except ValueError as error:
            feed.tell(Problem(message=str(error), about="connection"))
            item = None
        second, count = (second, count + 1) if second == int(clock()) else (int(clock()), 1)
        if count > MOST_MESSAGES:
            await socket.close(1008)
            return
        if session.feed is not feed:
            continue
        match item:
            case Ack():
                session.acknowledge(feed, item)
            case Start():
                session.start(item)
            case Prompt():
                session.change(item)
            case Stop():
                session.stop()


async def send(socket: WebSocket, session: Session, feed: Feed, ready: asyncio.Event) -> None:
    """Send what the page lacks whenever there may be something."""
    while session.feed is feed:
        messages = session.collect(feed)
        for data in messages:
            await socket.send_bytes(data)
        if not messages:
            await ready.wait()
            ready.clear()
    replaced = Problem(message="This take was opened in another tab.", about="connection")
    await socket.send_bytes(pack(replaced))
    await socket.close(REPLACED)
