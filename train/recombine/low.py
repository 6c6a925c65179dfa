"""Going down and getting up, cut out of recordings that do more, and each also out of the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from core.body import features
from core.body.features import LAYOUT
from core.body.skeleton import FPS
from train.recombine.source import BEFORE, STANDING, Made, Source, person

SITTING, LYING = (0.35, 0.68), (0.0, 0.3)
"""Heights of the root (m)."""
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
AT_REST = 0.4
"""Speed of the root (m/s) below which somebody stands."""
BLEND = 8
"""Poses over which somebody who got up comes to stand still."""


def low(sources: list[Source], stills: Sequence[Made]) -> Iterator[Made]:
    """Yield going down, staying there and getting up to stand still, both ways in time."""
    for source, (words, heights, down, up, stay) in product(sources, _LOW):
        if not any(re.search(words, c) for c in source.captions):
            continue
        for x in (source.joints, source.joints[::-1]):
            for stands, falls, low, end in descents(x, heights):
                part = x[stands:end]
                ahead = max(falls - FPS // 2 - stands, 0)
                yield Made(source, part, person(down), False, ahead, weight=1.5)
                sits = max(end - low - FPS // 4, 0)
                rise = then_still(part[::-1], stills)
                yield Made(source, rise, person(up), False, sits, weight=1.5)
                if end - low > FPS:
                    yield Made(source, x[low:end], person(stay), True)


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


def descents(x: np.ndarray, low: tuple[float, float]) -> Iterator[tuple[int, int, int, int]]:
    """Yield where somebody who stands at rest begins to go down, is low for half a second or more,
    and no longer: where the rest begins, where it ends, where low is reached and where it ends."""
    height = x[:, 0, 1]
    speed = np.linalg.norm(np.diff(x[:, 0, [0, 2]], axis=0, append=x[-1:, 0, [0, 2]]), axis=-1)
    for falls in np.flatnonzero((height[:-1] >= STANDING) & (height[1:] < STANDING)) + 1:
        there = np.flatnonzero((height[falls:] >= low[0]) & (height[falls:] <= low[1]))
        if not len(there) or there[0] > 3 * FPS:
            continue
        first = int(falls + there[0])
        out = np.flatnonzero((height[first:] < low[0]) | (height[first:] > low[1]))
        stays = min(int(out[0]) if len(out) else len(height) - first, BEFORE + FPS)
        if stays < FPS // 2 or (height[falls:first] >= STANDING).any():
            continue
        stands = max(int(falls) - FPS // 2, 0)
        rests = (height[:stands] >= STANDING) & (speed[:stands] * FPS < AT_REST)
        awake = np.flatnonzero(~rests)
        earliest = int(awake[-1]) + 1 if len(awake) else 0
        yield max(earliest, stands - BEFORE), int(falls), first, first + stays
