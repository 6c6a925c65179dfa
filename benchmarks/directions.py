"""Does the motion go where the words say? Prompt pairs that differ in one word, judged by geometry.

Each probe asks for the same thing twice: left and right, forward and back, fast and slow. A
measure of the motion decides; chance is one half. World: Y up, left is +X when facing +Z.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.body.skeleton import FPS, INDEX


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Two prompts and a measure that should be larger for the first than for the second."""

    kind: str
    first: str
    second: str
    measure: Callable[[np.ndarray], float]
    """(T, 22, 3) joints -> a number, positive for the first prompt, negative for the second."""
    paired: bool = False
    """True where only the difference between both motions tells (fast against slow)."""


def heading(joints: np.ndarray) -> np.ndarray:
    """Yaw (T,) in radians of hips and shoulders, continuous; it grows when turning left."""
    names = ("left_hip", "right_hip", "left_shoulder", "right_shoulder")
    lh, rh, ls, rs = (joints[:, INDEX[n]] for n in names)
    left = (lh - rh) + (ls - rs)
    return np.unwrap(np.arctan2(-left[:, 2], left[:, 0]))


def turned_left(joints: np.ndarray) -> float:
    """Net turn (rad), positive to the left."""
    yaw = heading(joints)
    return float(yaw[-1] - yaw[0])


def went_forward(joints: np.ndarray) -> float:
    """Way (m) along the heading of the moment, negative when going backwards."""
    yaw = heading(joints)[:-1]
    steps = np.diff(joints[:, 0], axis=0)
    return float((steps[:, 0] * np.sin(yaw) + steps[:, 2] * np.cos(yaw)).sum())


def left_hand_higher(joints: np.ndarray) -> float:
    """How much higher (m) the left wrist gets than the right one."""
    return _peak(joints, "left_wrist") - _peak(joints, "right_wrist")


def left_foot_higher(joints: np.ndarray) -> float:
    """How much higher (m) the left foot gets than the right one."""
    return _peak(joints, "left_foot") - _peak(joints, "right_foot")


def stepped_left(joints: np.ndarray) -> float:
    """Way (m) to the side of the heading of the moment, positive to the left."""
    yaw = heading(joints)[:-1]
    steps = np.diff(joints[:, 0], axis=0)
    return float((steps[:, 0] * np.cos(yaw) - steps[:, 2] * np.sin(yaw)).sum())


def pace(joints: np.ndarray) -> float:
    """Mean speed (m/s) of the root over the floor."""
    return float(np.linalg.norm(np.diff(joints[:, 0, [0, 2]], axis=0), axis=-1).mean() * FPS)


def _peak(joints: np.ndarray, name: str) -> float:
    """Height that a joint exceeds in a tenth of the frames; a single odd frame does not count."""
    return float(np.quantile(joints[:, INDEX[name], 1], 0.9))


def _sides(template: str, measure: Callable[[np.ndarray], float]) -> Probe:
    first, second = template.format(side="left"), template.format(side="right")
    return Probe(kind="left_right", first=first, second=second, measure=measure)


PROBES = (
    _sides("a person turns {side}", turned_left),
    _sides("a person walks and turns {side}", turned_left),
    _sides("a person walks in a circle to the {side}", turned_left),
    _sides("a person walks forward and veers {side}", turned_left),
    _sides("a person runs and turns {side}", turned_left),
    _sides("a person raises the {side} hand", left_hand_higher),
    _sides("a person waves with the {side} hand", left_hand_higher),
    _sides("a person kicks with the {side} foot", left_foot_higher),
    _sides("a person steps to the {side}", stepped_left),
    *(
        Probe(kind="forward_back", first=a, second=b, measure=went_forward)
        for a, b in (
            ("a person walks forward", "a person walks backward"),
            ("a person walks forwards slowly", "a person walks backwards slowly"),
            ("a person jumps forward", "a person jumps backward"),
            ("a person runs forward", "a person runs backward"),
            ("a person takes a step forward", "a person takes a step back"),
        )
    ),
    *(
        Probe(kind="fast_slow", first=a, second=b, measure=pace, paired=True)
        for a, b in (
            ("a person walks fast", "a person walks slowly"),
            ("a person runs", "a person walks"),
            ("a person runs quickly", "a person jogs slowly"),
        )
    ),
)


def accuracy(
    probes: Sequence[Probe], first: Sequence[list[np.ndarray]], second: Sequence[list[np.ndarray]]
) -> dict[str, float]:
    """Share of motions, by kind, that did what their prompt says.

    first, second: for each probe, the motions made for its first and second prompt.
    """
    right: dict[str, list[bool]] = {}
    for probe, ones, others in zip(probes, first, second, strict=True):
        a, b = [probe.measure(j) for j in ones], [probe.measure(j) for j in others]
        hits = right.setdefault(probe.kind, [])
        if probe.paired:
            hits += [x > y for x, y in zip(a, b, strict=True)]
        else:
            hits += [x > 0 for x in a] + [y < 0 for y in b]
    return {kind: float(np.mean(hits)) for kind, hits in right.items()}
