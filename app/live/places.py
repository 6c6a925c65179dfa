"""Who may move, play or follow at all: one budget of compute for all tabs, and one line for it.

What a visitor of each tab costs is measured while it is served, so that a faster machine has more
places. Who does not fit in waits; the longer the line, the shorter are turns.
"""

from __future__ import annotations

import heapq
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.live.clock import lived
from app.live.sharing import Limits

COSTS = {"motion": 0.1, "world": 0.4, "capture": 0.4}
"""Cores that a visitor of each tab keeps busy, until it is known better."""
SPARE = 0.15
"""Of the budget, left to itself while a world is played beside something else: keys are not
answered in time by a machine that is busy all the time."""
LEARNED = 0.02
"""How much of a newer measurement counts."""
STAY = 60.0
"""Seconds that visitors stay, until it is known better."""


def cores() -> float:
    """Return how many cores this process really has: affinity and quota, as containers set them."""
    count = float(os.cpu_count() or 1)
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    group = Path("/sys/fs/cgroup")
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            quota, period = " ".join((group / file).read_text() for file in files).split()
        except (OSError, ValueError):
            continue
        if quota.isdigit():  # not "max" or -1
            count = min(count, int(quota) / int(period))
    return count


@dataclass(eq=False)
class Guest:
    """Somebody with a place, or in line for one."""

    kind: str
    enter: Callable[[], None]
    wait: Callable[[int, float], None]
    since: float = 0.0
    """When the place was taken."""


Key = tuple[str, str]


class Places:
    """Lets visitors in as long as there is compute for them, in the order they came."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float] = lived) -> None:
        self._limits, self._clock = limits, clock
        self._lock = threading.Lock()
        self._most = {"motion": limits.moving, "world": limits.playing, "capture": limits.following}
        self.budget = cores()
        """Lanes that are given away."""
        self._inside: dict[Key, Guest] = {}
        self._line: dict[Key, Guest] = {}
        self._stay = STAY
        self.turn_seconds = limits.turn_seconds
        """How long a turn lasts, for all to be served in time."""
        self.costs = dict(COSTS)
        """Lanes that a visitor of each tab keeps busy, as measured."""

    # ---- what there is

    def resize(self, lanes: float) -> None:
        """Have as much compute as this from now on."""
        self.budget = lanes
        self._advance()

    def measured(self, kind: str, lanes: float) -> None:
        """Learn what a visitor of a tab keeps busy; one alone keeps no more than one lane so."""
        self.costs[kind] += LEARNED * (min(lanes, 1.0) - self.costs[kind])

    def inside(self, kind: str) -> int:
        """Return how many of a tab have a place."""
        return sum(key[0] == kind for key in tuple(self._inside))

    @property
    def waiting(self) -> int:
        """How many are in line."""
        return len(self._line)

    # ---- coming and going

    def ask(
        self, kind: str, who: str, *, enter: Callable[[], None], wait: Callable[[int, float], None]
    ) -> None:
        """Call `enter` as soon as there is a place.

        Until then call `wait` with each new position, and the seconds that it is likely to take.
        """
        with self._lock:
            inside = (kind, who) in self._inside
            if not inside:
                self._line.setdefault((kind, who), Guest(kind, enter, wait))
        if inside:
            enter()
        else:
            self._advance()

    def leave(self, kind: str, who: str) -> None:
        """Give a place, in or in line for one, back."""
        with self._lock:
            left = self._inside.pop((kind, who), None)
            known = self._line.pop((kind, who), None) or left
            if left:
                self._stay += 0.1 * (self._clock() - left.since - self._stay)
        if known:
            self._advance()

    def sweep(self) -> None:
        """Tell those in line how long it still takes."""
        if self._line:
            self._advance()

    def wanted(self, kind: str) -> bool:
        """Whether somebody waits who may come in when one of this tab leaves."""
        with self._lock:
            return any(one.kind == kind or not self._full(one.kind) for one in self._line.values())

    def waits(self, kind: str, who: str) -> bool:
        """Whether a visitor still stands in line."""
        with self._lock:
            return (kind, who) in self._line

    def over(self, kind: str, who: str) -> bool:
        """Whether a visitor's turn is over: it has lasted, and somebody waits for the place."""
        guest = self._inside.get((kind, who))
        if guest is None or not self._line or not self.wanted(kind):
            return False
        return self._clock() - guest.since > self.turn_seconds

    # ---- with the lock

    def _full(self, kind: str) -> bool:
        """Whether the host wants no more of a tab."""
        most = self._most.get(kind)
        return most is not None and self.inside(kind) >= most

    def _room(self, guests: Iterable[Guest]) -> float:
        """Return the lanes that these may share."""
        kinds = {guest.kind for guest in guests}
        return self.budget * (1 - SPARE * ("world" in kinds and len(kinds) > 1))

    def _next(self) -> Key | None:
        """Return who comes in now. Those whom the host's numbers keep out let others pass; who is
        too large for what is left does not, else it might wait for ever."""
        for key, guest in self._line.items():
            if self._full(guest.kind):
                continue
            taken = sum(self.costs[one.kind] for one in self._inside.values())
            room = self._room((guest, *self._inside.values()))
            fits = not self._inside or taken + self.costs[guest.kind] <= room + 1e-9
            return key if fits else None
        return None

    def _lines(self) -> Iterator[tuple[list[Guest], list[Guest], dict[str, float], float]]:
        """Yield who shares what: all of them the lanes, those of a tab what the host allows."""
        inside, line = list(self._inside.values()), list(self._line.values())
        yield inside, line, self.costs, self._room((*inside, *line))
        for kind, most in self._most.items():
            if most and any(one.kind == kind for one in line):
                own = [[one for one in some if one.kind == kind] for some in (inside, line)]
                yield own[0], own[1], {kind: 1.0}, most

    def _plan(self, now: float) -> dict[Guest, float]:
        """Settle how long turns are; return how long each in line is likely to wait."""
        limits, waits = self._limits, dict.fromkeys(self._line.values(), 0.0)
        rounds = 1e-3
        for inside, line, costs, room in self._lines():
            everybody = [costs[one.kind] for one in (*inside, *line)]
            rounds = max([rounds, *simulate([], everybody, room, 1.0)])
        turn = max(limits.wait_seconds / rounds, limits.good_turn_seconds)
        turn = max(min(turn, limits.most_wait_seconds / rounds), limits.least_turn_seconds)
        self.turn_seconds = min(turn, limits.turn_seconds)
        stay = min(self.turn_seconds, self._stay)
        for inside, line, costs, room in self._lines():
            ends = [(max(one.since + stay - now, 0.0), costs[one.kind]) for one in inside]
            found = simulate(ends, [costs[one.kind] for one in line], room, stay)
            for one, seconds in zip(line, found, strict=True):
                waits[one] = max(waits[one], seconds)
        return waits

    def _advance(self) -> None:
        calls: list[Callable[[], None]] = []
        with self._lock:
            now = self._clock()
            while (key := self._next()) is not None:
                guest = self._inside[key] = self._line.pop(key)
                guest.since = now
                calls.append(guest.enter)
            for i, (guest, seconds) in enumerate(self._plan(now).items(), start=1):
                calls.append(partial(guest.wait, i, seconds))
        for call in calls:  # outside the lock: they take locks of their own
            call()


def simulate(
    ends: Iterable[tuple[float, float]], line: Iterable[float], room: float, turn: float
) -> list[float]:
    """Return when each in line, of these costs, comes in where turns of these costs end then."""
    heap, now, waits = list(ends), 0.0, []
    heapq.heapify(heap)
    room -= sum(cost for _, cost in heap)
    for cost in line:
        while heap and room < cost:
            now, freed = heapq.heappop(heap)
            room += freed
        waits.append(now)
        room -= cost
        heapq.heappush(heap, (now + turn, cost))
    return waits


def in_words(seconds: float) -> str:
    """Say about how long that is: "about 40 s", "about 3 min"."""
    if seconds >= 95:
        return f"about {math.ceil(seconds / 60)} min"
    return f"about {max(5 * math.ceil(seconds / 5), 5)} s"
