"""What both renderers draw: camera, light, floor and colors, so that their pictures agree; and what
the sun sees, one coarse picture of the body that gives all soft shadows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SKY = np.array([236, 240, 245], np.float32)
FLOOR = (np.array([203, 209, 222], np.float32), np.array([168, 175, 190], np.float32))
"""Two colors of the checker floor (sRGB)."""
TILE = 0.5
"""Edge of a floor tile in meters."""
FADE = (5.0, 16.0)
"""Distances (m) from the camera at which the floor begins to fade and has become sky."""
LIGHT = np.array([0.45, 1.0, 0.4]) / np.linalg.norm([0.45, 1.0, 0.4])
"""Direction towards the sun."""
SHADE = 0.42
"""Share of its light that a floor in full shadow loses."""
TEXEL, SIZE = 0.025, 128
"""Meters a texel and texels a side of the sun's picture; vertices lie closer than a texel."""
NEARER = 0.06
"""What is this much (m) nearer to the sun casts a shadow; less is the same patch of skin."""
FILL = 0.35
"""Share of the sun that reaches skin in its own shadow, as light from all around would."""
_RIGHT = np.cross([0.0, 0.0, 1.0], LIGHT) / np.linalg.norm(np.cross([0.0, 0.0, 1.0], LIGHT))
SUN_AXES = np.stack([_RIGHT, np.cross(LIGHT, _RIGHT), LIGHT])
"""Rows right, up and back of a camera where the sun is, (3, 3)."""
_AXES = SUN_AXES.astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A pinhole that looks at a target from a fixed direction and distance."""

    yaw: float = np.radians(30)
    """Angle (rad) around the body; 0 looks at it from the front, +Z."""
    pitch: float = np.radians(16)
    """Angle (rad) by which the camera looks down."""
    distance: float = 3.9
    """Meters from camera to target."""
    field: float = np.radians(36)
    """Vertical field of view (rad)."""

    @property
    def axes(self) -> np.ndarray:
        """Rows right, up and forward of the camera in the world, (3, 3)."""
        cos_p, sin_p = np.cos(self.pitch), np.sin(self.pitch)
        cos_y, sin_y = np.cos(self.yaw), np.sin(self.yaw)
        forward = np.array([-sin_y * cos_p, -sin_p, -cos_y * cos_p])
        right = np.array([cos_y, 0.0, -sin_y])
        return np.stack([right, np.cross(right, forward), forward])

    def position(self, target: np.ndarray) -> np.ndarray:
        """Where the camera is when it looks at `target` (3,)."""
        return target - self.distance * self.axes[2]


def follow(root: np.ndarray, fps: float, seconds: float = 0.8) -> np.ndarray:
    """Targets (T, 3) for a camera that follows a placed root (T, 3) smoothly.

    The path is smoothed over about `seconds` both ways; of the height only what leaves the band
    of an upright body is followed, so that steps and bends do not shake the picture.
    """
    from scipy.ndimage import gaussian_filter1d

    target = root.astype(np.float64).copy()
    target[:, 1] = 0.9 + np.maximum(root[:, 1] - 1.25, 0)
    return gaussian_filter1d(target, sigma=seconds * fps / 2, axis=0, mode="nearest")


def vertex_normals(vertices: np.ndarray, faces: np.ndarray, spread) -> np.ndarray:
    """Normals (V, 3); `spread` is the sparse matrix (V, F) of `face_spread`."""
    corners = vertices[faces]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    across = np.empty_like(a)
    across[:, 0] = a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1]
    across[:, 1] = a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2]
    across[:, 2] = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    normals = spread @ across
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def face_spread(faces: np.ndarray, num_vertices: int):
    """Sparse matrix (V, F) that sums over the faces around each vertex."""
    from scipy.sparse import csr_matrix

    columns = np.repeat(np.arange(len(faces)), 3)
    ones = np.ones(len(columns), np.float32)
    return csr_matrix((ones, (faces.ravel(), columns)), shape=(num_vertices, len(faces)))


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
