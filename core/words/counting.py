"""Counting what a body does while it is being made: take-offs, foot plants, waves, turns.

All of it is geometry of joints (T, 22, 3). What is still going on does not count, but for what
nobody stops any more: who is in the air lands, a foot on its way is set down. Turns count in parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from core.body.features import facing
from core.body.skeleton import FPS, INDEX
from core.motion.attributes import repetitions

AIRBORNE = 0.07
"""Meters that both feet have to be higher than they stand."""
STANCE, STRIDE = 0.35, 0.12
"""Speed (m/s) under which a foot stands, and meters by which it goes on for a step."""
NEAR = 0.3
"""Meters between wrists whose hands may meet."""
RAISED, SWING = 0.1, 0.06
"""Meters that a hand is above its elbow while it waves, and by which it swings then."""
KICK = 0.2
"""Meters that an ankle is higher than it stands in a kick; steps are lower."""
REST = 0.15
"""Speed (m/s) of the joints under which a body has come to rest."""


@dataclass(frozen=True)
class Kind:
    """Something that can be counted: the words that mean it, and how."""

    stems: frozenset[str]
    """Of the words that mean it, see `grammar.stem`."""
    count: Callable[[np.ndarray], float]
    """Return how often joints (T, 22, 3) have done it."""
    seconds: float
    """How long one takes at most; then it is given up."""
    single: bool = True
    """Whether it is over after one where no number is said."""


def _of(joints: np.ndarray, *names: str) -> np.ndarray:
    """Return the places (T, N, 3) of joints."""
    return joints[:, [INDEX[name] for name in names]]


def _peaks(curve: np.ndarray, least: float, height: float | None = None) -> np.ndarray:
    """Return where a curve has risen by `least`, to some height, and come down again."""
    smooth = gaussian_filter1d(curve, 1.0, mode="nearest")
    return find_peaks(smooth, prominence=least, height=height)[0]


def _apart(left: np.ndarray, right: np.ndarray) -> int:
    """Count times of both sides; those of both at once are one."""
    times = np.sort(np.concatenate([left, right]))
    return int(len(times) - (np.diff(times) < 0.2 * FPS).sum())


def _runs(holds: np.ndarray, least: int) -> list[slice]:
    """Return the stretches of at least so many poses in which something holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]])))
    return [slice(a, b) for a, b in edges.reshape(-1, 2) if b - a >= least]


def jumps(joints: np.ndarray) -> int:
    """Count flights of both feet."""
    feet = _of(joints, "left_ankle", "left_foot", "right_ankle", "right_foot")[..., 1]
    lift = (feet - np.quantile(feet, 0.1, axis=0)).min(-1)
    return len(_runs(lift > AIRBORNE, 2))


def steps(joints: np.ndarray) -> int:
    """Count feet that are set down, or on their way, somewhere else than they stood.

    Those in the air count because nobody stops them: a body that stops then ends its step.
    """
    count = 0
    for side in ("left", "right"):
        foot = _of(joints, f"{side}_ankle", f"{side}_foot").mean(1)
        ground = gaussian_filter1d(foot[:, [0, 2]], 1.0, axis=0, mode="nearest")
        speed = np.linalg.norm(np.diff(ground, axis=0), axis=-1) * FPS
        stood, away = ground[0], False
        for i in range(1, len(ground)):
            far = bool(np.linalg.norm(ground[i] - stood) > STRIDE)
            count += far and not away
            away = far
            if far and speed[i - 1] < STANCE:
                stood, away = ground[i], False
    return count


def kicks(joints: np.ndarray) -> int:
    """Count feet that went up, or far out, and came back."""
    root, ankles = joints[:, 0], _of(joints, "left_ankle", "right_ankle")
    lift = ankles[..., 1] - np.quantile(ankles[..., 1], 0.1, axis=0)
    out = lift + 0.5 * np.linalg.norm((ankles - root[:, None])[..., [0, 2]], axis=-1)
    sides = ((up, _peaks(far, 0.3)) for up, far in zip(lift.T, out.T, strict=True))
    return _apart(*(at[up[at] > KICK] for up, at in sides))


def punches(joints: np.ndarray) -> int:
    """Count fists that were thrust out."""
    out = [
        np.linalg.norm(np.diff(_of(joints, f"{s}_shoulder", f"{s}_wrist"), axis=1)[:, 0], axis=-1)
        for s in ("left", "right")
    ]
    return _apart(*(_peaks(curve, 0.12) for curve in out))


