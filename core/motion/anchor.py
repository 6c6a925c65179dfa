"""Planted feet hold the body: where contact flags say that a foot stands, the root's step is
corrected until the foot does. Poses stay as they were; `feet.FootPins` takes what is left over.
"""

from __future__ import annotations

import numpy as np

from core.body import rotations as rot
from core.body.features import FEET, LAYOUT

_COLUMNS = [LAYOUT.joints.start + 3 * (joint - 1) + axis for joint in FEET for axis in range(3)]
SURE, UNSURE = 0.8, 0.2
"""Contact flags above and below which a foot holds the body fully and not at all."""
LOW, HIGH = 0.05, 0.10
"""Heights (m) below and above which it does so."""


class FootAnchor:
    """Correct the root's steps of features (B, T, 263) chunk by chunk; lags one pose behind."""

    def __init__(self) -> None:
        self._tail: np.ndarray | None = None  # the last pose, (B, 1, 263)

    def push(self, features: np.ndarray, *, last: bool = False) -> np.ndarray:
        """Return the poses whose next pose is known; with `last`, all that are left."""
        x = features if self._tail is None else np.concatenate([self._tail, features], axis=1)
        self._tail = x[:, -1:]
        out = x if last else x[:, :-1]
        if x.shape[1] < 2:
            return out
        out = out.copy()
        out[:, : x.shape[1] - 1, LAYOUT.velocity] += _correction(x[:, :-1], x[:, 1:])
        return out


def _correction(now: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return what to add to each root step, (B, T, 2), so that standing feet do not move."""
    half = now[..., LAYOUT.turn]
    zero = np.zeros_like(half)
    to_next = np.concatenate([np.cos(half), zero, np.sin(half), zero], axis=-1)[..., None, :]
    before, then = (f[..., _COLUMNS].reshape(*f.shape[:2], len(FEET), 3) for f in (now, after))
    slide = then - rot.quat_rotate(to_next, before)
    slide = (
        slide[..., [0, 2]] + now[..., None, LAYOUT.velocity]
    )  # (B, T, 4, 2), next pose's heading
    flags = np.minimum(now[..., LAYOUT.contacts], after[..., LAYOUT.contacts])
    trust = np.clip((flags - UNSURE) / (SURE - UNSURE), 0, 1)
    trust = trust * np.clip((HIGH - before[..., 1]) / (HIGH - LOW), 0, 1)
    mean = (trust[..., None] * slide).sum(-2) / np.maximum(trust.sum(-1), 1e-6)[..., None]
    return -mean * trust.max(-1, keepdims=True)
