"""Where a body is wanted next: the nearest way-point's time and place, or a drive's direction.

A point that cannot be reached in time is approached as fast as legs go, and its time is put off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.steering.spring import spring
from core.steering.wishes import Drive, Met, Steer, Waypoint, Wishes


@dataclass(frozen=True)
class Now:
    """Where the newest pose stands."""

    place: complex
    """z + i x, meters."""
    heading: float
    """rad from Z to the left."""
    time: float
    """Seconds from the take's first pose."""


@dataclass(frozen=True)
class Wanted:
    """What the body is to do next."""

    velocity: complex
    """m/s in the world."""
    facing: float | None = None
    """rad; None to look where the body goes."""
    behind: bool = False

    @property
    def speed(self) -> float:
        return abs(self.velocity)


class Aim:
    """Tells what is wanted at each moment, and writes down what was met."""

    def __init__(self, steer: Steer) -> None:
        self._steer = steer

    def pace(self, wishes: Wishes, now: Now) -> Wanted:
        return self.at(wishes, now, 1.2) or Wanted(0j)

    def at(self, wishes: Wishes, now: Now, pace: float) -> Wanted | None:
        if wishes.drive is not None:
            vx, vz = wishes.drive.velocity
            facing = wishes.drive.facing
            return Wanted(complex(vz, vx), None if facing is None else np.radians(facing))
        return None

    def look(self, wishes: Wishes, now: Now) -> None:
        pass
