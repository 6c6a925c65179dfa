"""Stretches that say by themselves what they are, whatever else their recording is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from core.body import features
from core.body.skeleton import FPS, SHOULDERS, WRISTS
from core.motion import traits
from train.data import Record
from train.recombine.source import BEFORE, SIDES, STANDING, Made, Source, haste, person

PUNCH = 1.5
"""Seconds of a stretch in which one hand punches."""
FARTHER = 0.2
"""Meters that it gets farther from its shoulder than the other."""
STILL = ("a person stands still", "a person does not move")
STRETCH = 2 * FPS
"""Poses of a stretch that is told by what was measured of it."""
OF_A_KIND = 150
"""Such stretches at most."""


def measured(
    records: Sequence[Record], joints: Mapping[str, np.ndarray], rng: np.random.Generator
) -> Iterator[Made]:
    """Yield two seconds that go to the left, told as that, and so on; some of every kind."""
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
    if lowest < STANDING:
        return ()
    if abs(left) > 0.3 and abs(forward) < 0.3 and abs(turn) < 0.35 and pace < 1.5:
        side = SIDES[int(np.sign(left))]
        how = haste(abs(left), 0.4, 0.55)
        return (f"a person steps to the {side}{how}", f"a person walks sideways to the {side}{how}")
    if forward < -0.35 and abs(turn) < 0.35 and abs(left) < 0.4:
        gait = "runs" if forward < -1.6 else "walks"
        return (f"a person {gait} backwards", f"a person {gait} backward")
    side = SIDES[int(np.sign(turn) or 1)]
    if abs(turn) > 0.6 and abs(forward) < 0.3 and abs(left) < 0.3:
        how = haste(abs(turn), 0.8, 1.2)
        return (f"a person turns {side}{how}", f"a person turns around{how}")
    if abs(turn) > 0.35 and forward > 0.6 and abs(left) < 0.4:
        gait = "runs" if forward > 1.9 else "walks"
        return (f"a person {gait} and turns {side}", f"a person {gait} in a curve to the {side}")
    if pace < 0.08:
        return STILL
    return ()


def punches(sources: list[Source]) -> Iterator[Made]:
    """Yield stretches of boxing in which it is plain which hand punches."""
    length = round(PUNCH * FPS)
    for source in sources:
        if not any(re.search(r"\b(?:punch|box(?:es|ing|er))", c) for c in source.captions):
            continue
        for start in range(0, len(source.joints) - length, length // 2):
            part = source.joints[start : start + length]
            reach = np.linalg.norm(part[:, WRISTS] - part[:, SHOULDERS], axis=-1)
            gained = np.quantile(reach, 0.9, axis=0) - np.quantile(reach, 0.1, axis=0)
            if abs(gained[0] - gained[1]) > FARTHER:
                side = SIDES[1 if gained[0] > gained[1] else -1]
                told = person((f"punches with the {side} fist", f"punches with the {side} hand"))
                ahead = min(start, BEFORE)
                x = source.joints[start - ahead : start + length]
                yield Made(source, x, told, True, ahead)
