"""A light filter over three poses, said openly in every export.

Each latent is decoded to four poses that agree with each other better than with their neighbors;
the small step between latents shows as a tremor. Averaging over 1/4, 1/2, 1/4 takes it away for
one pose (50 ms) of delay; a swing of 1 Hz loses 2 % of its size.
"""

from __future__ import annotations

import numpy as np

from core.body.features import LAYOUT
from core.motion.anchor import FootAnchor

DESCRIPTION = "binomial filter over 3 poses (0.15 s)"
DELAY = 2
"""Poses that `FeatureFilter` holds back until the next ones are known."""
COLUMNS = slice(0, LAYOUT.joints.stop)
"""The root and the joints' positions, which are all that poses are made from."""


class Smoother:
    """Filter features (B, T, 263) chunk by chunk; what comes out lags one pose behind."""

    def __init__(self) -> None:
        self._tail: np.ndarray | None = None  # the last two poses, (B, 2, 263)

    def push(self, features: np.ndarray, *, last: bool = False) -> np.ndarray:
        """Return the poses that can be told by now; with `last`, all that are left."""
        before = features[:, :1] if self._tail is None else self._tail
        x = np.concatenate([before, features], axis=1)
        if last:
            x = np.concatenate([x, x[:, -1:]], axis=1)
        out = x[:, 1:-1].copy()
        part = x[:, :, COLUMNS]
        out[:, :, COLUMNS] = (part[:, :-2] + 2 * part[:, 1:-1] + part[:, 2:]) / 4
        self._tail = x[:, -2:]
        return out


class FeatureFilter:
    """All that happens to decoded features: the filter and, if wanted, feet that hold the body."""

    def __init__(self, foot_contacts: bool = True) -> None:
        self._smoother, self._anchor = Smoother(), FootAnchor()
        self._foot_contacts = foot_contacts

    def push(self, features: np.ndarray, *, last: bool = False) -> np.ndarray:
        """Return the poses that can be told by now; with `last`, all that are left."""
        smooth = self._smoother.push(features, last=last)
        return self._anchor.push(smooth, last=last) if self._foot_contacts else smooth
