"""From 20 poses a second to the frame rates that editors use."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.body.rotations import quat_slerp
from core.body.take import Take
from core.settings import EXPORT_RATES


def resample(take: Take, fps: float) -> Take:
    """The same take at `fps` poses a second, first pose in place; ValueError for other rates.

    Rotations go along great arcs, everything else along straight lines. Features stay those of
    20 poses a second: their velocities are per 1/20 s at any rate.
    """
    if fps not in EXPORT_RATES:
        raise ValueError(f"fps must be one of {', '.join(map(str, EXPORT_RATES))}, got {fps:g}")
    if fps == take.fps:
        return take
    last = len(take) - 1
    count = int(np.floor(last * fps / take.fps + 1e-6)) + 1
    at = np.minimum(np.arange(count) * take.fps / fps, last)
    before = np.minimum(at.astype(int), max(last - 1, 0))
    after = np.minimum(before + 1, last)
    share = (at - before).astype(np.float32)

    def line(values: np.ndarray) -> np.ndarray:
        weight = share.reshape(-1, *[1] * (values.ndim - 1))
        return values[before] * (1 - weight) + values[after] * weight

    return replace(
        take,
        root=line(take.root),
        rotations=quat_slerp(take.rotations[before], take.rotations[after], share[:, None]),
        joints=line(take.joints),
        features=line(take.features),
        prompts=tuple(
            replace(m, start=min(round(m.start * fps / take.fps), count - 1)) for m in take.prompts
        ),
        fps=fps,
    )
