"""Pages without a browser, for tests of what serves them."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from app.live.feed import PoseFeed
from app.live.lobby import Lobby
from app.protocol import (
    Ack,
    DreamState,
    Drive,
    Follow,
    Frame,
    Keys,
    Onward,
    Poses,
    Shown,
    Stand,
    Start,
    State,
    TakeInfo,
    WhatIf,
    World,
)
from app.protocol import unpack_from_server as unpack
from app.world.frame_feed import FrameFeed
from app.world.protocol import AS_IT_WAS, TRUTH, WHAT_IF

IDS = [f"0b9f6a1e-3c57-4d1c-9d0a-5f6c7b8a9e{i:02d}" for i in range(10)]
START = Start(id=1, prompt="a person walks forward", seed=1)
WORLD = World(checkpoint="video", seed=3)
GO = Onward(id=1, prompt="and then jumps", seconds=1)


def until(condition, seconds: float = 20.0):
    """Wait until `condition` holds; return what it returned."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.005)
    raise AssertionError("this did not happen in time")


def free(visitor: Any) -> bool:
    """Whether another thread may have the visitor's lock now."""
    lock = visitor._changed

    def taken() -> bool:
        if taken := lock.acquire(timeout=0.2):
            lock.release()
        return taken

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(taken).result()


class Page:
    """A page without a browser: whose visitor it is, and all that it was told."""

    visitor: Any
    seen: list

    def last(self, kind: type):
        return next((item for item in reversed(self.seen) if isinstance(item, kind)), None)

    def idle(self) -> bool:
        return self.visitor._worker is None


class MotionPage(Page):
    """A page of the motion tab: reads everything, shows as much as it is told to."""

    def __init__(
        self, lobby: Lobby, name: str = IDS[0], *, take: int = 0, have: int = 0, address: str = ""
    ):
        self.lobby, self.visitor = lobby, self.enter(lobby, name)
        self.feed = PoseFeed(lambda: None, take=take, have=have)
        self.feed.address = address
        self.visitor.attach(self.feed)
        self.take, self.end = take, have
        self.poses: list[Poses] = []
        self.seen: list = []

    def enter(self, lobby: Lobby, name: str):
        return lobby.motion_visitors.open(name)

    def read(self) -> list:
        new = []
        while data := self.visitor.collect(self.feed):
            new += [unpack(one) for one in data]
        for item in new:
            if isinstance(item, TakeInfo):
                if item.take != self.take:
                    self.poses, self.end = [], 0
                self.take = item.take
            if isinstance(item, Poses):
                self.poses.append(item)
                self.end = item.first + len(item.root)
        self.seen += new
        return new

    def show(self, pose: float | None = None, lead: int = 10) -> None:
        shown = self.end if pose is None else pose
        ack = Ack(lead=lead, take=self.take, received=self.end, shown=shown)
        self.visitor.acknowledge(self.feed, ack)

    def play(self, poses: int) -> None:
        """Read and show until there are this many poses."""
        until(lambda: (self.read(), self.show(), self.end >= poses)[-1])


class CapturePage(MotionPage):
    """A page of the tab of videos."""

    def enter(self, lobby: Lobby, name: str):
        self.uploads = lobby.uploads
        return lobby.capture_visitors.open(name)

    def upload(self, data: bytes, name: str = "clip.mp4") -> None:
        async def parts():
            yield data

        self.visitor.keep(asyncio.run(self.uploads.receive(parts(), name)))

    def follow(self, data: bytes, name: str = "clip.mp4", **request) -> State:
        """Upload a file and have it followed; return the state at the end."""
        self.upload(data, name)
        self.visitor.follow(Follow(**request))
        return self.wait()

    def shares(self) -> list[float]:
        """Return how far the job was said to be."""
        return [item.share for item in self.seen if isinstance(item, State) and item.share]

    def wait(self) -> State:
        """Read until nothing is being done; return the state."""

        def over() -> bool:
            self.read()
            self.show()
            return self.idle() and self.last(State).state == "stopped"

        until(over, 60)
        return self.last(State)


class WorldPage(Page):
    """A page of the world tab: draws all it gets, as often as it is told to look."""

    def __init__(self, lobby: Lobby, name: str = IDS[0]) -> None:
        self.visitor = lobby.world_visitors.open(name)
        self.feed = FrameFeed(lambda: None)
        self.visitor.attach(self.feed)
        self.frames: list[Frame] = []
        self.beside: list[Frame] = []
        """The real engine's."""
        self.pasts: tuple[list[Frame], list[Frame]] = [], []
        """Of a past that was shown twice: as it was, and otherwise."""
        self.seen: list = []
        self.seq = 0

    def read(self, *, draw: bool = True) -> list:
        new = [unpack(data) for data in self.visitor.collect(self.feed)]
        for item in new:
            if isinstance(item, Frame):
                self._list(item.flags).append(item)
        self.seen += new
        shown = [item for item in new if isinstance(item, Frame)]
        if draw and (shown or self.frames):
            self.visitor.show(self.feed, Shown(index=(shown or self.frames)[-1].index))
        return new

    def _list(self, flags: int) -> list[Frame]:
        if flags & (AS_IT_WAS | WHAT_IF):
            return self.pasts[bool(flags & WHAT_IF)]
        return self.beside if flags & TRUTH else self.frames

    def hold(self, mask: int) -> int:
        """Change the held keys; return the number of the change."""
        self.seq += 1
        self.visitor.press(Keys(mask=mask, seq=self.seq))
        return self.seq

    def do(self, what) -> None:
        self.visitor.drive(Drive(do=what))

    def stand(self, x: float, y: float, degrees: float | None = None) -> None:
        self.visitor.stand(Stand(x=x, y=y, degrees=degrees))

    def what_if(self, frame: int, mask: int) -> None:
        self.visitor.what_if(WhatIf(frame=frame, mask=mask))

    def play(self, frames: int) -> None:
        """Read and draw until there are this many frames."""
        until(lambda: (self.read(), len(self.frames) >= frames)[-1])

    def await_state(self, state: str, seconds: float = 20) -> DreamState:
        until(lambda: (self.read(), self.last(DreamState).state == state)[-1], seconds)
        return self.last(DreamState)
