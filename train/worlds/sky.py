"""The sky: one picture round the compass, another thing to see in every direction.

1024 columns are 360 degrees, 128 to a mark of the compass rose; the horizon lies at row 100 of 128.
"""

from __future__ import annotations

import numpy as np

WIDTH, HEIGHT, HORIZON = 1024, 128, 100
BANDS = ((104, 172, 244), (122, 184, 248), (142, 198, 250), (164, 210, 252), (188, 224, 254))
CLOUD, SHADE = (255, 255, 255), (222, 232, 246)
SUN, GLOW = (255, 240, 120), (255, 250, 200)
ROCK, SNOW, HILL, WOOD = (118, 122, 148), (248, 250, 252), (120, 168, 92), (46, 104, 72)
CASTLE, ROOF = (150, 140, 132), (206, 70, 50)
VOLCANO, LAVA = (92, 66, 62), (246, 110, 30)


class Canvas:
    """Rectangles and silhouettes on a strip whose left and right ends meet."""

    def __init__(self) -> None:
        rows = np.arange(HEIGHT)
        band = np.clip(rows * len(BANDS) // HORIZON, 0, len(BANDS) - 1)
        self.picture = np.asarray(BANDS, np.uint8)[band][:, None].repeat(WIDTH, 1)

    def box(self, x: int, top: int, width: int, height: int, color: tuple[int, int, int]) -> None:
        """Fill a rectangle, round the compass where it must."""
        columns = np.arange(x, x + width) % WIDTH
        self.picture[max(top, 0) : top + height, columns] = color

    def cloud(self, x: int, y: int, scale: int = 8) -> None:
        """Draw a square cloud, its middle at (x, y)."""
        self.box(x - 3 * scale, y, 6 * scale, scale, SHADE)
        self.box(x - 3 * scale, y - scale, 6 * scale, scale, CLOUD)
        self.box(x - scale, y - 2 * scale, 3 * scale, scale, CLOUD)

    def peak(
        self,
        x: int,
        height: int,
        width: int,
        rock: tuple[int, int, int],
        cap: int,
        top: tuple[int, int, int],
    ) -> None:
        """Draw a stepped mountain; its uppermost `cap` rows are of another color."""
        for row in range(0, height, 4):
            half = (width * (row + 4) // height // 2 + 3) // 4 * 4
            self.box(x - half, HORIZON - height + row, 2 * half, 4, top if row < cap else rock)


def sky() -> np.ndarray:
    """Draw the strip, (128, 1024, 3) uint8."""
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
