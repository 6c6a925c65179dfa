"""Fair shares of one machine: what a server gives, whose turn it is, who asks too much."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from core.settings import KEEP_SECONDS

Turn = Callable[[], AbstractContextManager[object]]
"""Waits for a turn to compute, which lasts for the length of a block."""
KEPT_SECONDS = 0.5
"""How long after a turn that was due a lane is kept for the next one."""
PATIENCE = 0.2
"""Seconds after which whoever is not due may have that lane, too."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one server gives its visitors."""

    moving: int | None = None
    """Bodies that move at the same time; None for as many as the machine is fast enough for."""
    playing: int | None = None
    """Worlds that are played at the same time, likewise."""
    following: int | None = None
    """Videos that are followed, or takes that go on, at the same time, likewise."""
    pages: int = 512
    """Visitors of a tab, here or remembered; an open page that is idle costs next to nothing."""
    takes: int = 64
    """Takes of a tab, or worlds of some 30 MB each, that are kept while nothing moves in them."""
    pages_of_address: int = 128
    """Those of one address, which may be a whole school's."""
    starts: float = 3
    """Takes or worlds that a visitor may begin in a second; all of one address, twice as many."""
    turn_seconds: float = 180
    """How long a place, to move a body or play a world, is kept at most while others wait."""
    wait_seconds: float = 90
    """How long the last one in line is to wait: turns shorten as the line grows."""
    good_turn_seconds: float = 20
    """Turns are not made shorter than this before waits are `most_wait_seconds`."""
    most_wait_seconds: float = 150
    """How long the last one is to wait in a long line."""
    least_turn_seconds: float = 10
    """How long a turn is however long the line."""
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
    recent_seconds: float = 300
    """How long a lost page's take makes no room for newcomers."""
    forget_seconds: float = 1800
    """How long a take waits for its page to come back."""


@dataclass(eq=False)
class Ticket:
    """One turn to compute."""

    who: str
    ahead: float
    start: float = 0.0
    """Where its visitor's account stood when it began, in seconds computed."""
    seconds: float = 0.0
    """Computed in it, others' turns in between not counted."""
    since: float = 0.0
    """When it came into the line."""
    began: float = 0.0
    go: threading.Event = field(default_factory=threading.Event)

    @property
    def rank(self) -> float:
        """The lowest goes first."""
        return self.start + self.seconds - self.ahead


class Turnstile:
    """Let threads compute, a few at a time: first whose visitor has computed least.

    This is start-time fair queueing (Goyal, Vin and Cheng 1996): a turn is charged to its visitor's
    account; who comes back after a while begins where those stand who are being served. What
    somebody waits for may borrow from its visitor's future (Duda and Cheriton 1999). A turn is
    never cut short, so that one lane is kept from the others while there are such turns.
    """

    def __init__(self, lanes: int = 1, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self.lanes = lanes
        """Threads that compute at once."""
        self._clock = clock
        self._lock = threading.Lock()
        self._line: list[Ticket] = []
        self._computing: list[Ticket] = []
        self._kept_until = -math.inf
        self._now = 0.0  # where the account of whoever was let through last stood
        self._accounts: dict[str, float] = {}
        self._mine = threading.local()

    @contextmanager
    def turn(self, who: str = "", *, ahead: float = 0.0) -> Iterator[Ticket]:
        """Wait for this thread's turn, and hold it for the length of the block.

        It comes before those of others whose visitors computed up to `ahead` seconds less.
        """
        ticket = Ticket(who, ahead)
        self._enter(ticket)
        self._mine.ticket = ticket
        try:
            yield ticket
        finally:
            self._mine.ticket = None
            self._leave(ticket)

    def pass_on(self) -> None:
        """Let those go first who are due, in the middle of this thread's turn, if it has one."""
        ticket: Ticket | None = getattr(self._mine, "ticket", None)
        if ticket is None or not self._line:
            return
        rank = ticket.rank + self._clock() - ticket.began
        with self._lock:
            due = any(other.rank < rank for other in self._line)
        if due:
            self._leave(ticket)
            self._enter(ticket)

    @property
    def busy(self) -> bool:
        """Whether whoever comes now, and is not due, has to wait."""
        with self._lock:
            now = self._clock()
            return not self._may(Ticket("", 0.0, since=now), now)

    def _enter(self, ticket: Ticket) -> None:
        with self._lock:
            if not ticket.seconds:
                ticket.start = max(self._now, self._accounts.get(ticket.who, 0.0))
            ticket.go.clear()
            ticket.since = self._clock()
            self._line.append(ticket)
            self._call()
        ticket.go.wait()

    def _leave(self, ticket: Ticket) -> None:
        with self._lock:
            now = self._clock()
            seconds = now - ticket.began
            if ticket.ahead:
                self._kept_until = now + KEPT_SECONDS
            ticket.seconds += seconds
            self._accounts[ticket.who] = (
                max(self._accounts.get(ticket.who, 0.0), ticket.start) + seconds
            )
            self._computing.remove(ticket)
            if len(self._accounts) > 64:  # who stands no higher than newcomers is one
                self._accounts = {w: s for w, s in self._accounts.items() if s > self._now}
            self._call()

    def _may(self, ticket: Ticket, now: float) -> bool:
        """Whether there is a lane for it."""
        if len(self._computing) >= self.lanes:
            return False
        if ticket.ahead or now >= self._kept_until or now - ticket.since > PATIENCE:
            return True
        return sum(not other.ahead for other in self._computing) < max(self.lanes - 1, 1)

    def _call(self) -> None:
        now = self._clock()
        while line := [ticket for ticket in self._line if self._may(ticket, now)]:
            ticket = min(line, key=lambda one: one.rank)
            self._line.remove(ticket)
            self._computing.append(ticket)
            self._now = max(self._now, ticket.start)
            ticket.began = now
            ticket.go.set()


class Buckets:
    """A bucket for everybody, which holds what may be taken at once and fills steadily."""

    def __init__(self, *, most: float = 1.0) -> None:
        """`most`: seconds' worth that a bucket holds."""
        self._most = most
        self._lock = threading.Lock()
        self._full: dict[str, float] = {}  # whose bucket is not full -> when it will be

    def take(self, rates: Mapping[str, float]) -> float:
        """Take one from the bucket of each, which fills at its rate a second.

        Return 0, or without taking any the seconds until all have one.
        """
        now = time.monotonic()
        with self._lock:
            if len(self._full) > 64:
                self._full = {who: full for who, full in self._full.items() if full > now}
            full = {who: max(self._full.get(who, now), now) + 1 / r for who, r in rates.items()}
            missing = max(full.values()) - now - self._most
            if missing > 1e-9:
                return missing
            self._full |= full
        return 0.0
