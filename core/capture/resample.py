"""Motion of any rate at ours, 20 poses a second."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.body.rotations import quat_continuous, quat_slerp
from core.body.skeleton import FPS
from core.capture.source import Source


def at_our_rate(source: Source) -> Source:
    """Bring a source to 20 poses a second: places by cubic splines, rotations along great arcs."""
    count = len(source.positions)
    if count < 2 or abs(source.rate - FPS) < 1e-3:
        return source
    at = times(count, source.rate) * source.rate
    before = np.minimum(at.astype(int), count - 2)
    rotations = source.rotations
    if rotations is not None:
        rotations = quat_continuous(rotations)
        share = np.broadcast_to((at - before)[:, None], (len(at), rotations.shape[1]))
        rotations = quat_slerp(rotations[before], rotations[before + 1], share)
    positions = splined(source.positions, at)
    return replace(source, positions=positions, rotations=rotations, rate=float(FPS))


def resample(values: np.ndarray, rate: float) -> np.ndarray:
    """Bring (T, ...) at `rate` a second to ours, by cubic splines through what is there."""
    if len(values) < 2 or abs(rate - FPS) < 1e-3:
        return values
    return splined(values, times(len(values), rate) * rate)


def times(count: int, rate: float) -> np.ndarray:
    """Seconds of our poses within `count` poses at `rate` a second."""
    last = (count - 1) / rate
    # the small addend keeps the last one where frame times were rounded in a file
    return np.minimum(np.arange(int(last * FPS + 1e-3) + 1) / FPS, last)


def splined(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Values (T, ...) at places `at` between them, counted in poses, by cubic splines."""
    from scipy.interpolate import CubicSpline

    return CubicSpline(np.arange(len(values)), values)(at)
