"""Does a body do what the words say? Shares of motions that geometry finds right, by kind.

`side` and `direction` ask for the sign of a measure, `speed` for more of it than the other prompt
of the pair, `count` for a number within one and a body that then stands, `posture` for how a body
ends. `backwards_straight` are six seconds of going backwards without turning by over 20 degrees.
Counts are measured on streams, as counting is done live; everything else in batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, Protocol, TypeVar

import numpy as np
from tqdm import tqdm

from benchmarks import counting
from benchmarks.probe_prompts import (
    BACKWARDS,
    COUNTS,
    POSES,
    POSTURES,
    SIDES,
    SPEEDS,
    WAYS,
    Asked,
    Pair,
)
from benchmarks.reporting import Row
from core.body.features import decode
from core.body.take import PoseChunk
from core.words.director import Director

COUNTED = 160
"""Poses of streams whose repetitions are counted."""
FEWER = 5
"""A quick run takes every fifth prompt."""

T = TypeVar("T")


class Streams(Protocol):
    """The part of core.engine.Engine that makes streams."""

    def motion(self, prompts: Iterable[str], **options: Any) -> Iterator[PoseChunk]: ...


class Probes:
    """All kinds of probes of one checkpoint, every prompt several times."""

    def __init__(
        self,
        engine: Streams,
        sample: Callable[[list, list[int], str], list[np.ndarray]],
        *,
        checkpoint: str = "motion",
        seed: int = 0,
        repeats: int = 1,
        quick: bool = False,
    ) -> None:
        """`sample` makes features of prompts of given lengths; see `Quality.sample`."""
        self.engine, self.sample, self.checkpoint = engine, sample, checkpoint
        self.seed, self.repeats, self.quick = seed, repeats, quick

    def rows(self) -> dict[str, Row]:
        """Return for every kind how many motions were judged (n) and the share that did right."""
        return {
            "side": self.signs(SIDES, "sides"),
            "direction": self.signs(WAYS, "directions"),
            "backwards_straight": _shares(self.judged(BACKWARDS, "backwards")),
            "speed": self.paired(SPEEDS, "speeds"),
            "count": self.counted(),
            "posture": self.postures(),
        }

    def signs(self, pairs: Sequence[Pair], label: str) -> Row:
        """Judge each prompt by itself: positive for the first of a pair, negative for the other."""
        found = self._both(pairs, label)
        return _shares([one > 0 for one, _ in found] + [other < 0 for _, other in found])

    def paired(self, pairs: Sequence[Pair], label: str) -> Row:
        """Judge the difference of each pair; both of its prompts count."""
        return _shares([one > other for one, other in self._both(pairs, label)] * 2)

    def judged(self, asked: Sequence[Asked], label: str) -> list[bool]:
        """Judge each prompt's motion; all of them have equal segments."""
        asked = self._some(asked)
        prompts = [list(a.segments) for a in asked]
        made = self.sample(prompts, [sum(n for _, n in p) for p in prompts], label)
        return [a.judge(decode(x)) for a, x in zip(asked, made, strict=True)]

    def postures(self) -> Row:
        """Shares of all postures together and of each."""
        found = {
            kind: self.judged([a for a in POSTURES if a.kind == kind], kind)
            for kind in dict.fromkeys(a.kind for a in POSTURES)
        }
        each = {kind: float(np.mean(right)) for kind, right in found.items()}
        return {**_shares([r for right in found.values() for r in right]), **each}

    def counted(self) -> Row:
        """Shares of streams that count right within one, but do something, and then stand."""
        probes, near, exact, still = self._some(COUNTS), [], [], []
        for i, probe in enumerate(tqdm(probes, desc="counts", unit="stream", leave=False)):
            joints = streamed(self.engine, probe.prompt, COUNTED, self.checkpoint, self.seed + i)
            number = probe.measure(joints)
            near.append(number > 0 and abs(number - probe.number) <= 1)
            exact.append(number == probe.number)
            still.append(counting.stands_still(joints))
        return {
            **_shares([a and b for a, b in zip(near, still, strict=True)]),
            "within_one": float(np.mean(near)),
            "exact": float(np.mean(exact)),
            "stands_after": float(np.mean(still)),
        }

    def _some(self, probes: Sequence[T]) -> list[T]:
        return list(probes[::FEWER] if self.quick else probes) * self.repeats

    def _both(self, pairs: Sequence[Pair], label: str) -> list[tuple[float, float]]:
        """Measures of the motions made for the first and the second prompt of each pair."""
        pairs = self._some(pairs)
        prompts = [prompt for pair in pairs for prompt in (pair.first, pair.second)]
        made = [decode(x) for x in self.sample(prompts, [POSES] * len(prompts), label)]
        return [
            (pair.measure(one), pair.measure(other))
            for pair, one, other in zip(pairs, made[::2], made[1::2], strict=True)
        ]


def streamed(engine: Streams, prompt: str, poses: int, checkpoint: str, seed: int) -> np.ndarray:
    """Joints (poses, 22, 3) of a stream that was asked for one thing."""
    parts, made = [], 0
    director = Director(repeat(prompt))  # as page and command line have it
    for chunk in director.watch(engine.motion(director, checkpoint=checkpoint, seed=seed)):
        parts.append(chunk.joints)
        made += len(chunk)
        if made >= poses:
            break
    return np.concatenate(parts)[:poses]


def _shares(right: Sequence[bool]) -> Row:
    return {"n": len(right), "share": float(np.mean(right))}
