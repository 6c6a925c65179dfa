"""Reading BVH files with pybvh, also where every joint has position channels (Blender, 3ds Max).

pybvh reads three rotations a joint and positions for the root only. Position channels of other
joints repeat their OFFSET in all but stretchy rigs, so dropping those columns changes nothing.

What a file says of itself is read first, line by line and never further than its limits, so that
whatever reaches pybvh is small enough for it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, compress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np

from core.capture.joint_maps import MOST_NAME, MOST_POSES, MOST_RATE, check_length, to_joints

if TYPE_CHECKING:
    import pybvh

MOST_HEAD = 2_000_000
"""Characters before the poses; a skeleton with 500 joints has about 200,000."""
MOST_NODES = 1000
"""Joints and end sites."""
MOST_NUMBERS = 8_000_000
"""Of all poses of a visitor's file: what 64 MB hold."""
MOST_DIGITS = 64
"""Characters that a number and the space around it take in a row of a visitor's file."""
MOST_LINES = 2 * MOST_POSES
"""Of the poses of a visitor's file, empty ones among them."""


@dataclass(frozen=True)
class Head:
    """What stands before the poses."""

    lines: tuple[str, ...]
    """Up to and with `Frame Time:`."""
    channels: dict[int, list[str]]
    """Names by the line they stand in, the root's first."""
    frames: int
    frame_time: float

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return sum(map(len, self.channels.values()))


def read_joints(
    path: str | Path,
    *,
    joint_map: str | Path | None = None,
    scale: float | None = None,
    up: str | None = None,
) -> np.ndarray:
    """Read one BVH file as (T, 22, 3) float32 joints: meters, Y up, 20 fps, SMPL order.

    joint_map, scale and up replace what is otherwise guessed from names, leg length and posture.
    """
    bvh = load_bvh(path)
    if not (np.isfinite(bvh.root_pos).all() and np.isfinite(bvh.joint_angles).all()):
        raise ValueError(f"{path} holds numbers that are not finite")
    parent_of = {id(node): i for i, node in enumerate(bvh.nodes)}
    parents = [-1 if n.parent is None else parent_of[id(n.parent)] for n in bvh.nodes]
    nodes, names, rate = bvh.node_positions(), [n.name for n in bvh.nodes], 1.0 / bvh.frame_time
    return to_joints(
        nodes, names, parents, rate, str(path), joint_map=joint_map, scale=scale, up=up
    )


def check_size(path: str | Path) -> None:
    """Raise ValueError where a visitor's file is longer than we take, before it is parsed.

    What it says is asked first, then how much there is of it; neither is taken apart.
    """
    with _open(path) as file:
        head = read_head(file)
        check_length(head.frames * head.frame_time, head.frames)
        _check_numbers(head.frames, head.width)
        longest, rows = MOST_DIGITS * (head.width + 1), 0
        for number, row in enumerate(iter(lambda: file.readline(longest + 1), "")):
            if number >= MOST_LINES:
                raise ValueError(f"its poses take more than {MOST_LINES:,} lines")
            if len(row) > longest:
                raise ValueError(
                    f"line {number + 1} of its poses has more than {longest:,} characters, for"
                    f" {head.width} numbers"
                )
            rows += not row.isspace()
        check_length(0, rows)
        _check_numbers(rows, head.width)


def _check_numbers(poses: int, width: int) -> None:
    if poses * width > MOST_NUMBERS:
        raise ValueError(
            f"its {poses:,} poses of {width:,} channels are {poses * width:,} numbers;"
            f" {MOST_NUMBERS:,} are the most, so cut out the part you want"
        )


def read_head(file: TextIO) -> Head:
    """Read up to the poses; raise ValueError where that is too long or not what it should be."""
    lines: list[str] = []
    channels: dict[int, list[str]] = {}
    nodes, frames, left = 0, "", MOST_HEAD
    while line := file.readline(left):
        left -= len(line)
        if left <= 0:
            raise ValueError(f"its skeleton takes more than {MOST_HEAD:,} characters")
        lines.append(line)
        words = line.split()
        match words[:2]:
            case ["ROOT" | "JOINT" | "End", *_]:
                nodes += 1
                if nodes > MOST_NODES:
                    raise ValueError(
                        f"its skeleton has more than {MOST_NODES:,} joints and end sites"
                    )
                if max(map(len, words)) > MOST_NAME:
                    raise ValueError(f"a joint's name has more than {MOST_NAME} characters")
            case ["CHANNELS", _]:
                channels[len(lines) - 1] = words[2:]
            case ["Frames:", frames]:
                pass
            case ["Frame", "Time:"] if len(words) > 2:
                return Head(tuple(lines), channels, _count(frames), _seconds(words[2]))
    raise ValueError("it has no `Frame Time:` line")


def _count(word: str) -> int:
    if not (word.isdecimal() and len(word) < 10):
        raise ValueError(f"its `Frames:` line must say how many there are, got {word[:20]!r}")
    return int(word)


def _seconds(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise ValueError(f"its `Frame Time:` must be in seconds, got {word[:20]!r}") from None


def load_bvh(path: str | Path) -> pybvh.Bvh:
    """Read a BVH file; raise ValueError with its name where it cannot be read."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} does not exist")
    try:
        with _open(path) as file:
            head = read_head(file)
            if not 1 / MOST_RATE <= head.frame_time < 1:
                raise ValueError(
                    f"it says that a frame lasts {head.frame_time:g} s; {1 / MOST_RATE:g} to 1 s is"
                    " what can be"
                )
            reduced = without_joint_positions(head, file)
            if reduced is None and path.suffix == ".bvh":
                return _read(path)
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder) / "reduced.bvh"
                with copy.open("w", encoding="utf-8") as out:
                    out.writelines(reduced or chain(head.lines, file))
                return _read(copy)
    except (ValueError, IndexError) as error:
        raise ValueError(f"{path} is not a readable BVH file: {error}") from error


def _open(path: str | Path) -> TextIO:
    return Path(path).open(encoding="utf-8", errors="replace")


def without_joint_positions(head: Head, rows: Iterable[str]) -> Iterator[str] | None:
    """A file's lines without the position channels of all joints but the root; None if it has none.

    Raises ValueError at a row that is too long or too short.
    """
    root = min(head.channels, default=0)
    keep = {
        line: [line == root or not name.lower().endswith("position") for name in names]
        for line, names in head.channels.items()
    }
    if all(map(all, keep.values())):
        return None
    return _reduced(head, rows, keep)


def _reduced(head: Head, rows: Iterable[str], keep: dict[int, list[bool]]) -> Iterator[str]:
    for number, line in enumerate(head.lines):
        if number in keep:
            names = list(compress(head.channels[number], keep[number]))
            line = f"CHANNELS {len(names)} {' '.join(names)}\n"
        yield line
    columns = [kept for line in keep.values() for kept in line]
    for number, row in enumerate(words for row in rows if (words := row.split())):
        if len(row) != len(columns):
            raise ValueError(f"frame {number} has {len(row)} values, not {len(columns)}")
        yield " ".join(compress(row, columns)) + "\n"


def _read(path: Path) -> pybvh.Bvh:
    import pybvh

    return pybvh.read_bvh_file(path, world_up="+y", warn_on_world_up_disagreement=False)
