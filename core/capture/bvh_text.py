"""What is written in a BVH file: a skeleton line by line, then rows of numbers.

The skeleton is read no further than its limits, so that a file which asks for too much is refused
before its rows are. Real files keep to the letter less than libraries do: they have one axis or
six channels, commas for points, a row more or less than they say.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TextIO

import numpy as np

from core.capture.joint_maps import MOST_POSES, check_length, check_name

MOST_HEAD = 2_000_000
"""Characters before the poses; a skeleton with 500 joints has about 200,000."""
MOST_NODES = 1000
"""Joints and end sites."""
MOST_CHANNELS = 9
"""Of a joint: three places, angles and scales."""
MOST_NUMBERS = 8_000_000
"""Of all poses of a visitor's file: what 64 MB hold."""
MOST_DIGITS = 64
"""Characters that a number and the space around it take in a row of a visitor's file."""
MOST_LINES = 2 * MOST_POSES
"""Of the poses of a visitor's file, empty ones among them."""
MOST_VALUE = 1e30
"""Beyond it lie damaged numbers, whose sums are none."""
_BLANKS = str.maketrans(";\x00\x1a", "   ")
"""What ends lines and files besides space: DOS's end of file among them."""
_AXES = {"x": 0, "y": 1, "z": 2}


@dataclass
class Head:
    """What stands before the poses."""

    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[list[float]] = field(default_factory=list)
    """From the parent, at rest."""
    channels: list[tuple[int, str, int]] = field(default_factory=list)
    """Of each number in a row: node, "position", "rotation" or "scale", and axis."""
    frames: int | None = None
    """How many poses there are, as it says."""
    seconds: float = 0.0
    """How long each lasts, as it says; 0 where it does not."""
    first: str = ""
    """The first row of the poses."""
    _open: list[int] = field(default_factory=list)
    """Nodes whose braces are not closed yet, the innermost last."""

    def take(self, line: str) -> bool:
        """Take a line in; False where it is the first of the poses. Raises ValueError."""
        words = line.split()
        key, rest = words[0].lower(), " ".join(words[1:])
        match key.partition(":")[0]:
            case "{" | "hierarchy":
                pass
            case "root" | "joint" | "end" | "endsite":
                self._add(key, rest)
            case "}" if self._open:
                if len(self.offsets) <= self._open.pop():
                    raise ValueError("a joint has no OFFSET")
            case "}":
                raise ValueError("a brace is one too many")
            case "offset" if len(self.offsets) == len(self.names) - 1:
                self.offsets.append(numbers(rest, 3))
                if [abs(x) < MOST_VALUE for x in self.offsets[-1]] != [True] * 3:
                    raise ValueError("an OFFSET is three numbers")
            case "channels" if self._open and self._open[-1] == len(self.names) - 1:
                self._move(words[1:])
            case "motion" | "frames" | "frame" | "frametime" if self._open:
                raise ValueError(f"{len(self._open)} joints before it are not closed by a brace")
            case "motion" if self.names:
                pass
            case "frames" if self.names:
                self.frames = _count(line)
            case "frame" | "frametime" if self.names:
                self.seconds = _seconds(line)
            case _ if self._open or not self.names:
                raise ValueError(f"{words[0][:20]!r} is nothing that belongs there")
            case _:
                self.first = line
        return not self.first

    def _add(self, key: str, name: str) -> None:
        if (key == "root") == bool(self._open):
            raise ValueError("a brace before it is missing, or one too many")
        if len(self.names) >= MOST_NODES:
            raise ValueError(f"its skeleton has more than {MOST_NODES:,} joints and end sites")
        name = check_name(name)
        if len(self.offsets) < len(self.names):
            raise ValueError("the joint before it has no OFFSET")
        end = key.startswith("end")
        self.parents.append(self._open[-1] if self._open else -1)
        self._open.append(len(self.names))
        self.names.append("" if end else name or f"joint {len(self.names)}")

    def _move(self, words: list[str]) -> None:
        """Take the channels of a joint: how many they are, and their names."""
        node, names = self._open[-1], [word.lower() for word in words[1:]]
        if len(names) > MOST_CHANNELS or (self.channels and self.channels[-1][0] == node):
            raise ValueError(f"a joint has more than {MOST_CHANNELS} channels")
        if words[:1] != [str(len(names))]:
            raise ValueError(f"it tells of {words[0] if words else 'no'} channels and names others")
        for name in names:
            if name[:1] not in _AXES or name[1:] not in ("position", "rotation", "scale"):
                raise ValueError(f"{name[:20]!r} is no channel; Xposition and Yrotation are")
            self.channels.append((node, name[1:], _AXES[name[0]]))


