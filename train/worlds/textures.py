"""Every picture of the `blocks` world, drawn here: bold, low in frequency, CC0.

A texture is 64 units wide, in texels of 8 units: fine grain would only be smoothed away by a
learner. Each material keeps to a few shades of one hue; neighbors are never of like hues.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np

TEXEL = 8
SIZE = 64
Shades = Sequence[tuple[int, int, int]]

GRASS = ((88, 176, 60), (96, 184, 66), (82, 166, 56))
SAND = ((232, 212, 150), (224, 202, 138), (238, 220, 164))
WATER = ((40, 124, 226), (52, 136, 234), (34, 112, 214))
PATH = ((150, 148, 146), (162, 160, 156), (138, 136, 134))
BRICK, MORTAR = ((176, 44, 36), (190, 54, 42), (160, 36, 32)), (224, 196, 178)
MARBLE, VEIN = ((244, 244, 240), (234, 234, 232), (250, 250, 248)), (196, 198, 206)
HEDGE = ((22, 92, 34), (30, 106, 40), (16, 78, 28))
TILE, GROUT = ((26, 40, 122), (32, 50, 138), (22, 34, 106)), (104, 128, 214)
LOG = ((158, 108, 56), (140, 94, 46), (174, 122, 66))
TRUNK = ((92, 54, 32), (80, 46, 28), (104, 62, 38))
LEAF = ((74, 140, 30), (88, 156, 38), (62, 124, 26))
STONE = ((104, 106, 112), (116, 118, 124), (92, 94, 100))
YELLOW, GOLD = ((252, 218, 44), (255, 228, 70)), (196, 150, 12)
MAGENTA, PINK = ((206, 40, 184), (216, 56, 194)), (255, 170, 240)
ORANGE, RIND = ((244, 128, 20), (250, 140, 32)), (196, 88, 8)
BLACK, WHITE = (28, 28, 32), (244, 244, 240)
CYAN, TEAL = ((60, 214, 214), (80, 226, 224)), (10, 130, 140)


def texels(shades: Shades, seed: int, size: int = TEXEL, height: int = SIZE) -> np.ndarray:
    """Fill (height, 64, 3) with squares of `size` units, each in one of the shades."""
    picks = np.random.default_rng(seed).integers(len(shades), size=(height // size, SIZE // size))
    return np.asarray(shades, np.uint8)[picks].repeat(size, 0).repeat(size, 1)


def rows(
    pattern: Sequence[str], colors: dict[str, tuple[int, int, int]], picture: np.ndarray
) -> np.ndarray:
    """Paint letters of a drawing, one texel each, over a picture; a dot leaves it as it is."""
    picture = picture.copy()
    for y, line in enumerate(pattern):
        for x, letter in enumerate(line):
            if letter in colors:
                picture[y * TEXEL : (y + 1) * TEXEL, x * TEXEL : (x + 1) * TEXEL] = colors[letter]
    return picture


def brick() -> np.ndarray:
    """Four courses of two bricks, half a brick apart."""
    picture = texels(BRICK, 1, 16)
    for course in range(4):
        picture[course * 16 + 13 : course * 16 + 16] = MORTAR
        for start in (0, 32):
            x = (start + 16 * (course % 2)) % SIZE
            picture[course * 16 : course * 16 + 13, x : x + 3] = MORTAR
    return picture


def marble() -> np.ndarray:
    """White slabs with a broad gray joint and one slanting vein."""
    picture = texels(MARBLE, 2, 16)
    for step in range(8):
        picture[step * 8 : step * 8 + 8, (step * 6 + 8) % SIZE : (step * 6 + 8) % SIZE + 7] = VEIN
    picture[-4:] = VEIN
    return picture


def tiles() -> np.ndarray:
    """Dark-blue tiles of 32 units with light joints."""
    picture = texels(TILE, 3, 32)
    for start in (0, 32):
        picture[start : start + 4] = GROUT
        picture[:, start : start + 4] = GROUT
    return picture


def bark(shades: Shades, height: int) -> np.ndarray:
    """Upright stripes."""
    columns = np.asarray([shades[i] for i in (0, 1, 0, 2, 0, 1, 2, 0)], np.uint8)
    return np.broadcast_to(columns.repeat(TEXEL, 0), (height, SIZE, 3)).copy()


def tree() -> np.ndarray:
    """A trunk under a crown of leaves, 128 units tall."""
    picture = bark(TRUNK, 128)
    picture[:72] = texels(LEAF, 4, TEXEL, 72)
    for x in (0, 2, 3, 6):
        picture[72:80, x * TEXEL : (x + 1) * TEXEL] = LEAF[0]
    return picture


def framed(shades: Shades, edge: tuple[int, int, int], seed: int) -> np.ndarray:
    """A plain block with a border one texel wide."""
    picture = texels(shades, seed, 16)
    for side in (np.s_[:6], np.s_[-6:], np.s_[:, :6], np.s_[:, -6:]):
        picture[side] = edge
    return picture


PUMPKIN = (
    "........", ".kk..kk.", ".kk..kk.", "...kk...", "........", ".k.kk.k.", ".kkkkkk.", "........",
)  # fmt: skip
STAR = (
    "........", "...ww...", "...ww...", ".wwwwww.", ".wwwwww.", "...ww...", "...ww...", "........",
)  # fmt: skip
CHESS = ("kkkkwwww",) * 4 + ("wwwwkkkk",) * 4
STRIPES = ("wwrrwwrr",) * 8


def textures() -> dict[str, np.ndarray]:
    """Draw all textures by the name they have in the map, (H, 64, 3) uint8 each."""
    return {
        "GRASS": texels(GRASS, 10, 16),
        "SAND": texels(SAND, 11, 16),
        "WATER": texels(WATER, 12, 16),
        "PATH": texels(PATH, 13, 16),
        "STONE": texels(STONE, 14, 16),
        "HEDGE": texels(HEDGE, 15),
        "LEAF": texels(LEAF, 16),
        "BRICK": brick(),
        "MARBLE": marble(),
        "TILES": tiles(),
        "LOG": bark(LOG, 128),
        "TREE": tree(),
        "GOLD": framed(YELLOW, GOLD, 17),
        "MAGENTA": rows(STAR, {"w": PINK}, framed(MAGENTA, (140, 16, 124), 18)),
        "PUMPKIN": rows(PUMPKIN, {"k": (60, 24, 8)}, framed(ORANGE, RIND, 19)),
        "CHESS": rows(CHESS, {"k": BLACK, "w": WHITE}, texels(MARBLE, 20)),
        "CYAN": rows(STAR, {"w": TEAL}, framed(CYAN, TEAL, 21)),
        "CANDY": rows(STRIPES, {"w": WHITE, "r": (226, 34, 40)}, texels(MARBLE, 22)),
    }


def png(picture: np.ndarray) -> bytes:
    """Pack an (H, W, 3) picture as PNG."""
    height, width, _ = picture.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), picture.reshape(height, -1)], 1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )
