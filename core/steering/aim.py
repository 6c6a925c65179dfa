"""Where a body is wanted next, from where it was just shown: way-points in time, else a drive.

- A point that cannot be reached in time is approached as fast as legs go, and its time is put off.
- Legs do not walk as slowly as one likes: who has too much time stands first, or waits there.
- Words change what legs do from one block of motion to the next. So a halt is planned for the end
  of a block, and the stretch until then is walked a little faster or slower.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator
from dataclasses import dataclass

from core.body.skeleton import FPS
from core.steering.gait import FASTEST, PACES, RAN, RUN, SLOWEST, WALK, WALKED
from core.steering.wishes import Drive, KeyPose, Met, Steer, Waypoint, Wishes

BLOCK, HELD = 8 / FPS, 2 / FPS
"""Seconds of a block of motion, and of what its filter holds back."""
START = 1.1
"""Seconds that a standing body loses until it walks."""
DRIFT = 0.1
"""Seconds for which a body that is told to stand goes on."""
HALTED = 0.3
"""Seconds after which it stands."""
NEAR = 0.25
"""Meters; a standing body this near to its point need not walk."""
PATIENT, SPARE = 0.4, 1.2
"""Seconds too much for which it is worth to stand at the point, and on the way."""
SETTLED = 0.8
"""Seconds before a point from which its time is no longer put off."""
SHORT = 0.12
"""Meters by which a point may lie too far for that to hold."""
FAR, STRAIGHT = 2.5, math.radians(45)
"""Meters for which it is worth to run, and how straight ahead they must lie."""
PUNCTUAL = 0.9
"""Share of the legs' own speed at which who stood too early sets out."""
TIGHT, WIDE = 0.4, 1.2
"""Radius (m) of the narrowest turn of a walk, and of a run."""
BEHIND = math.radians(110)
"""Between facing and path, from which a body goes backwards."""
BESIDE = math.radians(60)
"""How far to a side somebody sees what he has passed."""
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
    legs: float = 0.0
    """How fast legs should be told to go (m/s), 0 to stand."""
    behind: bool = False
    """Whether it goes where it does not look."""


class Aim:
    """Tells what is wanted at each moment, and writes down what was met."""

    def __init__(self, steer: Steer) -> None:
        self._steer = steer
        self._passed: set[Waypoint | KeyPose] = set()
        self._due = 0.0  # when the point ahead can be reached
        self._for: Waypoint | None = None
        self._halt: float | None = None  # when words make the body stand
        self._legs, self._stays = PACES[WALK][0], False

    def plan(self, wishes: Wishes, now: Now, told: float, pace: float | None) -> bool:
        """Think again, ahead of a block: what is due when, how fast. Return if anything is wanted.

        `told` is the speed (m/s) that legs were told to have, 0 to stand; `pace` that of a manner
        which is to be kept.
        """
        ahead = list(_ahead(wishes, self._passed))
        self._steer.due = tuple(self._dues(ahead, now, told, pace))
        self._halt = None
        if not ahead:
            return self._stays or wishes.drive is not None
        point, due = self._steer.due[0]
        left, far = self._due - now.time, abs(_place(point) - now.middle)
        if point != self._for or left > SETTLED or far > SHORT + PACES[WALK][1] * left:
            self._for, self._due = point, due
        way, left = self._way(ahead, now)[1], max(self._due - now.time, BLOCK)
        runs = way / left > (WALKED if told > RAN else RAN) and _worth_running(
            _place(point) - now.middle, now.heading
        )
        own = pace or PACES[RUN if runs else WALK][0]
        self._legs = own
        spare = left - way / (SLOWEST * own)
        if told:
            early = point.stop or spare > PATIENT
            blocks = round((way - (DRIFT + HELD) * own) / (own * BLOCK))
            if (early and blocks < 1) or (spare > SPARE and not point.stop):
                self._legs = 0.0
            elif early:
                self._halt = now.time + HELD + blocks * BLOCK
            if point.stop and way > 0.02:
                self._due = max(self._due, (self._halt or now.time + HELD) + HALTED)
        elif far < NEAR:
            if point.stop or left > BLOCK + HELD or len(ahead) < 2:
                self._legs = 0.0
        elif not point.stop and way / max(left - START, 0.05) < PUNCTUAL * own:
            self._legs = 0.0
        return True

    def at(self, wishes: Wishes, now: Now) -> Wanted | None:
        """Return what is wanted at a pose; None where the body may go as it likes."""
        ahead = list(_ahead(wishes, self._passed))
        while ahead and ahead[0] == self._for and self._over(ahead[0], now):
            self._meet(ahead.pop(0), now)
            self._for, self._due = next(
                ((p, due) for p, due in self._steer.due if ahead and p == ahead[0]), (None, 0.0)
            )
        if not ahead:
            if wishes.drive is not None:
                return self._drive(wishes.drive, now)
            return Wanted(0j) if self._stays else None
        direction, way = self._way(ahead, now)
        until = self._due if self._halt is None else self._halt
        if self._halt is not None:
            way -= DRIFT * PACES[WALK][0]
        speed = max(way, 0.0) / max(until - now.time, 0.2)
        facing = ahead[0].facing
        near = abs(_place(ahead[0]) - now.middle) < NEAR
        look = math.radians(facing) if facing is not None and near else None
        return Wanted(direction * speed, look, self._legs)

    def _drive(self, drive: Drive, now: Now) -> Wanted:
        goal = complex(drive.velocity[1], drive.velocity[0])
        facing = None if drive.facing is None else math.radians(drive.facing)
        behind = facing is not None and _between(cmath.phase(goal), facing) > BEHIND
        return Wanted(goal, facing, abs(goal), behind)

    def _way(self, ahead: list[Waypoint], now: Now) -> tuple[complex, float]:
        """Return the direction to go in and the meters to the next point."""
        after = _place(ahead[1]) if len(ahead) > 1 and not ahead[0].stop else None
        most = self._legs * FASTEST * (self._due - now.time)
        radius = WIDE if self._legs > RAN else TIGHT
        return _way(_place(ahead[0]), ahead[0].facing, after, now.middle, now.heading, most, radius)

    def _dues(
        self, ahead: list[Waypoint], now: Now, told: float, pace: float | None
    ) -> Iterator[tuple[Waypoint, float]]:
        place, heading, time = now.middle, now.heading, now.time
        if not told and ahead and abs(_place(ahead[0]) - place) > NEAR:
            time += START
        for point in ahead:
            target = _place(point)
            way = _turned((target - place) * cmath.exp(-1j * heading), TIGHT)
            fastest = PACES[RUN if _worth_running(target - place, heading) else WALK][1]
            if told or abs(target - place) > NEAR:
                time += way / (fastest if pace is None else FASTEST * pace)
            time = max(point.at, time)
            yield point, time
            if abs(target - place) > 0.01:
                heading = float(cmath.phase(target - place))
            place = target

    def _over(self, point: Waypoint, now: Now) -> bool:
        """Whether a point's time has come, or it is late, just passed and not worth a round."""
        if now.time < min(point.at, self._due):
            return False
        to = (_place(point) - now.middle) * cmath.exp(-1j * now.heading)
        return now.time >= self._due or (abs(to) < TIGHT and abs(cmath.phase(to)) > BESIDE)

    def _meet(self, point: Waypoint, now: Now) -> None:
        self._passed.add(point)
        self._stays = point.stop
        turned = None
        if point.facing is not None:
            turned = float((math.degrees(now.heading) - point.facing + 180) % 360 - 180)
        missed = abs(_place(point) - now.place)
        self._steer.report.append(Met(wish=point, at=now.time, missed=missed, turned=turned))


