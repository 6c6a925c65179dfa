"""Bend what legs do onto the path that is wanted, pose by pose, and say what was met.

Words decide how legs move (`gait`), and they walk where they like. Here each pose's turn and step
get a bounded change, from where the body was just shown towards where it is wanted (`aim`), so that
whatever goes astray is noticed in the next pose; `plants` puts the feet. Places on the floor are
complex numbers, z + i x, so that exp(i a) turns by a to the left.
"""

from __future__ import annotations

import cmath
import math

import numpy as np

from core.body.features import LAYOUT, FeatureDecoder
from core.body.rotations import wrap
from core.body.skeleton import ANKLES, FPS, JOINTS, TOES
from core.steering import gait
from core.steering.aim import Aim, Wanted
from core.steering.plants import Plants
from core.steering.spring import spring
from core.steering.ways import Now
from core.steering.wishes import Steer, Wishes

FASTEST_TURN, ONSET = math.radians(90), math.radians(600)
"""Most that a path's bending turns a body (rad/s), and how fast that sets in (rad/s^2)."""
HURRY, AWAY = math.radians(30), math.radians(45)
"""How much faster it turns to what lies further than this to a side."""
GOING = 0.5
"""Legs (m/s) as fast as this carry a body wherever it is bent to; slower ones less far."""
TURNING, TWIST = 0.5, 0.25
"""Legs (rad/s) that turn as fast as this on the spot turn a body wherever it is to look; the
share of that which a body makes over feet that stand."""
LOOKS = math.radians(12)
"""Angle from which a standing body turns to where it is to look."""
STEP, STRIDE, SPOT = 8, 20, 4
"""Poses over which a walk's ups and downs average out, its sway, and a turn on the spot."""
MOST_SWING, FADE = 0.04, 0.93
"""Meters of it, and the share of them that is still believed a pose later."""
SIDEWAYS = 0.2
"""Share of a step that may go to the side."""
LEAN, MOST_LEAN = 0.008, 0.07
"""Meters a pose, and in all, that a body which has come to stand leans over its feet."""
SOON_THERE, MOST_TOLD = 0.8, 0.8
"""Seconds in which legs are to turn to where they should go, and the most (rad/s) they are told."""
SOON = 0.15
"""Most that a step's length changes from one pose to the next, as a share."""

_CARRIED = np.array(
    [LAYOUT.velocities.start + 3 * j for j in range(len(JOINTS)) if j not in (*ANKLES, *TOES)]
)
"""Where features keep the speed of all joints but the feet, along x; along z two further."""


