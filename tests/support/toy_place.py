"""A recorded set of walks in a small square, in colors that tell where one stands and looks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from train.worlds.world import BLOCKS_KEYS as KEYS

SIZE = 32, 64
SIDE = 128.0
STEP, TURN = 4.0, 9.0


def picture(place: np.ndarray) -> np.ndarray:
    """What is seen from x, y, degrees: stripes of the direction, tinted by the place."""
    height, width = SIZE
    ray = np.deg2rad(place[2] + np.linspace(45, -45, width))
    rows = np.linspace(0.4, 1.0, height)[:, None]
    channels = (
        np.broadcast_to(place[0] / SIDE, (height, width)),
        rows * (0.5 + 0.5 * np.cos(ray)),
        rows * (0.5 + 0.25 * np.sin(ray) + 0.25 * np.cos(place[1] / 16)),
    )
    return (255 * np.clip(np.stack(channels, -1), 0, 1)).astype(np.uint8)


def step(place: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Turn, and go ahead or aside as far as the square allows."""
    forward, back, left, right, turn_left, turn_right = keys.astype(float)
    degrees = (place[2] + TURN * (turn_left - turn_right)) % 360
    angle = np.deg2rad(degrees)
    ahead, aside = STEP * (forward - back), STEP * (left - right)
    way = np.array(
        [
            ahead * np.cos(angle) - aside * np.sin(angle),
            ahead * np.sin(angle) + aside * np.cos(angle),
        ]
    )
    return np.array([*np.clip(place[:2] + way, 0, SIDE - 1e-3), degrees])


def write_walks(folder: Path, lengths: tuple[int, ...] = (120, 90, 120), *, seed: int = 0) -> Path:
    """Write walks of these lengths, the second of three for validation."""
    rng = np.random.default_rng(seed)
    frames, actions, states, episodes = [], [], [], []
    for number, length in enumerate(lengths):
        split = "val" if number % 3 == 1 else "train"
        episodes.append({"start": len(frames), "frames": length, "split": split})
        place = np.array([*rng.uniform(0, SIDE, 2), rng.uniform(0, 360)])
        held = np.zeros(6, np.uint8)
        for i in range(length):
            if i:
                if rng.random() < 0.2:  # one key or none
                    held = (np.arange(6) == rng.integers(7)).astype(np.uint8)
                place = step(place, held)
            frames.append(picture(place))
            actions.append(held if i else np.zeros(6, np.uint8))
            states.append(place)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "frames.npy", np.stack(frames))
    np.save(folder / "actions.npy", np.stack(actions))
    np.save(folder / "states.npy", np.stack(states).astype(np.float32))
    meta = {
        "env": "square",
        "size": SIZE,
        "fps": 30,
        "seed": seed,
        "licence": "CC0-1.0",
        "keys": [key.model_dump(mode="json") for key in KEYS],
        "states": ["x", "y", "angle"],
        "episodes": episodes,
        "ground": {"low": [0.0, 0.0], "high": [SIDE, SIDE], "fov": 90.0, "texel": 8.0},
    }
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder
