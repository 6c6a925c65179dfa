"""Everybody who is here: the tables of visitors and what they share."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from app.capture.uploads import Uploads
from app.capture.visitor import CaptureVisitor
from app.live.calibrate import calibrate
from app.live.clock import clock, lived
from app.live.loader import Loader
from app.live.places import Places, cores
from app.live.shares import Turns
from app.live.sharing import Buckets, Limits, Turnstile
from app.live.visitor import Visitor
from app.memory import give_back
from app.motion.visitor import MotionVisitor
from app.world.visitor import WorldVisitor

TIDY_SECONDS = 30
"""Between two looks for takes that nobody came back for."""
IDLE = "This page made room for others while nothing moved on it. Reload it to go on."

V = TypeVar("V", bound=Visitor[Any, Any])


class Table(Generic[V]):
    """Finds or makes the visitor with an id, and forgets those that nobody came back to."""

    def __init__(self, make: Callable[[str], V], limits: Limits, *, lost: str) -> None:
        self.limits = limits
        self._make, self._lost = make, lost
        self._lock = threading.Lock()
        self._here: dict[str, V] = {}

    def everybody(self) -> list[V]:
        """Return those who are here or remembered."""
        with self._lock:
            return list(self._here.values())

    def open(self, name: str, address: str = "") -> V:
        """Return the visitor with this id, or a new one from this address.

        Where there is no room, whoever can best do without makes some; raises ValueError when
        nobody can.
        """
        with self._lock:
            if name in self._here:
                return self._here[name]
            gone = self._make_room(address, self.limits.pages_of_address, "Your network")
            gone += self._make_room(None, self.limits.pages, "This server")
            made = self._here[name] = self._make(name)
            made.address = address
        for one in gone:  # they take locks of their own
            one.close(IDLE)
        return made

    def find(self, name: str) -> V:
        """Return a visitor who is known; raise ValueError otherwise."""
        with self._lock:
            if name not in self._here:
                raise ValueError(self._lost)
            return self._here[name]

    def tidy(self, now: float) -> int:
        """Forget who is away for long, and of many unused takes the oldest; return how many."""
        limits = self.limits
        with self._lock:
            here = list(self._here.values())
            old = [v for v in here if v.feed is None and now - v.seen > limits.forget_seconds]
            unused = [v for v in here if v.has_take and not v.busy and v not in old]
            unused.sort(key=lambda v: (v.feed is None, -v.used))  # pages that are open come first
            old += [v for v in unused[limits.takes :] if now - v.used > limits.recent_seconds]
            for one in old:
                self._here.pop(one.name)
        for one in old:
            one.close(IDLE)
        return len(old)

    def _make_room(self, address: str | None, most: int, whose: str) -> list[V]:
        """Take out who is away, or idle, for longest; nobody who has made a take just now."""
        group = [one for one in self._here.values() if address in (None, one.address)]
        if len(group) < most:
            return []
        recent = lived() - self.limits.recent_seconds
        able = [v for v in group if not v.busy and not (v.has_take and v.used > recent)]
        if not able:
            raise ValueError(
                f"{whose} has {most} pages open already and takes no more. "
                "Please come back in a few minutes."
            )
        least = min(able, key=lambda one: (one.has_take, one.feed is not None, one.used))
        return [self._here.pop(least.name)]


class Lobby:
    """All tabs' visitors: one budget of compute is shared by all of them."""

    def __init__(self, loader: Loader, limits: Limits | None = None):
        self.limits = limits = limits or Limits()
        self.loader, self.turnstile = loader, Turnstile()
        self.uploads = Uploads(keep_seconds=limits.forget_seconds)
        self.places = Places(limits)
        self.made = Counter[str]()
        """Poses and frames, since the start."""
        self.searching = Turns(1, waiting=limits.pages_of_address)
        """Of those who look for real motions; one request of each visitor stands in line."""
        shared = {
            "loader": loader,
            "turnstile": self.turnstile,
            "places": self.places,
            "starts": Buckets(),
            "made": self.made,
            "limits": limits,
        }
        self.motion_visitors = Table(
            lambda name: MotionVisitor(name, **shared),
            limits,
            lost="The server does not know this take any more; generate a new one.",
        )
        self.world_visitors = Table(
            lambda name: WorldVisitor(name, **shared),
            limits,
            lost="The server does not know this world any more; begin a new one.",
        )
        self.capture_visitors = Table(
            lambda name: CaptureVisitor(name, **shared),
            limits,
            lost="The server does not know this take any more; choose the file again.",
        )
        self.tables = self.motion_visitors, self.world_visitors, self.capture_visitors
        self._swept = lived()
        clock().look_after(self)
        loader.engine_known.add_done_callback(lambda _: self._widen())

    def _widen(self) -> None:
        """Compute on as many lanes as the engine has: by default, one for each core."""
        if self.loader.engine_ready:
            lanes = getattr(self.loader.engine(), "lanes", None)
            self.turnstile.lanes = lanes or max(int(cores()), 1)
            self.places.resize(lanes or cores())

    def start(self) -> Lobby:
        """Measure what bodies and worlds take, once they are loaded."""
        self.loader.worlds_known.add_done_callback(lambda _: self._calibrate())
        return self

    def _calibrate(self) -> None:
        if self.loader.engine_ready:
            calibrate(self.loader.engine(), self.places, self.turnstile)
        gc.collect()
        gc.freeze()  # what is loaded by now stays: looking through it again and again takes long

    def sweep(self) -> None:
        """Forget by the clock; count down for those in line."""
        self.places.sweep()
        now = lived()
        if now - self._swept < TIDY_SECONDS:
            return
        self._swept = now
        if sum(table.tidy(now) for table in self.tables):
            give_back()

    def close(self) -> None:
        """Delete what visitors uploaded."""
        self.uploads.close()
