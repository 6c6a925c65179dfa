"""Ways over the floor that legs can walk: places are complex numbers, z + i x, headings in rad.

exp(i a) turns by a to the left, so that a place seen from a body that looks along `heading` is its
distance times exp(-i heading).
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.body.rotations import wrap
from core.steering.wishes import KeyPose, Waypoint, Wishes

TIGHT, WIDE = 0.4, 1.2
"""Radius (m) of the narrowest turn of a walk, and of a run."""
BOW = 0.4, 0.5
"""How far ahead of a point, as a share of the way there, one aims to pass it in a direction: that
of the path through all points, that of a facing."""
FAR, STRAIGHT = 2.5, math.radians(45)
"""Meters for which it is worth to run, and how straight ahead they must lie."""


@dataclass(frozen=True)
class Now:
    """Where the newest pose stands."""

    place: complex
    heading: float
    time: float
    """Seconds from the take's first pose."""
    middle: complex = 0j
    """Where it would stand without the sway of walking."""


@dataclass(frozen=True)
class Point:
    """A place to be at a time."""

    wish: Waypoint | KeyPose
    place: complex
    facing: float | None
    stop: bool

    @property
    def at(self) -> float:
        """Seconds from the take's first pose."""
        return self.wish.at


def points(wishes: Wishes) -> list[Point]:
    """Return way-points and places of key poses by time."""
    found = [
        Point(
            wish,
            complex(wish.place[1], wish.place[0]),
            None if wish.facing is None else math.radians(wish.facing),
            isinstance(wish, Waypoint) and wish.stop,
        )
        for wish in (*wishes.waypoints, *wishes.keys)
        if wish.place is not None
    ]
    return sorted(found, key=lambda point: point.at)


def way(ahead: Sequence[Point], now: Now, most: float, radius: float) -> tuple[complex, float]:
    """Return the direction to the next point, and the meters to it with turns of a radius.

    It is passed towards its facing, or as a path through all points would pass it, by aiming at a
    place ahead of it; unless that way is longer than `most` meters, or passes it backwards.
    """
    point = ahead[0]
    to = point.place - now.middle
    far = abs(to)
    if far < 1e-3:
        return cmath.exp(1j * now.heading), 0.0
    bow, tangent = 0.0, 0j
    if point.facing is not None:
        bow, tangent = BOW[1], cmath.exp(1j * point.facing)
    elif len(ahead) > 1 and not point.stop and ahead[1].place != point.place:
        after = ahead[1].place - point.place
        tangent = (to / far + after / abs(after)) / 2
        bow = BOW[0]  # of a sharp turn less: tangents of paths are as long as they go on straight
    carrot = to - bow * far * tangent
    length = walk(carrot, now.heading, radius) + bow * far
    if length > most or (tangent * to.conjugate()).real < -0.5 * far * abs(tangent):
        carrot, length = to, walk(to, now.heading, radius)
    return carrot / max(abs(carrot), 1e-6), length


def walk(to: complex, heading: float, radius: float) -> float:
    """Return the meters of a walk to what lies there from a body that may have to turn first."""
    seen = to * cmath.exp(-1j * heading)
    seen = complex(seen.real, abs(seen.imag))
    off = abs(seen - 1j * radius)
    if off < radius:  # too near to turn to: passed at the side, or gone round for
        return abs(seen) if seen.real > 0 else abs(seen) + math.pi * radius
    arc = cmath.phase((seen - 1j * radius) * 1j) - math.acos(radius / off)
    return radius * (arc % math.tau) + math.sqrt(off**2 - radius**2)


def worth_running(to: complex, heading: float) -> bool:
    """Whether what lies there is far, and straight ahead."""
    return abs(to) > FAR and abs(wrap(cmath.phase(to) - heading)) < STRAIGHT
