"""Straight is straight: who walks backwards, or ahead, does not turn little by little.

Every step of a sampled walk turns a body a little, and what remains of that adds up: six seconds of
going backwards led 35 degrees astray. Where words insist on a straight way, the mean of those turns
is taken out again and the heading is led back to what it was; the sway of each step stays.
"""

from __future__ import annotations

import math

import numpy as np

from core.body.features import LAYOUT
from core.body.skeleton import FPS

STRIDE, SETTLED = 8, 5
"""Poses over which sway averages out, and after which somebody has found where to go."""
BACK = 1 / 8
"""Share of a heading's error that is led back, per pose."""
MOST = math.radians(60) / FPS
"""Radians a pose: nobody sees feet give way to that."""


class HeadingHold:
    """Hold the headings of many motions, chunk by chunk."""

    def __init__(self) -> None:
        self._mean: np.ndarray | None = None  # (B,) rad a pose that the motion turns by
        self._error: np.ndarray | float = 0.0  # rad from where it was led
        self._poses: np.ndarray | int = 0  # since it goes straight

    def push(self, features: np.ndarray, straight: np.ndarray) -> np.ndarray:
        """Return features (B, T, 263) that do not turn where `straight` (B, T) is true."""
        if self._mean is None and not straight.any():
            return features  # most motions never ask
        out = features.copy()
        turns = -2 * features[..., LAYOUT.turn.start].astype(np.float64)
        if self._mean is None:
            self._mean = np.zeros(len(features))
        for k in range(features.shape[1]):
            turn, on = turns[:, k], straight[:, k]
            self._mean = self._mean + (turn - self._mean) / STRIDE
            self._poses = np.where(on, self._poses + 1, 0)
            trust = np.clip(self._poses / SETTLED, 0, 1)
            change = np.clip(-trust * (self._mean + BACK * self._error), -MOST, MOST)
            self._error = np.where(trust == 1, self._error + turn + change, 0.0)
            out[:, k, LAYOUT.turn.start] = -(turn + change) / 2
        return out
