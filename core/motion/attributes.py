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
_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()

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

_CLAUSE = re.compile(r"[,;.!]+|\b(?:and|then|while|whilst|before|after|but)\b")
_SIDE = re.compile(
    r"\b(left|right)(?:ward)?s?\b(?! (?:away|now|after|before|behind|in front|next|there|here|at))"
)
_HAND = r"-?(?:hand|arm|wrist|fist|shoulder|punch|hook|jab|uppercut|wave)"
_LEG = r"-?(?:foot|leg|knee|kick|heel|ankle)"
_FIRST = re.compile(r"\b(?:start|begin|lead)\w* with\b|\bfirst\b")
_TURN = r"\b(?:turn|spin|circl|veer|rotat|pivot|curv|twirl|swerv|bend\w* (?:\w+ )?path|bend to)"
_ROUTE = r"\b(?:walk|run|jog|sprint)"
_ASIDE = (
    r"\b(?:step|side|shuffl|mov|lean|jump|hop|leap|dodg|slid|strafe|lung|danc|crawl|skip|goe?s?\b)"
)
_GOING = re.compile(
    rf"{_ROUTE}|{_ASIDE}|\b(?:sneak|creep|strid|stride|roll|charg|dribbl|com(?:e|ing)|swim|march|rush"
    r"|advanc|travel|climb|continu|proceed|shift|stroll|tiptoe|limp|cartwheel)"
)
_STAYING = re.compile(
    r"\b(?:kick|punch|throw|push|swing|hold|rais|stretch|reach|point|bend|lean|fall|look|extend|arms?"
    r"|windmill|wav|bow|shoot|hands?|legs?|stand\w*|squat|fists?|lift|put|strik|leg|dives?)\b"
    r"|\b(?:kick|punch|throw|push|swing|hold|rais|stretch|reach|point|lean|fall|look|windmill|lift)\w*"
)
_AHEAD = re.compile(r"\b(?:forwards?|foreward|ahead|straight(?! (?:out|up|arms|legs)))\b")
_BEHIND = re.compile(r"\bbackwards?\b|\b(?:step|walk|jump|mov|run|hop|leap)\w* back\b(?! and)")
_FAST = r"\b(?:fast|quick|rapid|swift|brisk|hurr|sprint|energetic|vigorous)"
_SLOW = r"\b(?:slow|gentl|careful|leisure|calm|sneak|cautious|relaxed|tired|creep)"
_UP = re.compile(
    r"\b(?:(?:stand|get|come)(?:s|ing)? (?:back )?up|ris(?:es?|ing)|(?:get|stand)s? to their feet"
    r"|upstairs|climb(?:s|ing)?|up (?:the |some |a )?(?:stairs|steps|ladder|hill))\b"
)
_DOWN = re.compile(
    r"\b(?:sit(?:s|ting)?(?! (?:still|cross|and|in|at|up))|l(?:ies|ie|ays|ying) down"
    r"|kneel(?:s|ing)?|(?:squat|crouch)(?:s|es)? down|downstairs"
    r"|lower(?:s|ing)?(?! (?:\w+ )?(?:arms?|hands?|legs?|it|knee))|falls?|collapses?"
    r"|down (?:the |some )?(?:stairs|steps|hill))\b"
)
_AGAIN_UP = re.compile(r"\b(?:ris|stand|straighten|(?:com|get)\w* (?:back )?up|back up)")
_DONE = (
    r"(?:jump|hop|leap|step|stride|kick|punch|jab|squat|wave|clap|spin|turn|cartwheel|roll|flip"
    r"|backflip|somersault|pirouette|bow|lunge|push-?up|sit-?up|jumping jack|circle|round|time)s?"
)
_LIMB = r"(?:legs?|foot|feet|knees?|arms?|hands?|fists?|sides?)"
_MANY = rf"({'|'.join(_NUMBERS[1:])}|a single|\d{{1,3}})"
_NO_MORE = rf"(?:{_LIMB}|hundred|thousand|million)\b"
_COUNT = re.compile(
    rf"\b(once|twice|thrice)\b|(?<![\w.,-]){_MANY}(?: (?!{_NO_MORE})\w+){{0,2}}? {_DONE}\b"
)


