"""A WAD, the file ZDoom keeps its lumps in, and the tables of colors it draws with."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

import numpy as np


def pack(lumps: Iterable[tuple[str, bytes]]) -> bytes:
    """Pack named lumps, in order, as a WAD that patches the game's own."""
    body, table, count = b"", b"", 0
    for name, data in lumps:
        table += struct.pack("<ii8s", 12 + len(body), len(data), name.encode())
        body, count = body + data, count + 1
    return struct.pack("<4sii", b"PWAD", count, 12 + len(body)) + body + table


def palette(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Collect the 256 colors of the engine: every color used, and darker shades of each."""
    used = np.unique(np.concatenate([p.reshape(-1, 3) for p in pictures]), axis=0)
    assert len(used) < 256, f"{len(used)} colors: the engine has room for 255"
    colors = [np.zeros((1, 3)), used]
    room, darker = 255 - len(used), 0.93
    while room > 0:
        colors.append(used[:room] * darker)
        room, darker = room - len(used), darker * 0.93
    return np.concatenate(colors).round().astype(np.uint8)


def color_map(colors: np.ndarray) -> np.ndarray:
    """Say which color stands for each at 34 levels of light, (34, 256) uint8."""
    table = colors.astype(np.int32)
    levels = []
    for level in range(34):
        wanted = (table * (32 - min(level, 32)) / 32).round().astype(np.int32)
        distance = ((wanted[:, None] - table[None]) ** 2).sum(-1)
        levels.append(distance.argmin(1))
    return np.stack(levels).astype(np.uint8)
