"""Binary FBX 7.4, the format alone: named nodes that have typed values and nodes below them.

What a value is written as follows from its type: int is 32 bits, np.int64 is 64 (ids, times), float
is a double; arrays keep their type and are compressed.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

VERSION = 7400

_MAGIC = b"Kaydara FBX Binary  \0\x1a\0" + struct.pack("<I", VERSION)
_END_OF_LIST = bytes(13)
# readers of Autodesk's hold these three against each other, so they are those of Blender's files
FILE_ID = bytes.fromhex("28b32aebb624ccc2bfc8b02aa92bfcf1")
CREATED = "1970-01-01 10:00:00:000"
_FOOT_ID = bytes.fromhex("fabcab09d0c8d466b176fb831cf7267e")
_FOOT_MAGIC = bytes.fromhex("f85a8c6adef5d97eece90ce3758f290b")

_NUMBERS = {bool: ("C", "<?"), int: ("I", "<i"), float: ("D", "<d"), np.int64: ("L", "<q")}
_ARRAYS = {"float32": "f", "float64": "d", "int32": "i", "int64": "l"}

Value = bool | int | float | str | bytes | np.int64 | np.ndarray


@dataclass(frozen=True)
class Node:
    """A named node."""

    name: str
    values: tuple[Value, ...] = ()
    below: tuple[Node, ...] = ()


def node(name: str, *parts: Value | Node) -> Node:
    """Return a node with these values, and these nodes below it."""
    values = tuple(part for part in parts if not isinstance(part, Node))
    return Node(name, values, tuple(part for part in parts if isinstance(part, Node)))


def save(nodes: list[Node], path: Path) -> None:
    """Write a file that has these nodes at its top."""
    data = bytearray(_MAGIC)
    for top in nodes:
        data += _encoded(top, len(data))
    data += _END_OF_LIST + _FOOT_ID + bytes(4)
    data += bytes(16 - len(data) % 16)
    data += struct.pack("<I", VERSION) + bytes(120) + _FOOT_MAGIC
    path.write_bytes(data)


def _encoded(one: Node, at: int) -> bytes:
    """Bytes of a node that begins `at` so many bytes into the file: nodes tell where they end."""
    name, values = one.name.encode(), b"".join(map(_value, one.values))
    start = at + 13 + len(name) + len(values)
    below = bytearray()
    for part in one.below:
        below += _encoded(part, start + len(below))
    if one.below or not one.values:
        below += _END_OF_LIST
    head = struct.pack("<IIIB", start + len(below), len(one.values), len(values), len(name))
    return head + name + values + below


def _value(value: Value) -> bytes:
    """One value, behind the letter of its type."""
    if isinstance(value, np.ndarray):
        packed = zlib.compress(np.ascontiguousarray(value).tobytes(), 1)
        head = struct.pack("<III", value.size, 1, len(packed))
        return _ARRAYS[str(value.dtype)].encode() + head + packed
    if isinstance(value, str | bytes):
        data = value if isinstance(value, bytes) else value.encode()
        return (b"S" if isinstance(value, str) else b"R") + struct.pack("<I", len(data)) + data
    letter, form = _NUMBERS[type(value)]
    return letter.encode() + struct.pack(form, value)
