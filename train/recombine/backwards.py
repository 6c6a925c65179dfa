"""Backwards in time: a straight walk becomes one backwards, which is rare in captures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from core.body.skeleton import FPS
from train.recombine.source import STANDING, Made, Source, at_speed, haste, person

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
    paced: bool = False
    """Whether captions say how quick it is."""


REVERSED = (
    Reversed(
        r"^\S+ ?\w* walks?" + _REST,
        (0.4, 1.5),
        (0.75, 1.15),
        ("walks backwards", "walks backward", "walks backwards in a straight line"),
        0.5,
        paced=True,
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


def backwards(sources: list[Source]) -> Iterator[Made]:
    """Yield straight ways that were played from their end."""
    for source, kind in product(sources, REVERSED):
        x, t = source.joints, source.means
        straight = abs(t["turn"]) < 0.15 and abs(t["left"]) < 0.15
        if (
            straight
            and kind.speeds[0] < t["forward"] < kind.speeds[1]
            and x[[0, -1], 0, 1].min() > STANDING
            and any(re.match(kind.does, caption) for caption in source.captions)
        ):
            step = max(len(x) // 3, 3 * FPS)
            for tempo, start in product(kind.tempos, range(0, max(len(x) - step, 1), step)):
                back = at_speed(x[start : start + 2 * step][::-1], tempo)  # long walks give several
                how = haste(t["forward"] * tempo, SLOW, QUICK) if kind.paced else ""
                told = person(kind.captions, how)
                yield Made(source, back, told, True, weight=kind.weight)
