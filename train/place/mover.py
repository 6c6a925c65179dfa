"""The mover of a world: read off recorded walks, judged by how far it strays from others."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core import checkpoint
from core.video.actions import to_masks
from core.video.mover import Mover
from train.frames import FrameSet

LENGTHS = (32, 128, 256)
"""Frames after which a path that is reckoned from keys alone is judged."""
STRETCHES = 480
POOR = 16.0
"""Units that a path may be off at the median after the longest."""


def steps_of(frames: FrameSet) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return places (N, 3) before all steps of a split, masks (N,) of keys, places after."""
    where, masks = frames.places().astype(np.float64), to_masks(frames.actions)
    after = np.concatenate([np.arange(e.start + 1, e.start + e.frames) for e in frames.episodes])
    return where[after - 1], masks[after], where[after]


def held_out(mover: Mover, frames: FrameSet) -> dict[str, float]:
    """Return units off, median and 90 %, after LENGTHS of frames, or as many as there are."""
    where, masks = frames.places().astype(np.float64), to_masks(frames.actions)
    longest = min(LENGTHS[-1], max(e.frames for e in frames.episodes) - 1)
    starts = np.concatenate(
        [np.arange(e.start, e.start + e.frames - longest) for e in frames.episodes]
    )
    starts = starts[:: -(-len(starts) // STRETCHES)]
    place, figures = where[starts], {"score": 0.0}
    for n in range(1, longest + 1):
        place = mover.move(place, masks[starts + n])
        if n in LENGTHS or n == longest:
            off = np.hypot(*(place - where[starts + n])[:, :2].T)
            median, worst = (float(np.quantile(off, share)) for share in (0.5, 0.9))
            figures |= {"median": median, f"median{n}": median, f"worst{n}": worst}
            figures["score"] = median + worst
    return figures


def train(walked: FrameSet, judged: FrameSet, out: Path) -> dict[str, float]:
    """Read the mover off a split; return the figures of the better one of it and of what is there.

    Raises ValueError where what is read off is poor.
    """
    mover = Mover.fit(*steps_of(walked), keys=len(walked.keys))
    figures = held_out(mover, judged)
    if (out / "config.json").is_file():
        known = held_out(checkpoint.load(out, Mover), judged)
        if known["score"] <= figures["score"]:
            return known
    if figures["median"] > POOR:
        raise ValueError(
            f"the mover is poor: its paths are {figures['median']:.0f} units off at the median, and"
            f" {POOR:.0f} is the most; {walked.folder} shows too little of its ground, or something"
            " that is no key moves its walker"
        )
    checkpoint.save(mover, out, about={**walked.about(), "figures": figures})
    return figures