def waves(joints: np.ndarray) -> int:
    """Count swings to and fro of the busier hand while it is raised: how it gets there is none."""
    left = np.diff(_of(joints, "right_shoulder", "left_shoulder"), axis=1)[:, 0, [0, 2]]
    left /= np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), 1e-6)
    ahead = left[:, ::-1] * [-1, 1]
    counts = []
    for side in ("left", "right"):
        arm = np.diff(_of(joints, f"{side}_elbow", f"{side}_wrist"), axis=1)[:, 0]
        up = arm[:, 1] > RAISED
        swings = [(arm[up][:, [0, 2]] * axis[up]).sum(-1) for axis in (left, ahead)]
        counts += [len(_peaks(s, SWING)) for x in swings for s in (x, -x) if len(x)]
    return max(counts, default=0)


def claps(joints: np.ndarray) -> int:
    """Count hands that met."""
    apart = np.linalg.norm(np.diff(_of(joints, "left_wrist", "right_wrist"), axis=1)[:, 0], axis=-1)
    return len(_peaks(-apart, 0.1, -NEAR))


def dips(joints: np.ndarray) -> int:
    """Count bows and squats: the head went down and came up again."""
    return len(_peaks(-_of(joints, "head")[:, 0, 1], 0.15))


def lifts(joints: np.ndarray) -> int:
    """Count hands that were raised and lowered."""
    wrists = _of(joints, "left_wrist", "right_wrist")[..., 1]
    return _apart(*(_peaks(curve, 0.25) for curve in wrists.T))


def turned(joints: np.ndarray) -> float:
    """Return the angle (radians) that the body has turned by, the largest so far."""
    yaw = np.unwrap(facing(joints))
    return float(np.abs(yaw - yaw[0]).max())


def quarters(joints: np.ndarray) -> float:
    """Count turns to a side: a quarter of a round, or a little less."""
    return turned(joints) / np.radians(80)


def rounds(joints: np.ndarray) -> float:
    """Count whole turns, or a little less."""
    return turned(joints) / np.radians(330)


def halves(joints: np.ndarray) -> float:
    """Count turns to where the back was."""
    return turned(joints) / np.radians(160)


def flips(joints: np.ndarray) -> int:
    """Count how often the trunk was upside down and upright again."""
    trunk = np.diff(_of(joints, "pelvis", "neck"), axis=1)[:, 0]
    up = trunk[:, 1] / np.maximum(np.linalg.norm(trunk, axis=-1), 1e-6)
    return len(_peaks(-up, 0.9))


def rests(joints: np.ndarray) -> int:
    """Say (1) whether a body that moved has come to rest, at another height than it began."""
    if len(joints) < FPS:
        return 0
    height = joints[:, 0, 1]
    speed = np.linalg.norm(np.diff(joints[-FPS // 2 :], axis=0), axis=-1).mean() * FPS
    return int(abs(height[-1] - height[0]) > 0.12 and speed < REST)


def _kind(count: Callable[[np.ndarray], float], words: str, seconds: float, **more: bool) -> Kind:
    return Kind(frozenset(words.split()), count, seconds, **more)


KINDS = {
    "jump": _kind(jumps, "jump hop leap bounc skip", 3.0),
    "flip": _kind(flips, "flip roll somersault summersault cartwheel backflip handspr", 4.0),
    "kick": _kind(kicks, "kick", 3.0),
    "punch": _kind(punches, "punch jab hook uppercut box", 2.5),
    "wave": _kind(waves, "wav", 2.0, single=False),
    "clap": _kind(claps, "clap", 2.0, single=False),
    "dip": _kind(dips, "squat bow nod bend crouch duck", 3.5),
    "half": _kind(halves, "", 5.0),
    "round": _kind(rounds, "spin pirouett twirl rotat circl round", 5.0),
    "quarter": _kind(quarters, "turn pivot veer", 4.0),
    "lift": _kind(lifts, "rais lift reach pump", 3.5, single=False),
    "rest": _kind(rests, "sit lie lay li kneel ris", 5.0),
    "step": _kind(steps, "step strid pac walk", 2.0, single=False),
}
"""By name. Where several fit a clause, the first of its words decides."""
ANYTHING = _kind(repetitions, "", 3.0, single=False)
"""What is counted where no kind fits: how often the busiest part of the body does the same."""
