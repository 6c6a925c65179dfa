"""What a visitor wants of the path and the poses of a motion; words say how it goes there.

Places are meters on the floor of the take's world (Y up, Z forward, X to the left of who faces Z),
times are seconds from the take's first pose, angles are degrees from Z, growing to the left. Wishes
are values: a stream reads the newest ones whenever it makes a block (`Steer`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BeforeValidator, FailFast, ValidationInfo

from core.body.skeleton import JOINTS
from core.settings import Second, Settings, within

MOST_WAYPOINTS, MOST_KEYS = 200, 60
FARTHEST = 100.0
"""Meters from the origin."""
LOWEST, HIGHEST = -1.0, 3.0
"""Meters above the floor where the joints of a key pose may be."""
WALKS, RUNS = 1.4, 2.8
"""Meters a second that a held key asks for, without and with shift."""
FASTEST = 6.0
"""Meters a second that may be asked for."""
NEAR, TURNED, LATE = 0.15, 15.0, 0.5
"""Meters, degrees and seconds by which a wish may be missed and still count as met."""
PARTS = ("body", "left_hand", "right_hand", "left_foot", "right_foot", "head")
"""What a key pose may hold: all of the body, or the ends of it."""

Place = tuple[
    Annotated[float, within(-FARTHEST, FARTHEST, form="g")],
    Annotated[float, within(-FARTHEST, FARTHEST, form="g")],
]
"""x and z."""
Facing = Annotated[float, within(-360, 360, form="g")]


class Waypoint(Settings):
    """A point of the floor to pass at a time."""

    place: Place
    at: Second
    facing: Facing | None = None
    """Where the body is to look then; None leaves it free."""
    stop: bool = False
    """Whether to stay there until the next one's time comes."""


def _at_most(most: int) -> BeforeValidator:
    """Return a validator that counts entries before any is read."""

    def check(values: Any, info: ValidationInfo) -> Any:
        if isinstance(values, list | tuple) and len(values) > most:
            raise ValueError(f"{info.field_name} must be {most} at most, got {len(values):,}")
        return values

    return BeforeValidator(check)


def _a_body(joints: tuple[tuple[float, float, float], ...]) -> tuple:
    x = np.asarray(joints, np.float64)
    if x.shape != (len(JOINTS), 3) or not np.isfinite(x).all() or np.abs(x).max() > 10:
        raise ValueError(f"joints must be {len(JOINTS)} places x, y, z in meters, near the root")
    if x[:, 1].min() < LOWEST or x[:, 1].max() > HIGHEST:
        raise ValueError(f"joints must be {LOWEST:g} to {HIGHEST:g} m above the floor")
    return joints


def _known(parts: tuple[str, ...]) -> tuple[str, ...]:
    if not {*parts} <= {*PARTS}:
        raise ValueError(f"parts must be among {', '.join(PARTS)}, got {', '.join(parts)}")
    return parts


class KeyPose(Settings):
    """A pose to be in at a time, all of the body or some ends of it."""

    at: Second
    joints: Annotated[
        tuple[tuple[float, float, float], ...],
        FailFast(),
        _at_most(len(JOINTS)),
        AfterValidator(_a_body),
    ]
    """Places (22, 3) of all joints as seen from the root's point on the floor, facing Z."""
    parts: Annotated[tuple[str, ...], FailFast(), _at_most(len(PARTS)), AfterValidator(_known)] = (
        "body",
    )
    """Of PARTS; those that are held, the others move freely."""
    place: Place | None = None
    """Where on the floor the root is then; None leaves it free."""
    facing: Facing | None = None


class Drive(Settings):
    """Where a visitor wants to go right now."""

    velocity: tuple[
        Annotated[float, within(-FASTEST, FASTEST, form="g")],
        Annotated[float, within(-FASTEST, FASTEST, form="g")],
    ]
    """Meters a second along x and z; (0, 0) to stand."""
    facing: Facing | None = None
    """None to look where the body goes."""


