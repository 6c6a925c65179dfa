"""The `blocks` world: a garden between four walls, blocks standing in it, the sky above."""

from __future__ import annotations

from functools import partial

from train.worlds.maps import Cell, Map
from train.worlds.textures import sky, textures

# closed above, so that the sky is all that one sees over it
border = partial(Cell, height=64, ceiling=72)

BLOCKS = Map(
    name="blocks",
    drawing=(
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
    ),
    cells={
        ".": Cell("GRASS"),
        "p": Cell("PATH"),
        "s": Cell("SAND"),
        "w": Cell("WATER"),
        # the four sides of the world, and their corners
        "b": border("BRICK", "BRICK"),
        "m": border("MARBLE", "MARBLE"),
        "g": border("HEDGE", "HEDGE"),
        "t": border("TILES", "TILES"),
        **{corner: border("STONE", "STONE") for corner in "#%!*"},
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
    },
    start=(5.5, 2.5),
    pictures=lambda: {**textures(), "BSKY": sky()},
    sky="BSKY",
)
