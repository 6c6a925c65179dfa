"""Reading BVH files, whoever wrote them: `bvh_text` reads what is written, this bends the skeleton.

pybvh, which the tests compare this with, takes three rotations for every joint and positions for
the root alone, and every file by its letter; it is no faster.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.body.rotations import quat_multiply, quat_rotate
from core.capture.bvh_text import MOST_HEAD, MOST_VALUE, Head, check_numbers, read_head, read_rows
from core.capture.joint_maps import check_length
from core.capture.kinds import encoding
from core.capture.source import Source, astray
from core.settings import MOTION_RATES

USUAL_RATE = 30.0
"""Poses a second of files that do not say how many they have."""


def read(path: str | Path, *, rate: float | None = None, bounded: bool = True) -> Source:
    """Read one BVH file; raise ValueError with its name where it cannot be read.

    `rate` replaces the poses a second that it says it has. `bounded` refuses what is longer than a
    visitor's file may be.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path.name} does not exist")
    try:
        with path.open("rb") as file:
            if not (begin := file.read(MOST_HEAD)):
                raise ValueError("it is empty")
        with path.open(encoding=encoding(begin), errors="replace") as file:
            head = read_head(file)
            rate, notes = _rate(head, rate)
            if bounded:
                check_length((head.frames or 0) / rate, head.frames or 0)
                check_numbers(head, head.frames or 0)
            values, more = read_rows(file, head, bounded=bounded)
        if bounded:
            check_length(len(values) / rate)
        return _pose(head, values, rate, notes + more)
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error


def _rate(head: Head, rate: float | None) -> tuple[float, list[str]]:
    """Return poses a second, and a note where they are assumed."""
    if rate:
        return rate, []
    if head.seconds == 0:
        return USUAL_RATE, [
            f"The file does not say how many poses a second it has; {USUAL_RATE:g} are assumed."
        ]
    least, most = MOTION_RATES
    if not 1 / most <= head.seconds <= 1 / least:
        raise ValueError(
            f"it says that a frame lasts {head.seconds:g} s; {1 / most:g} to {1 / least:g} s is"
            " what can be"
        )
    rate = 1 / head.seconds
    # files write 0.008333 for 120 a second
    return float(round(rate)) if abs(rate - round(rate)) < 2e-4 * rate else rate, []


def _pose(head: Head, values: np.ndarray, rate: float, notes: list[str]) -> Source:
    """Bend the largest skeleton by the channels of all (T, channels)."""
    bad = ~(np.abs(values) < MOST_VALUE).all(axis=1)
    if bad.any():
        raise ValueError(f"row {bad.argmax() + 1} of its poses holds a number that is not finite")
    nodes = _largest(head.parents)
    if (skeletons := head.parents.count(-1)) > 1:
        notes.append(
            f"The file holds {skeletons} skeletons; the largest, {head.names[nodes[0]]}, is read."
        )
    rig = _Rig(head, nodes, values)
    positions = np.empty((len(values), len(nodes), 3))
    rotations = np.empty((len(values), len(nodes), 4))
    step = 1 + 50_000 // len(nodes)  # poses whose numbers stay at hand
    for start in range(0, len(values), step):
        some = slice(start, start + step)
        rig.bend(values[some], positions[some], rotations[some])
    if (far := astray(positions)) is not None:
        raise ValueError(f"row {far + 1} of its poses lies far off all others; take it out")
    rest = rig.offsets.copy()
    for node, parent in enumerate(rig.parents[1:], start=1):
        rest[node] += rest[parent]
    return Source(
        names=tuple(head.names[node] for node in nodes),
        parents=tuple(rig.parents),
        positions=positions,
        rotations=rotations,
        rest=rest,
        rest_rotations=np.tile([1.0, 0, 0, 0], (len(nodes), 1)),
        rate=rate,
        up="rest",
        notes=tuple(notes),
    )


def _largest(parents: list[int]) -> list[int]:
    """Return the nodes of the largest of a file's skeletons."""
    roots: list[int] = []
    for node, parent in enumerate(parents):
        roots.append(node if parent < 0 else roots[parent])
    largest = max(dict.fromkeys(roots), key=roots.count)
    return [node for node, root in enumerate(roots) if root == largest]


class _Rig:
    """Which numbers of a row move and turn which node of a skeleton."""

    def __init__(self, head: Head, nodes: list[int], values: np.ndarray) -> None:
        column = {node: i for i, node in enumerate(nodes)}
        self.parents = [column.get(head.parents[node], -1) for node in nodes]
        self.offsets = np.array([head.offsets[node] for node in nodes])
        # -1 stands for no number: rows are given a zero at their end
        self.moves = np.full((len(nodes), 3), -1)
        turns: list[list[tuple[int, int]]] = [[] for _ in nodes]
        for number, (node, what, axis) in enumerate(head.channels):
            if node in column and what == "position":
                self.moves[column[node], axis] = number
            elif node in column and what == "rotation":
                turns[column[node]].append((number, axis))
        most = max(1, *map(len, turns))
        padded = [turn + [(-1, 0)] * (most - len(turn)) for turn in turns]
        self.turns = np.array(padded).transpose(1, 2, 0)  # (turn, number or axis, node)
        self.bones = self._bones(values)
        depths: list[int] = []
        for parent in self.parents:
            depths.append(0 if parent < 0 else depths[parent] + 1)
        self.levels = [
            [node for node, depth in enumerate(depths) if depth == level]
            for level in range(1, max(depths) + 1)
        ]

    def _bones(self, values: np.ndarray) -> np.ndarray:
        """Return what positions are added to, (N, 3): offsets, where they do not tell them anew."""
        told = self.moves >= 0
        told[0] = False
        usual = np.median(values[:, self.moves[told]], axis=0)
        # most programs write the whole way from the parent, some what is to be added to the offset
        whole = np.abs(usual - self.offsets[told]).sum() <= np.abs(usual).sum()
        return np.where((self.moves >= 0) & (whole | ~told), 0, self.offsets)

    def bend(self, values: np.ndarray, positions: np.ndarray, rotations: np.ndarray) -> None:
        """Fill in positions (T, N, 3) and rotations (T, N, 4) in the world, of (T, channels)."""
        values = np.concatenate([values, np.zeros((len(values), 1))], axis=1)
        positions[:] = self.bones + values[:, self.moves]
        for i, (numbers, axes) in enumerate(self.turns):
            half = np.radians(values[:, numbers]) / 2
            turn = np.zeros_like(rotations)
            turn[..., 0] = np.cos(half)
            turn[:, np.arange(len(axes)), 1 + axes] = np.sin(half)
            rotations[:] = quat_multiply(rotations, turn) if i else turn
        for level in self.levels:
            parents = [self.parents[node] for node in level]
            ahead = rotations[:, parents]
            positions[:, level] = positions[:, parents] + quat_rotate(ahead, positions[:, level])
            rotations[:, level] = quat_multiply(ahead, rotations[:, level])
