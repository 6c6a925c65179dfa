"""Visitors of `benchmarks.load`: plain WebSocket clients that do what people do.

They move bodies, change prompts, export, leave and come back, idle; or play worlds by held keys.
A page's clock is kept: poses are shown at 20 a second, a frame when it comes.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app.protocol import (
    Ack,
    DreamState,
    Drive,
    Frame,
    FromPage,
    Hello,
    Keys,
    PageBytes,
    Poses,
    Problem,
    Prompt,
    Resume,
    Shown,
    Start,
    State,
    Stop,
    TakeInfo,
    World,
    pack,
    unpack_from_server,
)
from core.body.skeleton import FPS

PROMPTS = (
    "a person walks forward",
    "a person runs in a circle",
    "a person jumps twice",
    "a person waves with the right hand",
    "a person sits down and stands up",
)
LEAD = 12
MOST_FILE = 10
"""Seconds of an export."""


@dataclass
class Diary:
    """What became of one visitor; seconds."""

    kind: str
    waits: list[float] = field(default_factory=list)
    """From asking until something moved, each time it was asked for."""
    asked: float | None = None
    """Since when it waits."""
    poses: int = 0
    frames: int = 0
    keys: list[float] = field(default_factory=list)
    """From a key to the first picture that obeys it."""
    lags: list[float] = field(default_factory=list)
    """How far poses were behind the page's clock, whenever it ran out of them."""
    exports: int = 0
    errors: list[str] = field(default_factory=list)

    def ask(self) -> None:
        if self.asked is None:
            self.asked = time.monotonic()

    def served(self) -> None:
        if self.asked is not None:
            self.waits.append(time.monotonic() - self.asked)
            self.asked = None


class Visitor:
    """One page; `until` is when it leaves for good, by the clock of its process."""

    route = "live"

    def __init__(self, port: int, seed: int, until: float) -> None:
        self.port, self.until = port, until
        self.random = random.Random(seed)
        self.session = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        self.diary = Diary(self.route)
        self.line: ClientConnection | None = None
        self.running = False

    def hello(self) -> Hello:
        return Hello(version=1, session=self.session)

    async def say(self, *items: FromPage | PageBytes) -> None:
        if self.line:
            for item in items:
                await self.line.send(pack(item))

    @asynccontextmanager
    async def online(self) -> AsyncIterator[None]:
        address = f"ws://127.0.0.1:{self.port}/livestep/{self.route}"
        async with connect(address, max_size=None, compression=None) as self.line:
            await self.say(self.hello())
            listening = asyncio.create_task(self.listen(self.line))
            try:
                yield
            finally:
                listening.cancel()
                self.line, self.running = None, False

    async def listen(self, line: ClientConnection) -> None:
        try:
            async for data in line:
                assert isinstance(data, bytes)
                item = unpack_from_server(data)
                if isinstance(item, Problem):
                    self.diary.errors.append(item.message)
                await self.hear(item)
        except ConnectionClosed as closed:
            self.diary.errors.append(f"closed: {closed}")

    async def hear(self, item: Any) -> None:
        raise NotImplementedError

    async def visit(self) -> None:
        raise NotImplementedError

    async def rest(self, least: float, most: float) -> None:
        left = self.until - time.monotonic()
        await asyncio.sleep(max(min(self.random.uniform(least, most), left), 0))

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.until

    async def stay(self) -> Diary:
        await self.rest(0, 5)
        while not self.over:
            try:
                await self.visit()
            except (OSError, TimeoutError, ConnectionClosed) as error:
                self.diary.errors.append(f"{type(error).__name__}: {error}")
                await self.rest(1, 2)
        return self.diary


