"""What a world remembers, to be judged by eye: the engine's frames above, the dream's below."""

from __future__ import annotations

import numpy as np

from benchmarks.memory_rows import RETURN, TURN, Memory
from benchmarks.video_sheets import picks, strip
from core.video.actions import parse_script

SCENES: dict[str, str | int] = {
    "walk": 200,
    "turn": TURN,
    "walls": "W:120,WA:20,WD:20",
    "loop": RETURN,
}
"""Keys of a script, or so many frames of the recorder's player."""


def draw(memory: Memory, columns: int = 10) -> np.ndarray:
    """Return a picture (H, W, 3): two rows a scene, and the longest walk if it has been made."""
    player, rows = memory.players["shipped"], []
    for name, scene in SCENES.items():
        script = scene if isinstance(scene, int) else parse_script(scene, memory.live.world.keys)
        index = picks(script if isinstance(script, int) else len(script), columns)
        walk = memory.live.walk(0, script, index.tolist())
        (made,) = player.play([walk], index.tolist(), name)
        rows += [_row(name, walk.frames, index), _row("dreamt", made, index)]
    if memory.pictures:
        index = picks(len(memory.pictures["engine"]), columns)
        for row, name in (("engine", "to the end"), ("shipped", "dreamt")):
            rows.append(_row(name, memory.pictures[row][index], picks(memory.frames, columns)))
    return np.concatenate(rows)


def _row(name: str, frames: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    return strip(list(frames), [f"{name} {number}" for number in numbers], 1)
