"""A stand-in for the world's server: paints the held keys and the frame's number, hears everything.

One page at a time. So a test can say what the page sent, and make the server stop or vanish.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from app import protocol
from app.live_page import markup
from app.protocol import (
    DreamState,
    Drive,
    Frame,
    Ground,
    Hello,
    KeyInfo,
    Keys,
    Shown,
    Stand,
    Tally,
    WhatIf,
    World,
    WorldCard,
    Worlds,
    pack,
    unpack_from_page,
)
from train.worlds.world import BLOCKS_KEYS

STATIC = Path(protocol.__file__).parent / "static"
LANGUAGES = Path(protocol.__file__).parent / "web/languages"
KEYS = [KeyInfo(**key.model_dump()) for key in BLOCKS_KEYS]
SEEDS = ["The pond", "Brick corner", "White wall", "Yellow block", "Two trees", "Orange block"]
FPS = 30
RECORDED, TRUTH, AS_IT_WAS, WHAT_IF = 2, 4, 16, 32
GROUND = Ground(low=(100.0, 200.0), texel=20.0, rows=["." * 10, "..##......"] + ["." * 10] * 8)

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>World</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="livestep/static/livestep.css">
<script defer src="livestep/static/livestep.js"></script>
<style>body {{ margin: 16px; font-family: sans-serif; background: #f5f7fb; }}
body.dark {{ background: #0f131d; }}</style></head><body class="{theme}">
<p><label>Prompt <input name="elsewhere"></label></p><div id="here">{template}</div><script>
addEventListener("livestep-ready", () => Livestep.mount(here));</script></body></html>"""


def card(
    name: str = "video", *, together: int = 3, truth: bool = False, ground: Ground | None = None
) -> WorldCard:
    return WorldCard(
        name=name,
        width=128,
        height=96,
        fps=FPS,
        keys=KEYS,
        seeds=SEEDS,
        steps=1,
        context_noise=0.1,
        context=8,
        most_together=together,
        licence="CC0-1.0",
        truth=truth,
        ground=ground,
    )