def _place(point: Waypoint) -> complex:
    return complex(point.place[1], point.place[0])


def _between(a: float, b: float) -> float:
    """Angle between two directions, rad, 0 or more."""
    return abs((a - b + math.pi) % math.tau - math.pi)


def _worth_running(to: complex, heading: float) -> bool:
    return abs(to) > FAR and abs(cmath.phase(to * cmath.exp(-1j * heading))) < STRAIGHT


def _way(
    target: complex,
    facing: float | None,
    after: complex | None,
    place: complex,
    heading: float,
    most: float,
    radius: float,
) -> tuple[complex, float]:
    """Return the direction from a place to a target, and the meters of a way that legs can turn.

    The target is passed towards `facing`, or as a path that goes on to `after` would pass it, by
    aiming at a point ahead of it; unless that way is longer than `most` meters.
    """
    to = target - place
    far, bow, tangent = abs(to), 0.0, 0j
    if far < 1e-3:
        return cmath.exp(1j * heading), 0.0
    if facing is not None:
        bow, tangent = BOW[1], cmath.exp(1j * math.radians(facing))
    elif after is not None and abs(after - target) > 0.1:
        tangent = to / far + (after - target) / abs(after - target)
        bow, tangent = BOW[0] * abs(tangent) / 2, tangent / max(abs(tangent), 1e-6)
    straight = _turned(to * cmath.exp(-1j * heading), radius)
    carrot = to - bow * far * tangent
    way = _turned(carrot * cmath.exp(-1j * heading), radius) + bow * far
    if way > most or (tangent * to.conjugate()).real < -0.5 * far:  # backwards, or no time for it
        carrot, way = to, straight
    return carrot / max(abs(carrot), 1e-6), way


def _turned(ahead: complex, radius: float) -> float:
    """Return the meters of a walk to a place seen from the body, which may have to turn first."""
    ahead = complex(ahead.real, abs(ahead.imag))
    off = abs(ahead - 1j * radius)
    if off < radius:  # too near to turn to: round once
        return abs(ahead) + math.pi * radius
    turned = cmath.phase((ahead - 1j * radius) * 1j) - math.acos(radius / off)
    return radius * (turned % math.tau) + math.sqrt(off**2 - radius**2)


def _ahead(wishes: Wishes, passed: set[Waypoint | KeyPose]) -> Iterator[Waypoint]:
    """Yield the points still to come, by time; root places of keys are among them."""
    keys = (
        Waypoint(place=k.place, at=k.at, facing=k.facing)
        for k in wishes.keys
        if k.place is not None
    )
    points = [p for p in (*wishes.waypoints, *keys) if p not in passed]
    yield from sorted(points, key=lambda point: point.at)
