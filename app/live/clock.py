"""What goes by the clock, in one thread: the time that is lived through, and sweeping.

While a laptop sleeps or a container is frozen nobody can press a key, come back or use a turn, so
that this time is nobody's: `lived` stands still.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol
from weakref import WeakSet

from core.faults import trace

TICK, GAP = 1.0, 5.0
"""Seconds between two looks; what is longer than a `GAP`, on a busy machine too, was no life."""

log = logging.getLogger(__name__)


class Sweeps(Protocol):
    """Has something to tidy away from time to time."""

    def sweep(self) -> None: ...


class Clock:
    """Counts the seconds that this process lives through."""

    def __init__(self, read: Callable[[], float] = time.monotonic):
        self._read = read
        self._seen = read(), 0.0
        """The last look, and the seconds that were lost until then."""
        self._lock = threading.Lock()
        self._sweepers: WeakSet[Sweeps] = WeakSet()

    def start(self) -> Clock:
        """Begin to look at it, in a thread of its own."""
        threading.Thread(target=self._run, name="clock", daemon=True).start()
        return self

    def look_after(self, one: Sweeps) -> None:
        """Let it sweep at every tick for as long as somebody holds it."""
        with self._lock:
            self._sweepers.add(one)

    def lived(self) -> float:
        """Seconds, of which only differences mean something."""
        now, (before, lost) = self._read(), self._seen
        return now - lost - max(now - before - GAP, 0.0)

    def tick(self) -> None:
        """Look at the clock; let everybody sweep."""
        now, (before, lost) = self._read(), self._seen
        self._seen = now, lost + max(now - before - GAP, 0.0)
        with self._lock:
            sweepers = list(self._sweepers)
        for one in sweepers:
            try:
                one.sweep()
            except Exception as error:
                log.error("%s cannot sweep: %s", type(one).__name__, trace(error))

    def _run(self) -> None:
        while True:
            time.sleep(TICK)
            self.tick()


@lru_cache(maxsize=1)
def clock() -> Clock:
    """Return the process's clock, which runs from when it is first asked for."""
    return Clock().start()


def lived() -> float:
    """Return what the process's clock says."""
    return clock().lived()
