"""Feet that stay where they stood while the path under the body is bent.

A bent path takes the body elsewhere than its legs walked. Instead of the body sliding over the
floor, each foot gets a shift and a turn of its own, as seen from the root: it is carried along so
that a standing foot rests in the bent world exactly as it did in its own, and in the air it swings
to where the next stance has its middle under the body. Nothing that stands is moved, so nothing
skates. Places on the floor are complex numbers, z + i x; exp(i a) turns by a to the left.
"""

from __future__ import annotations

import numpy as np

from core.body.features import LAYOUT
from core.body.feet import holding
from core.body.skeleton import ANKLES, FPS, KNEES, TOES

STILL, SWINGING = 0.6, 1.4
"""Feet below and above these speeds (m/s) are carried along wholly, and not at all. Contact flags
do not ask for it: with them feet that are just set down or lifted slide."""
HALF_STANCE = 5
"""Poses from a foot's landing to the middle of its stance."""
SWING = 0.35
"""Share of what a foot in the air lacks that one pose makes up for."""
FARTHEST, MOST_TURNED = 0.35, 0.8
"""A foot shifted (m) or turned (rad) beyond these slides along."""
_COLUMNS = [
    [LAYOUT.joints.start + 3 * (joint - 1) for joint in leg]
    for leg in zip(KNEES, ANKLES, TOES, strict=True)
]
_X = np.array(_COLUMNS)  # (foot, part); z lies two further
_SHARES = np.array([0.5, 1.0, 1.0])


class Plants:
    """The shift and turn of both feet of one body; call `push` once a pose."""

    def __init__(self) -> None:
        self._shift, self._turned = np.zeros(2, complex), np.zeros(2)
        self._before: np.ndarray | None = None

    @property
    def still(self) -> bool:
        """Whether nothing is left to put right."""
        return bool(np.abs(self._shift).max() < 1e-4 and np.abs(self._turned).max() < 1e-3)

    @property
    def lean(self) -> float:
        """How far (m) the body is from where it would be over its feet."""
        return float(abs(self._shift.mean()))

    def push(
        self, pose: np.ndarray, own: tuple[float, complex], bent: tuple[float, complex]
    ) -> None:
        """Move the legs of features `pose` (263,), in place.

        `own` and `bent` are the turn (rad) and the step (m, in the new heading) that led here, as
        the legs made it and as it is shown.
        """
        points = pose[_X + 2] + 1j * pose[_X]  # (foot, part)
        hold = self._held(points, own)
        (turn, step), (bent_turn, bent_step) = own, bent
        extra, further = bent_turn - turn, bent_step - step
        # what keeps a foot where it stood
        spun = np.exp(1j * (self._turned + turn))
        shift = np.exp(-1j * bent_turn) * (self._shift + spun * step) - bent_step
        turned = self._turned - extra
        # where the next stance has its middle under the body
        free = SWING * (1 - hold)
        shift += free * (HALF_STANCE * further - shift)
        turned += free * (HALF_STANCE * extra - turned)
        self._shift = shift * np.minimum(1, FARTHEST / np.maximum(np.abs(shift), FARTHEST))
        self._turned = np.clip(turned, -MOST_TURNED, MOST_TURNED)
        moved = self._shift[:, None] + np.exp(1j * self._turned)[:, None] * points - points
        moved *= _SHARES
        pose[_X] += moved.imag
        pose[_X + 2] += moved.real

    def _held(self, points: np.ndarray, own: tuple[float, complex]) -> np.ndarray:
        """Return how firmly each foot stands in its own world, (2,)."""
        before, self._before = self._before, points
        if before is None:
            return np.ones(2)
        turn, step = own
        slides = np.abs(points + step - np.exp(-1j * turn) * before)[:, 1:] * FPS
        return holding(slides.min(axis=1), STILL, SWINGING)
