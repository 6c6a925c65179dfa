"""Captioned stretches of recordings, and the motions that are made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from core.body import features
from core.body.skeleton import FPS
from core.motion import traits
from train.data import Record, Segment

WEIGHT = 0.5
"""Of a made motion, against its source's."""
STANDING = 0.82
"""Height (m) of the root from which somebody stands."""
BEFORE = 3 * FPS
"""Poses ahead of what is told, which a stream looks back on."""
SIDES = {1: "left", -1: "right"}
"""By the sign of what is measured to the left."""


class Source(NamedTuple):
    """A captioned stretch of a recording."""

    record: Record
    joints: np.ndarray
    """(T, 22, 3)."""
    captions: tuple[str, ...]
    means: dict[str, float]
    """Traits of the whole stretch, in meters, radians and seconds."""


class Made(NamedTuple):
    """A motion made of a source, and how it is told."""

    source: Source
    joints: np.ndarray
    captions: tuple[str, ...]
    crop_ok: bool
    start: int = 0
    """Poses before what is told."""
    weight: float = WEIGHT

    def record(self, number: int) -> Record:
        """Return what a training set says of it."""
        poses, record = len(self.joints), self.source.record
        told = Segment(start=self.start, end=poses, captions=self.captions, crop_ok=self.crop_ok)
        changes = {"poses": poses, "segments": (told,), "weight": self.weight * record.weight}
        return record.model_copy(update={"id": f"{record.id}_made{number}", **changes})


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


def person(does: Iterable[str], how: str = "") -> tuple[str, ...]:
    """Return captions of what a person does."""
    return tuple(f"a person {what}{how}" for what in does)


def at_speed(joints: np.ndarray, speed: float) -> np.ndarray:
    """Return joints (T, 22, 3) of the same motion at so many times its speed."""
    from scipy.interpolate import CubicSpline

    times = np.arange(0, len(joints) - 1, speed)
    return CubicSpline(np.arange(len(joints)), joints, axis=0)(times).astype(np.float32)


def haste(speed: float, slow: float, quick: float) -> str:
    """Return how something is done at a speed: slowly, quickly, or nothing to be said."""
    return " slowly" if speed < slow else " quickly" if speed > quick else ""
