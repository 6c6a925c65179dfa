"""Where a body is wanted next, from where it was just shown: way-points in time, else a drive.

- A point that cannot be reached in time is approached as fast as legs go, and its time is put off.
- Legs do not walk as slowly as one likes: who has too much time stands first, or waits at the point.
- Words change what legs do from one block of motion to the next. So a halt is planned for the end
  of a block, and the stretch until then is walked a little faster or slower.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.body.skeleton import FPS
from core.steering.gait import FASTEST, PACES, RUN, SLOWEST, WALK
from core.steering.wishes import Drive, KeyPose, Met, Steer, Waypoint, Wishes

BLOCK, HELD = 8 / FPS, 2 / FPS
"""Seconds of a block of motion, and of what its filter holds back."""
START = 0.7
"""Seconds that a standing body loses until it walks."""
DRIFT = 0.1
"""Seconds for which a body that is told to stand goes on."""
NEAR = 0.25
"""Meters; a standing body this near to its point need not walk."""
SPARE = 1.2
"""Seconds too much for which it is worth to stand on the way."""
SETTLED = 0.8
"""Seconds before a point from which its time is no longer put off."""
LONGEST = 20.0
"""Seconds that a point may be late before it is given up."""
BOW = 0.4, 0.5
"""How far ahead of a point, as a share of the way there, one aims to pass it in a direction: that
of the path through all points, that of a facing."""


@dataclass(frozen=True)
class Now:
    """Where the newest pose stands."""

    place: complex
    """z + i x, meters."""
    heading: float
    """rad from Z to the left."""
    time: float
    """Seconds from the take's first pose."""
    middle: complex = 0j
    """Where it would stand without the sway of walking."""


@dataclass(frozen=True)
class Wanted:
    """What the body is to do next."""

    velocity: complex
    """m/s in the world; its direction counts even where a body stands."""
    facing: float | None = None
    """rad; None to look where the body goes."""
    stand: bool = False
    """Whether legs are to stand, however far it is."""


