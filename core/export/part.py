"""The part of a take that a file holds: trimmed to a time, or cut at like poses so that it loops.

A loop's last pose is its first once more, as engines expect it: moved on and turned by what a round
travels, so that rounds go on from each other, and the same but for that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.body.features import encode_all
from core.body.rotations import about_y, quat_inverse, quat_multiply, quat_rotate, quat_slerp
from core.body.skeleton import ANKLES, forward
from core.body.soles import heights
from core.body.take import Take
from core.export.root import headings
from core.settings import ExportSettings

LEAST_PART = 0.15
"""Seconds that a part lasts at least."""
LEAST_LOOP, MOST_LOOP = 0.5, 60.0
"""Seconds that a loop lasts at least, and that are searched for one at most."""
LIKE = 0.06
"""How far apart (m) poses may be that a loop is cut at, see `_differences`."""
_WORTH = 50.0
"""Seconds that a loop must be longer where its poses are a meter further apart."""
_SIGHT = 0.1
"""Seconds for which joints go on as they move, where poses are compared."""
_BLEND = 0.3
"""Seconds in which a loop's end becomes its beginning."""
_DRIFT = 5.0
"""Degrees a second; feet that stand are not seen to slide under so slow a turn."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Two poses of a take that a loop is cut at."""

    start: int
    end: int
    apart: float
    """How far apart they are (m)."""


def part(take: Take, settings: ExportSettings) -> Take:
    """Return the part of a take that was asked for; raise ValueError, with a sentence, for none."""
    if settings.start or settings.end is not None:
        take = trim(take, settings.start, settings.end)
    return loop(take) if settings.loop else take


def trim(take: Take, start: float, end: float | None = None) -> Take:
    """Return the poses from `start` to `end` seconds; ValueError where there are next to none."""
    end = take.seconds if end is None else min(end, take.seconds)
    first, last = round(start * take.fps), round(end * take.fps)
    if last - first < round(LEAST_PART * take.fps):
        much = "too little" if first < last else "no"
        raise ValueError(
            f"there is {much} motion from {start:g} s to {end:g} s; the take lasts"
            f" {take.seconds:g} s, a part {LEAST_PART:g} s at least"
        )
    return replace(take.slice(first, last), info=take.info | trimmed(start, end))


def trimmed(start: float, end: float) -> dict[str, str]:
    """Return what a take's info says of the part, in seconds, that it was cut down to."""
    return {"trim": f"{start:g} s to {end:g} s of the take"}


def loop(take: Take) -> Take:
    """Cut a take at like poses, the more of it the better; ValueError where no two are."""
    cut = find_loop(take)
    if cut.apart > LIKE:
        raise ValueError(
            f"no loop is good enough: the most similar poses, at {cut.start / take.fps:g} s and"
            f" {cut.end / take.fps:g} s, are {100 * cut.apart:.0f} cm apart and"
            f" {100 * LIKE:.0f} cm are the most; choose another part, or a longer one"
        )
    return close(take, cut)


def find_loop(take: Take) -> Cut:
    """Return where a take is cut best; ValueError for one too short or too long."""
    least = round(LEAST_LOOP * take.fps)
    if len(take) <= least or take.seconds > MOST_LOOP:
        raise ValueError(
            f"a loop is looked for in {LEAST_LOOP:g} to {MOST_LOOP:g} s of motion, this is"
            f" {take.seconds:g} s; choose another part"
        )
    starts, ends = np.triu_indices(len(take), least)
    apart = _differences(take)[starts, ends]
    worth = np.where(apart <= LIKE, (ends - starts) / take.fps, -MOST_LOOP) - _WORTH * apart
    best = np.argmax(worth)
    return Cut(start=int(starts[best]), end=int(ends[best]), apart=float(apart[best]))


def close(take: Take, cut: Cut) -> Take:
    """Return a take from one pose of a cut to the other, made to end as it begins.

    What a round turns by is undone all along it where that is slow, as in a walk that drifts aside.
    """
    kept = take.slice(cut.start, cut.end + 1)
    root, rotations = kept.root.astype(np.float64), kept.rotations.astype(np.float64)
    angle = np.subtract(*headings(rotations[:, 0])[[-1, 0]])
    if abs(angle) < np.radians(_DRIFT) * kept.seconds:
        (root, rotations), angle = _turned(root, rotations, -angle), 0.0
    blend = min(round(_BLEND * take.fps), len(kept) - 1)
    share = np.arange(1, blend + 1) / blend
    share = share * share * (3 - 2 * share)
    again = rotations[0].copy()
    again[0] = quat_multiply(about_y(angle), again[0])
    residual = quat_multiply(again, quat_inverse(rotations[-1]))
    unturned = np.broadcast_to([1.0, 0, 0, 0], residual.shape)
    gradual = quat_slerp(unturned, residual, share[:, None])
    rotations[-blend:] = quat_multiply(gradual, rotations[-blend:])
    root[-blend:, 1] += share * (root[0, 1] - root[-1, 1])
    # a pose between two that stand need not: its soles may have sunk
    before = _soles(kept.root, kept.rotations)
    floor = np.minimum(before, min(before[0], 0.0))
    root[-blend:, 1] += np.maximum(floor - _soles(root, rotations), 0)[-blend:]
    joints = forward(root, rotations)[0].astype(np.float32)
    told = (
        f"{cut.start / take.fps:g} s to {cut.end / take.fps:g} s of the part, at poses"
        f" {100 * cut.apart:.1f} cm apart; a round turns by {np.degrees(angle):.0f} degrees"
    )
    return replace(
        kept,
        root=root.astype(np.float32),
        rotations=rotations.astype(np.float32),
        joints=joints,
        features=encode_all(joints),
        unsolved=joints,
        info=take.info | {"loop": told},
    )


def _soles(root: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Return how high the lower sole is, (T,) in meters."""
    joints, turned = forward(root, rotations)
    return heights(joints[:, ANKLES], turned[:, ANKLES]).min(axis=-1)


def _turned(root: np.ndarray, rotations: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Turn a motion, root (T, 3) and rotations (T, 22, 4), more and more until by `angle`."""
    turns = about_y(angle * np.linspace(0, 1, len(root)))
    steps = quat_rotate(turns[:-1], np.diff(root, axis=0))
    path = np.concatenate([root[:1], root[:1] + np.cumsum(steps, axis=0)])
    whole = rotations.copy()
    whole[:, 0] = quat_multiply(turns, rotations[:, 0])
    return path, whole


def _differences(take: Take) -> np.ndarray:
    """Return how far apart poses are, (T, T) in meters: joints seen from their own heading, now and
    where they will be in a moment if they go on as they move (root mean square)."""
    rotations = take.rotations.astype(np.float64)
    joints, _ = forward(take.root.astype(np.float64), rotations)
    steps = np.gradient(joints, axis=0) * (take.fps * _SIGHT)
    back = about_y(-headings(rotations[:, 0]))[:, None]
    here = quat_rotate(back, joints - joints[:, :1] * [1, 0, 1])
    seen = np.concatenate([here, here + quat_rotate(back, steps)], axis=1)
    flat = seen.reshape(len(take), -1)
    squares = np.einsum("ti,ti->t", flat, flat)
    apart = squares[:, None] + squares - 2 * flat @ flat.T
    return np.sqrt(np.maximum(apart, 0) / seen.shape[1])
