"""Fair shares of one machine: whose turn it is to compute, and who may move at all."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from core.settings import KEEP_SECONDS

Turn = Callable[[], AbstractContextManager[None]]
"""Waits for a turn to compute, which lasts for the length of a block."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one server gives its visitors."""

    moving: int = 6
    """Bodies that move at the same time; more visitors wait in line."""
    playing: int = 2
    """Worlds that are played at the same time; one takes more than half of a slow core."""
    following: int = 2
    """Videos that are followed, or takes that go on, at the same time."""
    pages: int = 64
    """Open pages, and visitors remembered."""
    starts: float = 3
    """Takes or worlds that a visitor may begin in a second; all of one address, twice as many."""
    turn_seconds: float = 180
    """How long a place, to move a body or play a world, is kept while others wait."""
    away_seconds: float = 60
    """How long a page may show nothing (hidden, paused) before its place is free."""
    gone_seconds: float = 8
    """How long a lost page keeps its place."""
    unattended_seconds: float = 1200
    """How long a body moves without anybody touching the page."""
    untouched_seconds: float = 300
    """How long a world is played without a key."""
    keep_seconds: int = KEEP_SECONDS
    """Length of a take; older poses are dropped."""
    recording_seconds: int = 300
    """Length of a recording of a world."""
    forget_seconds: float = 1800
    """How long a take waits for its page to come back."""


class Turnstile:
    """Let threads through one by one in the order they came (a plain Lock promises no order)."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._line: deque[object] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for this thread's turn and hold it for the length of the block."""
        ticket = object()
        with self._free:
            self._line.append(ticket)
            self._free.wait_for(lambda: self._line[0] is ticket)
        try:
            yield
        finally:
            with self._free:
                self._line.popleft()
                self._free.notify_all()

    def pass_on(self) -> None:
        """Let those who wait go first, in the middle of this thread's own turn."""
        with self._free:
            ticket = self._line.popleft()
            self._line.append(ticket)
            self._free.notify_all()
            self._free.wait_for(lambda: self._line[0] is ticket)

    @property
    def busy(self) -> bool:
        """Whether somebody computes or waits to."""
        return bool(self._line)


class Starts:
    """Buckets that hold a second's worth of starts: one for each visitor and each address."""

    def __init__(self, per_second: float):
        self._per_second = per_second
        self._lock = threading.Lock()
        self._full: dict[str, float] = {}  # whose bucket is not full -> when it will be

    def take(self, visitor: str, address: str) -> float:
        """Take a start from both buckets; return 0, or the seconds until both have one."""
        rates = {visitor: self._per_second, address: 2 * self._per_second}
        now = time.monotonic()
        with self._lock:
            self._full = {who: full for who, full in self._full.items() if full > now}
            full = {who: self._full.get(who, now) + 1 / rate for who, rate in rates.items()}
            missing = max(full.values()) - now - 1.0
            if missing > 0:
                return missing
            self._full |= full
        return 0.0


class Slots:
    """A fixed number of places and a line for them."""

    def __init__(self, places: int):
        self._lock = threading.Lock()
        self.places = places
        self._inside: set[str] = set()
        self._line: dict[str, tuple[Callable[[], None], Callable[[int], None]]] = {}

    def ask(self, who: str, *, enter: Callable[[], None], wait: Callable[[int], None]) -> None:
        """Call `enter` as soon as there is a place, until then `wait` with each new position."""
        with self._lock:
            inside = who in self._inside
            if not inside:
                self._line.setdefault(who, (enter, wait))
        if inside:
            enter()
        else:
            self._advance()

    def leave(self, who: str) -> None:
        """Give a place, in or in line for one, back."""
        with self._lock:
            known = who in self._inside or who in self._line
            self._inside.discard(who)
            self._line.pop(who, None)
        if known:
            self._advance()

    @property
    def waiting(self) -> int:
        return len(self._line)

    def _advance(self) -> None:
        calls: list[Callable[[], None]] = []
        with self._lock:
            while self._line and len(self._inside) < self.places:
                who = next(iter(self._line))
                calls.append(self._line.pop(who)[0])
                self._inside.add(who)
            for position, (_, wait) in enumerate(self._line.values(), start=1):
                calls.append(lambda wait=wait, position=position: wait(position))
        for call in calls:  # outside the lock: they take locks of their own
            call()
