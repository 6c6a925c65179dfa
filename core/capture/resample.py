"""From any rate to 20 poses a second, and how long a motion file may last."""

from __future__ import annotations

import numpy as np

from core.body.skeleton import FPS

MOST_SECONDS = 120.0
"""Of a motion file."""


def check_length(seconds: float) -> None:
    """Raise ValueError where a motion file lasts too long; ask before working through it."""
    if seconds > MOST_SECONDS:
        raise ValueError(
            f"it lasts {seconds:.0f} s; {MOST_SECONDS:g} s are the most, so cut out the part you"
            " want"
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
