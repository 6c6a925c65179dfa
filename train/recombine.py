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
from itertools import product
from typing import NamedTuple

import numpy as np

from core.body import features
from core.body.features import LAYOUT
from core.body.skeleton import FPS, INDEX, SHOULDERS, WRISTS
from core.motion import traits
from train.data import Record, Segment

WEIGHT = 0.5
"""Of a made motion, against its source's."""
PAIRS = 240
"""Of arms and legs."""
STANDING, SITTING, LYING = (0.82, 1.1), (0.35, 0.68), (0.0, 0.3)
"""Heights of the root (m)."""
_REST = r"\b(?!.*\b(?:and|then|turn|circle|around|while|stairs|sit|over|up|high|place)\b)"


class Reversed(NamedTuple):
    """What is done backwards where it is played from its end."""

    does: str
    """What captions must say, as an expression."""
    speeds: tuple[float, float]
    """m/s forwards of what serves."""
    tempos: tuple[float, ...]
    """How many times as fast it is played: people are more careful backwards."""
    captions: tuple[str, ...]
    weight: float


REVERSED = (
    Reversed(
        r"^\S+ ?\w* walks?" + _REST,
        (0.4, 1.5),
        (0.75, 1.15),
        ("walks backwards", "walks backward", "walks backwards in a straight line"),
        0.5,
    ),
    Reversed(
        r"^\S+ ?\w* (?:runs?|jogs?)" + _REST,
        (1.6, 3.7),
        (0.6,),
        ("runs backwards", "runs backward", "jogs backwards"),
        2.0,
    ),
    Reversed(
        r"^\S+ ?\w* (?:jumps?|hops?)" + _REST,
        (0.25, 1.3),
        (1.0,),
        ("jumps backwards", "jumps backward", "jumps back"),
        1.0,
    ),
)
SLOW, QUICK = 0.7, 1.2
"""Meters a second of walks backwards that are slow or quick."""
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
        ("sits down", "sits down on a chair", "sits", "takes a seat"),
        ("stands up", "gets up", "stands up from a chair"),
        ("sits", "is seated", "is sitting"),
    ),
    (
        r"\b(?:lies?|lays?|lying|floor)\b",
        LYING,
        ("lies down", "lies down on the floor"),
        ("gets up", "stands up", "gets back up"),
        ("lies on the floor", "is lying down"),
    ),
)
"""What captions say of a low place, its heights, how one gets there, up again, and stays."""
BEFORE = 3 * FPS
"""Poses ahead of what is told, which a stream looks back on."""
AT_REST = 0.4
"""Speed of the root (m/s) below which somebody stands."""
PUNCH = 1.5
"""Seconds of a stretch in which one hand punches."""
FARTHER = 0.2
"""Meters that it gets farther from its shoulder than the other."""
STILL = ("a person stands still", "a person does not move")
BLEND = 8
"""Poses over which somebody who got up comes to stand still."""
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
    measured = list(_measured(records, joints, rng))
    stills = [m for m in measured if m.captions == STILL]
    found = [
        *_backwards(sources),
        *_low(sources, stills),
        *_punches(sources),
        *measured,
        *_recombined(sources, rng),
    ]
    return [
        (_record(m, number), features.normalize_place(m.joints)) for number, m in enumerate(found)
    ]


class Made(NamedTuple):
    """A motion made of a source, and how it is told."""

    source: Source
    joints: np.ndarray
    captions: tuple[str, ...]
    crop_ok: bool
    start: int = 0
    """Poses before what is told."""
    weight: float = WEIGHT


def _record(made: Made, number: int) -> Record:
    poses, record = len(made.joints), made.source.record
    told = Segment(start=made.start, end=poses, captions=made.captions, crop_ok=made.crop_ok)
    changes = {"poses": poses, "segments": (told,), "weight": made.weight * record.weight}
    return record.model_copy(update={"id": f"{record.id}_made{number}", **changes})


def _person(does: Iterable[str], how: str = "") -> tuple[str, ...]:
    return tuple(f"a person {what}{how}" for what in does)