class Mover(Visitor):
    """Has a body move."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.take = self.end = self.number = 0
        self.shown = 0.0

    def hello(self) -> Hello:
        return Hello(version=1, session=self.session, take=self.take, have=self.end)

    def start(self) -> Start:
        self.number += 1
        self.diary.ask()
        prompt = self.random.choice(PROMPTS)
        return Start(id=self.number, prompt=prompt, seed=self.random.getrandbits(20))

    async def hear(self, item: Any) -> None:
        match item:
            case TakeInfo():
                if item.take != self.take:
                    self.end, self.shown = 0, 0.0
                self.take = item.take
            case Poses():
                new = item.first + len(item.root)
                if self.diary.asked is not None:
                    self.shown = max(self.shown, float(item.first))
                    self.diary.served()
                self.diary.poses += max(new - self.end, 0)
                self.end = max(self.end, new)
            case State():
                self.running = item.state in ("running", "waiting")

    async def play(self, seconds: float) -> None:
        """Show poses at their pace; tell the server ten times a second."""
        end = min(time.monotonic() + seconds, self.until)
        while (now := time.monotonic()) < end:
            await asyncio.sleep(0.1)
            if not self.running and self.diary.asked is None:
                return
            wanted = self.shown + FPS * (time.monotonic() - now)
            if wanted > self.end and self.end and self.diary.asked is None:
                self.diary.lags.append((wanted - self.end) / FPS)
            self.shown = min(wanted, float(self.end))
            if self.take:
                await self.say(Ack(lead=LEAD, take=self.take, received=self.end, shown=self.shown))

    async def visit(self) -> None:
        """Stay for a while: until it leaves, and comes back for its take."""
        async with self.online():
            await self.say(self.start())
            while not self.over:
                await self.play(self.random.uniform(5, 15))
                chance = self.random.random()
                if not self.running and self.diary.asked is None:  # the turn is over
                    await self.rest(1, 4)
                    if chance < 0.5 or not self.take:
                        await self.say(self.start())
                    else:
                        self.diary.ask()
                        await self.say(Resume())
                elif self.diary.asked is not None:
                    continue  # in line
                elif chance < 0.6:
                    self.number += 1
                    await self.say(Prompt(id=self.number, text=self.random.choice(PROMPTS)))
                elif chance < 0.7:
                    await self.export()
                elif chance < 0.8:
                    await self.say(Stop())
                    await self.rest(5, 30)
                    self.diary.ask()
                    await self.say(Resume())
                elif chance < 0.9:
                    break
                else:
                    await self.say(self.start())
        await self.rest(2, 15)

    async def export(self) -> None:
        """Take the newest seconds home as BVH."""
        first = max(self.end - MOST_FILE * FPS, 0)
        address = f"http://127.0.0.1:{self.port}/livestep/export/{self.session}"
        try:
            await asyncio.to_thread(fetch_file, address, {"format": "bvh", "start": first})
            self.diary.exports += 1
        except (OSError, ValueError) as error:
            self.diary.errors.append(f"export: {error}")


class Player(Visitor):
    """Plays a world."""

    route = "play"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.seq, self.mask = 0, 0
        self.pressed: dict[int, float] = {}  # number of a change -> when

    def world(self) -> World:
        self.diary.ask()
        return World(seed=self.random.getrandbits(20))

    async def hear(self, item: Any) -> None:
        match item:
            case Frame():
                now = time.monotonic()
                self.diary.served()
                self.diary.frames += 1
                for seq in [seq for seq in self.pressed if seq <= item.seq]:
                    self.diary.keys.append(now - self.pressed.pop(seq))
                await self.say(Shown(index=item.index))
            case DreamState():
                self.running = item.state not in ("stopped", "idle")
                if item.state != "playing":
                    self.pressed.clear()

    async def visit(self) -> None:
        """Hold keys and let them go, as long as there is a turn."""
        async with self.online():
            await self.say(self.world())
            began = time.monotonic()
            while not self.over and time.monotonic() - began < 300:
                await self.rest(0.3, 1.0)
                if self.running and self.diary.asked is None:
                    self.mask = 0 if self.mask else 1 << self.random.randrange(6)
                    self.seq += 1
                    self.pressed[self.seq] = time.monotonic()
                    await self.say(Keys(mask=self.mask, seq=self.seq))
                elif self.diary.asked is None:  # the turn is over
                    await self.rest(1, 4)
                    self.diary.ask()
                    again = self.random.random() < 0.5
                    await self.say(Drive(do="play") if again else self.world())
        await self.rest(2, 15)


def fetch_file(address: str, wanted: dict[str, Any]) -> bytes:
    """Have a file made, wait for it, read it; raise ValueError or OSError where it fails."""
    request = urllib.request.Request(address, json.dumps(wanted).encode(), method="POST")
    job = read_json(request)
    for _ in range(120):
        if job["state"] not in ("queued", "running"):
            break
        time.sleep(0.5)
        job = read_json(f"{address}/{job['job']}")
    if job["state"] != "done":
        raise ValueError(job["message"] or job["state"])
    with urllib.request.urlopen(f"{address}/{job['job']}/file", timeout=60) as answer:
        return answer.read()


def read_json(request: Any) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        raise ValueError(refused.read(200).decode()) from None


async def probe(port: int, until: float) -> list[float]:
    """Return how long an idle page's pings take, ten a second: the delay of the event loop."""
    delays = []
    async with connect(f"ws://127.0.0.1:{port}/livestep/live") as line:
        await line.send(pack(Hello(version=1, session=str(uuid.uuid4()))))
        while time.monotonic() < until:
            began = time.monotonic()
            await (await line.ping())
            delays.append(time.monotonic() - began)
            await asyncio.sleep(0.1)
    return delays


def gather(make: Callable[[float], list[Any]], seconds: float, pipe: Any) -> None:
    """Run coroutines in this process; send what they return, and the CPU seconds it took."""

    async def everybody() -> list[Any]:
        return await asyncio.gather(*make(time.monotonic() + seconds))

    before = time.process_time()
    pipe.send((asyncio.run(everybody()), time.process_time() - before))
