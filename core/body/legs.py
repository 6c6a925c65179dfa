"""Two-bone legs: where thigh and shin must point so that an ankle gets where it should be."""

from __future__ import annotations

import numpy as np

from core.body.rotations import normalize


def reach(
    hips: np.ndarray, ankles: np.ndarray, knees: np.ndarray, ahead: np.ndarray,
    thighs: np.ndarray, shins: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Directions (T, 2, 3) of thighs and shins, of lengths (2,), between hips and ankles.

    The knee stays in the plane that `knees`, its place relative to the hip, gives; a leg that is
    straight there bends towards `ahead`, a direction. All are (T, 2, 3), left leg first. A target
    out of reach is approached as far as the leg goes.
    """
    line = ankles - hips
    length = np.sqrt(np.einsum("tli,tli->tl", line, line))
    line = line / np.maximum(length, 1e-8)[..., None]
    longest = thighs + shins
    length = np.clip(length, 0.2 * longest, (1 - 1e-6) * longest)
    along = (length**2 + thighs**2 - shins**2) / (2 * length)
    away = np.sqrt(np.maximum(thighs**2 - along**2, 0))
    side, ahead = _across(knees, line), _across(ahead, line)
    off = np.sqrt(np.einsum("tli,tli->tl", side, side))
    # 1.5 cm off the line hip-ankle a knee is sure of its side, at 0.5 cm it is noise
    sure = np.clip((off - 0.005) / 0.01, 0, 1)[..., None]
    side = normalize(sure * normalize(side) + (1 - sure) * normalize(ahead))
    thigh = along[..., None] * line + away[..., None] * side
    shin = length[..., None] * line - thigh
    return thigh / thighs[:, None], shin / shins[:, None]


def _across(v: np.ndarray, line: np.ndarray) -> np.ndarray:
    return v - np.einsum("tli,tli->tl", v, line)[..., None] * line
