"""What cosine cannot see: sides, directions, speed, counts, read from words and from motion.

Sentence embeddings put "left" and "right" at a cosine of 0.98. So a short list of words says what a
prompt insists on, a few sums say what a motion does, and retrieval re-ranks by both.
"""

from __future__ import annotations

import re

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from core.body.skeleton import FPS, INDEX

NAMES = ("turn", "forward", "left", "up", "hands", "legs", "pace", "count")
"""Net turn (rad, left is positive); travel forwards and to the left of the heading (m/s); rise of
the root (m); how much more the left hand and the left leg do than the right (m/s of speed plus m
of height); mean speed of all joints (m/s); repetitions."""
SCALES = np.array([0.6, 0.25, 0.2, 0.15, 0.3, 0.25, 0.4, 2.0])
"""Differences of this size are plain to see."""
_MIRRORED = np.array([-1, 1, -1, 1, -1, -1, 1, 1.0])
_NUMBERS = {"once": 1, "twice": 2, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}

_SWAPS = {
    "left": "right",
    "leftward": "rightward",
    "leftwards": "rightwards",
    "lefts": "rights",
    "leftmost": "rightmost",
    "clockwise": "counterclockwise",
    "anticlockwise": "clockwise",
}
_SWAPS |= {b: a for a, b in _SWAPS.items() if a != "anticlockwise"}
_SIDES = re.compile(r"\b(counter-?\s?clockwise|" + "|".join(_SWAPS) + r")\b", re.IGNORECASE)

_SIDE = r"\b(left|right)(?:ward)?s?\b"
_HAND = r"(?:hand|arm|wrist|elbow|fist|shoulder|punch|hook|jab|uppercut|wave)"
_LEG = r"(?:foot|leg|knee|kick|heel|ankle)"
_TURN = r"\b(?:turn|spin|circl|veer|rotat|pivot|curv|twirl|swerv)"
_MOVE = r"\b(?:walk|step|run|jog|side|shuffl|mov|lean|jump|hop|leap|dodg|slid|strafe|lung|danc)"
_FAST = r"\b(?:fast|quick|rapid|swift|brisk|hurr|sprint|energetic|vigorous)"
_SLOW = r"\b(?:slow|gentl|careful|leisure|calm|sneak|cautious|relaxed|tired)"
_UP = r"\b(?:(?:stand|get)s? up|rises?|upstairs|climbs?|up (?:the )?(?:stairs|steps)|upwards?)\b"
_DOWN = r"\b(?:sits?|lies? down|kneels?|squats?|downstairs|lowers?|falls?|downwards?)\b"


def mirror_caption(text: str) -> str:
    """Exchange left and right, clockwise and counterclockwise."""

    def swap(match: re.Match[str]) -> str:
        word = re.sub(r"[-\s]", "", match.group(0).lower())
        other = _SWAPS[word]
        return other.capitalize() if match.group(0)[0].isupper() else other

    return _SIDES.sub(swap, text)


def wanted(text: str) -> dict[str, float]:
    """Return what a prompt insists on: a sign for each attribute, for `count` the number."""
    text = " ".join(text.lower().split())
    found: dict[str, float] = {}
    if match := re.search(r"\b(counter|anti)?-?\s?clockwise", text):
        found["turn"] = 1.0 if match[1] else -1.0
    sides = {m[1] for m in re.finditer(_SIDE, text)}
    if len(sides) == 1:
        found |= _sided(text, 1.0 if sides == {"left"} else -1.0)
    if re.search(r"\b(forwards?|ahead|straight)\b", text):
        found["forward"] = 1.0
    if re.search(r"\bbackwards?\b|\b(?:step|walk|jump|mov|run|hop|leap)\w* back\b(?! and)", text):
        found["forward"] = 0.0 if "forward" in found else -1.0
    for name, more, less in (("up", _UP, _DOWN), ("pace", _FAST, _SLOW)):
        sign = bool(re.search(more, text)) - bool(re.search(less, text))
        if sign:
            found[name] = float(sign)
    times = "|".join(_NUMBERS)
    counted = re.search(
        rf"\b(once|twice)\b|\b({times}|\d) (?:times|\w*(?:jump|hop|step|kick)s)\b", text
    )
    if counted:
        word = counted[1] or counted[2]
        found["count"] = float(_NUMBERS.get(word) or word)
    return {name: value for name, value in found.items() if value}


