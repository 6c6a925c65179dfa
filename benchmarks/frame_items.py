"""Held-out play to measure a world on: moments to start from, and what truly came after.

A set is a folder that `train.worlds` records, or a small sample of its held-out episodes with all
frames in one lossless picture file: `python -m benchmarks.frame_items SET --out DIR --episodes 8`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer

from core.video.actions import Key
from train.frames import FrameSet
from train.worlds.recording import LENGTH, Episode, record, write_meta
from train.worlds.world import DrawnWorld

PICTURES = "frames.webp"
"""Frames of a sample, row by row in one picture, lossless."""
MOVING = 8
"""Frames after a start in which a key is held and the picture changes."""
STILL = 1.0
"""Pictures whose mean difference is below this many levels of 255 show no movement."""


class Play(NamedTuple):
    """Recorded play around some moments, one a row."""

    before: np.ndarray
    """(B, T, H, W, 3) uint8: true frames to begin with."""
    led: np.ndarray
    """(B, T, K): what led to them; -1 (unknown) for the first, as in training."""
    after: np.ndarray
    """(B, N, H, W, 3) uint8: what came next."""
    held: np.ndarray
    """(B, N, K): what was held while it did."""
    path: np.ndarray | None = None
    """(B, T, 3): where the true frames were seen from: x, y in units, degrees counter-clockwise."""
    places: np.ndarray | None = None
    """(B, N, 3): the same of what came next."""


class HeldOut:
    """The validation episodes of a set."""

    def __init__(self, folder: Path) -> None:
        """Open a set; raise ValueError where there is none."""
        if not (folder / "meta.json").is_file():
            raise ValueError(
                f"{folder} holds no recorded play; record some by python -m train.worlds blocks"
                " --frames 20000 --out DIR, and name it by --data DIR"
            )
        self.folder = folder
        self.meta = json.loads((folder / "meta.json").read_text())
        if (folder / PICTURES).is_file():
            self.actions = np.load(folder / "actions.npy")
            self.frames = read_pictures(folder / PICTURES, self.meta["size"], len(self.actions))
            self.episodes = [Episode(**e) for e in self.meta["episodes"]]
        else:
            recorded = FrameSet(folder, "val")
            self.frames, self.actions = recorded.frames, recorded.actions
            self.episodes = recorded.episodes
        self.places: np.ndarray | None = None
        """(N, 3): where frames were seen from; None where the set does not say."""
        if self.meta.get("ground") and (folder / "states.npy").is_file():
            self.places = np.load(folder / "states.npy")[:, :3].astype(float)

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys that the columns of `actions` stand for."""
        return tuple(Key(**key) for key in self.meta["keys"])

    def moves(self, first: int) -> bool:
        """Tell whether somebody moves from this frame on: keys are held, and pictures change."""
        if not self.actions[first : first + MOVING].any(1).all():
            return False
        frames = np.asarray(self.frames[first - 1 : first + MOVING], np.float32)
        return bool((np.abs(np.diff(frames, axis=0)).mean((1, 2, 3)) > STILL).all())

    def moments(
        self, rng: np.random.Generator, count: int, *, before: int, after: int, moving: bool
    ) -> list[int]:
        """Draw indices of frames with so many before and after them in their episode.

        All episodes take part equally often. Raises ValueError where none is long enough.
        """
        fitting = [e for e in self.episodes if e.frames >= before + after]
        if not fitting:
            longest = max(e.frames for e in self.episodes)
            raise ValueError(
                f"{self.folder}: a moment needs {before + after} frames around it in one episode,"
                f" and the longest has {longest}"
            )
        found: list[int] = []
        for attempt in range(100 * count):
            episode = fitting[attempt % len(fitting)]
            first = episode.start + before + int(rng.integers(episode.frames - before - after + 1))
            if not moving or self.moves(first):
                found.append(first)
            if len(found) == count:
                return found
        raise ValueError(f"{self.folder}: only {len(found)} of {count} moments of movement found")

    def play(
        self, moments: Sequence[int], *, before: int, after: int, wanted: np.ndarray | None = None
    ) -> Play:
        """Return the play around moments; of the frames after them, only those `wanted`, if any."""
        past = np.stack([np.arange(first - before, first) for first in moments])
        future = np.stack([np.arange(first, first + after) for first in moments])
        led = self.actions[past].astype(np.float32)
        led[:, 0] = -1
        shown = future if wanted is None else future[:, wanted]
        frames = [np.stack([self.frames[row] for row in index]) for index in (past, shown)]
        held = self.actions[future].astype(np.float32)
        where = (None, None) if self.places is None else (self.places[past], self.places[future])
        return Play(frames[0], led, frames[1], held, *where)

    def keys_from(self, first: int, count: int) -> np.ndarray:
        """Return what was held from a frame on (count, K); other episodes follow its own."""
        index = np.concatenate([np.arange(e.start + 1, e.start + e.frames) for e in self.episodes])
        here = int(np.searchsorted(index, first))
        return self.actions[np.take(index, here + np.arange(count), mode="wrap")].astype(np.float32)


