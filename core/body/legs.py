"""Legs that reach: two bones between a hip and an ankle, and how high a body stands on them.

`reach` says where thigh and shin point so that an ankle gets where it should be, `aim` turns legs
as a whole and leaves their knees alone. `Stature` raises a body so that `reach` bends no straight
leg.
"""

from __future__ import annotations

import numpy as np

from core.body.feet import holding
from core.body.rotations import normalize, quat_between, quat_rotate

AGAIN = 4
"""Rounds: from raised hips ankles lie in another direction, by less every time."""
SOFT = 0.004
"""Height (m) within which two soles share being the lowest."""
RISE = 0.3
"""Share of what a standing body should rise that one pose makes up for."""
MOST_RISE = 0.12
"""Largest rise (m)."""
UPRIGHT, SLANTED = 0.9, 0.6
"""Legs that point down like this, as a sine, tell how high a body stands; tell nothing."""
FOLDED = 0.12
"""A folded leg's length from hip to ankle, of that of a straight one."""


class Stature:
    """How much higher a body stands on legs of our lengths than it did on its own.

    Legs that are longer, hang elsewhere or stand on higher soles would have to bend more to reach
    the floor; instead the body rises, slowly, until legs that stand are bent as they were.
    """

    def __init__(self) -> None:
        self._rise: float | None = None

    def push(
        self, lines: np.ndarray, bends: np.ndarray, thighs: np.ndarray, shins: np.ndarray
    ) -> np.ndarray:
        """Return by how much (T,) to raise the hips of legs with `thighs` and `shins` (2,) long.

        `lines` (T, 2, 3) lead from each hip to where its ankle shall be, `bends` (T, 2) are the
        cosines of the angles at the knees that are wanted.
        """
        flat = lines[..., 0] ** 2 + lines[..., 2] ** 2
        length = np.sqrt(np.maximum(flat + lines[..., 1] ** 2, 1e-9))
        down = holding(-lines[..., 1] / length, UPRIGHT, SLANTED)
        as_bent = thighs**2 + shins**2 + 2 * thighs * shins * bends
        bent, straight = (
            lines[..., 1] + np.sqrt(np.maximum(square - flat, 0))
            for square in (as_bent, (thighs + shins) ** 2)
        )
        total = down.sum(axis=1)
        wanted = (down * bent).sum(axis=1) / np.maximum(total, 1e-6)
        wanted = np.minimum(np.maximum(wanted, -MOST_RISE), MOST_RISE)
        most = np.where(down > 0.5, straight, MOST_RISE).min(axis=1)
        rise, rises = self._rise, []
        columns = wanted.tolist(), np.minimum(total, 1).tolist(), most.tolist()
        for want, share, cap in zip(*columns, strict=True):
            rise = want * share if rise is None else rise + RISE * share * (want - rise)
            rise = min(rise, max(cap, -MOST_RISE))  # no leg that stands is out of reach
            rises.append(rise)
        self._rise = rise
        return np.array(rises)


def leg_lengths(hips: np.ndarray, knees: np.ndarray, ankles: np.ndarray) -> np.ndarray:
    """Return the lengths (...) of thigh and shin together; all are (..., 3)."""
    return np.linalg.norm(knees - hips, axis=-1) + np.linalg.norm(ankles - knees, axis=-1)


def reach(
    hips: np.ndarray,
    ankles: np.ndarray,
    knees: np.ndarray,
    ahead: np.ndarray,
    thighs: np.ndarray,
    shins: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Directions (T, 2, 3) of thighs and shins, of lengths (2,), between hips and ankles.

    The knee stays in the plane that `knees`, its place relative to the hip, gives; a leg that is
    straight there bends towards `ahead`, a direction. All are (T, 2, 3), left leg first. A target
    out of reach is approached as far as the leg goes.
    """
    line = ankles - hips
    length = np.sqrt(np.einsum("tli,tli->tl", line, line))
    line = line / np.maximum(length, 1e-8)[..., None]
    longest = thighs + shins
    length = np.clip(length, FOLDED * longest, (1 - 1e-9) * longest)
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


def aim(
    hips: np.ndarray, legs: np.ndarray, ankles: np.ndarray, soles: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Let legs on hips of another width stand where others stand, bent as they are.

    `hips` and `ankles`, where they should be, are (T, 2, 3), `legs` (T, 2, 3) lead from one to the
    other, `soles` (T, 2) are how high those are. Returns by how much the hips have to be raised
    (T,) for the lowest sole to be as high as it should, and the rotations (T, 2, 4) that then point
    each leg at its ankle.
    """
    raised, turns = hips, quat_between(legs, ankles - hips)
    for _ in range(AGAIN):
        raised = raised + to_stand(soles, ankles - raised - quat_rotate(turns, legs))
        turns = quat_between(legs, ankles - raised)
    return raised[:, 0, 1] - hips[:, 0, 1], turns


def to_stand(soles: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Up by how much (T, 1, 3) feet whose ankles are `missing` (T, 2, 3) height have to go so that
    the lowest of their soles is as high as the lowest of `soles` (T, 2)."""
    lift = _lowest(soles) - _lowest(soles - missing[..., 1])
    return lift[:, None, None] * np.array([0, 1, 0])


def _lowest(heights: np.ndarray) -> np.ndarray:
    """Minimum (T,) of heights (T, 2) that does not jump from one foot to the other."""
    least = heights.min(axis=1, keepdims=True)
    return least[:, 0] - SOFT * np.log(np.exp((least - heights) / SOFT).sum(axis=1))


def _across(v: np.ndarray, line: np.ndarray) -> np.ndarray:
    return v - np.einsum("tli,tli->tl", v, line)[..., None] * line
