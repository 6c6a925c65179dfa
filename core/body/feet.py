"""Feet that stay where they stand, and on the floor.

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
from core.body.skeleton import FPS
from core.body.soles import flat_heights

SLOW, FAST = 0.35, 0.9
"""Feet below SLOW (m/s) are held fully, above FAST not at all."""
ONSET, LIFT = 1 / 3, 1 / 2
"""Largest change of the grip from one pose to the next, when it tightens and when it loosens."""
MELT = 0.3
"""Share of the correction that a free foot loses in each pose."""
REACH = 0.08
"""Largest correction (m); a foot that drifts further than this slides."""
NEAR_FLOOR = 0.05
"""A planted sole within this height (m) of the floor is drawn to it."""
SETTLE = 0.4
"""Share of that height error which one pose takes away."""

AGAIN = 4
"""Rounds: from raised hips ankles lie in another direction, by less every time."""
LOWER = 0.03
"""A foot that is this much (m) higher than the other one counts a third of it."""
RISE = 0.3
"""Share of what a standing body should rise that one pose makes up for."""
MOST_RISE = 0.12
"""Largest rise (m)."""
UPRIGHT, SLANTED = 0.9, 0.6
"""Legs that point down like this, as a sine, tell how high a body stands; tell nothing."""
FOLDED = 0.12
"""A folded leg's length from hip to ankle, of that of a straight one."""


def holding(values: np.ndarray, fully: float, not_at_all: float) -> np.ndarray:
    """Return 1 where values are `fully` or beyond, 0 at `not_at_all`, and a line between."""
    share = (not_at_all - values) / (not_at_all - fully)
    return np.minimum(np.maximum(share, 0), 1)  # np.clip takes longer than all of this


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
        heights = flat_heights(ankles, normalize(toes - ankles))
        settles = SETTLE * contacts.max(axis=2) * (np.abs(heights) < NEAR_FLOOR)

        offsets = np.empty_like(ankles)
        for t in range(len(offsets)):
            self._grip += np.minimum(np.maximum(wanted[t] - self._grip, -LIFT), ONSET)
            offset = self._offset - self._grip[:, None] * slides[t]
            offset *= 1 - MELT * (1 - self._grip[:, None])
            offset[:, 1] -= self._grip * settles[t] * (heights[t] + offset[:, 1])
            length = np.sqrt(np.vecdot(offset, offset))[:, None]
            self._offset = offset * np.minimum(1, REACH / np.maximum(length, REACH))
            offsets[t] = self._offset
        offsets[..., 1] -= np.minimum(heights + offsets[..., 1], 0)  # no sole sinks
        return offsets


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
        down = holding(-lines[..., 1] / np.sqrt(flat + lines[..., 1] ** 2), UPRIGHT, SLANTED)
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
