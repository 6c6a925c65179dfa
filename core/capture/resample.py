"""From any rate to 20 poses a second, and how long a motion file may last."""

from __future__ import annotations

import numpy as np

from core.body.skeleton import FPS

MOST_SECONDS = 120.0
"""Of a motion file."""
MOST_POSES = 30_000
"""Of a motion file: MOST_SECONDS at 250 a second."""
MOST_RATE = 1000.0
"""Poses a second that a motion file may say it has."""


def check_length(seconds: float, poses: int = 0) -> None:
    """Raise ValueError where a motion file lasts too long; ask before working through it."""
    if seconds > MOST_SECONDS:
        raise ValueError(
            f"it lasts {seconds:.5g} s; {MOST_SECONDS:g} s are the most, so cut out the part you"
            " want"
        )
    if poses > MOST_POSES:
        raise ValueError(
            f"it has {poses:,} poses; {MOST_POSES:,} are the most, so store fewer a second or cut"
            " out the part you want"
        )


def resample(values: np.ndarray, rate: float) -> np.ndarray:
    """Bring (T, ...) at `rate` a second to 20, by cubic splines through what is there."""
    from scipy.interpolate import CubicSpline

    if len(values) < 2 or abs(rate - FPS) < 1e-3:
        return values
    source = np.arange(len(values)) / rate
    # the small addend keeps the last one where frame times were rounded in a file
    target = np.arange(int(source[-1] * FPS + 1e-3) + 1) / FPS
    return CubicSpline(source, values)(np.minimum(target, source[-1]))
