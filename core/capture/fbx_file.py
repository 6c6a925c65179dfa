"""What is written in a binary FBX file of version 7: named nodes with values, and nodes below them.

Arrays, most of a file, are unpacked where somebody asks for them; whoever reads a motion never does
for meshes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

MOST_NODES = 400_000
"""Of a file; a character with a minute of motion has some 20,000."""
MOST_DEPTH = 16
MOST_VALUES = 64
"""Of a node; scenes need some 20."""
MOST_VALUES_IN_ALL = 2_000_000
MOST_NUMBERS = 24_000_000
"""Of all arrays that are asked for."""
_SCALARS = {"C": "<?", "Y": "<h", "I": "<i", "L": "<q", "F": "<f", "D": "<d"}
_ARRAYS = {"f": "<f4", "d": "<f8", "i": "<i4", "l": "<i8", "b": "u1", "c": "u1"}


@dataclass
class Node:
    """A named node."""

    name: str
    values: list[Any] = field(default_factory=list)
    below: list[Node] = field(default_factory=list)

    def first(self, name: str) -> Node:
        """Return the first node of this name below; an empty one where there is none."""
        return next(self.all(name), Node(name))

    def all(self, name: str) -> Iterator[Node]:
        """Yield nodes of this name below."""
        return (node for node in self.below if node.name == name)


@dataclass
class Array:
    """An array as it is stored."""

    kind: str
    count: int
    packed: bool
    data: memoryview


class Document:
    """A file's nodes, below one that has no name."""

    def __init__(self, path: Path) -> None:
        """Read the nodes; raise ValueError where they are damaged or too many."""
        self._data = memoryview(path.read_bytes())
        if bytes(self._data[:18]) != b"Kaydara FBX Binary":
            raise ValueError(
                "it is FBX as text; export it as binary FBX, or open it in Blender 4.5 or later"
                " (File > Import > FBX) and export it as glTF 2.0 (.glb)"
            )
        (version,) = struct.unpack_from("<I", self._data, 23)
        if version < 7000:
            raise ValueError(
                "it is FBX of before 2011; export it as FBX 2020, or open it in Blender 4.5 or"
                " later (File > Import > FBX) and export it as glTF 2.0 (.glb)"
            )
        # from 7.5 on, numbers of bytes have 64 bits
        self._head = struct.Struct("<QQQB" if version >= 7500 else "<IIIB")
        self._nodes = self._numbers = self._values_read = 0
        self.top = Node("", [], [*self._read(27, len(self._data), 0)])

    @staticmethod
    def count(node: Node) -> int:
        """Return how many numbers the array holds that is a node's first value."""
        stored = node.values[0] if node.values else None
        return stored.count if isinstance(stored, Array) else 0

    def numbers(self, node: Node) -> np.ndarray:
        """Unpack the array that is a node's first value; empty where it has none."""
        stored = node.values[0] if node.values else None
        if not isinstance(stored, Array):
            return np.zeros(0)
        self._numbers += stored.count
        if self._numbers > MOST_NUMBERS:
            raise ValueError(
                f"it has more than {MOST_NUMBERS:,} numbers; export only the part you want"
            )
        form = np.dtype(_ARRAYS[stored.kind])
        size = stored.count * form.itemsize
        data = stored.data
        if stored.packed:
            data = zlib.decompressobj().decompress(data, size or 1)
        if len(data) < size:
            raise ValueError("its numbers are cut off")
        return np.frombuffer(data, form, stored.count).astype(np.float64)

    def _read(self, at: int, end: int, depth: int) -> Iterator[Node]:
        """Yield the nodes from `at` on, until `end` or what ends a list."""
        while at + self._head.size <= end:
            stop, count, size, letters = self._head.unpack_from(self._data, at)
            if not stop:
                return
            self._nodes += 1
            start = at + self._head.size + letters
            if not start + size <= stop <= end:
                raise ValueError("it is cut off or damaged")
            if self._nodes > MOST_NODES or depth > MOST_DEPTH:
                raise ValueError(f"it has more than {MOST_NODES:,} parts, or parts within parts")
            self._values_read += min(count, MOST_VALUES)
            if self._values_read > MOST_VALUES_IN_ALL:
                raise ValueError(f"it has more than {MOST_VALUES_IN_ALL:,} values")
            name = bytes(self._data[start - letters : start]).decode(errors="replace")
            values = [*self._values(start, start + size, min(count, MOST_VALUES))]
            yield Node(name, values, [*self._read(start + size, stop, depth + 1)])
            at = stop

    def _values(self, at: int, end: int, count: int) -> Iterator[Any]:
        for _ in range(count):
            kind, at = chr(self._data[at]), at + 1
            if form := _SCALARS.get(kind):
                yield struct.unpack_from(form, self._data, at)[0]
                at += struct.calcsize(form)
            elif kind in ("S", "R"):
                (size,) = struct.unpack_from("<I", self._data, at)
                data = self._data[at + 4 : at + 4 + size]
                yield data if kind == "R" else bytes(data).decode(errors="replace")
                at += 4 + size
            else:
                length, packed, size = struct.unpack_from("<III", self._data, at)
                size = size if packed else length * np.dtype(_ARRAYS[kind]).itemsize
                yield Array(kind, length, bool(packed), self._data[at + 12 : at + 12 + size])
                at += 12 + size
            if at > end:
                raise ValueError("it is cut off or damaged")
