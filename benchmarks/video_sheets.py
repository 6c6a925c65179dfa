"""A world drawn to be judged by eye: `python -m benchmarks.video_sheets --out DIR`.

One sheet per start of the gallery, a row for every way of holding keys, and one of a walk of 600
frames. Evenly spaced frames, the start in front. With --truth each row has the real engine's frames
below it, where ViZDoom is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm

from benchmarks.reporting import Checkpoints, WhichWorld, told_errors
from core.export.films import enlarge
from core.export.render.media import caption, png
from core.settings import CHECKPOINTS
from core.video.actions import Key, parse_script
from core.video.dream import Dream
from core.video.world import Seed

SCENES = {
    "forward": "W:60",
    "turn left": "L:60",
    "turn right": "R:60",
    "into a wall": "W:120,WA:20,WD:20",
    "idle": "-:120",
    "back": "S:60",
    "strafe left": "A:60",
    "strafe right": "D:60",
    "mixed": "W:12,WL:14,A:8,WR:20,-:6,S:12,D:10,R:12,-:6",
}
WALK = "W:14,WL:24,W:10,WR:30,-:4,W:12,R:10"
WALK_FRAMES = 600
WALK_ROWS = 4


def strip(pictures: Sequence[np.ndarray], words: Sequence[str], scale: int) -> np.ndarray:
    """Return a row of captioned pictures (H, W, 3), side by side."""
    cells = [caption(enlarge(p, scale), w) for p, w in zip(pictures, words, strict=True)]
    return np.concatenate(cells, axis=1)


def picks(count: int, columns: int) -> np.ndarray:
    """Return evenly spaced numbers of frames, the first and the last of `count` among them."""
    return np.linspace(0, count - 1, columns).round().astype(int)


def played(dream: Dream, script: str, count: int | None = None) -> list[np.ndarray]:
    """Return the frames (H, W, 3) of a script, repeated until there are `count`."""
    masks = parse_script(script, dream.keys)
    keys = islice(cycle(masks), count or len(masks))
    return [dream.step(mask).frame for mask in tqdm(list(keys), leave=False, disable=None)]


def truly(
    script: str, moment: Seed, keys: Sequence[Key], size: tuple[int, int]
) -> list[np.ndarray]:
    """Return the frames (H, W, 3), of a size, that the real engine shows for a script."""
    from train.worlds.doom import Truth

    world = Truth(size)
    world.reset(moment.state.tolist())
    frames = [world.step(mask) for mask in parse_script(script, keys)]
    world.close()
    return frames


def main(
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")],
    checkpoint: WhichWorld = "video",
    checkpoints: Checkpoints = CHECKPOINTS,
    starts: Annotated[int, typer.Option(help="How many starts of the gallery.")] = 4,
    seed: int = 1,
    steps: Annotated[int | None, typer.Option(help="Default: the checkpoint's.")] = None,
    context_noise: Annotated[float | None, typer.Option(help="Default: the checkpoint's.")] = None,
    truth: Annotated[bool, typer.Option(help="Show the real engine's frames, too.")] = False,
    columns: int = 10,
    scale: int = 2,
) -> None:
    """Play a world by set keys and draw each as a row of frames."""
    from core.engine import Engine

    with told_errors():
        engine = Engine(checkpoints, "cpu")
        play = partial(
            engine.play, checkpoint, seed=seed, steps=steps, context_noise=context_noise, ahead=0
        )
        gallery = min(starts, len(engine.world(checkpoint).seeds))
        out.mkdir(parents=True, exist_ok=True)
        for start in tqdm(range(gallery), unit="sheet", disable=None):
            first, rows = engine.seed_picture(checkpoint, start), []
            for name, script in SCENES.items():
                dream = play(start=start)
                films = {name: played(dream, script)}
                if truth:
                    moment = engine.seed(checkpoint, start)
                    films["real"] = truly(script, moment, dream.keys, first.shape[:2])
                for label, film in films.items():
                    frames = [first, *film]
                    index = picks(len(frames), columns)
                    words = [f"{label}: {script}", *map(str, index[1:])]
                    rows.append(strip([frames[i] for i in index], words, scale))
            (out / f"start-{start}.png").write_bytes(png(np.concatenate(rows)))
        frames = [engine.seed_picture(checkpoint, 0), *played(play(), WALK, WALK_FRAMES)]
        index = picks(len(frames), columns * WALK_ROWS).reshape(WALK_ROWS, columns)
        rows = [strip([frames[i] for i in r], [f"walk {i}" for i in r], scale) for r in index]
        (out / "walk.png").write_bytes(png(np.concatenate(rows)))


if __name__ == "__main__":
    typer.run(main)
