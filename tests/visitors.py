"""A page without a browser, for tests of sessions."""

from __future__ import annotations

import time

from app.feed import Feed
from app.lobby import Lobby
from app.protocol import Ack, Poses, Start, TakeInfo
from app.protocol import unpack_from_server as unpack

IDS = [f"0b9f6a1e-3c57-4d1c-9d0a-5f6c7b8a9e{i:02d}" for i in range(10)]
START = Start(id=1, prompt="a person walks forward", seed=1)


def until(condition, seconds: float = 20.0):
    """Wait until `condition` holds; return what it returned."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.005)
    raise AssertionError("this did not happen in time")


class Visitor:
    """A page without a browser: reads everything, shows as much as it is told to."""

    def __init__(self, lobby: Lobby, name: str = IDS[0], *, take: int = 0, have: int = 0):
        self.session = lobby.session(name)
        self.feed = Feed(lambda: None, take=take, have=have)
        self.session.attach(self.feed)
        self.take, self.end = take, have
        self.poses: list[Poses] = []
        self.seen: list = []

    def read(self) -> list:
        new = []
        while data := self.session.collect(self.feed):
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
        self.session.acknowledge(self.feed, ack)

    def play(self, poses: int) -> None:
        """Read and show until there are this many poses."""
        until(lambda: (self.read(), self.show(), self.end >= poses)[-1])

    def last(self, kind: type):
        return next((item for item in reversed(self.seen) if isinstance(item, kind)), None)

    def idle(self) -> bool:
        run = self.session._run
        return run is None or run.worker is None
