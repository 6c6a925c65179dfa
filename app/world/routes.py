"""Routes of the world tab: its live stream, where worlds begin, what is in view, an upload."""

from __future__ import annotations

from functools import lru_cache

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.live.lobby import Lobby
from app.live.replies import number_of, problem, read_body, tagged
from app.live.stream import Channel
from app.protocol import (
    MAX_WORLD_MESSAGE,
    Drive,
    FromPage,
    Keys,
    PageBytes,
    Shown,
    Stand,
    Tune,
    WhatIf,
    World,
)
from app.world.frame_feed import FrameFeed
from app.world.pictures import MOST_BYTES, png, read_upload
from app.world.visitor import WorldVisitor

TOO_LONG = f"The picture may have {MOST_BYTES // 2**20} MB at most."


def world_routes(lobby: Lobby) -> list[BaseRoute]:
    """Everything of the world tab below /livestep but its exports."""
    channel = Channel(
        open=lobby.world_visitors.open,
        connect=lambda wake, hello: FrameFeed(wake),
        greet=lobby.loader.worlds,
        known=lobby.loader.worlds_known,
        act=act,
        what="world",
        most_bytes=MAX_WORLD_MESSAGE,
        most_messages=200,  # one for each frame drawn and each key moved
    )

    @lru_cache(maxsize=256)
    def picture(world: str, number: int) -> bytes:
        return png(lobby.loader.engine().seed_picture(world, number))

    def find_picture(world: str, number: int) -> bytes:
        if world not in lobby.loader.engine().worlds:
            raise ValueError("There is no world of this name.")
        return picture(world, number)

    async def seed(request: Request) -> Response:
        """GET: a picture of the gallery as PNG."""
        world = request.path_params["world"]
        try:
            data = await run_in_threadpool(find_picture, world, number_of(request))
        except ValueError as error:
            return problem(str(error), 404)
        return tagged(request, data, "image/png")

    async def start(request: Request) -> Response:
        """POST: the picture that the visitor's next world may begin from."""
        try:
            visitor = lobby.world_visitors.find(request.path_params["session"])
            data = await read_body(request, MOST_BYTES, TOO_LONG)
            uploaded = await run_in_threadpool(read_upload, data)
        except ValueError as error:
            return problem(str(error), 413 if str(error) == TOO_LONG else 400)
        visitor.upload(uploaded)
        height, width = uploaded.shape[:2]
        return JSONResponse({"ok": True, "width": width, "height": height})

    async def strip(request: Request) -> Response:
        """GET: the frames that the visitor's world looks back on, side by side."""
        try:
            visitor = lobby.world_visitors.find(request.path_params["session"])
            data = await run_in_threadpool(visitor.strip)
        except ValueError as error:
            return problem(str(error), 404)
        return Response(data, media_type="image/jpeg", headers={"cache-control": "no-store"})

    return [
        *channel.routes("/livestep/play"),
        Route("/livestep/seed/{world}/{number}.png", seed),
        Route("/livestep/start/{session}", start, methods=["POST"]),
        Route("/livestep/strip/{session}.jpg", strip),
    ]


def act(visitor: WorldVisitor, feed: FrameFeed, item: FromPage | PageBytes) -> None:
    """Do what a world page says; ValueError is a sentence for it."""
    match item:
        case Keys():
            visitor.press(item)
        case Shown():
            visitor.show(feed, item)
        case World():
            visitor.begin(item)
        case Drive():
            visitor.drive(item)
        case Tune():
            visitor.tune(item)
        case Stand():
            visitor.stand(item)
        case WhatIf():
            visitor.what_if(item)