def mirror_caption(text: str) -> str:
    """Exchange left and right, clockwise and counterclockwise."""

    def swap(match: re.Match[str]) -> str:
        word = re.sub(r"[-\s]", "", match.group(0).lower())
        other = _SWAPS[word]
        return other.capitalize() if match.group(0)[0].isupper() else other

    return _SIDES.sub(swap, text)


def wanted(text: str) -> dict[str, float]:
    """Return what a prompt insists on: a sign for each attribute, for `count` the number.

    What is said both ways, as in "forward, then backward", is insisted on in none.
    """
    text = " ".join(text.lower().split()).replace("back and forth", "to and fro")
    text = re.sub(r"\b(?:left and right|right and left)\b", "both", text)
    said: dict[str, set[float]] = {}
    before = ""
    for clause in _CLAUSE.split(text):
        # "to the left" says where to go on from what was done before
        verb = clause if _GOING.search(clause) or _STAYING.search(clause) else f"{before} {clause}"
        for name, sign in (*_sided(clause, verb), *_ahead(clause, verb, text)):
            said.setdefault(name, set()).add(sign)
        before = verb
    found = {name: signs.pop() for name, signs in said.items() if len(signs) == 1}
    if up := _rise(text):
        found["up"] = up
    if pace := bool(re.search(_FAST, text)) - bool(re.search(_SLOW, text)):
        found["pace"] = float(pace)
    if counted := _COUNT.search(text):
        found["count"] = _number(counted[1] or counted[2])
    return {name: value for name, value in found.items() if value}


def _number(word: str) -> float:
    once = {"once": 1, "twice": 2, "thrice": 3, "a single": 1}
    return float(once.get(word) or (_NUMBERS.index(word) if word in _NUMBERS else word))


def _sided(clause: str, verb: str) -> list[tuple[str, float]]:
    """Say what sides are said of: a limb, a turn or a way to go."""
    found = []
    if match := re.search(r"\b(counter|anti)?-?\s?clockwise", clause):
        found.append(("turn", 1.0 if match[1] else -1.0))
    for match in _SIDE.finditer(clause):
        sign, rest = (1.0 if match[1] == "left" else -1.0), clause[match.end() :]
        if re.match(rf"(?: \w+)? ?{_HAND}", rest):
            found.append(("hands", sign))
        elif re.match(rf"(?: \w+)? ?{_LEG}", rest):
            # neither the leg that begins nor the one that is stood on does more than the other
            stood = re.search(r"\bon(?:to)? (?:the |his |her |their )?$", clause[: match.start()])
            found += [] if stood or _FIRST.search(clause) else [("legs", sign)]
        elif re.search(r"\bwith (?:the |his |her |their )?$", clause[: match.start()]):
            found.append(("legs" if "kick" in verb else "hands", sign))
        elif re.search(_TURN, verb):
            found.append(("turn", sign))
        elif re.search(_ASIDE, verb):
            found.append(("left", sign))
        elif re.search(_ROUTE, verb):  # nobody walks sideways who is not told to
            found.append(("turn", sign))
    return found


def _ahead(clause: str, verb: str, text: str) -> list[tuple[str, float]]:
    """Say which way is gone; arms and legs that are moved forward go nowhere."""
    if _STAYING.search(verb) and not _GOING.search(verb):
        return []
    found = [("forward", 1.0)] if _AHEAD.search(clause) else []
    match = _BEHIND.search(clause)
    # who turned around and walks back goes forward
    returns = match is not None and match[0].endswith("back") and re.search(r"\bturn", text)
    return [*found, ("forward", -1.0)] if match and not returns else found


def _rise(text: str) -> float:
    """Say whether the body ends higher or lower than it began."""
    down, up = _DOWN.search(text), _UP.search(text)
    if down and not up:
        return 0.0 if _AGAIN_UP.search(text, down.end()) else -1.0
    # who bent down only comes back
    bent = up and re.search(
        r"\b(?:bend|lean|crouch|squat|stoop|reach|jump|leap)", text[: up.start()]
    )
    return float(bool(up) and not down and not bent and "up and down" not in text)


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