class Aim:
    """Tells what is wanted at each moment, and writes down what was met."""

    def __init__(self, steer: Steer) -> None:
        self._steer = steer
        self._passed: set[Waypoint | KeyPose] = set()
        self._due = 0.0  # when the point ahead can be reached
        self._for: Waypoint | None = None
        self._halt: float | None = None  # when words make the body stand
        self._stands, self._stays = False, False
        self._driven: tuple[complex, complex] | None = None  # velocity and its change
        self._pace = PACES[WALK]

    def plan(self, wishes: Wishes, now: Now, stands: bool, pace: float | None) -> bool:
        """Think again, ahead of a block: what is due when, whether to stand; return if it is wanted.

        `stands` says what the body was told to do, `pace` how fast (m/s) its legs go if they are
        not to go otherwise.
        """
        ahead = list(_ahead(wishes, self._passed))
        self._steer.due = tuple(self._dues(ahead, now, stands, pace))
        self._halt, self._stands = None, False
        if not ahead:
            return self._stays or wishes.drive is not None
        point, (_, due) = ahead[0], self._steer.due[0]
        if point != self._for or due - now.time > SETTLED:
            self._for, self._due = point, due
        way, left = self._way(ahead, now)[1], max(self._due - now.time, 1 / FPS)
        own = pace or PACES[RUN if way / left > 2.2 else WALK][0]
        slow = SLOWEST * own
        if stands:
            late_start = max(left - START, 1 / FPS)
            self._stands = way < NEAR or (not point.stop and way / late_start < 0.9 * own)
            if way < NEAR and not point.stop and left < BLOCK + HELD and len(ahead) > 1:
                self._stands = False
            return True
        if not (point.stop or way / left < slow):
            return True
        if not point.stop and left - way / slow > SPARE and way > NEAR:
            self._stands = True
            return True
        to_go = way - DRIFT * own - HELD * own
        blocks = round(to_go / (own * BLOCK))
        if blocks < 1:
            self._stands = True
        else:
            self._halt = now.time + HELD + blocks * BLOCK
        return True

    def at(self, wishes: Wishes, now: Now) -> Wanted | None:
        """Return what is wanted at a pose; None where the body may go as it likes."""
        ahead = list(_ahead(wishes, self._passed))
        while ahead and now.time >= self._due and ahead[0] == self._for:
            self._meet(ahead.pop(0), now)
            self._for, self._due = (ahead[0], ahead[0].at) if ahead else (None, 0.0)
        if not ahead:
            if wishes.drive is not None:
                return self._drive(wishes.drive, now)
            return Wanted(0j, stand=True) if self._stays else None
        direction, way = self._way(ahead, now)
        until = self._due if self._halt is None else self._halt
        if self._halt is not None:
            way -= DRIFT * PACES[WALK][0]
        speed = max(way, 0.0) / max(until - now.time, 0.2)
        facing = ahead[0].facing
        near = abs(_place(ahead[0]) - now.middle) < NEAR
        look = np.radians(facing) if facing is not None and near else None
        return Wanted(direction * speed, look, self._stands)

    def _drive(self, drive: Drive, now: Now) -> Wanted:
        goal = complex(drive.velocity[1], drive.velocity[0])
        facing = None if drive.facing is None else np.radians(drive.facing)
        return Wanted(goal, facing, abs(goal) < 0.3)

    def _way(self, ahead: list[Waypoint], now: Now) -> tuple[complex, float]:
        """Return the direction to go in and the meters to the next point."""
        point = _place(ahead[0])
        to = point - now.middle
        far = abs(to)
        if far < 1e-3:
            return np.exp(1j * now.heading), 0.0
        bow, tangent = 0.0, 0j
        if ahead[0].facing is not None:
            bow, tangent = BOW[1], np.exp(1j * np.radians(ahead[0].facing))
        elif len(ahead) > 1 and not ahead[0].stop:
            after = _place(ahead[1]) - point
            if abs(after) > 0.1:
                tangent = to / far + after / abs(after)
                bow, tangent = BOW[0] * abs(tangent) / 2, tangent / max(abs(tangent), 1e-6)
        if np.real(tangent * np.conj(to)) < -0.5 * far:  # it would be passed backwards
            bow = 0.0
        carrot = to - bow * far * tangent
        way = abs(carrot) + bow * far
        return carrot / max(abs(carrot), 1e-6), float(way + far) / 2

    def _dues(
        self, ahead: list[Waypoint], now: Now, stands: bool, pace: float | None
    ) -> Iterator[tuple[Waypoint, float]]:
        place, time = now.middle, now.time + (START if stands else 0.0)
        fastest = PACES[RUN][1] if pace is None else FASTEST * pace
        for point in ahead:
            target = _place(point)
            time = max(point.at, time + abs(target - place) / fastest)
            yield point, time
            place = target

    def _meet(self, point: Waypoint, now: Now) -> None:
        self._passed.add(point)
        self._stays = point.stop
        turned = None
        if point.facing is not None:
            turned = float((np.degrees(now.heading) - point.facing + 180) % 360 - 180)
        missed = abs(_place(point) - now.place)
        self._steer.report.append(Met(wish=point, at=now.time, missed=missed, turned=turned))


def _place(point: Waypoint) -> complex:
    return complex(point.place[1], point.place[0])


def _ahead(wishes: Wishes, passed: set[Waypoint | KeyPose]) -> Iterator[Waypoint]:
    """Yield the points still to come, by time; root places of keys are among them."""
    keys = (
        Waypoint(place=k.place, at=k.at, facing=k.facing)
        for k in wishes.keys
        if k.place is not None
    )
    points = [p for p in (*wishes.waypoints, *keys) if p not in passed]
    yield from sorted(points, key=lambda point: point.at)
