"""What the sun sees: one coarse picture of the body that gives all soft shadows."""

from __future__ import annotations

import numpy as np

from core.export.render.scene import LIGHT

TEXEL, SIZE = 0.025, 128
"""Meters a texel and texels a side of the sun's picture; vertices lie closer than a texel."""
NEARER = 0.06
"""What is this much (m) nearer to the sun casts a shadow; less is the same patch of skin."""
FILL = 0.35
"""Share of the sun that reaches skin in its own shadow, as light from all around would."""
_RIGHT = np.cross([0.0, 0.0, 1.0], LIGHT) / np.linalg.norm(np.cross([0.0, 0.0, 1.0], LIGHT))
_AXES = np.stack([_RIGHT, np.cross(LIGHT, _RIGHT), LIGHT]).astype(np.float32)


class SunView:
    """Where light is hidden by the vertices (V, 3) of a body."""

    def __init__(self, vertices: np.ndarray) -> None:
        self._seen = vertices @ _AXES.T
        low, extent = self._seen[:, :2].min(axis=0), np.ptp(self._seen[:, :2], axis=0)
        self._origin = low - (SIZE * TEXEL - extent) / 2
        self._texels = (self._seen[:, :2] - self._origin) / TEXEL
        column, row = np.clip(self._texels.astype(np.intp), 0, SIZE - 1).T
        self._nearest = np.full((SIZE, SIZE), -np.inf, np.float32)
        np.maximum.at(self._nearest, (row, column), self._seen[:, 2])

    def shadow_on_floor(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """How much of the sun is hidden, 0 to 1, from floor points at `x` and `z` of any shape."""
        from scipy.ndimage import gaussian_filter, map_coordinates

        cover = gaussian_filter(np.isfinite(self._nearest).astype(np.float32), sigma=1.0)
        columns, rows = (
            (x * axis[0] + z * axis[2] - start) / TEXEL - 0.5
            for axis, start in zip(_AXES[:2], self._origin, strict=True)
        )
        return map_coordinates(cover, [rows, columns], np.float32, order=1)

    def reaching_vertices(self) -> np.ndarray:
        """Share of the sun that reaches each vertex, (V,), softened over 3 x 3 texels."""
        lit = np.zeros(len(self._seen), np.float32)
        for shift in np.ndindex(3, 3):
            column, row = np.clip((self._texels + shift - 1).astype(np.intp), 0, SIZE - 1).T
            lit += self._nearest[row, column] < self._seen[:, 2] + NEARER
        return FILL + (1 - FILL) * lit / 9
