"""A WAD, the file ZDoom keeps its lumps in."""

from __future__ import annotations

import struct
from collections.abc import Iterable


def pack(lumps: Iterable[tuple[str, bytes]]) -> bytes:
    """Pack named lumps, in order, as a WAD that patches the game's own."""
    body, table, count = b"", b"", 0
    for name, data in lumps:
        table += struct.pack("<ii8s", 12 + len(body), len(data), name.encode())
        body, count = body + data, count + 1
    return struct.pack("<4sii", b"PWAD", count, 12 + len(body)) + body + table
