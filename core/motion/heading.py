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
        self._faced: np.ndarray | None = None  # (B, 1) rad, in the last pose's own heading
        # rad a pose that each turns by, rad from where it was led, poses since it goes straight
        self._held: list[tuple[float, float, int]] = []

    def push(self, features: np.ndarray, straight: np.ndarray) -> np.ndarray:
        """Return features (B, T, 263) that do not turn where `straight` (B, T) is true."""
        if self._faced is None and not straight.any():
            return features  # most motions never ask
        faces = _facings(features)
        if self._faced is None:
            self._faced, self._held = faces[:, :1], [(0.0, 0.0, 0)] * len(features)
        turns = -2 * features[..., LAYOUT.turn.start].astype(np.float64)
        seen = turns + wrap(np.diff(faces, axis=1, prepend=self._faced))
        self._faced = faces[:, -1:]
        for row, columns in enumerate(zip(seen.tolist(), straight.tolist(), strict=True)):
            mean, error, poses = self._held[row]
            for k, (turn, on) in enumerate(zip(*columns, strict=True)):
                mean += (turn - mean) / STRIDE
                poses = poses + 1 if on else 0
                change = -min(poses / SETTLED, 1) * (mean + BACK * error)
                change = min(max(change, -MOST), MOST)
                error = error + turn + change if on else 0.0
                turns[row, k] += change
            self._held[row] = mean, error, poses
        out = features.copy()
        out[..., LAYOUT.turn.start] = turns / -2
        return out


def _facings(features: np.ndarray) -> np.ndarray:
    """Return the angles (B, T) that bodies face, to the left of where features see them from."""
    joints = np.zeros((*features.shape[:2], len(JOINTS), 3))
    joints[..., 1:, :] = features[..., LAYOUT.joints].reshape(*features.shape[:2], -1, 3)
    return facing(joints)
