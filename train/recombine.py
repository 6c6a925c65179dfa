"""More motions out of those there are, each told by what it was measured to do.

- Backwards in time: a straight walk becomes one backwards, which is rare in captures.
- Going down and getting up: cut out of recordings that do more, and played backwards as the other.
- Stretches that say by themselves what they are: two seconds that go to the left are told as that,
  whatever else their recording is about.
- Arms of one on the legs of another: somebody who stands and waves lends their arms to somebody who
  walks, so that "walks and waves" is more than two words that were never seen together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from core.body import features
from core.body.skeleton import FPS, INDEX
from core.motion import traits
from train.data import Record, Segment

SLOWER = 0.75
"""Speed of walks played backwards: people are more careful there."""
WEIGHT = 0.5
"""Of a made motion, against its source's."""
PAIRS = 240
"""Of arms and legs."""
STANDING, SITTING, LYING = (0.82, 1.1), (0.35, 0.68), (0.0, 0.3)
"""Heights of the root (m)."""
_WALK = re.compile(r"^\S+ ?\w* walks?\b(?!.*\b(?:and|then|turn|circle|around|while|stairs|sit)\b)")
_ARMS = re.compile(
    r"\b(?:wav|clap|punch|box|throw|rais|point|salut|stretch|conduct|direct|catch|applau|drum|arm|hand)"
)
_STILL = re.compile(
    r"\b(?:walk|run|jog|jump|step|sit|kneel|lie|squat|danc|turn|kick|climb|bend|leap|hop|leg|knee|stand)"
)
_LOW = (
    (
        r"\b(?:sits?|seated|chair|stool)\b",
        SITTING,
        ("sits down", "sits down on a chair"),
        "stands up",
    ),
    (r"\b(?:lies?|lays?|lying|floor)\b", LYING, ("lies down", "lies down on the floor"), "gets up"),
)
"""What captions say of a low place, its heights, how one gets there and up again."""
STRETCH = 2 * FPS
"""Poses of a stretch that is told by what was measured of it."""
OF_A_KIND = 150
"""Such stretches at most."""
_LEFT = {1: "left", -1: "right"}
_SIDES = tuple(
    tuple(INDEX[f"{side}_{part}"] for part in ("shoulder", "elbow", "wrist"))
    for side in ("left", "right")
)


class Source(NamedTuple):
    """A captioned stretch of a recording."""

    record: Record
    joints: np.ndarray
    """(T, 22, 3)."""
    captions: tuple[str, ...]
    means: dict[str, float]
    """Traits of the whole stretch, in meters, radians and seconds."""


def stretches(records: Iterable[Record], joints: Mapping[str, np.ndarray]) -> list[Source]:
    """Return every captioned stretch of some length with what it does."""
    found = []
    for record in records:
        x = joints[record.id]
        for segment in record.segments:
            part = x[segment.start : segment.end]
            if len(part) > FPS:
                mean = traits.measure(features.encode(part, "steady")).mean(0)
                told = dict(zip(traits.TRAITS, map(float, mean), strict=True))
                found.append(Source(record, part, segment.captions, told))
    return found


def made(
    records: Iterable[Record], joints: Mapping[str, np.ndarray]
) -> list[tuple[Record, np.ndarray]]:
    """Return the records and joints (T, 22, 3) of all motions made out of these."""
    sources = stretches(records, joints)
    rng = np.random.default_rng(0)
    found = [*_backwards(sources), *_measured(records, joints, rng), *_recombined(sources, rng)]
    return [
        (_record(m, number), features.normalize_place(m.joints)) for number, m in enumerate(found)
    ]


class Made(NamedTuple):
    """A motion made of a source, and how it is told."""

    source: Source
    joints: np.ndarray
    captions: tuple[str, ...]
    crop_ok: bool


def _record(made: Made, number: int) -> Record:
    poses, record = len(made.joints), made.source.record
    whole = Segment(start=0, end=poses, captions=made.captions, crop_ok=made.crop_ok)
    changes = {"poses": poses, "segments": (whole,), "weight": WEIGHT * record.weight}
    return record.model_copy(update={"id": f"{record.id}_made{number}", **changes})


