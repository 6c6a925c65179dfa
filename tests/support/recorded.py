"""A recorded set whose frames show what was held: stripes that move by the keys."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.support.tiny import KEYS

EPISODES, LENGTH, HOLD = 24, 60, 3
HELD_OUT = (0, 4)
SIZE = (16, 32)
SHIFTS = {"W": (1, 0), "S": (-1, 0), "A": (0, -1), "D": (0, 1), "L": (0, -3), "R": (0, 3)}
"""Pixels that a key moves the picture by, down and across."""


def write_set(folder: Path, seed: int = 0) -> Path:
    """Write episodes of a colored texture that slides; two of them are held out."""
    rng = np.random.default_rng(seed)
    frames = np.zeros((EPISODES * LENGTH, *SIZE, 3), np.uint8)
    actions = np.zeros((EPISODES * LENGTH, len(KEYS)), np.uint8)
    coarse = rng.integers(0, 256, (4, 8, 3), np.uint8)
    texture = np.kron(coarse, np.ones((4, 4, 1), np.uint8))
    for start in range(0, len(frames), LENGTH):
        place = rng.integers(0, 32, 2)
        for i in range(start, start + LENGTH):
            if i > start:
                if (i - start) % HOLD == 1:
                    held = rng.permutation(len(KEYS)) < 1
                actions[i] = held
                place = place + sum(np.array(SHIFTS[KEYS[k].name]) for k in np.flatnonzero(held))
            frames[i] = np.roll(texture, tuple(place), (0, 1))
    meta = {
        "env": "sliding",
        "size": SIZE,
        "fps": 30,
        "seed": seed,
        "licence": "CC0-1.0",
        "keys": [key.model_dump() for key in KEYS],
        "states": [],
        "episodes": [
            {"start": i * LENGTH, "frames": LENGTH, "split": "val" if i in HELD_OUT else "train"}
            for i in range(EPISODES)
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "frames.npy", frames)
    np.save(folder / "actions.npy", actions)
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder
