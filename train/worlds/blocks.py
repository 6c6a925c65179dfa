"""The map of the `blocks` world as the bytes of a WAD that ZDoom reads (text map, no node builder).

A drawing of letters, one per cell of 64 units, north at the top. A sector per letter: where two
letters meet, a line; where the floor rises, the higher cell's texture on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from train.worlds.textures import png, sky, textures
from train.worlds.wad import pack

CELL = 64
MAP = (
    "#bbbbbbbb%",
    "t...p....m",
    "t.Y.p.sh.m",
    "t...pLss.m",
    "twwTp....m",
    "tww.pppU.m",
    "t.....p..m",
    "t.C.O.pM.m",
    "t....Kp..m",
    "!gggggggg*",
)
CEILING = 512
RADIUS = 16
"""How near the eye comes to a wall, in units."""
START = (5.5, 2.5)


@dataclass(frozen=True)
class Cell:
    """What a letter of the map stands for."""

    floor: str
    side: str = "STONE"
    height: int = 0
    border: bool = False
    """Closed above, so that the sky is all that one sees over it."""

    @property
    def ceiling(self) -> int:
        """Where the cell's sky begins."""
        return self.height + 8 if self.border else CEILING


CELLS = {
    ".": Cell("GRASS"),
    "p": Cell("PATH"),
    "s": Cell("SAND"),
    "w": Cell("WATER"),
    # the four sides of the world, and their corners
    "b": Cell("BRICK", "BRICK", 64, border=True),
    "m": Cell("MARBLE", "MARBLE", 64, border=True),
    "g": Cell("HEDGE", "HEDGE", 64, border=True),
    "t": Cell("TILES", "TILES", 64, border=True),
    **{corner: Cell("STONE", "STONE", 64, border=True) for corner in "#%!*"},
    # landmarks
    "Y": Cell("GOLD", "GOLD", 64),
    "C": Cell("CHESS", "CHESS", 64),
    "M": Cell("MAGENTA", "MAGENTA", 64),
    "O": Cell("PUMPKIN", "PUMPKIN", 64),
    "U": Cell("CYAN", "CYAN", 64),
    "K": Cell("CANDY", "CANDY", 32),
    "h": Cell("STONE", "STONE", 32),
    "L": Cell("LOG", "LOG", 128),
    "T": Cell("LEAF", "TREE", 128),
}


def letter(column: int, row: int) -> str:
    """Name the cell at (column, row), counted from the south-west corner of the map."""
    return MAP[len(MAP) - 1 - row][column]


def is_free(column: int, row: int) -> bool:
    """Tell whether one can stand on a cell."""
    inside = 0 <= column < len(MAP[0]) and 0 <= row < len(MAP)
    return inside and CELLS[letter(column, row)].height == 0


def free_cells() -> list[tuple[int, int]]:
    """List all cells one can stand on."""
    return [(x, y) for y in range(len(MAP)) for x in range(len(MAP[0])) if is_free(x, y)]


def text_map() -> str:
    """Write the map in UDMF."""
    letters = sorted(CELLS)
    out = ['namespace = "zdoom";']
    vertices: dict[tuple[int, int], int] = {}
    lines: list[str] = []
    sides: list[str] = []

    def vertex(x: int, y: int) -> int:
        if (x, y) not in vertices:
            vertices[x, y] = len(vertices)
            out.append(f"vertex{{x={x * CELL}.0;y={y * CELL}.0;}}")
        return vertices[x, y]

    def side(here: str, there: str | None) -> int:
        sector = letters.index(here)
        if there is None:
            sides.append(f'sidedef{{sector={sector};texturemiddle="STONE";}}')
        else:
            wall = CELLS[there].side
            sides.append(f'sidedef{{sector={sector};texturebottom="{wall}";texturetop="{wall}";}}')
        return len(sides) - 1

    def line(
        start: tuple[int, int], end: tuple[int, int], right: str | None, left: str | None
    ) -> None:
        if right is None:
            assert left is not None
            start, end, right, left = end, start, left, None
        ends = f"v1={vertex(*start)};v2={vertex(*end)};sidefront={side(right, left)};"
        if left is None:
            lines.append(f"linedef{{{ends}blocking=true;}}")
        else:
            lines.append(f"linedef{{{ends}sideback={side(left, right)};twosided=true;}}")

    width, height = len(MAP[0]), len(MAP)
    for y in range(height + 1):
        for x in range(width + 1):
            here = letter(x, y) if x < width and y < height else None
            west = letter(x - 1, y) if x > 0 and y < height else None
            south = letter(x, y - 1) if y > 0 and x < width else None
            if here != west and y < height:  # going north, the east side is on the right
                line((x, y), (x, y + 1), here, west)
            if here != south and x < width:  # going east, the south side is
                line((x, y), (x + 1, y), south, here)
    for key in letters:
        cell = CELLS[key]
        out.append(
            f"sector{{heightfloor={cell.height};heightceiling={cell.ceiling};lightlevel=255;"
            f'texturefloor="{cell.floor}";textureceiling="F_SKY1";}}'
        )
    x, y = START
    out.append(
        f"thing{{x={x * CELL};y={y * CELL};angle=90;type=1;skill1=true;skill2=true;"
        "skill3=true;skill4=true;skill5=true;single=true;dm=true;coop=true;}"
    )
    return "\n".join(out + sides + lines)


MAPINFO = 'map MAP01 "Blocks" { sky1 = "BSKY", 0 }\n'


def palette(pictures: list[np.ndarray]) -> np.ndarray:
    """Collect the 256 colors of the engine: every color used, and darker shades of each."""
    used = np.unique(np.concatenate([p.reshape(-1, 3) for p in pictures]), axis=0)
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


def wad() -> bytes:
    """Pack map, palette and pictures; the same bytes every time."""
    pictures = {**textures(), "BSKY": sky()}
    colors = palette(list(pictures.values()))
    lumps = [
        ("MAP01", b""),
        ("TEXTMAP", text_map().encode()),
        ("ENDMAP", b""),
        ("MAPINFO", MAPINFO.encode()),
        ("PLAYPAL", colors.tobytes() * 14),
        ("COLORMAP", color_map(colors).tobytes()),
        ("TX_START", b""),
        *((name, png(picture)) for name, picture in pictures.items()),
        ("TX_END", b""),
    ]
    return pack(lumps)