class Guide:
    """Steers one stream; asked for words ahead of a block, and to bend it when it is made."""

    def __init__(self, steer: Steer, block: int) -> None:
        """`block` is how many poses are made at once."""
        self._steer, self._aim = steer, Aim(steer, block / FPS)
        self._plants = Plants()
        self._own: tuple[float, complex] | None = None  # from the last pose to the next, unbent
        self._told = gait.GAITS[gait.WALK].pace  # m/s that the newest words stand for
        self._turning = 0.0  # rad/s
        self._stretch, self._aside = 1.0, 0.0
        self._legs = self._course = 0j  # mean step of the legs, m/s, seen from the body
        self._sway = 0.0  # mean turn of the legs, rad/s
        self._swing = 0j  # how far the sway of walking takes the body to a side
        self._now, self._planned, self._prompt = Now(0j, 0.0, 0.0), Wishes(), ""
        self.steers = False
        """Whether anything is wanted."""
        self.traits: dict[str, float] = {}
        """Traits of the next block that a network can be told beside its words (m/s, rad/s)."""

    @property
    def wishes(self) -> Wishes:
        """What was wanted at the newest reading."""
        return self._planned

    def words(self, prompt: str) -> str:
        """Return what to tell the network for the next block."""
        wishes, self._prompt = self._steer.read(), prompt
        self._plan(wishes)
        wanted = self._aim.at(self._now)
        if wanted is None:
            words, self._told = prompt, abs(self._legs)
        else:
            words, self._told = gait.words(prompt, wanted.legs, wanted.away, self._told)
            if not self._told and abs(self._missing(wanted)) > LOOKS:
                words = gait.TURN_LEFT if self._missing(wanted) > 0 else gait.TURN_RIGHT
        self.traits = {} if wanted is None else self._traits(words, wanted)
        self._steer.words = words
        return words

    def _missing(self, wanted: Wanted) -> float:
        """How much further (rad) to the left the body is to look."""
        if wanted.facing is None:
            return 0.0
        return wrap(wanted.facing - self._now.heading)

    def _traits(self, words: str, wanted: Wanted) -> dict[str, float]:
        """Return how fast legs are to go and turn, in steps that few prompts are made for."""
        turns = words in (gait.TURN_LEFT, gait.TURN_RIGHT)
        if not turns and words not in gait.GAITS:
            return {}
        step = 0j
        if not turns:
            legs = gait.GAITS[words]
            step = cmath.rect(min(max(abs(wanted.velocity), legs.slow), legs.fast), wanted.away)
        missing = self._missing(wanted)
        if wanted.facing is None and wanted.velocity:
            missing = wrap(cmath.phase(wanted.velocity) - self._now.heading)
        turn = _clip(missing / SOON_THERE, MOST_TOLD)
        return {
            "forward": round(step.real, 1),
            "turn": round(5 * turn) / 5,
            "left": round(step.imag, 1),
        }

    def bend(self, features: np.ndarray, first: int, at: FeatureDecoder) -> np.ndarray:
        """Return the next features (T, 263) of a stream, bent.

        `first` is their first pose's number, `at` stands where the pose before was shown.
        """
        wishes = self._steer.read()
        if wishes is not self._planned:
            self._plan(wishes)
        if not self.steers and self._plants.still:
            self._rest(features)
            self._now = _now(at, first + len(features) - 1)
            return features
        out = features.copy()
        bent = _pending(at)
        own = self._own or bent
        before = _now(at, first - 1)
        place, heading = before.place, before.heading
        for i, pose in enumerate(out):
            heading += bent[0]
            place += bent[1] * cmath.exp(1j * heading)
            self._plants.push(pose, own, bent)
            middle = place - self._swing * cmath.exp(1j * heading)
            self._now = Now(place, heading, (first + i) / FPS, middle)
            own = _move(pose)
            bent = self._change(*own)
            _set_move(pose, *bent)
            more = bent[1] - own[1]
            pose[_CARRIED] += more.imag
            pose[_CARRIED + 2] += more.real
        self._own = own
        return out

    def _rest(self, features: np.ndarray) -> None:
        """Bend nothing, and know how fast legs go should something be wanted next."""
        self._own, self._course, self._swing = None, 0j, 0j
        self._turning = self._sway = self._aside = 0.0
        self._stretch = 1.0
        x, z = FPS * features[:, LAYOUT.velocity].mean(axis=0)
        self._legs = complex(z, x)

    def stand(self, at: FeatureDecoder, pose: int) -> None:
        """Go on after pose number `pose`, which `at` has just decoded."""
        self._now = _now(at, pose)

    def _plan(self, wishes: Wishes) -> None:
        self._planned = wishes
        pace = max(abs(self._legs), GOING) if gait.manner(self._prompt) else None
        self.steers = self._aim.plan(wishes, self._now, self._told, pace)

    def _change(self, turn: float, step: complex) -> tuple[float, complex]:
        """Return the turn and the step to the next pose as they are to be shown."""
        self._watch(turn, step)
        pace = abs(self._legs)
        carry = min(pace / GOING, 1.0)
        wanted = self._aim.at(self._now) if self.steers else None
        omega, stretch, aside = self._sway, 1.0, 0.0
        if wanted is not None:
            course = self._now.heading + (cmath.phase(self._course) if carry == 1 else 0.0)
            missing, turns = self._missing(wanted), carry
            if wanted.facing is not None:
                turns = max(carry, min(abs(self._sway) / TURNING, 1.0), TWIST)
            elif wanted.velocity:
                missing = wrap(cmath.phase(wanted.velocity) - course)
            fastest = FASTEST_TURN + (HURRY if abs(missing) > AWAY else 0)
            _, omega = spring(-missing, self._turning, 0.0, 1 / FPS)
            omega = _clip(omega, fastest) * turns
            along = wanted.velocity * cmath.exp(-1j * course) / max(pace, GOING)
            stretch = min(max(along.real, gait.SHORTEST), gait.LONGEST)
            aside = _clip(along.imag, SIDEWAYS) * carry
        self._turning += _clip(omega - self._turning, ONSET / FPS)
        self._stretch += _clip(stretch - self._stretch, SOON)
        self._aside += _clip(aside - self._aside, SOON / 2)
        way = step * self._stretch + 1j * self._legs / FPS * self._aside
        if wanted is not None and not wanted.legs and self._plants.lean < MOST_LEAN:
            short = wanted.velocity * cmath.exp(-1j * self._now.heading) / FPS
            way += short * min(1.0, LEAN / max(abs(short), LEAN))
        return turn + (self._turning - self._sway) / FPS, way

    def _watch(self, turn: float, step: complex) -> None:
        """Keep in mind how legs go: means over a stride, and what its sway adds."""
        speed = step * FPS
        if not self._course:  # the first pose
            self._legs = self._course = speed
        self._legs += (speed - self._legs) / STEP
        self._course += (speed - self._course) / STRIDE
        self._sway += (turn * FPS - self._sway) / (STRIDE if abs(self._legs) > GOING else SPOT)
        swing = (FADE * self._swing + step - self._course / FPS) * cmath.exp(-1j * turn)
        self._swing = swing * min(1.0, MOST_SWING / max(abs(swing), MOST_SWING))


def _now(at: FeatureDecoder, pose: int) -> Now:
    place = complex(at.position[1], at.position[0])
    return Now(place, -2 * at.half_yaw, pose / FPS, place)


def _pending(at: FeatureDecoder) -> tuple[float, complex]:
    """The turn (rad) and the step (m) that lead from the last pose to the next."""
    return -2 * at.turn, complex(at.step[1], at.step[0])


def _move(pose: np.ndarray) -> tuple[float, complex]:
    """The turn (rad) and the step (m) that lead from a pose (263,) to the next."""
    x, z = pose[LAYOUT.velocity]
    return -2 * float(pose[0]), complex(z, x)


def _set_move(pose: np.ndarray, turn: float, step: complex) -> None:
    pose[0], pose[LAYOUT.velocity] = -turn / 2, (step.imag, step.real)


def _clip(value: float, most: float) -> float:
    return min(max(value, -most), most)