def read_head(file: TextIO) -> Head:
    """Read up to the poses; raise ValueError where that is too long or not what it should be."""
    head, begun, left, count = Head(), False, MOST_HEAD, 0
    while line := file.readline(left):
        left, count = left - len(line), count + 1
        if left <= 0:
            raise ValueError(f"its skeleton takes more than {MOST_HEAD:,} characters")
        plain = line.translate(_BLANKS)
        if plain.isspace() or not plain or plain.lstrip().startswith(("#", "//")):
            continue
        begun = begun or plain.split()[0].upper() == "HIERARCHY"
        if not begun:  # comments of any form
            continue
        for part in plain.replace("{", "\n{\n").replace("}", "\n}\n").split("\n"):
            try:
                if part.strip() and not head.take(part):
                    return head
            except ValueError as error:
                raise ValueError(f"line {count}: {error}") from error
    if not begun:
        raise ValueError("it has no `HIERARCHY` line, with which a BVH begins")
    raise ValueError("it holds no pose")


def numbers(line: str, count: int) -> list[float]:
    """Return the numbers of a line, `count` if all is well; raise ValueError where one is none.

    Commas stand for points where that makes `count` of them, and between numbers otherwise.
    """
    try:
        return [float(word) for word in line.split()]
    except ValueError:
        words = line.translate(_BLANKS).split()
        if len(words) != count:
            words = " ".join(words).replace(",", " ").split()
        return [_number(word.rstrip(",").replace(",", ".")) for word in words]


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise ValueError(f"holds {word[:20]!r}, which is no number") from None


def _count(line: str) -> int:
    word = line.lower().replace(":", " ").split()[-1]
    if not (word.isdecimal() and len(word) < 10):
        raise ValueError(f"its `Frames:` line must say how many there are, got {word[:20]!r}")
    return int(word)


def _seconds(line: str) -> float:
    word = line.replace(":", " ").split()[-1]
    try:
        return float(word.replace(",", "."))
    except ValueError:
        raise ValueError(f"its `Frame Time:` must be in seconds, got {word[:20]!r}") from None


def check_numbers(head: Head, poses: int) -> None:
    """Raise ValueError where there are more numbers than we take, of a file's or of our making."""
    for width, of in ((len(head.channels), "channels"), (3 * len(head.names), "coordinates")):
        if poses * width > MOST_NUMBERS:
            raise ValueError(
                f"its {poses:,} poses of {width:,} {of} are {poses * width:,} numbers;"
                f" {MOST_NUMBERS:,} are the most, so cut out the part you want"
            )


def read_rows(file: TextIO, head: Head, *, bounded: bool) -> tuple[np.ndarray, list[str]]:
    """Read the poses (T, channels), and notes on how many there are."""
    values, width, poses, fault = array("d"), len(head.channels), 0, ""
    if not width:
        raise ValueError("none of its joints has channels")
    lines = chain([head.first], file)
    for line in _limited(lines, width) if bounded else lines:
        if line.isspace():
            continue
        if fault:  # which can only be passed over at the end, where a file was cut off
            raise ValueError(f"row {poses + 1} of its poses {fault}")
        try:
            row = numbers(line, width)
        except ValueError as error:
            row, fault = [], str(error)
        if len(row) == width:
            values.extend(row)
            poses += 1
        elif row:
            fault = f"holds {len(row)} numbers, not {width}"
        if bounded and poses > MOST_POSES:
            check_length(0, poses)
        if bounded and poses > (head.frames or 0):
            check_numbers(head, poses)
    if not poses:
        raise ValueError(f"row 1 of its poses {fault}" if fault else "it holds no pose")
    notes = []
    if fault:
        notes.append(f"The last row of the file {fault}: it was cut off and is left out.")
    elif head.frames not in (None, poses):
        notes.append(
            f"The file counts its poses as {head.frames}; it has {poses}, and all are read."
        )
    return np.frombuffer(values).reshape(poses, width), notes


def _limited(lines: Iterable[str], width: int) -> Iterator[str]:
    """Yield lines; raise ValueError where they are too many or too long."""
    longest = MOST_DIGITS * (width + 1)
    for number, line in enumerate(lines):
        if number >= MOST_LINES:
            raise ValueError(f"its poses take more than {MOST_LINES:,} lines")
        if len(line) > longest:
            raise ValueError(
                f"line {number + 1} of its poses has more than {longest:,} characters, for"
                f" {width} numbers"
            )
        yield line
