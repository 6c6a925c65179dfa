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
Color = tuple[int, int, int]
Shades = Sequence[Color]

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

# the sky: 128 columns to a mark of the compass rose
WIDTH, HEIGHT, HORIZON = 1024, 128, 100
BANDS = ((104, 172, 244), (122, 184, 248), (142, 198, 250), (164, 210, 252), (188, 224, 254))
CLOUD, SHADE = (255, 255, 255), (222, 232, 246)
SUN, GLOW = (255, 240, 120), (255, 250, 200)
ROCK, SNOW, HILL, WOOD = (118, 122, 148), (248, 250, 252), (120, 168, 92), (46, 104, 72)
CASTLE, ROOF = (150, 140, 132), (206, 70, 50)
VOLCANO, LAVA = (92, 66, 62), (246, 110, 30)


def texels(shades: Shades, seed: int, size: int = TEXEL, height: int = SIZE) -> np.ndarray:
    """Fill (height, 64, 3) with squares of `size` units, each in one of the shades."""
    picks = np.random.default_rng(seed).integers(len(shades), size=(height // size, SIZE // size))
    return np.asarray(shades, np.uint8)[picks].repeat(size, 0).repeat(size, 1)


def rows(pattern: Sequence[str], colors: dict[str, Color], picture: np.ndarray) -> np.ndarray:
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


def framed(shades: Shades, edge: Color, seed: int) -> np.ndarray:
    """A plain block with a border one texel wide."""
    picture = texels(shades, seed, 16)
    for side in (np.s_[:6], np.s_[-6:], np.s_[:, :6], np.s_[:, -6:]):
        picture[side] = edge
    return picture


PUMPKIN = (
    "........",
    ".kk..kk.",
    ".kk..kk.",
    "...kk...",
    "........",
    ".k.kk.k.",
    ".kkkkkk.",
    "........",
)
STAR = (
    "........",
    "...ww...",
    "...ww...",
    ".wwwwww.",
    ".wwwwww.",
    "...ww...",
    "...ww...",
    "........",
)
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


class Canvas:
    """Rectangles and silhouettes on a strip whose left and right ends meet."""

    def __init__(self) -> None:
        rows = np.arange(HEIGHT)
        band = np.clip(rows * len(BANDS) // HORIZON, 0, len(BANDS) - 1)
        self.picture = np.asarray(BANDS, np.uint8)[band][:, None].repeat(WIDTH, 1)

    def box(self, x: int, top: int, width: int, height: int, color: Color) -> None:
        """Fill a rectangle, round the compass where it must."""
        columns = np.arange(x, x + width) % WIDTH
        self.picture[max(top, 0) : top + height, columns] = color

    def cloud(self, x: int, y: int, scale: int = 8) -> None:
        """Draw a square cloud, its middle at (x, y)."""
        self.box(x - 3 * scale, y, 6 * scale, scale, SHADE)
        self.box(x - 3 * scale, y - scale, 6 * scale, scale, CLOUD)
        self.box(x - scale, y - 2 * scale, 3 * scale, scale, CLOUD)

    def peak(self, x: int, height: int, width: int, rock: Color, cap: int, top: Color) -> None:
        """Draw a stepped mountain; its uppermost `cap` rows are of another color."""
        for row in range(0, height, 4):
            half = (width * (row + 4) // height // 2 + 3) // 4 * 4
            self.box(x - half, HORIZON - height + row, 2 * half, 4, top if row < cap else rock)


def sky() -> np.ndarray:
    """Draw one picture round the compass, (128, 1024, 3) uint8: each direction has a sight."""
    canvas = Canvas()
    # a low rim of hills all round, so that no direction ends in nothing
    for x in range(0, WIDTH, 16):
        rise = 8 + 4 * ((x // 16 * 7) % 3)
        canvas.box(x, HORIZON - rise, 16, HEIGHT - HORIZON + rise, HILL)
    # 0: the sun
    canvas.box(-28, 22, 56, 40, GLOW)
    canvas.box(-20, 14, 40, 56, GLOW)
    canvas.box(-20, 22, 40, 40, SUN)
    # 1: twin snow peaks
    canvas.peak(112, 68, 104, ROCK, 24, SNOW)
    canvas.peak(168, 52, 84, ROCK, 16, SNOW)
    # 2: a great bank of clouds
    for x, y, scale in ((236, 62, 10), (286, 72, 12), (268, 44, 12), (310, 52, 10)):
        canvas.cloud(x, y, scale)
    # 3: a castle with red roofs
    canvas.box(364, HORIZON - 32, 56, 36, CASTLE)
    for x in (356, 384, 412):
        canvas.box(x, HORIZON - 48 - 8 * (x == 384), 16, 52, CASTLE)
        canvas.box(x - 4, HORIZON - 56 - 8 * (x == 384), 24, 8, ROOF)
        canvas.box(x, HORIZON - 64 - 8 * (x == 384), 16, 8, ROOF)
    # 4: a tower of clouds, one above the other
    for y, scale in ((76, 10), (54, 8), (36, 6), (20, 4)):
        canvas.cloud(512, y, scale)
    # 5: a dark wood
    for i, x in enumerate(range(584, 700, 12)):
        canvas.box(x, HORIZON - 24 - 8 * (i * 5 % 3), 12, 24 + 8 * (i * 5 % 3), WOOD)
    canvas.cloud(640, 36, 6)
    # 6: a volcano with a glowing mouth and smoke
    canvas.peak(776, 56, 120, VOLCANO, 8, LAVA)
    canvas.box(772, HORIZON - 52, 8, 28, LAVA)
    canvas.box(764, 26, 20, 14, SHADE)
    canvas.box(772, 10, 32, 14, SHADE)
    # 7: three small clouds in a row
    for x, y in ((860, 44), (900, 62), (944, 40)):
        canvas.cloud(x, y, 5)
    return canvas.picture
