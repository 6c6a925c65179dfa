"""Cost of a stream over time: is the tenth minute as fast as the first?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """One piece of a stream: poses or frames in it, and seconds by the clock and of the CPU."""

    made: int
    wall: float
    cpu: float


def timed(make: Callable[[], Any], made: int = 1) -> Step:
    """Call `make`, which produces so many poses or frames, and time it."""
    wall, cpu = time.perf_counter(), time.process_time()
    make()
    return Step(made, time.perf_counter() - wall, time.process_time() - cpu)


def late_over_early(steps: list[Step], *, context: int, minute: int) -> dict[str, Any]:
    """Cost late in a stream over that early in it, by the clock and by CPU time.

    Minute 10 over minute 1 where there are ten; else the last third over as much from where the
    `context` is full, because a stream's first seconds, with little to look back on, are cheaper
    and would weigh more than they do in a minute. `minutes` says what was compared.
    """
    total = sum(step.made for step in steps)
    whole = total >= 10 * minute
    skip = steps[0].made if whole else min(context, total // 4)  # the first piece is latency
    length = minute if whole else (total - skip) // 3

    def cost(part: Iterable[Step], skip: int) -> dict[str, float]:
        made, spent = 0, {"wall": 0.0, "cpu": 0.0}
        for step in part:
            if skip > 0:
                skip -= step.made
            elif made < length:
                made += step.made
                spent = {k: v + getattr(step, k) for k, v in spent.items()}
        return {k: v / made for k, v in spent.items()}

    early, late = cost(steps, skip), cost(reversed(steps), 0)
    ranges = {"early": (skip, skip + length), "late": (total - length, total)}
    return {
        "late_over_early": late["wall"] / early["wall"],
        "late_over_early_cpu": late["cpu"] / early["cpu"],
        "minutes": {k: [round(v / minute, 2) for v in pair] for k, pair in ranges.items()},
    }