def _sided(text: str, sign: float) -> dict[str, float]:
    """Say what a side is said of: a limb, a turn or a way to go."""
    if re.search(rf"{_SIDE} (?:\w+ )?{_HAND}", text):
        return {"hands": sign}
    if re.search(rf"{_SIDE} (?:\w+ )?{_LEG}", text):
        return {"legs": sign}
    if re.search(_TURN, text):
        return {"turn": sign}
    return {"left": sign} if re.search(_MOVE, text) else {}


def mirrored(values: np.ndarray) -> np.ndarray:
    """Return the attributes (..., 8) of the mirror image."""
    return values * _MIRRORED


def measure(joints: np.ndarray) -> np.ndarray:
    """Return the attributes (8,) of a motion (T >= 4, 22, 3), in the order of NAMES."""
    joints = np.asarray(joints, np.float64)
    names = ("left_hip", "right_hip", "left_shoulder", "right_shoulder")
    lh, rh, ls, rs = (joints[:, INDEX[n]] for n in names)
    left = (lh - rh) + (ls - rs)
    yaw = np.unwrap(np.arctan2(-left[:, 2], left[:, 0]))
    steps, facing = np.diff(joints[:, 0], axis=0) * FPS, yaw[:-1]
    forward = steps[:, 0] * np.sin(facing) + steps[:, 2] * np.cos(facing)
    sideways = steps[:, 0] * np.cos(facing) - steps[:, 2] * np.sin(facing)
    height, edge = joints[:, 0, 1], max(len(joints) // 8, 1)
    pace = np.linalg.norm(np.diff(joints, axis=0), axis=-1).mean() * FPS
    return np.array(
        [
            yaw[-edge:].mean() - yaw[:edge].mean(),
            forward.mean(),
            sideways.mean(),
            height[-edge:].mean() - height[:edge].mean(),
            _activity(joints, "left_wrist") - _activity(joints, "right_wrist"),
            _activity(joints, "left_foot") - _activity(joints, "right_foot"),
            pace,
            repetitions(joints),
        ]
    )


def _activity(joints: np.ndarray, name: str) -> float:
    """How much a limb's end does: mean speed (m/s) beside the root, and height (m) it gets to."""
    limb = joints[:, INDEX[name]] - joints[:, 0]
    speed = np.linalg.norm(np.diff(limb, axis=0), axis=-1).mean() * FPS
    return float(speed + np.quantile(limb[:, 1], 0.9))


def repetitions(joints: np.ndarray) -> int:
    """How often the busiest part of the body comes back to the same extreme."""
    parts = ("pelvis", "left_wrist", "right_wrist", "left_foot", "right_foot")
    curves = gaussian_filter1d(joints[:, [INDEX[n] for n in parts], 1], 2, axis=0, mode="nearest")
    curve = curves[:, int(np.argmax(np.ptp(curves, axis=0) * [2, 1, 1, 1, 1]))]
    return len(find_peaks(curve, prominence=max(0.4 * np.ptp(curve), 0.03))[0])


def mismatch(wishes: dict[str, float], found: np.ndarray, usual_pace: float) -> np.ndarray:
    """Return how far attributes (N, 8) are from what a prompt insists on, (N,), 0 to 1."""
    if not wishes:
        return np.zeros(len(found))
    worst = np.zeros(len(found))
    for name, wish in wishes.items():
        k = NAMES.index(name)
        value = found[:, k] - (usual_pace if name == "pace" else 0)
        if name == "count":
            off = np.abs(value - wish) / (2 * wish)  # the least certain of all measures
        else:
            off = (1 - np.sign(wish) * value / SCALES[k]) / 2
        worst += np.clip(off, 0, 1)
    return worst / len(wishes)


def distance(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return how different attributes (N, 8) are from those of one motion (8,), 0 to 1."""
    return np.tanh(np.abs(others - one) / (2 * SCALES)).mean(-1)