def _backwards(sources: list[Source]) -> Iterator[Made]:
    for source, (k, kind) in product(sources, enumerate(REVERSED)):
        walks = k == 0
        x, t = source.joints, source.means
        straight = abs(t["turn"]) < 0.15 and abs(t["left"]) < 0.15
        if (
            straight
            and kind.speeds[0] < t["forward"] < kind.speeds[1]
            and x[[0, -1], 0, 1].min() > STANDING[0]
            and any(re.match(kind.does, caption) for caption in source.captions)
        ):
            step = max(len(x) // 3, 3 * FPS)
            for tempo, start in product(kind.tempos, range(0, max(len(x) - step, 1), step)):
                back = at_speed(x[start : start + 2 * step][::-1], tempo)  # long walks give several
                told = _person(kind.captions, _how(t["forward"] * tempo) if walks else "")
                yield Made(source, back, told, True, weight=kind.weight)


def _how(speed: float) -> str:
    return " slowly" if speed < SLOW else " quickly" if speed > QUICK else ""


def _low(sources: list[Source], stills: Sequence[Made]) -> Iterator[Made]:
    """Going down, staying there and getting up to stand still, both ways in time."""
    for source, (words, heights, down, up, stay) in product(sources, _LOW):
        if not any(re.search(words, c) for c in source.captions):
            continue
        for x in (source.joints, source.joints[::-1]):
            for stands, falls, low, end in _descents(x, heights):
                part = x[stands:end]
                ahead = max(falls - FPS // 2 - stands, 0)
                yield Made(source, part, _person(down), False, ahead, weight=1.5)
                sits = max(end - low - FPS // 4, 0)
                rise = then_still(part[::-1], stills)
                yield Made(source, rise, _person(up), False, sits, weight=1.5)
                if end - low > FPS:
                    yield Made(source, x[low:end], _person(stay), True)


def then_still(joints: np.ndarray, stills: Sequence[Made]) -> np.ndarray:
    """Return joints (T, 22, 3) that go over into the stretch of standing still nearest to them."""
    x = features.encode(joints, "steady")
    if len(x) <= BLEND or not stills:
        return joints
    ways = (features.encode(m.joints[m.start :], "steady") for m in stills)
    still = min(ways, key=lambda y: np.abs((y[:BLEND] - x[-BLEND:])[:, LAYOUT.joints]).mean())
    weight = np.linspace(0, 1, BLEND + 2, dtype=np.float32)[1:-1, None]
    seam = (1 - weight) * x[-BLEND:] + weight * still[:BLEND]
    return features.decode(np.concatenate([x[:-BLEND], seam, still[BLEND:]]))


def _descents(x: np.ndarray, low: tuple[float, float]) -> Iterator[tuple[int, int, int, int]]:
    """Yield where somebody who stands at rest begins to go down, is low for half a second or more,
    and no longer: where the rest begins, where it ends, where low is reached and where it ends."""
    height = x[:, 0, 1]
    speed = np.linalg.norm(np.diff(x[:, 0, [0, 2]], axis=0, append=x[-1:, 0, [0, 2]]), axis=-1)
    for falls in np.flatnonzero((height[:-1] >= STANDING[0]) & (height[1:] < STANDING[0])) + 1:
        there = np.flatnonzero((height[falls:] >= low[0]) & (height[falls:] <= low[1]))
        if not len(there) or there[0] > 3 * FPS:
            continue
        first = int(falls + there[0])
        out = np.flatnonzero((height[first:] < low[0]) | (height[first:] > low[1]))
        stays = min(int(out[0]) if len(out) else len(height) - first, BEFORE + FPS)
        if stays < FPS // 2 or (height[falls:first] >= STANDING[0]).any():
            continue
        stands = max(int(falls) - FPS // 2, 0)
        rests = (height[:stands] >= STANDING[0]) & (speed[:stands] * FPS < AT_REST)
        awake = np.flatnonzero(~rests)
        earliest = int(awake[-1]) + 1 if len(awake) else 0
        yield max(earliest, stands - BEFORE), int(falls), first, first + stays


def _punches(sources: list[Source]) -> Iterator[Made]:
    """Stretches of boxing in which it is plain which hand punches."""
    length = round(PUNCH * FPS)
    for source in sources:
        if not any(re.search(r"\b(?:punch|box(?:es|ing|er))", c) for c in source.captions):
            continue
        for start in range(0, len(source.joints) - length, length // 2):
            part = source.joints[start : start + length]
            reach = np.linalg.norm(part[:, WRISTS] - part[:, SHOULDERS], axis=-1)
            gained = np.quantile(reach, 0.9, axis=0) - np.quantile(reach, 0.1, axis=0)
            if abs(gained[0] - gained[1]) > FARTHER:
                side = _LEFT[1 if gained[0] > gained[1] else -1]
                told = _person((f"punches with the {side} fist", f"punches with the {side} hand"))
                ahead = min(start, BEFORE)
                x = source.joints[start - ahead : start + length]
                yield Made(source, x, told, True, ahead)


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
                ahead = min(start, BEFORE)
                part = x[start - ahead : start + STRETCH]
                kinds.setdefault(captions[0], []).append(Made(source, part, captions, True, ahead))
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
        return STILL
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
