"""The game engine played live: moments that no weights have seen, and what truly comes after them.

A seed and a number settle a moment and everything after it, so that a walk can be taken again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from core.video.actions import to_bits
from core.video.world import Seed
from train.worlds.doom import Place
from train.worlds.policy import Keys
from train.worlds.world import DrawnWorld

BEFORE = 8
"""Frames of a moment; no shipped world looks back on more."""
WARM = 20
"""Frames that are played before a moment, by the recorder's player."""
SEEN = (0, 1, 7)
"""Seeds that weights were trained on."""


class Walk(NamedTuple):
    """What the engine did."""

    held: np.ndarray
    """(N, K): what was held while each frame came into being."""
    path: np.ndarray
    """(N, 3): where it was seen from: x, y in units, degrees counter-clockwise."""
    frames: np.ndarray
    """(n, H, W, 3) uint8: those that were wanted."""


class Live:
    """The engine on a map of our own, at moments drawn by a seed."""

    def __init__(self, land: str, size: tuple[int, int], seed: int) -> None:
        """Start the engine; raise ValueError where it is missing, or for a seed already seen."""
        if seed in SEEN:
            raise ValueError(f"weights have seen the seeds {', '.join(map(str, SEEN))}: not {seed}")
        self.world, self.seed = DrawnWorld(land, size, seed), seed

    def start(self, number: int) -> Seed:
        """Play up to a moment; return it with the true path of its frames."""
        world = self.world
        frame, keys = world.reset(np.random.default_rng([self.seed, number])), self._nothing
        rows = [(frame, keys, self._place())]
        for _ in range(WARM):
            keys = world.choose()
            rows.append((world.step(keys), keys, self._place()))
        frames, held, path = (np.array(x) for x in zip(*rows[-BEFORE:], strict=True))
        held = held.astype(np.float32)
        held[0] = -1  # unknown, as in training
        return Seed(f"start {number}", frames, held, world.state(), path)

    def walk(self, number: int, script: Sequence[int] | int, wanted: Sequence[int]) -> Walk:
        """Go on from a moment under masks, or for so many frames as the recorder's player does.

        `wanted` are the numbers of the frames to keep in rising order, 0 for the first one.
        """
        self.start(number)
        known, kept = self.world.keys, set(wanted)
        held: list[Keys] = []
        path, frames = [], []
        for n in range(script if isinstance(script, int) else len(script)):
            keys = self.world.choose() if isinstance(script, int) else to_bits(script[n], known)
            frame = self.world.step(tuple(keys))
            held.append(tuple(keys))
            path.append(self._place())
            if n in kept:
                frames.append(frame)
        return Walk(np.array(held, np.float32), np.array(path), np.stack(frames))

    def picture(self, place: np.ndarray) -> np.ndarray:
        """Return what is seen from a place (3,), (H, W, 3) uint8."""
        self.world.engine.reset(Place(*place.tolist()))
        return self.world.engine.frame()

    def close(self) -> None:
        """Stop the engine."""
        self.world.close()

    @property
    def _nothing(self) -> Keys:
        return (0,) * len(self.world.keys)

    def _place(self) -> np.ndarray:
        return self.world.state().astype(float)
