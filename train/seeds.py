"""Choose moments to start from: `python -m train.seeds --data SET`.

They come from the validation split, show much at once (no wall fills the picture) and lie far apart
from each other. A seed keeps a few frames, since one picture cannot show a movement.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from core.video.world import SEEDS, Seed, write_seeds
from train.frames import FrameSet
from train.setup import TOKENIZER, PlayData

FRAMES = 4
"""Frames a seed."""
CANDIDATES = 1500
BUSY = 0.85
"""Of the candidates, this share shows too little."""
COMPASS = ("east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east")


def detail(frame: np.ndarray) -> float:
    """Return how much there is to see: the share of pixels that differ from their neighbor."""
    steps = np.abs(np.diff(frame.astype(np.int16), axis=1)).max(-1)
    return float((steps > 24).mean())


def thumbnail(frame: np.ndarray) -> np.ndarray:
    """Return a frame as few numbers, for telling how alike two are."""
    height, width = frame.shape[:2]
    rows, columns = height // 12 * 12, width // 16 * 16
    cells = frame[:rows, :columns].reshape(12, rows // 12, 16, columns // 16, 3)
    return cells.mean((1, 3)).ravel()


def whereabouts(frames: FrameSet, chosen: np.ndarray) -> np.ndarray:
    """Return what tells moments apart: place and heading where known, else the picture."""
    if not frames.placed:
        return np.stack([thumbnail(frames.frames[i]) for i in chosen])
    x, y, angle = frames.places()[chosen].T
    turn = np.radians(angle)
    place = [(v - v.min()) / max(float(np.ptp(v)), 1e-6) for v in (x, y)]
    return np.stack([*place, 0.4 * np.cos(turn), 0.4 * np.sin(turn)], axis=1)


def spread(features: np.ndarray, count: int, first: int) -> list[int]:
    """Return `count` indices, each as far as possible from all before it, from `first` on."""
    chosen = [first]
    distance = np.full(len(features), np.inf)
    while len(chosen) < min(count, len(features)):
        distance = np.minimum(distance, ((features - features[chosen[-1]]) ** 2).sum(1))
        chosen.append(int(distance.argmax()))
    return chosen


def titles(frames: FrameSet, chosen: list[int]) -> list[str]:
    """Name moments by where they are and look to, or by number where the set does not say."""
    if not frames.placed:
        return [f"Start {i + 1}" for i in range(len(chosen))]
    x, y, angle = frames.places().T
    thirds = [np.quantile(v, (1 / 3, 2 / 3)) for v in (x, y)]
    found = []
    for i in chosen:
        across = ("west", "", "east")[int(np.searchsorted(thirds[0], x[i]))]
        up = ("south", "", "north")[int(np.searchsorted(thirds[1], y[i]))]
        place = "-".join(part for part in (up, across) if part) or "middle"
        found.append(f"In the {place}, looking {COMPASS[round(angle[i] / 45) % 8]}")
    return found


def choose(frames: FrameSet, count: int, seed: int = 0) -> list[Seed]:
    """Return seeds of a split, with their places where the set says them."""
    rng = np.random.default_rng(seed)
    ends = np.concatenate(
        [np.arange(e.start + FRAMES - 1, e.start + e.frames) for e in frames.episodes]
    )
    ends = np.sort(rng.choice(ends, min(CANDIDATES, len(ends)), replace=False))
    details = np.array([detail(frames.frames[i]) for i in ends])
    busy = details >= np.quantile(details, BUSY)
    ends, details = ends[busy], details[busy]
    apart = spread(whereabouts(frames, ends), count, int(details.argmax()))
    chosen = [int(ends[i]) for i in apart]
    named = zip(chosen, titles(frames, chosen), strict=True)
    places = frames.places() if frames.placed else np.empty((0, 3))
    rows = [(title, i, slice(i - FRAMES + 1, i + 1)) for i, title in named]
    return [
        Seed(
            title,
            frames.frames[row],
            frames.actions[row].astype(np.float32),
            frames.states[i],
            places[row],
        )
        for title, i, row in rows
    ]


def main(
    data: PlayData,
    out: Annotated[Path, typer.Option(help="The tokenizer's checkpoint folder.")] = TOKENIZER,
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 12,
) -> None:
    """Write a gallery of moments to start from beside the tokenizer."""
    write_seeds(out / SEEDS, choose(FrameSet(data, "val"), count))


if __name__ == "__main__":
    typer.run(main)