def paint(mask: int, index: int, *, start: int = 0) -> np.ndarray:
    """A frame whose color is its keys and whose bar moves with its number."""
    hues = np.array([[150, 0, 0], [0, 150, 0], [0, 0, 150], [90, 90, 0], [0, 90, 90], [90, 0, 90]])
    bits = np.array([mask >> i & 1 for i in range(6)])
    picture = np.empty((96, 128, 3), np.uint8)
    picture[:] = np.clip(60 + 6 * start + bits @ hues, 0, 255)
    picture[80:88, index % 120 : index % 120 + 8] = 255
    cv2.putText(picture, str(index), (6, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2)
    return picture


def encode(picture: np.ndarray, kind: str = ".jpg") -> bytes:
    return cv2.imencode(kind, picture[..., ::-1])[1].tobytes()


class FakeWorld:
    """Serves the page on a free port from a thread of its own; `heard` is what it was told."""

    def __init__(self) -> None:
        self.paint = paint
        cards = [card(), card("video-teacher", together=2, truth=True)]
        self.worlds = Worlds(state="ready", worlds=cards)
        self.heard: list = []
        self.uploads: list[bytes] = []
        self.films: list[dict] = []
        self.page: WebSocket | None = None
        self.dream = DreamState(state="idle")
        self.world = World()
        self.mask = self.seq = self.index = self.shown = self.recorded = 0
        self.recording = False
        self.place: tuple[float, float, float, float] | None = None
        """Where all frames are seen from."""
        routes = [
            Route("/", self.html),
            WebSocketRoute("/livestep/play", self.play),
            Route("/livestep/seed/{name}/{i:int}.png", self.seed),
            Route("/livestep/start/{session}", self.upload, methods=["POST"]),
            Route("/livestep/strip/{session}.jpg", self.strip),
            Route("/livestep/film/{session}", self.film, methods=["POST"]),
            Route("/livestep/film/{session}/{job}", self.film),
            Route("/livestep/film/{session}/{job}/file", self.file),
            Mount("/livestep/languages", StaticFiles(directory=LANGUAGES)),
            Mount("/livestep/static", StaticFiles(directory=STATIC)),
        ]
        self.door = socket.socket()
        self.door.bind(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.door.getsockname()[1]}"
        config = uvicorn.Config(Starlette(routes=routes), log_level="warning", lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(
            target=self.server.run, kwargs={"sockets": [self.door]}, daemon=True
        )
        self.thread.start()

    def close(self) -> None:
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(5)

    def of(self, kind: type) -> list:
        """Messages of one kind, in the order they came."""
        return [item for item in self.heard if isinstance(item, kind)]

    def tell(self, item) -> None:
        """Send the page a message, from any thread."""
        if isinstance(item, DreamState):
            item = self.dream = replace(item, world=len(self.of(World)))
        asyncio.run_coroutine_threadsafe(self.page.send_bytes(pack(item)), self.loop).result(5)

    def burst(self, messages: list[bytes]) -> None:
        """Send messages as fast as they go."""

        async def send() -> None:
            for data in messages:
                await self.page.send_bytes(data)

        asyncio.run_coroutine_threadsafe(send(), self.loop).result(5)

    def hang_up(self) -> None:
        asyncio.run_coroutine_threadsafe(self.page.close(), self.loop).result(5)

    # ---- the socket

    async def play(self, page: WebSocket) -> None:
        await page.accept()
        self.loop, self.page = asyncio.get_running_loop(), page
        painter = asyncio.create_task(self.stream(page))
        try:
            while True:
                item = unpack_from_page(await page.receive_bytes(), protocol.MAX_WORLD_MESSAGE)
                self.heard.append(item)
                await self.hear(page, item)
        except (WebSocketDisconnect, RuntimeError):
            painter.cancel()

    async def hear(self, page: WebSocket, item) -> None:
        match item:
            case Hello():
                await page.send_bytes(pack(self.worlds))
                await self.enter(page, self.dream.state)
            case World():
                self.world, self.recording = item, False
                self.mask = self.seq = self.index = 0
                await self.enter(page, "warming")
                await asyncio.sleep(0.2)
                await self.enter(page, "playing")
            case Keys(mask=mask, seq=seq):
                self.mask, self.seq = mask, seq
            case Shown(index=index):
                self.shown = index
            case Stand(x=x, y=y, degrees=degrees) if self.place:
                heading = self.place[2] if degrees is None else degrees
                self.place = (x, y, heading, 0.1)
            case WhatIf():
                await self.show_past(page, item)
            case Drive(do="play"):
                await self.enter(page, "playing")
            case Drive(do="pause"):
                await self.enter(page, "paused")
            case Drive(do="single"):
                await self.send(page)
            case Drive(do="record"):
                self.recording, self.recorded = True, 0
            case Drive(do="keep"):
                self.recording = False
                await page.send_bytes(pack(self.tally("W:30,WD:12,-:8")))

    async def enter(self, page: WebSocket, state) -> None:
        self.dream = DreamState(state=state, world=len(self.of(World)))
        await page.send_bytes(pack(self.dream))

    def tally(self, script: str = "") -> Tally:
        drafts = {"accepted": self.index, "dropped": self.index // 9, "depth": 3}
        return Tally(made_fps=31.4, frame_ms=19.6, **drafts, recorded=self.recorded, script=script)

    async def stream(self, page: WebSocket) -> None:
        while True:
            await asyncio.sleep(1 / FPS)
            if self.dream.state == "playing":
                await self.send(page)
            if self.dream.state == "playing" and self.index % 15 == 0:
                await page.send_bytes(pack(self.tally()))

    async def send(self, page: WebSocket) -> None:
        self.index += 1
        self.recorded += self.recording
        picture = self.paint(self.mask, self.index, start=self.world.start)
        flags = RECORDED if self.recording else 0
        numbers = {"mask": self.mask, "index": self.index, "seq": self.seq, "milliseconds": 19.6}
        numbers["place"] = self.place
        await page.send_bytes(pack(Frame(flags=flags, jpeg=encode(picture), **numbers)))
        if self.world.truth:
            await page.send_bytes(pack(Frame(flags=TRUTH, jpeg=encode(picture[::-1]), **numbers)))

    async def show_past(self, page: WebSocket, asked: WhatIf) -> None:
        self.dream = DreamState(state="paused", world=len(self.of(World)), what_if=True)
        await page.send_bytes(pack(self.dream))
        for index in range(asked.frame, self.index + 1):
            for flag, mask in ((AS_IT_WAS, self.mask), (WHAT_IF, asked.mask)):
                place = self.place and (self.place[0] + (index - asked.frame), *self.place[1:])
                numbers = {"mask": mask, "index": index, "seq": 0, "milliseconds": 0}
                picture = encode(self.paint(mask, index, start=self.world.start))
                await page.send_bytes(pack(Frame(flags=flag, jpeg=picture, place=place, **numbers)))
            await asyncio.sleep(0.02)
        await self.enter(page, "paused")

    # ---- pages and pictures

    async def html(self, request: Request) -> Response:
        theme = request.query_params.get("__theme", "light")
        return HTMLResponse(PAGE.format(template=markup("world.html"), theme=theme))

    async def seed(self, request: Request) -> Response:
        picture = self.paint(0, 17 * request.path_params["i"], start=request.path_params["i"])
        return Response(encode(picture, ".png"), media_type="image/png")

    async def upload(self, request: Request) -> Response:
        data = await request.body()
        self.uploads.append(data)
        if cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is None:
            return JSONResponse({"message": "This file is not a picture."}, 400)
        return JSONResponse({"ok": True})

    async def strip(self, _: Request) -> Response:
        frames = [self.paint(self.mask, max(self.index - i, 0)) for i in reversed(range(8))]
        return Response(encode(np.concatenate(frames, 1)), media_type="image/jpeg")

    async def film(self, request: Request) -> Response:
        if request.method == "POST":
            self.films.append(json.loads(await request.body()))
        name = f"livestep-world.{self.films[-1]['format']}"
        state = "queued" if request.method == "POST" else "done"
        return JSONResponse(
            {"job": "1", "state": state, "message": "", "ahead": 0, "file": name, "bytes": 2048}
        )

    async def file(self, _: Request) -> Response:
        return Response(b"file", media_type="application/octet-stream")
