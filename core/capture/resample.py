"""Motion of any rate at ours, 20 poses a second."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.body.rotations import quat_continuous, quat_slerp
from core.body.skeleton import FPS
from core.capture.source import Source


def at_our_rate(source: Source) -> Source:
    """Bring a source to 20 poses a second: places by cubic curves, rotations by great arcs."""
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
    """Bring (T, ...) at `rate` a second to ours, by cubic splines through all that is there."""
    from scipy.interpolate import CubicSpline  # takes longer to load than a motion file to read

    if len(values) < 2 or abs(rate - FPS) < 1e-3:
        return values
    at = times(len(values), rate) * rate
    return CubicSpline(np.arange(len(values)), values)(at)


def times(count: int, rate: float) -> np.ndarray:
    """Seconds of our poses within `count` poses at `rate` a second."""
    last = (count - 1) / rate
    # the small addend keeps the last one where frame times were rounded in a file
    return np.minimum(np.arange(int(last * FPS + 1e-3) + 1) / FPS, last)


def splined(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Values (T, ...) at places `at` between them, counted in poses (Catmull and Rom 1974)."""
    before = np.minimum(at.astype(int), len(values) - 2)
    ends = 2 * values[[0, -1]] - values[[1, -2]]  # go on as they go there
    longer = np.concatenate([ends[:1], values, ends[1:]])
    a, b, c, d = (longer[before + i] for i in range(4))
    share = (at - before).reshape(-1, *[1] * (values.ndim - 1))
    rise = (2 * a - 5 * b + 4 * c - d) + share * (3 * (b - c) + d - a)
    return b + share / 2 * (c - a + share * rise)
