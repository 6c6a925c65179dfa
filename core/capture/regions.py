"""Rotated square regions: what a network sees of a picture, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Region:
    """A square in a picture: center and side in pixels, and the angle (rad) it is turned by."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    @classmethod
    def around(cls, center: np.ndarray, extent: np.ndarray, margin: float = 1.25) -> Region:
        """The region of a person from the middle of the hips and a point above on their circle.

        It is turned so that the person stands upright in it.
        """
        dx, dy = (float(v) for v in extent - center)
        angle = np.arctan2(dx, -dy)
        side = 2 * margin * float(np.hypot(dx, dy))
        return cls(float(center[0]), float(center[1]), side, float(angle))

    @property
    def turn(self) -> np.ndarray:
        """Rotation (2, 2) from the region's axes to the picture's, y down."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.array([[cos, -sin], [sin, cos]])

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Pixels (..., 2) of points (..., 2) in the region, where 0..1 spans its side."""
        return (points - 0.5) * self.side @ self.turn.T + [self.x, self.y]

    def crop(self, frame: np.ndarray, size: int) -> np.ndarray:
        """The region as a picture (size, size, 3) uint8, black where the frame ends."""
        import cv2

        # pixel centers are at halves: the crop's first lies half a crop pixel inside the region
        scale = self.side / size
        turn = self.turn * scale
        corner = self.to_picture(np.array([0.5 / size, 0.5 / size])) - 0.5
        back = np.concatenate([turn, corner[:, None]], axis=1)
        return cv2.warpAffine(
            frame, back, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )


def whole(frame: np.ndarray) -> Region:
    """The smallest upright square that holds all of a frame (H, W, 3)."""
    height, width = frame.shape[:2]
    return Region(width / 2, height / 2, float(max(width, height)))
