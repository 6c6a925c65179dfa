"""A map of our own as the bytes of a WAD that ZDoom reads (text map, no node builder).

A drawing of letters, one per cell of 64 units, north at the top. A sector per letter: where two
letters meet, a line; where the floor rises, the higher cell's texture on it, or that of the walls
round the lower one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from train.worlds.textures import png
from train.worlds.wad import color_map, pack, palette

CELL = 64
RADIUS = 16
"""How near the eye comes to a wall, in units."""
OUTSIDE = "STONE"
"""What nobody sees."""


@dataclass(frozen=True)
class Cell:
    """What a letter of a map stands for."""

    floor: str
    side: str = ""
    """Seen from a lower cell; where there is none, the lower cell's own wall is."""
    height: int = 0
    ceiling: int = 512
    above: str = "F_SKY1"
    walls: str = ""
    """Round the cell: this name and N, E, S or W, the way one looks at it."""

    def wall(self, other: Cell, way: str) -> str:
        """Name the texture of another cell's side, seen from here."""
        return other.side or (self.walls and self.walls + way) or OUTSIDE


@dataclass(frozen=True)
class Map:
    """A place to walk in."""

    name: str
    drawing: tuple[str, ...]
    cells: dict[str, Cell]
    start: tuple[float, float]
    """Where the engine begins: column and row, counted from the south-west corner."""
    pictures: Callable[[], dict[str, np.ndarray]] = field(repr=False)
    """Draws the textures by name, (H, W, 3) uint8 each."""
    sky: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """How many columns and rows there are."""
        return len(self.drawing[0]), len(self.drawing)

    def letter(self, column: int, row: int) -> str | None:
        """Name a cell, None outside."""
        columns, rows = self.size
        inside = 0 <= column < columns and 0 <= row < rows
        return self.drawing[rows - 1 - row][column] if inside else None

    def is_free(self, column: int, row: int) -> bool:
        """Tell whether one can stand on a cell."""
        letter = self.letter(column, row)
        return letter is not None and self.cells[letter].height == 0

    def free_cells(self) -> list[tuple[int, int]]:
        """List all cells one can stand on."""
        columns, rows = self.size
        return [(x, y) for y in range(rows) for x in range(columns) if self.is_free(x, y)]

    def wad(self) -> bytes:
        """Pack map, palette and pictures; the same bytes every time."""
        pictures = self.pictures()
        colors = palette(list(pictures.values()))
        sky = f' sky1 = "{self.sky}", 0' if self.sky else ""
        lumps = [
            ("MAP01", b""),
            ("TEXTMAP", text_map(self).encode()),
            ("ENDMAP", b""),
            ("MAPINFO", f'map MAP01 "{self.name.title()}" {{{sky} }}\n'.encode()),
            ("PLAYPAL", colors.tobytes() * 14),
            ("COLORMAP", color_map(colors).tobytes()),
            ("TX_START", b""),
            *((name, png(picture)) for name, picture in pictures.items()),
            ("TX_END", b""),
        ]
        return pack(lumps)


def text_map(land: Map) -> str:
    """Write a map in UDMF."""
    letters = sorted(land.cells)
    out = ['namespace = "zdoom";']
    vertices: dict[tuple[int, int], int] = {}
    lines: list[str] = []
    sides: list[str] = []

    def vertex(x: int, y: int) -> int:
        if (x, y) not in vertices:
            vertices[x, y] = len(vertices)
            out.append(f"vertex{{x={x * CELL}.0;y={y * CELL}.0;}}")
        return vertices[x, y]

    def side(here: str, there: str | None, way: str) -> int:
        sector = letters.index(here)
        if there is None:
            sides.append(f'sidedef{{sector={sector};texturemiddle="{OUTSIDE}";}}')
        else:
            wall = land.cells[here].wall(land.cells[there], way)
            sides.append(f'sidedef{{sector={sector};texturebottom="{wall}";texturetop="{wall}";}}')
        return len(sides) - 1

    def line(
        start: tuple[int, int], end: tuple[int, int], right: str | None, left: str | None, ways: str
    ) -> None:
        """Join two vertices; `ways`: where one looks from the right side, and from the left."""
        if right is None:
            assert left is not None
            start, end, right, left, ways = end, start, left, None, ways[::-1]
        ends = f"v1={vertex(*start)};v2={vertex(*end)};sidefront={side(right, left, ways[0])};"
        if left is None:
            lines.append(f"linedef{{{ends}blocking=true;}}")
        else:
            back = side(left, right, ways[1])
            lines.append(f"linedef{{{ends}sideback={back};twosided=true;}}")

    width, height = land.size
    for y in range(height + 1):
        for x in range(width + 1):
            here, west, south = land.letter(x, y), land.letter(x - 1, y), land.letter(x, y - 1)
            if here != west:  # going north, the east side is on the right
                line((x, y), (x, y + 1), here, west, "WE")
            if here != south:  # going east, the south side is
                line((x, y), (x + 1, y), south, here, "NS")
    for key in letters:
        cell = land.cells[key]
        out.append(
            f"sector{{heightfloor={cell.height};heightceiling={cell.ceiling};lightlevel=255;"
            f'texturefloor="{cell.floor}";textureceiling="{cell.above}";}}'
        )
    x, y = land.start
    out.append(
        f"thing{{x={x * CELL};y={y * CELL};angle=90;type=1;skill1=true;skill2=true;"
        "skill3=true;skill4=true;skill5=true;single=true;dm=true;coop=true;}"
    )
    return "\n".join(out + sides + lines)
