"""What is wanted of a body next, from where it was just shown: way-points in time, else a drive.

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
from typing import Any

from core.body.rotations import wrap
from core.body.skeleton import FPS
from core.settings import DELAY
from core.steering.gait import GAITS, LONGEST, RAN, RUN, SHORTEST, WALK, WALKED
from core.steering.ways import TIGHT, WIDE, Now, Point, points, walk, way, worth_running
from core.steering.wishes import Drive, KeyPose, Met, Steer, Waypoint, Wishes

HELD = DELAY / FPS
"""Seconds of what a stream holds back."""
START = 1.1
"""Seconds that a standing body loses until it walks."""
DRIFT, HALTED = 0.1, 0.3
"""Seconds for which a body that is told to stand goes on as before, and after which it stands."""
NEAR, SHORT = 0.25, 0.12
"""Meters from a point at which a standing body need not walk; by which a point may lie too far for
its time to hold."""
PATIENT, SPARE = 0.4, 1.2
"""Seconds too much for which it is worth to stand at the point, and on the way."""
PUNCTUAL = 0.9
"""Share of the legs' own speed at which who stood because of that sets out."""
SETTLED = 0.8
"""Seconds before a point from which its time is no longer put off."""
LATEST = 60.0
"""Seconds after its time at which a point is given up, such as by who hops on the spot."""
PASSED = math.radians(60)
"""To a side, where a body has passed what lies there."""


@dataclass(frozen=True)
class Wanted:
    """What the body is to do next."""

    velocity: complex
    """m/s in the world; its direction counts even where a body stands."""
    facing: float | None = None
    """rad; None to look where the body goes."""
    legs: float = 0.0
    """How fast legs should be told to go (m/s), 0 to stand."""
    away: float = 0.0
    """How far (rad) to the left of where it is to look it is driven."""


