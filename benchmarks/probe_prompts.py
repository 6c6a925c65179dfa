"""What a body is asked for to see whether it obeys, a hundred prompts a kind, and who judges it.

Prompts are products of subjects and phrases; judges look at joints (T, 22, 3) in meters, never at
what an evaluator thinks of them. Chance is one half for sides, directions and speeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.ndimage import gaussian_filter1d

from benchmarks import counting
from benchmarks.directions import (
    heading,
    left_foot_higher,
    left_hand_higher,
    pace,
    stepped_left,
    turned_left,
    went_forward,
)
from core.body.skeleton import FPS, INDEX, SHOULDERS, WRISTS

WHO = ("a person", "someone", "the person", "a man", "a woman")
POSES, LONG = 80, 120
"""Poses of most motions, and of postures and of going backwards."""
SITTING, LYING, UPRIGHT = 0.65, 0.35, 0.75
"""Pelvis heights (m): a body that sits or lies is below them, one that stands above the last."""
LEVEL = 30.0
"""Degrees that a lying trunk may rise."""
STRAIGHT = 20.0
"""Degrees that a straight way may turn."""

Segments = tuple[tuple[str, int], ...]
Measure = Callable[[np.ndarray], float]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two prompts and what is larger for the first of them."""

    first: str
    second: str
    measure: Measure
    """(T, 22, 3) joints -> a number."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A prompt, or prompts one after another, and how it is judged."""

    kind: str
    segments: Segments
    judge: Callable[[np.ndarray], bool]


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A prompt that says how often."""

    prompt: str
    number: int
    measure: Callable[[np.ndarray], int]


def left_hand_farther(joints: np.ndarray) -> float:
    """How much farther (m) from its shoulder the left wrist gets than the right one."""
    reach = np.linalg.norm(joints[:, WRISTS] - joints[:, SHOULDERS], axis=-1)
    gained = np.quantile(reach, 0.9, axis=0) - np.quantile(reach, 0.1, axis=0)
    return float(gained[0] - gained[1])


def bustle(joints: np.ndarray) -> float:
    """Mean speed (m/s) of all joints."""
    return float(np.linalg.norm(np.diff(joints, axis=0), axis=-1).mean() * FPS)


def pelvis_at_end(joints: np.ndarray) -> float:
    """Height (m) of the pelvis over the last half second."""
    return float(joints[-FPS // 2 :, 0, 1].mean())


def sits(joints: np.ndarray) -> bool:
    """Say whether the body ends low."""
    return pelvis_at_end(joints) < SITTING


def lies(joints: np.ndarray) -> bool:
    """Say whether the body ends at the floor with its trunk level."""
    trunk = (joints[:, INDEX["neck"]] - joints[:, 0])[-FPS // 2 :].mean(0)
    rise = np.degrees(np.arcsin(abs(trunk[1]) / np.linalg.norm(trunk)))
    return pelvis_at_end(joints) < LYING and bool(rise < LEVEL)


def stands(joints: np.ndarray) -> bool:
    """Say whether the body ends upright and has been at rest for two seconds."""
    return pelvis_at_end(joints) > UPRIGHT and counting.stands_still(joints, 2.0)


def rises(joints: np.ndarray) -> bool:
    """Say whether the body was low before it ends upright."""
    return bool(joints[:, 0, 1].min() < SITTING) and pelvis_at_end(joints) > UPRIGHT


def backs_straight(joints: np.ndarray) -> bool:
    """Say whether the body goes backwards and never faces elsewhere than at its first step."""
    yaw = gaussian_filter1d(heading(joints), FPS / 4, mode="nearest")  # hips sway with each step
    return went_forward(joints) < -1.0 and bool(np.abs(np.degrees(yaw - yaw[0])).max() <= STRAIGHT)


_SIDED: tuple[tuple[str, Measure], ...] = (
    ("turns {}", turned_left),
    ("walks and turns {}", turned_left),
    ("walks in a circle to the {}", turned_left),
    ("runs and turns {}", turned_left),
    ("raises the {} arm", left_hand_higher),
    ("waves with the {} hand", left_hand_higher),
    ("punches with the {} fist", left_hand_farther),
    ("kicks with the {} foot", left_foot_higher),
    ("lifts the {} knee", left_foot_higher),
    ("steps to the {}", stepped_left),
)
_GOING = ("walks", "walks slowly", "runs", "jumps", "steps")
_HASTE: tuple[tuple[str, Measure], ...] = (
    ("walks {}", pace),
    ("walks forward {}", pace),
    ("walks backwards {}", pace),
    ("walks {} in a circle", pace),
    ("runs {}", pace),
    ("jogs {}", pace),
    ("steps to the left {}", pace),
    ("turns around {}", bustle),
    ("waves {}", bustle),
    ("dances {}", bustle),
)
_COUNTED: tuple[tuple[str, int, Callable[[np.ndarray], int]], ...] = (
    *(
        (f"jumps {times}", k, counting.jumps)
        for k, times in enumerate(("once", "twice", "three times", "four times"), start=1)
    ),
    ("jumps forward once", 1, counting.jumps),
    ("jumps forward twice", 2, counting.jumps),
    *(
        (f"takes {number} steps forward", k, counting.steps)
        for k, number in enumerate(("two", "three", "four"), start=2)
    ),
    ("takes two steps back", 2, counting.steps),
    ("waves once", 1, counting.waves),
    ("waves twice", 2, counting.waves),
    ("waves three times", 3, counting.waves),
    ("waves with the right hand twice", 2, counting.waves),
    ("waves with the left hand three times", 3, counting.waves),
    ("kicks once", 1, counting.kicks),
    ("kicks twice", 2, counting.kicks),
    ("kicks three times", 3, counting.kicks),
    ("kicks with the left leg twice", 2, counting.kicks),
    ("kicks with the right foot three times", 3, counting.kicks),
)
_POSTURES: dict[str, tuple[Callable[[np.ndarray], bool], tuple[str, ...]]] = {
    "sits": (sits, ("sits", "sits down", "sits down on a chair", "takes a seat", "is seated")),
    "lies": (
        lies,
        (
            "lies down",
            "lies on the floor",
            "lies down on the ground",
            "lies down on the back",
            "lies flat",
        ),
    ),
    "stands": (
        stands,
        ("stands", "stands still", "stands in place", "stands without moving", "waits"),
    ),
}
_RISING = ("stands up", "gets up", "rises", "stands up from a chair", "gets back up")


def _pairs(said: Iterable[tuple[str, Measure]], first: str, second: str) -> list[Pair]:
    """Return what everybody is told twice, with one word and with another."""
    return [
        Pair(first=f"{who} {what.format(first)}", second=f"{who} {what.format(second)}", measure=m)
        for (what, m), who in product(said, WHO)
    ]


SIDES = _pairs(_SIDED, "left", "right")
WAYS = [
    Pair(first=f"{who} {verb} forward{s}", second=f"{who} {verb} backward{s}", measure=went_forward)
    for verb, who, s in product(_GOING, WHO, ("", "s"))
]
SPEEDS = _pairs(_HASTE, "quickly", "slowly")
COUNTS = [
    Counted(prompt=f"{who} {what}", number=number, measure=measure)
    for (what, number, measure), who in product(_COUNTED, WHO)
]
POSTURES = [
    *(
        Asked(kind=kind, segments=((f"{who} {what}", LONG),), judge=judge)
        for kind, (judge, words) in _POSTURES.items()
        for what, who in product(words, WHO)
    ),
    *(
        Asked(
            kind="rises",
            segments=((f"{who} sits down", POSES), (f"{who} {what}", POSES)),
            judge=rises,
        )
        for what, who in product(_RISING, WHO)
    ),
]
BACKWARDS = [
    Asked(kind="straight", segments=((f"{who} walks {way}{how}", LONG),), judge=backs_straight)
    for way, how, who in product(("backwards", "backward"), ("", " slowly"), WHO)
]
