"""The `rooms` world: six rooms, each of a color of its own, along a corridor of three.

A wall says by its color which room one is in and by its pattern which way one looks; pictures hang
at the ends of the house, and here and there something stands about. CC0, as all we draw.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from train.worlds.maps import OUTSIDE, Cell, Map
from train.worlds.textures import SIZE, TEXEL, Color, bark, framed, rows, texels

TALL, DOOR, LOW = 96, 72, 32
"""Heights in units: a room, a door, what one looks over."""
CREAM, LAMP = (246, 242, 228), (255, 252, 214)
WOOD = ((150, 98, 52), (134, 84, 42), (166, 112, 62))

COLORS: dict[str, tuple[Color, Color, Color]] = {
    # wall, the pattern on it, floor
    "RED": ((184, 46, 38), (240, 214, 196), (158, 108, 56)),
    "BLUE": ((40, 118, 224), (176, 218, 254), (196, 198, 206)),
    "GOLD": ((252, 218, 44), (196, 150, 12), (92, 54, 32)),
    "GREEN": ((52, 134, 46), (236, 218, 152), (232, 212, 150)),
    "RUST": ((244, 132, 24), (72, 32, 12), (112, 114, 120)),
    "PLUM": ((206, 40, 184), (255, 170, 240), (30, 44, 128)),
    "TEAL": ((60, 214, 214), (10, 130, 140), (150, 148, 146)),
    "CHALK": ((244, 244, 240), (122, 130, 148), (138, 136, 134)),
    "ROSE": ((250, 176, 176), (196, 32, 56), (176, 152, 150)),
}

PICTURES: dict[str, tuple[Color, Color]] = {
    # ground, what is painted on it
    "SUN": ((60, 140, 236), (255, 228, 70)),
    "HEART": ((250, 226, 232), (214, 30, 60)),
    "TREE": ((190, 226, 250), (26, 104, 44)),
    "HOUSE": ((252, 236, 150), (190, 50, 36)),
    "MOON": ((24, 32, 96), (250, 246, 200)),
    "FISH": ((30, 170, 190), (255, 150, 40)),
    "FACE": ((255, 214, 60), (60, 40, 20)),
    "BOLT": ((70, 40, 110), (255, 240, 80)),
    "KEY": ((220, 236, 220), (130, 70, 20)),
    "ARROW": ((244, 244, 240), (20, 110, 60)),
}
GALLERY = (
    "x..xx..x ........ ...xx... ...xx... ..xxx... ........ ........ ....xxx. ..xxxx.. ...xx...",
    ".x....x. .xx..xx. ..xxxx.. ..xxxx.. .xxx.... ..xxx..x .xx..xx. ...xxx.. .xx..xx. ..xxxx..",
    "..xxxx.. xxxxxxxx .xxxxxx. .xxxxxx. xxx....x .xxxxx.x .xx..xx. ..xxx... .xx..xx. .xxxxxx.",
    "x.xxxx.x xxxxxxxx ..xxxx.. xxxxxxxx xxx..... x.xxxxxx ........ .xxxxxx. ..xxxx.. xx.xx.xx",
    "x.xxxx.x .xxxxxx. .xxxxxx. .x.xx.x. xxx..... xxxxxxxx x......x ...xxx.. ...xx... ...xx...",
    "..xxxx.. ..xxxx.. xxxxxxxx .xxxxxx. xxxx...x .xxxxx.x xx....xx ..xxx... ...xxx.. ...xx...",
    ".x....x. ...xx... ...xx... .xx..xx. .xxxxxx. ..xxx..x .xxxxxx. .xx..... ...xx... ...xx...",
    "x..xx..x ........ ...xx... .xx..xx. ..xxxx.. ........ ........ .x...... ...xxx.. ...xx...",
)
"""What is painted, in the order of PICTURES: 8 texels by 8 each."""

DOORS = (
    ("RED", "BLUE"),
    ("BLUE", "GOLD"),
    ("RED", "TEAL"),
    ("BLUE", "CHALK"),
    ("GOLD", "ROSE"),
    ("GREEN", "TEAL"),
    ("RUST", "CHALK"),
    ("PLUM", "ROSE"),
    ("RUST", "PLUM"),
    ("GREEN", "RUST"),
)
"""What each joins; its number is its letter."""


def shades(color: Color, *factors: float) -> tuple[Color, ...]:
    """Return darker and lighter neighbors of a color."""
    made = np.clip(np.outer(factors, color), 0, 255).round().astype(int)
    return tuple(map(tuple, made.tolist()))


def wall(color: Color, mark: Color, way: str, seed: int) -> np.ndarray:
    """Draw the wall one sees looking N (a band), E (stripes), S (a dark foot) or W (squares)."""
    picture = texels(shades(color, 0.95, 1.0, 1.04), seed, 16, TALL)
    match way:
        case "N":
            picture[24:40] = mark
        case "E":
            picture[:, 8:24] = picture[:, 40:56] = mark
        case "S":
            picture[56:] = mark
            picture[56:72, :16] = picture[56:72, 32:48] = color
        case "W":
            for y in range(0, TALL, 32):
                picture[y + 8 : y + 24, 8:24] = picture[y + 8 : y + 24, 40:56] = mark
    return picture


def floor(color: Color) -> np.ndarray:
    """Lay four slabs, lighter and darker in turn."""
    light, dark = shades(color, 1.06, 0.88)
    picture = np.broadcast_to(np.asarray(light, np.uint8), (SIZE, SIZE, 3)).copy()
    picture[:32, :32] = picture[32:, 32:] = dark
    return picture


def ceiling(color: Color) -> np.ndarray:
    """Paint a ceiling in a tint of the walls, a lamp in the middle of every cell."""
    tint = np.asarray(color) * 0.3 + np.asarray(CREAM) * 0.7
    picture = np.broadcast_to(tint.round().astype(np.uint8), (SIZE, SIZE, 3)).copy()
    picture[20:44, 20:44] = LAMP
    return picture


def painting(ground: Color, ink: Color, drawing: Sequence[str]) -> np.ndarray:
    """Hang a picture from ceiling to floor, in a wooden frame."""
    picture = np.broadcast_to(np.asarray(ground, np.uint8), (TALL, SIZE, 3)).copy()
    picture[16 : 16 + SIZE] = rows(drawing, {"x": ink}, picture[:SIZE])
    picture[:TEXEL] = picture[-TEXEL:] = WOOD[1]
    return picture


def panel(upper: Color, lower: Color) -> np.ndarray:
    """Board the side of a door, two fields in it."""
    picture = bark(WOOD, TALL)
    picture[32:56, 12:52], picture[64:88, 12:52] = upper, lower
    return picture


def padded(picture: np.ndarray) -> np.ndarray:
    """Lengthen a wall to a power of two: of others, the engine shows what lies beyond the edge."""
    beyond = -len(picture) % SIZE
    return np.pad(picture, ((0, beyond), (0, 0), (0, 0)), "edge")


def textures() -> dict[str, np.ndarray]:
    """Draw all textures by the name they have in the map, (H, 64, 3) uint8 each."""
    made = {
        f"{name}{way}": wall(color, mark, way, 8 * number + i)
        for number, (name, (color, mark, _)) in enumerate(COLORS.items())
        for i, way in enumerate("NESW")
    }
    made |= {f"{name}F": floor(color) for name, (_, _, color) in COLORS.items()}
    made |= {f"{name}C": ceiling(color) for name, (color, _, _) in COLORS.items()}
    drawings = zip(*(line.split() for line in GALLERY), strict=True)
    for (name, colors), drawing in zip(PICTURES.items(), drawings, strict=True):
        made[name] = painting(*colors, drawing)
    for number, colors in enumerate(DOORS):
        upper, lower = (COLORS[name][0] for name in colors)
        made |= {f"DOOR{number}{way}": panel(upper, lower) for way in "NE"}
        made |= {f"DOOR{number}{way}": panel(lower, upper) for way in "SW"}
    made["LINTEL"] = np.broadcast_to(np.asarray(WOOD[1], np.uint8), (SIZE, SIZE, 3)).copy()
    made["SILL"] = bark(WOOD, SIZE)
    made["CHEST"] = framed(shades((250, 196, 30), 1, 0.96), (120, 70, 20), 90)
    made["BED"] = framed(shades((244, 244, 240), 1, 0.97), (200, 40, 50), 91)
    made["STOVE"] = framed(shades((70, 74, 84), 1, 0.94), (230, 90, 30), 92)
    made["PILLAR"] = bark(shades((226, 222, 210), 1.0, 0.88, 1.06), TALL)
    made[OUTSIDE] = texels(shades((104, 106, 112), 1), 93)
    return {name: padded(picture) for name, picture in made.items()}


def room(color: str) -> Cell:
    """Return a cell to stand on between walls of a color."""
    return Cell(f"{color}F", ceiling=TALL, above=f"{color}C", walls=color)


def solid(side: str = "") -> Cell:
    """Return a cell of wall, of one picture or of the color of the room it is seen from."""
    return Cell(OUTSIDE, side, TALL, TALL, OUTSIDE)


def door(number: int) -> Cell:
    """Return a doorway."""
    return Cell("SILL", "LINTEL", ceiling=DOOR, above="LINTEL", walls=f"DOOR{number}")


def thing(side: str, color: str) -> Cell:
    """Return something low that stands in a room."""
    return Cell(side, side, LOW, TALL, f"{color}C", color)


ROOMS = Map(
    name="rooms",
    drawing=(
        "##S###H##T##",
        "#rrr#nbb#yy#",
        "Orrr0bbb#yyM",
        "#xrr#bbb1yy#",
        "##2####3##4#",
        "FtttcccceeeK",
        "#5##6####7##",
        "#gg#ooo#vvv#",
        "Bgg#ooo8vvvA",
        "#gg9oio#vvv#",
        "#gg#ooo#vvs#",
        "#####W######",
    ),
    cells={
        "r": room("RED"),
        "b": room("BLUE"),
        "y": room("GOLD"),
        "g": room("GREEN"),
        "o": room("RUST"),
        "v": room("PLUM"),
        # the corridor, from west to east
        "t": room("TEAL"),
        "c": room("CHALK"),
        "e": room("ROSE"),
        **{str(number): door(number) for number in range(len(DOORS))},
        "#": solid(),
        **{letter: solid(name) for letter, name in zip("SHTOMFABKW", PICTURES, strict=True)},
        "x": thing("CHEST", "RED"),
        "n": thing("BED", "BLUE"),
        "s": thing("STOVE", "PLUM"),
        "i": solid("PILLAR"),
    },
    start=(5.5, 6.5),
    pictures=textures,
)
