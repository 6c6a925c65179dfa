"""The same at another tempo, told as quick or slow: whatever leaves the ground falls as it must."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from core.body.skeleton import FPS
from train.recombine.source import Made, Source, at_speed

TEMPOS = ((1.4, "quickly"), (1.4, "fast"), (0.7, "slowly"))
_GIVEN = re.compile(r"\b(?:quick|fast|slow|rapid|sudden|calm|brisk|swift|pace|speed)")
_AIRBORNE = re.compile(
    r"\b(?:jump|hop|leap|run|jog|sprint|fall|throw|catch|flip|cartwheel|roll|skip)"
)
_LONGEST = 40
"""Letters of a caption that says one thing."""


def tempos(sources: list[Source]) -> Iterator[Made]:
    """Yield what is done on foot, faster and slower than it was."""
    for source, (tempo, how) in product(sources, TEMPOS):
        plain = [c.rstrip(" .") for c in source.captions if len(c) < _LONGEST]
        said = " ".join(source.captions)
        if plain and not _GIVEN.search(said) and not _AIRBORNE.search(said):
            x = at_speed(source.joints[: 10 * FPS], tempo)
            told = tuple(f"{caption} {how}" for caption in plain)
            yield Made(source, x, told, True, weight=0.1)
