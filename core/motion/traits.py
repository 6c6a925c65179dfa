"""Traits: what words insist on, in numbers that a transformer can be told beside its text.

Token states hardly tell left from right or fast from slow, a body's motion does. So training tells
what a window really did, measured, hence true; a prompt tells what its words ask for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from core.body.features import LAYOUT
from core.body.skeleton import FPS, INDEX
from core.motion.attributes import wanted

TRAITS = ("turn", "forward", "left", "pace", "hands", "legs", "height")
"""Yaw rate (rad/s, left is positive); travel forwards and to the left of the heading (m/s); mean
speed of all joints (m/s); how much more the left hand and the left leg do than the right (m/s of
speed beside the root plus m of height); height of the root at the end (m)."""
SCALES = np.array([0.6, 0.8, 0.3, 0.6, 0.3, 0.2, 0.25], np.float32)
"""Differences of this size are plain to see; what the transformer gets is in these units."""
MOST = 4.0
"""Scales beyond which a trait only says "very"."""
_END = 8
"""Poses whose height counts as the end's."""

_GAITS = (
    (r"\bsprint", 3.4),
    (r"\brun", 2.8),
    (r"\bjog", 2.3),
    (r"\b(?:sneak|tiptoe|creep|limp)", 0.65),
    (r"\bcrawl", 0.4),
    (r"\b(?:walk|strut|march|stroll|stride|go(?:es)?\b|mov)", 1.15),
    (r"\b(?:jump|hop|leap|step|danc)", 0.7),
)
"""Meters a second that people go forwards at, by what they do; medians of the training set."""
_BACKWARDS, _FAST, _SLOW = 0.65, 1.4, 0.65
"""How many times as fast."""
_FASTEST = 3.4
_SIDEWAYS, _TURNING, _TURNED = 0.4, 0.5, 0.8
"""Meters and radians a second; the last of who turns around on the spot."""
_AROUND = r"\b(?:turns?|turning|spins?|spinning|twirls?|pivots?|rotates?)\b"
_BENDS = r"\b(?:turn|spin|circl|curv|veer|zig|around|pivot|twirl|danc)"
_HANDS, _KICK, _LEGS = 0.5, 1.8, 0.4
_HEIGHTS = (
    (r"\b(?:stand|get|rise)\w* (?:back )?up\b|\bstands?\b|\brises?\b", 0.94),
    (r"\b(?:sit|sits|sitting|seated|takes? a seat)\b", 0.5),
    (r"\b(?:lie|lies|lying|lay|lays)\b", 0.12),
)
_QUICK, _CALM = 1.0, 0.4
"""Mean speed of all joints (m/s) of what is done on the spot."""


def asked(text: str) -> np.ndarray:
    """Return the traits (7,) that a prompt asks for, in SCALES; NaN where it says nothing."""
    text, wishes = text.lower(), wanted(text)
    found = dict.fromkeys(TRAITS, np.nan)
    speed = next((v for pattern, v in _GAITS if re.search(pattern, text)), None)
    factor = {1.0: _FAST, -1.0: _SLOW}.get(wishes.get("pace", 0.0), 1.0)
    way = wishes.get("forward", 0.0)
    if "turn" in wishes:
        found["turn"] = _TURNING * wishes["turn"] * factor
    elif speed is None and re.search(_AROUND, text):
        found["turn"] = _TURNED * factor  # to any side, but by how much
    if "left" in wishes:
        found |= {"left": _SIDEWAYS * wishes["left"] * factor, "turn": 0.0, "forward": 0.0}
    elif speed is not None and (way or (factor != 1 and speed > 1)):
        found["forward"] = min(speed * factor, _FASTEST) * (-_BACKWARDS if way < 0 else 1.0)
        if "turn" not in wishes and not re.search(_BENDS, text):
            found |= {"turn": 0.0, "left": 0.0}
    elif "pace" in wishes:
        found["pace"] = _QUICK if wishes["pace"] > 0 else _CALM
    if "hands" in wishes:
        found["hands"] = _HANDS * wishes["hands"]
    if "legs" in wishes:
        found["legs"] = (_KICK if "kick" in text else _LEGS) * wishes["legs"]
    heights = [v for pattern, v in _HEIGHTS if re.search(pattern, text)]
    if len(heights) == 1:
        found["height"] = heights[0]
    return np.array([found[name] for name in TRAITS], np.float32) / SCALES


@lru_cache(1024)
def straight(text: str) -> bool:
    """Whether a prompt insists on a way without turns."""
    return bool(asked(text)[TRAITS.index("turn")] == 0)


def told(text: str, values: Mapping[str, float]) -> np.ndarray:
    """Return the traits (7,) that a prompt asks for, but for the values that are known better."""
    found = asked(text)
    for name, value in values.items():
        k = TRAITS.index(name)
        found[k] = value / SCALES[k]
    return found


def measure(features: np.ndarray) -> np.ndarray:
    """Return traits (T, 7) of every pose of features (T, 263); see `average`."""
    x = np.asarray(features, np.float32)
    joints = x[:, LAYOUT.joints].reshape(len(x), -1, 3)
    steps = x[:, LAYOUT.velocities].reshape(len(x), -1, 3)
    side_step, step = x[:, LAYOUT.velocity].T * FPS
    hands, legs = (
        _does(joints, *(f"{s}_{n}" for s in ("left", "right"))) for n in ("wrist", "foot")
    )
    columns = [
        -2 * FPS * x[:, LAYOUT.turn.start],  # the feature turns the world, not the body
        step,
        side_step,
        np.linalg.norm(steps, axis=-1).mean(-1) * FPS,
        hands,
        legs,
        x[:, LAYOUT.height.start],
    ]
    return np.stack(columns, axis=-1)


def _does(joints: np.ndarray, left: str, right: str) -> np.ndarray:
    """How much more a left limb's end does than the right one's, (T,)."""
    a, b = (joints[:, INDEX[name] - 1] for name in (left, right))
    speeds = [np.linalg.norm(np.diff(x, axis=0, append=x[-1:]), axis=-1) * FPS for x in (a, b)]
    return speeds[0] - speeds[1] + a[:, 1] - b[:, 1]


def average(traits: np.ndarray) -> np.ndarray:
    """Return traits (7,) of a stretch, in SCALES, of those of its poses (T, 7)."""
    mean = traits.mean(0)
    mean[TRAITS.index("height")] = traits[-_END:, TRAITS.index("height")].mean()
    return np.clip(mean / SCALES, -MOST, MOST)
