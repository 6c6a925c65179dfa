"""The real engine, live: what the `blocks` world would have shown for the same keys.

Needs ViZDoom, which is imported when a Truth is made; nothing else in core.video does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from train.worlds.doom import STATES, Blocks, Place

KEYS = 6


class Truth:
    """The `blocks` world played by ViZDoom: `reset` to a state, then one `step` per frame."""

    def __init__(self, seed: int = 0) -> None:
        """Start the engine; raise ValueError where ViZDoom is not installed."""
        self.world = Blocks(seed)

    def reset(self, state: Sequence[float]) -> np.ndarray:
        """Stand where a recorded state says (x, y, angle, ...), at rest, and return the frame."""
        if len(state) < 3:
            raise ValueError(f"a state holds {', '.join(STATES)}; got {len(state)} numbers")
        self.world.reset(Place(*map(float, state[:3])))
        return self.world.frame()

    def step(self, mask: int) -> np.ndarray:
        """Hold the keys of a bit mask (W S A D L R) for a frame; return (96, 128, 3) uint8 RGB."""
        if not 0 <= mask < 1 << KEYS:
            raise ValueError(f"an action must be in 0..{(1 << KEYS) - 1}, got {mask}")
        self.world.step([mask >> i & 1 for i in range(KEYS)])
        return self.world.frame()

    def close(self) -> None:
        """Stop the engine."""
        self.world.close()
