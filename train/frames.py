"""Read a recorded set (train.worlds): frames, actions, episodes; memory-mapped, not copied."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.video.actions import Key


class Episode(NamedTuple):
    """Consecutive frames of one run of play."""

    start: int
    frames: int


class FrameSet:
    """One split of a recorded set.

    `actions[i]` is what was held while frame i came out of frame i - 1.
    """

    def __init__(self, folder: Path, split: str) -> None:
        """Open a folder; raise ValueError where it holds no recorded set or no such split."""
        path = folder / "meta.json"
        if not path.is_file():
            raise ValueError(
                f"{folder} is not a recorded set; make one with python -m train.worlds"
            )
        self.meta: dict[str, Any] = json.loads(path.read_text())
        self.frames = np.load(folder / "frames.npy", mmap_mode="r")
        self.actions = np.load(folder / "actions.npy")
        self.episodes = [
            Episode(e["start"], e["frames"]) for e in self.meta["episodes"] if e["split"] == split
        ]
        if not self.episodes:
            raise ValueError(f"{folder} holds no episode of the split {split!r}")
        self.index = np.concatenate([np.arange(e.start, e.start + e.frames) for e in self.episodes])

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys that the columns of `actions` stand for."""
        return tuple(Key(**key) for key in self.meta["keys"])

    def about(self) -> dict[str, Any]:
        """Return what a checkpoint should say of its data."""
        return {
            "licence": self.meta["licence"],
            "data": {self.meta["env"]: {"frames": len(self.index), "seed": self.meta["seed"]}},
        }

    def pictures(self, batch: int, *, seed: int = 0) -> Iterator[Tensor]:
        """Yield random frames (batch, H, W, 3) uint8 for ever."""
        rng = np.random.default_rng(seed)
        while True:
            chosen = np.sort(rng.choice(self.index, batch))
            yield torch.from_numpy(self.frames[chosen])
