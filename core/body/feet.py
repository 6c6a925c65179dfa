"""Feet that stay where they stand, and on the floor.

A foot that its contact bits call planted is moved back by what it slid in this pose, without
looking ahead; the correction grows with the slide and melts away once the foot lifts, so nothing
ever jumps. Bits also hold for feet that still swing slowly (HumanML3D's threshold is 0.9 m/s),
therefore a grip is scaled by the foot's own speed. The state is a few numbers, so any chunking
gives the same result. No sole sinks into the floor.
"""

from __future__ import annotations

from math import hypot

import numpy as np

from core.body.rotations import normalize
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


def holding(values: np.ndarray | float, fully: float, not_at_all: float) -> np.ndarray:
    """Return 1 where values are `fully` or beyond, 0 at `not_at_all`, and a line between."""
    share = (not_at_all - values) / (not_at_all - fully)
    return np.minimum(np.maximum(share, 0), 1)  # np.clip takes longer than all of this


class FootPins:
    """Turn ankles, toes and contact bits into offsets that hold planted feet still."""

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._held = [(0.0, (0.0, 0.0, 0.0))] * 2  # of each foot: its grip and offset

    def push(self, ankles: np.ndarray, toes: np.ndarray, contacts: np.ndarray) -> np.ndarray:
        """Offsets (T, 2, 3) to add to both joints of each foot.

        `ankles` and `toes` are (T, 2, 3), left foot first; `contacts` (T, 2, 2) holds for each
        foot the bit of its ankle and of its toe.
        """
        points = np.stack([ankles, toes], axis=2)  # (T, foot, part, 3)
        before = points[:1] if self._before is None else self._before[None]
        steps = points - np.concatenate([before, points[:-1]])
        self._before = points[-1]
        speeds = np.sqrt(np.vecdot(steps, steps)) * FPS
        wanted = contacts * holding(speeds, SLOW, FAST)
        # the part that rests more firmly decides: the heel in a stance, the toe in a push-off
        firm = wanted - 1e-3 * speeds
        on_toe = firm[..., 1] > firm[..., 0]
        wanted = np.where(on_toe, wanted[..., 1], wanted[..., 0])  # (T, 2)
        slides = np.where(on_toe[..., None], steps[:, :, 1], steps[:, :, 0])  # (T, 2, 3)
        heights = flat_heights(ankles, normalize(toes - ankles))
        settles = SETTLE * contacts.max(axis=2) * (np.abs(heights) < NEAR_FLOOR)

        offsets = np.empty_like(ankles)
        for foot in range(2):
            grip, (x, y, z) = self._held[foot]
            columns = (part[:, foot].tolist() for part in (wanted, slides, settles, heights))
            for t, (want, (dx, dy, dz), settle, height) in enumerate(zip(*columns, strict=True)):
                grip += min(max(want - grip, -LIFT), ONSET)
                kept = 1 - MELT * (1 - grip)
                x, y, z = kept * (x - grip * dx), kept * (y - grip * dy), kept * (z - grip * dz)
                y -= grip * settle * (height + y)
                share = REACH / max(hypot(x, y, z), REACH)
                offsets[t, foot] = x, y, z = share * x, share * y, share * z
            self._held[foot] = grip, (x, y, z)
        offsets[..., 1] -= np.minimum(heights + offsets[..., 1], 0)  # no sole sinks
        return offsets
