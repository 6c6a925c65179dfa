"""A stand-in for the game engine: it walks as the tiny mover does, and paints where it is."""

from __future__ import annotations

import numpy as np

from core.video.actions import to_masks
from tests.support.tiny import KEYS, tiny_mover
from train.worlds.doom import Place


class Painted:
    """A world of the recorder's, and its engine at once."""

    name, keys, states, fov, fps, ended = "painted", KEYS, ("x", "y", "angle"), 90.0, 30, False

    def __init__(self, land: str, size: tuple[int, int], seed: int) -> None:
        self.size, self.mover, self.engine = size, tiny_mover(), self

    def reset(self, where: np.random.Generator | Place) -> np.ndarray:
        """Begin at random, as worlds do, or at a place, as engines do."""
        if isinstance(where, Place):
            self.place = np.array([[where.x, where.y, where.angle]])
            return self.frame()
        self.random = where
        corner = where.choice([8.0, 40.0], 2) + where.uniform(0, 16, 2) * [1, 0]
        self.place = np.array([[*corner, where.uniform(0, 360)]])
        return self.frame()

    def choose(self) -> tuple[int, ...]:
        return tuple(int(key) for key in self.random.random(len(KEYS)) < 0.3)

    def step(self, keys: tuple[int, ...]) -> np.ndarray:
        self.place = self.mover.move(self.place, to_masks(np.array([keys])))
        return self.frame()

    def state(self) -> np.ndarray:
        return self.place[0].astype(np.float32)

    def frame(self) -> np.ndarray:
        x, y, degrees = self.place[0]
        rows, columns = np.mgrid[: self.size[0], : self.size[1]]
        shades = np.stack([rows * 8 + x, columns * 4 + y, rows + columns + degrees % 360], axis=-1)
        return (shades % 256).astype(np.uint8)

    def close(self) -> None:
        pass
