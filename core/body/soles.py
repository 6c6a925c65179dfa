"""How high the soles of the bundled bodies are, told on the source skeleton in its meters.

The source skeleton has an ankle and a toe joint, but no sole; what must not sink into the floor and
stands on it is the shoe of the bodies that are shown, scaled to the source skeleton.
"""

from __future__ import annotations

import numpy as np

from core.body.rotations import normalize, quat_inverse, quat_rotate
from core.body.skeleton import ANKLES, REST_JOINTS, TOES

_OUTLINE = np.array(
    [
        [-0.007, -0.054, -0.061],
        [-0.006, -0.063, -0.053],
        [-0.019, -0.065, -0.049],
        [0.002, -0.071, -0.037],
        [0.023, -0.067, -0.039],
        [-0.023, -0.069, -0.029],
        [0.030, -0.069, -0.026],
        [0.063, -0.070, 0.092],
        [0.072, -0.065, 0.138],
        [-0.004, -0.073, 0.175],
        [0.043, -0.070, 0.171],
        [0.002, -0.069, 0.191],
        [0.029, -0.067, 0.190],
        [0.030, -0.060, 0.195],
        [0.004, -0.058, 0.199],
    ]
)
"""Heel, edges, ball and tip of any of their soles at rest, from its ankle: outward, up and forward
(m)."""
TIP = float(_OUTLINE[:, 2].max())
"""How far ahead of the ankles they end (m)."""
HIGHER = -_OUTLINE[:, 1].min() - REST_JOINTS[ANKLES, 1]
"""How much higher the body's ankles stand than the source skeleton's, (2,)."""
_UP = np.array([0.0, 1, 0])
_FEET = normalize(REST_JOINTS[TOES] - REST_JOINTS[ANKLES]).astype(np.float64)


def _points() -> np.ndarray:
    """The outlines of both soles from their ankles at rest, (foot, point, 3)."""
    ahead = normalize(_FEET * [1, 0, 1])
    outward = np.stack([ahead[:, 2], 0 * ahead[:, 0], -ahead[:, 0]], axis=-1) * [[1], [-1]]
    axes = np.stack([outward, np.broadcast_to([0.0, 1, 0], (2, 3)), ahead], axis=1)
    return _OUTLINE @ axes


def _shares() -> np.ndarray:
    """What a foot's slope (the sine, the cosine) adds to the height of each point of a sole that
    does not roll, (foot, point, 2)."""
    sine, cosine = _FEET[:, 1, None], np.hypot(_FEET[:, 0], _FEET[:, 2])[:, None]
    _, up, forward = _OUTLINE.T
    return np.stack([forward * cosine + up * sine, up * cosine - forward * sine], axis=-1)


POINTS, _SHARES = _points(), _shares()
"""The former are the outlines of both soles, from the source skeleton's ankles less HIGHER."""


def flat_heights(ankles: np.ndarray, feet: np.ndarray) -> np.ndarray:
    """Return the heights (T, 2) of soles that point along `feet` (T, 2, 3) and do not roll.

    `ankles` (T, 2, 3) are positions; left foot first, here and below.
    """
    sine = feet[..., 1]
    slope = np.stack([sine, np.sqrt(np.maximum(1 - sine**2, 0))], axis=-1)
    return ankles[..., 1] + HIGHER + np.einsum("tfi,fpi->tfp", slope, _SHARES).min(axis=-1)


def heights(ankles: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Return the heights (T, 2) of the soles of feet with rotations (T, 2, 4) in the world."""
    up = quat_rotate(quat_inverse(rotations), _UP)
    return ankles[..., 1] + HIGHER + np.einsum("tfi,fpi->tfp", up, POINTS).min(axis=-1)