class Aim:
    """Tells what is wanted at each moment, and writes down what was met."""

    def __init__(self, steer: Steer, block: float) -> None:
        """`block` is how long a block of motion is, in seconds."""
        self._steer, self._block = steer, block
        self._passed: set[Any] = set()  # wishes: frozen, which pyright does not take for hashable
        self._passed.update(met.wish for met in steer.report)
        self._ahead: list[Point] = []
        self._dues: dict[Point, float] = {}  # when a body can be there, by plan
        self._drive: Drive | None = None
        self._halt: float | None = None  # when words make the body stand
        self._legs = GAITS[WALK].pace
        self._stays: Waypoint | KeyPose | None = None  # the point it was told to stop at

    def plan(self, wishes: Wishes, now: Now, told: float, pace: float | None) -> bool:
        """Think again, ahead of a block: what is due when, how fast. Return if anything is wanted.

        `told` is the speed (m/s) that legs were told to have, 0 to stand; `pace` that of a manner
        which is to be kept.
        """
        self._drive, self._halt = wishes.drive, None
        self._ahead = [point for point in points(wishes) if point.wish not in self._passed]
        if self._stays not in wishes.waypoints:
            self._stays = None
        self._put_off(now, told, pace)
        if self._ahead:
            self._walk_or_stand(self._ahead[0], now, told, pace)
        self._steer.due = tuple(
            (point.wish, due)
            for point, due in self._dues.items()
            if isinstance(point.wish, Waypoint)
        )
        return bool(self._ahead or self._stays or self._drive)

    def _put_off(self, now: Now, told: float, pace: float | None) -> None:
        """Say when points can be reached; the next one's time holds unless it became too far."""
        dues = dict(self._when(now, told, pace))
        if self._ahead and (before := self._dues.get(self._ahead[0])) is not None:
            left = before - now.time
            most = SHORT + GAITS[WALK].most * left
            if left <= SETTLED and abs(self._ahead[0].place - now.middle) <= most:
                dues[self._ahead[0]] = before
        self._dues = dues

    def _when(self, now: Now, told: float, pace: float | None) -> Iterator[tuple[Point, float]]:
        place, heading, time, stands = now.middle, now.heading, now.time, not told
        for point in self._ahead:
            to = point.place - place
            if abs(to) > NEAR or not stands:
                fastest = GAITS[RUN if worth_running(to, heading) else WALK].most
                time += walk(to, heading, TIGHT) / (LONGEST * pace if pace else fastest)
                time += START if stands else 0.0
            time = max(point.at, time)
            yield point, time
            place, heading, stands = point.place, cmath.phase(to) if to else heading, point.stop

    def _walk_or_stand(self, point: Point, now: Now, told: float, pace: float | None) -> None:
        """Decide on what legs are to be told for the next block, and when they are to halt."""
        length, left = self._way(now)[1], max(self._dues[point] - now.time, self._block)
        to = point.place - now.middle
        runs = length / left > (WALKED if told > RAN else RAN) and worth_running(to, now.heading)
        self._legs = own = pace or GAITS[RUN if runs else WALK].pace
        spare = left - length / (SHORTEST * own)
        if told:
            early = point.stop or spare > PATIENT
            blocks = round((length - (DRIFT + HELD) * own) / (own * self._block))
            if (early and blocks < 1) or (spare > SPARE and not point.stop):
                self._legs = 0.0
            elif early:
                self._halt = now.time + HELD + blocks * self._block
            if point.stop and length:
                stands = (self._halt or now.time + HELD) + HALTED
                self._dues[point] = max(self._dues[point], stands)
        elif abs(to) < NEAR:
            if point.stop or left > self._block + HELD or len(self._ahead) < 2:
                self._legs = 0.0
        elif not point.stop and length / max(left - START, 0.05) < PUNCTUAL * own:
            self._legs = 0.0

    def at(self, now: Now) -> Wanted | None:
        """Return what is wanted at a pose; None where the body may go as it likes."""
        while self._ahead and self._over(self._ahead[0], now):
            self._meet(self._ahead.pop(0), now)
        if not self._ahead:
            if self._drive is not None:
                return _driven(self._drive)
            return Wanted(0j) if self._stays else None
        point = self._ahead[0]
        direction, length = self._way(now)
        until = self._dues[point]
        if self._halt is not None:
            until, length = self._halt, length - DRIFT * GAITS[WALK].pace
        speed = max(length, 0.0) / max(until - now.time, 0.1)
        near = abs(point.place - now.middle) < NEAR
        return Wanted(direction * speed, point.facing if near else None, self._legs)

    def _way(self, now: Now) -> tuple[complex, float]:
        most = self._legs * LONGEST * (self._dues[self._ahead[0]] - now.time)
        return way(self._ahead, now, most, WIDE if self._legs > RAN else TIGHT)

    def _over(self, point: Point, now: Now) -> bool:
        """Whether a point's time has come, or it is late, just passed and not worth a round."""
        due = self._dues[point]
        if now.time < min(point.at, due):
            return False
        if now.time > point.at + LATEST:
            return True
        to = (point.place - now.middle) * cmath.exp(-1j * now.heading)
        return now.time >= due or (abs(to) < TIGHT and abs(cmath.phase(to)) > PASSED)

    def _meet(self, point: Point, now: Now) -> None:
        self._passed.add(point.wish)
        self._halt, self._stays = None, point.wish if point.stop else None
        if isinstance(point.wish, KeyPose):  # told of by those who pose it
            return
        turned = None if point.facing is None else math.degrees(wrap(now.heading - point.facing))
        missed = abs(point.place - now.place)
        self._steer.report.append(Met(wish=point.wish, at=now.time, missed=missed, turned=turned))


def _driven(drive: Drive) -> Wanted:
    goal = complex(drive.velocity[1], drive.velocity[0])
    if drive.facing is None:
        return Wanted(goal, None, abs(goal))
    facing = math.radians(drive.facing)
    return Wanted(goal, facing, abs(goal), wrap(cmath.phase(goal) - facing))