def _backwards(sources: list[Source]) -> Iterator[Made]:
    for source in sources:
        x, t = source.joints, source.means
        straight = abs(t["turn"]) < 0.12 and abs(t["left"]) < 0.12 and 0.4 < t["forward"] < 1.5
        if (
            straight
            and x[[0, -1], 0, 1].min() > STANDING[0]
            and any(map(_WALK.match, source.captions))
        ):
            slow = " slowly" if t["forward"] * SLOWER < 0.7 else ""
            step = max(len(x) // 3, 3 * FPS)
            for start in range(0, max(len(x) - step, 1), step):  # long walks give several
                yield Made(
                    source,
                    at_speed(x[start : start + 2 * step][::-1], SLOWER),
                    (
                        f"a person walks backwards{slow}",
                        f"a person walks backward{slow}",
                        f"someone walks backwards in a straight line{slow}",
                    ),
                    True,
                )
        for words, low, down, up in _LOW:
            goes, rises = tuple(f"a person {does}" for does in down), (f"a person {up}",)
            if any(re.search(words, c) for c in source.captions):
                for played in (x, x[::-1]):
                    for part in _descents(played[:, 0, 1], low):
                        yield Made(source, played[part], goes, False)
                        yield Made(source, played[part][::-1], rises, False)


def _descents(height: np.ndarray, low: tuple[float, float]) -> Iterator[slice]:
    """Yield where a root goes down from standing and stays low for half a second to four."""
    down = np.flatnonzero((height[:-1] >= STANDING[0]) & (height[1:] < STANDING[0])) + 1
    for start in down:
        there = np.flatnonzero((height[start:] >= low[0]) & (height[start:] <= low[1]))
        if not len(there) or there[0] > 3 * FPS:
            continue
        first = start + there[0]
        out = np.flatnonzero((height[first:] < low[0]) | (height[first:] > low[1]))
        stays = min(out[0] if len(out) else len(height) - first, 4 * FPS)
        if stays >= FPS // 2 and (height[start:first] < STANDING[0]).all():
            yield slice(max(start - FPS // 2, 0), first + stays)


def _measured(
    records: Sequence[Record], joints: Mapping[str, np.ndarray], rng: np.random.Generator
) -> Iterator[Made]:
    kinds: dict[str, list[Made]] = {}
    for record in records:
        x = joints[record.id]
        if len(x) < STRETCH + 2:
            continue
        rows = traits.measure(features.encode(x, "steady"))
        for start in range(0, len(rows) - STRETCH, STRETCH // 2):
            part = rows[start : start + STRETCH]
            told = dict(zip(traits.TRAITS, map(float, part.mean(0)), strict=True))
            captions = tell(told, float(x[start : start + STRETCH, 0, 1].min()))
            if captions:
                source = Source(record, x, captions, told)
                kinds.setdefault(captions[0], []).append(
                    Made(source, x[start : start + STRETCH], captions, True)
                )
    for found in kinds.values():
        chosen = rng.choice(len(found), min(len(found), OF_A_KIND), replace=False)
        yield from (found[i] for i in chosen)


def tell(t: Mapping[str, float], lowest: float) -> tuple[str, ...]:
    """Return captions of a stretch by its mean traits and its root's lowest height; maybe none."""
    turn, forward, left, pace = t["turn"], t["forward"], t["left"], t["pace"]
    if lowest < STANDING[0]:
        return ()
    if abs(left) > 0.3 and abs(forward) < 0.3 and abs(turn) < 0.35 and pace < 1.5:
        side = _LEFT[int(np.sign(left))]
        return (f"a person steps to the {side}", f"a person walks sideways to the {side}")
    if forward < -0.35 and abs(turn) < 0.35 and abs(left) < 0.4:
        gait = "runs" if forward < -1.6 else "walks"
        return (f"a person {gait} backwards", f"a person {gait} backward")
    side = _LEFT[int(np.sign(turn) or 1)]
    if abs(turn) > 0.6 and abs(forward) < 0.3 and abs(left) < 0.3:
        return (f"a person turns {side}", f"a person turns around to the {side} on the spot")
    if abs(turn) > 0.35 and forward > 0.6 and abs(left) < 0.4:
        gait = "runs" if forward > 1.9 else "walks"
        return (f"a person {gait} and turns {side}", f"a person {gait} in a curve to the {side}")
    if pace < 0.08:
        return ("a person stands still", "a person does not move")
    return ()


def _recombined(sources: list[Source], rng: np.random.Generator) -> Iterator[Made]:
    legs = [
        s
        for s in sources
        if 0.5 < s.means["forward"] < 3.5
        and any(re.match(r"^\S+ ?\w* (?:walks?|runs?|jogs?)\b[^,]{0,24}$", c) for c in s.captions)
    ]
    arms = [
        s
        for s in sources
        if abs(s.means["forward"]) < 0.12
        and s.joints[:, 0, 1].min() > STANDING[0]
        and any(_ARMS.search(c) and not _STILL.search(c) for c in s.captions)
    ]
    if not legs or not arms:
        return
    for _ in range(PAIRS):
        below, above = legs[rng.integers(len(legs))], arms[rng.integers(len(arms))]
        length = min(len(below.joints), len(above.joints), 8 * FPS)
        first = int(rng.integers(len(below.joints) - length + 1))
        x = with_arms(below.joints[first : first + length], above.joints[:length])
        walk = next(c for c in below.captions if re.match(r"^\S+ ?\w* (?:walks?|runs?|jogs?)\b", c))
        does = [c for c in above.captions if _ARMS.search(c) and not _STILL.search(c)]
        said = tuple(f"{walk.rstrip('.')} and {predicate(c)}" for c in does)
        yield Made(below, x, said, True)


def predicate(caption: str) -> str:
    """Return a caption without its subject."""
    return re.sub(r"^(?:(?:a|the) \w+|someone|somebody) ", "", caption.rstrip(" ."))


def at_speed(joints: np.ndarray, speed: float) -> np.ndarray:
    """Return joints (T, 22, 3) of the same motion at so many times its speed."""
    from scipy.interpolate import CubicSpline

    times = np.arange(0, len(joints) - 1, speed)
    return CubicSpline(np.arange(len(joints)), joints, axis=0)(times).astype(np.float32)


def with_arms(legs: np.ndarray, arms: np.ndarray) -> np.ndarray:
    """Return joints (T, 22, 3) of one body with the arms of another, as they hang off the chest."""
    out = legs.copy()
    ours, theirs = _chests(legs), _chests(arms)
    for shoulder, *rest in _SIDES:
        for joint in rest:
            offset = np.einsum("tij,tj->ti", theirs.mT, arms[:, joint] - arms[:, shoulder])
            out[:, joint] = legs[:, shoulder] + np.einsum("tij,tj->ti", ours, offset)
    return out


def _chests(joints: np.ndarray) -> np.ndarray:
    """Return frames (T, 3, 3) of the chest, columns left, up, forward."""
    left = joints[:, INDEX["left_shoulder"]] - joints[:, INDEX["right_shoulder"]]
    up = joints[:, INDEX["neck"]] - joints[:, INDEX["pelvis"]]
    forward = np.cross(left, up)
    up = np.cross(forward, left)
    frame = np.stack([left, up, forward], axis=-1)
    return frame / np.linalg.norm(frame, axis=1, keepdims=True)
