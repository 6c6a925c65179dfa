"""Legs that reach and feet that stay.

A foot that its contact bits call planted is moved back by what it slid in this pose, without
looking ahead; the correction grows with the slide and melts away once the foot lifts, so nothing
ever jumps. Bits also hold for feet that still swing slowly (HumanML3D's threshold is 0.9 m/s),
therefore a grip is scaled by the foot's own speed. The state is a few numbers, so any chunking
gives the same result. A leg is two bones: `reach` says where thigh and shin must point so that an
ankle gets where it should be.
"""

from __future__ import annotations

import numpy as np

from core.body.rotations import normalize, quat_between, quat_rotate
from core.body.skeleton import FPS, REST_TOE_HEIGHT

SLOW, FAST = 0.35, 0.9
"""Feet below SLOW (m/s) are held fully, above FAST not at all."""
ONSET, LIFT = 1 / 3, 1 / 2
"""Largest change of the grip from one pose to the next, when it tightens and when it loosens."""
MELT = 0.3
"""Share of the correction that a free foot loses in each pose."""
REACH = 0.08
"""Largest correction (m); a foot that drifts further than this slides."""
NEAR_FLOOR = 0.05
"""A planted toe within this height (m) of where toes rest is drawn to the floor."""
SETTLE = 0.2
"""Share of that height error which one pose takes away."""

AGAIN = 4
"""Rounds: from raised hips ankles lie in another direction, by less every time."""
LOWER = 0.03
"""A foot that is this much (m) higher than the other one counts a third of it."""


def holding(values: np.ndarray, fully: float, not_at_all: float) -> np.ndarray:
    """Return 1 where values are `fully` or beyond, 0 at `not_at_all`, and a line between."""
    return np.clip((not_at_all - values) / (not_at_all - fully), 0, 1)


class FootPins:
    """Turn ankles, toes and contact bits into offsets that hold planted feet still."""

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._grip = np.zeros(2)
        self._offset = np.zeros((2, 3))

    def push(self, ankles: np.ndarray, toes: np.ndarray, contacts: np.ndarray) -> np.ndarray:
        """Offsets (T, 2, 3) to add to both joints of each foot.

        `ankles` and `toes` are (T, 2, 3), left foot first; `contacts` (T, 2, 2) holds for each
        foot the bit of its ankle and of its toe.
        """
        points = np.stack([ankles, toes], axis=2)  # (T, foot, part, 3)
        before = points[:1] if self._before is None else self._before[None]
        steps = points - np.concatenate([before, points[:-1]])
        self._before = points[-1]
        speeds = np.sqrt(np.einsum("tfpi,tfpi->tfp", steps, steps)) * FPS
        wanted = contacts * holding(speeds, SLOW, FAST)
        # the part that rests more firmly decides: the heel in a stance, the toe in a push-off
        firm = np.argmax(wanted - 1e-3 * speeds, axis=2)[..., None]
        wanted = np.take_along_axis(wanted, firm, axis=2)[..., 0]  # (T, 2)
        slides = np.take_along_axis(steps, firm[..., None], axis=2)[:, :, 0]  # (T, 2, 3)
        heights = toes[..., 1] - REST_TOE_HEIGHT
        settles = SETTLE * contacts[..., 1] * (np.abs(heights) < NEAR_FLOOR)

        offsets = np.empty_like(ankles)
        for t in range(len(offsets)):
            self._grip += np.clip(wanted[t] - self._grip, -LIFT, ONSET)
            offset = self._offset - self._grip[:, None] * slides[t]
            offset *= 1 - MELT * (1 - self._grip[:, None])
            offset[:, 1] -= self._grip * settles[t] * (heights[t] + offset[:, 1])
            length = np.sqrt((offset * offset).sum(axis=1, keepdims=True))
            self._offset = offset * np.minimum(1, REACH / np.maximum(length, REACH))
            offsets[t] = self._offset
        sunk = -np.minimum(toes[..., 1] + offsets[..., 1], 0)  # no toe goes below the floor
        offsets[..., 1] += sunk
        return offsets


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
    length = np.clip(length, 0.2 * longest, (1 - 1e-9) * longest)
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


def aim(hips: np.ndarray, legs: np.ndarray, ankles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Let legs on hips of another width stand where others stand, bent as they are.

    `hips` and `ankles`, where they should be, are (T, 2, 3), `legs` (T, 2, 3) lead from one to the
    other. Returns by how much the hips have to be raised (T,) for the lower ankle to be as high as
    it should, and the rotations (T, 2, 4) that then point each leg at its ankle.
    """
    raised, turns = hips, quat_between(legs, ankles - hips)
    for _ in range(AGAIN):
        raised = raised + of_lower(ankles, ankles - raised - quat_rotate(turns, legs))
        turns = quat_between(legs, ankles - raised)
    return raised[:, 0, 1] - hips[:, 0, 1], turns


def of_lower(ankles: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Up by how much (T, 1, 3) the lower of two ankles (T, 2, 3) is `missing` (T, 2, 3) height."""
    weights = np.exp((ankles[..., 1].min(axis=1, keepdims=True) - ankles[..., 1]) / LOWER)
    weights /= weights.sum(axis=1, keepdims=True)
    return (weights * missing[..., 1]).sum(axis=1)[:, None, None] * np.array([0, 1, 0])


def _across(v: np.ndarray, line: np.ndarray) -> np.ndarray:
    return v - np.einsum("tli,tli->tl", v, line)[..., None] * line
