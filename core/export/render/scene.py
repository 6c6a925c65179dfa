"""What both renderers draw: camera, light, floor and colors, so that their pictures agree."""

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