def record_live(folder: Path, size: tuple[int, int], *, seed: int, episodes: int) -> None:
    """Record held-out play of `blocks` in an empty folder; ValueError without the game engine."""
    make = partial(DrawnWorld, "blocks", size, seed)
    meta = record(folder, make, frames=episodes * LENGTH, seed=seed, licence="CC0-1.0")
    held_out = tuple(e.model_copy(update={"split": "val"}) for e in meta.episodes)
    write_meta(folder, meta.model_copy(update={"episodes": held_out}))


def read_pictures(path: Path, size: Sequence[int], count: int) -> np.ndarray:
    """Return the frames (N, H, W, 3) uint8 of a picture file."""
    from PIL import Image

    height, width = size
    with Image.open(path) as image:
        sheet = np.asarray(image.convert("RGB"))
    rows, columns = len(sheet) // height, sheet.shape[1] // width
    cells = sheet.reshape(rows, height, columns, width, 3).swapaxes(1, 2)
    return cells.reshape(-1, height, width, 3)[:count]


def write_pictures(frames: np.ndarray, path: Path) -> None:
    """Undo `read_pictures`, losing nothing."""
    from PIL import Image

    count, height, width = frames.shape[:3]
    columns = math.ceil(math.sqrt(count * height / width))  # a square, more or less
    rows = math.ceil(count / columns)
    cells = np.zeros((rows * columns, height, width, 3), np.uint8)
    cells[:count] = frames
    sheet = cells.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    Image.fromarray(sheet.reshape(rows * height, columns * width, 3)).save(
        path, lossless=True, quality=80, method=4
    )


def main(
    data: Annotated[Path, typer.Argument(help="A recorded set.")],
    out: Annotated[Path, typer.Option(help="Folder for the sample.")],
    episodes: Annotated[int, typer.Option(help="How many held-out episodes.")] = 8,
) -> None:
    """Write some held-out episodes of a set as a small sample."""
    source = HeldOut(data)
    picks = np.linspace(0, len(source.episodes) - 1, episodes).round().astype(int)
    chosen = [source.episodes[i] for i in np.unique(picks)]
    index = np.concatenate([np.arange(e.start, e.start + e.frames) for e in chosen])
    starts = np.cumsum([0, *(e.frames for e in chosen)])
    rows = [
        {"start": int(start), "frames": e.frames, "split": "val"}
        for start, e in zip(starts[:-1], chosen, strict=True)
    ]
    out.mkdir(parents=True, exist_ok=True)
    write_pictures(source.frames[index], out / PICTURES)
    np.save(out / "actions.npy", source.actions[index])
    (out / "meta.json").write_text(json.dumps({**source.meta, "episodes": rows}) + "\n")


if __name__ == "__main__":
    typer.run(main)