class Wishes(Settings):
    """All that is wanted at the moment: keys come before points, points before drive."""

    waypoints: Annotated[tuple[Waypoint, ...], FailFast(), _at_most(MOST_WAYPOINTS)] = ()
    """By time."""
    keys: Annotated[tuple[KeyPose, ...], FailFast(), _at_most(MOST_KEYS)] = ()
    """By time."""
    drive: Drive | None = None

    def sharing(self, before: Wishes) -> Wishes:
        """Return these with points and keys of `before` in place of their equals.

        A page sends all it wants whenever anything changes: what is remembered of a take then
        costs what is new, and a drive beside many keys costs no more than one without.
        """
        known: dict[Any, Any] = {
            old: old for old in (before.waypoints, before.keys, *before.waypoints, *before.keys)
        }
        return self.model_copy(
            update={
                name: known.get(wishes) or tuple(known.get(wish, wish) for wish in wishes)
                for name, wishes in (("waypoints", self.waypoints), ("keys", self.keys))
            }
        )


@dataclass(frozen=True, kw_only=True)
class Met:
    """How nearly a way-point or a key pose was met, as its poses were shown."""

    wish: Waypoint | KeyPose
    at: float
    """Seconds from the take's first pose at which its time had come."""
    missed: float | None
    """Meters on the floor between root and place; None where no place was asked for."""
    turned: float | None
    """Degrees between facing and what was asked for, -180..180, to the left; None likewise."""
    parts: dict[str, float] = field(default_factory=dict)
    """Meters by which the parts of a key were missed: the mean over all joints for the body."""

    @property
    def late(self) -> float:
        """Seconds by which its time was put off, since nobody could have been there earlier."""
        return max(self.at - self.wish.at, 0.0)

    @property
    def good(self) -> bool:
        """Whether it counts as met."""
        missed = max(self.missed or 0, *self.parts.values(), 0)
        return missed <= NEAR and abs(self.turned or 0) <= TURNED and self.late <= LATE


class Steer:
    """Where a stream reads what is wanted: another thread may put other wishes in at any time.

    A stream reads twice a block, so `history` of one is enough to steer another the same way.
    """

    def __init__(
        self, wishes: Wishes | None = None, replay: Sequence[tuple[int, Wishes]] = ()
    ) -> None:
        """`replay` is another one's `history`, which then decides."""
        self.wishes = wishes or Wishes()
        self.history: list[tuple[int, Wishes]] = []
        """Wishes with the number of the reading from which on they held."""
        self.report: list[Met] = []
        """What came by so far, by time."""
        self.due: tuple[tuple[Waypoint, float], ...] = ()
        """Way-points ahead with the second at which the body can be there, by time."""
        self.words = ""
        """What the network is told at the moment."""
        self.readings = 0
        """How often it was read."""
        self._replay = list(replay)
        self._lock = threading.Lock()

    def __deepcopy__(self, memo: dict[int, object]) -> Steer:
        """Return one for a stream that looks ahead: the same wishes, nothing of what came by."""
        return Steer(self.wishes)

    def __getstate__(self) -> dict[str, Any]:
        """Travel to another process, to be read on there."""
        with self._lock:
            return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())

    def want(self, wishes: Wishes) -> None:
        """Put other wishes in, from any thread; what was to be replayed is forgotten."""
        with self._lock:
            self._replay, self.wishes = [], wishes.sharing(self.wishes)

    def read(self) -> Wishes:
        """Return what is wanted now, and remember it; for the stream alone."""
        with self._lock:
            while self._replay and self._replay[0][0] <= self.readings:
                self.wishes = self._replay.pop(0)[1]
            wishes = self.wishes
        before = self.history[-1][1] if self.history else Wishes()
        if wishes is not before and wishes != before:
            self.history.append((self.readings, wishes))
        self.readings += 1
        return wishes


def changes(history: Iterable[tuple[int, Wishes]]) -> list[dict[str, Any]]:
    """Return a `history` as JSON has it: what is left out is as it was before, at first nothing."""
    told, before = [], Wishes()
    for reading, wishes in history:
        new = {name for name, wish in wishes if wish != getattr(before, name)}
        told.append({"reading": reading, "wishes": wishes.model_dump(mode="json", include=new)})
        before = wishes
    return told
