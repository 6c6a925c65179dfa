"""Straight is straight: who walks backwards, or ahead, does not turn little by little.

Every step of a sampled walk turns a body a little, and what remains of that adds up: six seconds of
going backwards led 35 degrees astray. Where words insist on a straight way, the mean of those turns
is taken out again and the body is led back to where it faced when they were said. It faces where
hips and shoulders do, which is not quite where its features are seen from.
"""

from __future__ import annotations

import math

import numpy as np

from core.body.features import LAYOUT, facing
from core.body.rotations import wrap
from core.body.skeleton import FPS, JOINTS

STRIDE, SETTLED = 8, 5
"""Poses over which sway averages out, and after which all of a turn is held."""
BACK = 1 / 5
"""Share of a heading's error that is led back, per pose."""
MOST = math.radians(90) / FPS
"""Radians a pose: nobody sees feet give way to that."""


class HeadingHold:
    """Hold the headings of many motions, chunk by chunk."""

    def __init__(self) -> None:
        self._mean: np.ndarray | None = None  # (B,) rad a pose that the motion turns by
        self._faced: np.ndarray | None = None  # (B,) rad, in the last pose's own heading
        self._error: np.ndarray | float = 0.0  # rad from where it was led
        self._poses: np.ndarray | int = 0  # since it goes straight

    def push(self, features: np.ndarray, straight: np.ndarray) -> np.ndarray:
        """Return features (B, T, 263) that do not turn where `straight` (B, T) is true."""
        if self._mean is None and not straight.any():
            return features  # most motions never ask
        out = features.copy()
        turns = -2 * features[..., LAYOUT.turn.start].astype(np.float64)
        faces = _facings(features)
        if self._mean is None or self._faced is None:
            self._mean, self._faced = np.zeros(len(features)), faces[:, 0]
        for k in range(features.shape[1]):
            on, turn = straight[:, k], turns[:, k] + wrap(faces[:, k] - self._faced)
            self._mean = self._mean + (turn - self._mean) / STRIDE
            self._poses = np.where(on, self._poses + 1, 0)
            trust = np.clip(self._poses / SETTLED, 0, 1)
            change = np.clip(-trust * (self._mean + BACK * self._error), -MOST, MOST)
            self._error = np.where(on, self._error + turn + change, 0.0)
            self._faced = faces[:, k]
            out[:, k, LAYOUT.turn.start] = -(turns[:, k] + change) / 2
        return out


def _facings(features: np.ndarray) -> np.ndarray:
    """Return the angles (B, T) that bodies face, to the left of where features see them from."""
    others = features[..., LAYOUT.joints].reshape(-1, len(JOINTS) - 1, 3)
    joints = np.pad(others.astype(np.float64), ((0, 0), (1, 0), (0, 0)))
    return facing(joints).reshape(features.shape[:2])
