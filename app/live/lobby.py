"""Everybody who is here: the tables of visitors and what they share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from app.capture.uploads import Uploads
from app.capture.visitor import CaptureVisitor
from app.live.clock import lived
from app.live.loader import Loader
from app.live.sharing import Limits, Slots, Starts, Turnstile
from app.live.visitor import Visitor
from app.motion.visitor import MotionVisitor
from app.world.visitor import WorldVisitor

V = TypeVar("V", bound=Visitor[Any, Any])


class Table(Generic[V]):
    """Finds or makes the visitor with an id, and forgets those that nobody came back to."""

    def __init__(self, make: Callable[[str], V], limits: Limits, *, lost: str) -> None:
        self.limits = limits
        self._make, self._lost = make, lost
        self._lock = threading.Lock()
        self._here: dict[str, V] = {}

    def everybody(self) -> list[V]:
        """Return those who are here or remembered; for tests, which close them."""
        with self._lock:
            return list(self._here.values())

    def open(self, name: str) -> V:
        """Return the visitor with this id; raise ValueError when there is no room for another."""
        with self._lock:
            if name in self._here:
                return self._here[name]
            gone = self._forgettable()
            if len(self._here) - len(gone) >= self.limits.pages:
                raise ValueError(
                    f"This server has {self.limits.pages} pages open already and takes no more. "
                    "Please come back in a few minutes."
                )
            for one in gone:
                self._here.pop(one.name).close()
            self._here[name] = self._make(name)
            return self._here[name]

    def find(self, name: str) -> V:
        """Return a visitor who is known; raise ValueError otherwise."""
        with self._lock:
            if name not in self._here:
                raise ValueError(self._lost)
            return self._here[name]

    def _forgettable(self) -> list[V]:
        """Visitors without a page: all that are too old, and more when the table is full."""
        away = sorted((v for v in self._here.values() if v.feed is None), key=lambda v: v.seen)
        old = [v for v in away if lived() - v.seen > self.limits.forget_seconds]
        surplus = len(self._here) - len(old) - self.limits.pages + 1
        return old + away[len(old) : len(old) + max(surplus, 0)]


class Lobby:
    """All tabs' visitors; they compute in turns, but wait for a place in lines of their own."""

    def __init__(self, loader: Loader, limits: Limits | None = None):
        limits = limits or Limits()
        self.loader, self.turnstile = loader, Turnstile()
        self.uploads = Uploads(keep_seconds=limits.forget_seconds)
        shared = {"loader": loader, "turnstile": self.turnstile, "limits": limits}
        shared["starts"] = Starts(limits.starts)
        moving, playing = Slots(limits.moving), Slots(limits.playing)
        following = Slots(limits.following)
        self.motion_visitors = Table(
            lambda name: MotionVisitor(name, slots=moving, **shared),
            limits,
            lost="The server does not know this take any more; generate a new one.",
        )
        self.world_visitors = Table(
            lambda name: WorldVisitor(name, slots=playing, **shared),
            limits,
            lost="The server does not know this world any more; begin a new one.",
        )
        self.capture_visitors = Table(
            lambda name: CaptureVisitor(name, slots=following, **shared),
            limits,
            lost="The server does not know this take any more; choose the file again.",
        )

    def close(self) -> None:
        """Delete what visitors uploaded."""
        self.uploads.close()
