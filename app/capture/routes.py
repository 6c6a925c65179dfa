"""Routes of the tab of videos: its live stream, the file, adjusting it, what is like it."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.capture.protocol import MOST_MESSAGE
from app.capture.uploads import TOO_LONG, announced
from app.capture.visitor import CaptureVisitor
from app.live.feed import PoseFeed
from app.live.lobby import Lobby
from app.live.protocol import message
from app.live.replies import number_of, problem, read_body, sentence
from app.live.shares import address_of
from app.live.stream import pose_channel
from app.protocol import Ack, Follow, FromPage, Onward, PageBytes, Stop, pack
from core.settings import LENS, MAX_PROMPT, Lens, Tilt

MOST_BYTES = 4096
T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]


@message
class Adjustment:
    """What one camera cannot know."""

    tilt: Tilt = 0.0
    lens: Lens = LENS
    turned: bool = False


@message
class Question:
    """What real motions should be like; empty for the take."""

    text: Annotated[str, Field(max_length=MAX_PROMPT)] = ""


def capture_routes(lobby: Lobby) -> list[BaseRoute]:
    """Everything of the tab below /livestep but its exports."""
    channel = pose_channel(lobby.loader, lobby.capture_visitors.open, act, MOST_MESSAGE)

    async def clip(request: Request) -> Response:
        """POST: the file to follow; `name` is what the visitor calls it."""
        name, session = request.query_params.get("name", ""), request.path_params["session"]
        try:
            visitor = lobby.capture_visitors.find(session)
            visitor.expect()
            size = announced(request)
            whose = {"owner": session, "address": address_of(request.client)}
            upload = await lobby.uploads.receive(request.stream(), name, size=size, **whose)
            visitor.keep(upload)
        except ValueError as error:
            return problem(str(error), 413 if str(error) == TOO_LONG else 400)
        except ClientDisconnect:
            return problem("The file did not arrive.", 400)
        told = {"name": upload.path.name, "kind": upload.kind, "bytes": upload.bytes}
        return JSONResponse({"ok": True, **told})

    def asked(kind: type[T], do: Callable[[CaptureVisitor, T], Any]) -> Endpoint:
        async def answer(request: Request) -> Response:
            """POST: have the visitor do what a small request says."""
            try:
                wanted = await read(request, kind)
                visitor = lobby.capture_visitors.find(request.path_params["session"])
                async with visitor.asking, lobby.searching.turn(visitor.address):
                    return JSONResponse(await run_in_threadpool(do, visitor, wanted))
            except ValueError as error:
                return problem(sentence(error), 400)

        return answer

    async def match(request: Request) -> Response:
        """GET: the poses of a real motion that was shown."""
        why = request.path_params["why"]
        try:
            number = number_of(request)
            visitor = lobby.capture_visitors.find(request.path_params["session"])
            async with visitor.asking, lobby.searching.turn(visitor.address):
                poses = await run_in_threadpool(visitor.match, why, number)
        except ValueError as error:
            return problem(sentence(error), 404)
        headers = {"cache-control": "no-store"}
        return Response(pack(poses), media_type="application/octet-stream", headers=headers)

    return [
        *channel.routes("/livestep/follow"),
        Route("/livestep/clip/{session}", clip, methods=["POST"]),
        Route("/livestep/adjust/{session}", asked(Adjustment, adjust), methods=["POST"]),
        Route("/livestep/similar/{session}", asked(Question, similar), methods=["POST"]),
        Route("/livestep/match/{session}/{why}/{number}", match),
    ]


def adjust(visitor: CaptureVisitor, wanted: Adjustment) -> dict[str, Any]:
    """Lift the person anew."""
    visitor.adjust(**asdict(wanted))
    return {"ok": True}


def similar(visitor: CaptureVisitor, wanted: Question) -> dict[str, Any]:
    """Find real motions that are like the take, or like words."""
    return {"matches": [asdict(match) for match in visitor.similar(wanted.text)]}


def act(visitor: CaptureVisitor, feed: PoseFeed, item: FromPage | PageBytes) -> None:
    """Do what a page of the tab of videos says; ValueError is a sentence for it."""
    match item:
        case Ack():
            visitor.acknowledge(feed, item)
        case Follow():
            visitor.follow(item)
        case Onward():
            visitor.go_on(item)
        case Stop():
            visitor.stop()


async def read(request: Request, kind: type[T]) -> T:
    """Read a small request; raise ValueError with a sentence for what is none."""
    data = await read_body(request, MOST_BYTES, "The request is too long.")
    with contextlib.suppress(ValidationError):
        return TypeAdapter[Any](kind).validate_json(data)
    raise ValueError("The request cannot be read.")
