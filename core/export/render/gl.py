"""The same pictures by pyrender (pyrender2), on a GPU or on Mesa, where GL works.

A GL context belongs to the thread that made it: make, use and close a renderer in one thread.
"""

from __future__ import annotations

import os

import numpy as np

from core.body.mesh import Body
from core.export.render.scene import (
    FLOOR,
    LIGHT,
    SKY,
    SUN_AXES,
    TILE,
    Camera,
    face_spread,
    vertex_normals,
)

_TILES = 96
"""Tiles a side of the floor, which moves along under the camera in steps of two tiles."""


class GlRenderer:
    """Draw one body, pose after pose, at a fixed size and camera angle."""

    def __init__(
        self, body: Body, *, width: int = 512, height: int = 512, camera: Camera | None = None
    ) -> None:
        os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
        import pyrender

        self._pyrender = pyrender
        self._camera = camera or Camera()
        self._faces = body.faces
        self._spread = face_spread(body.faces, len(body.vertices))
        self._colors = _linear(body.colors)
        self._material = pyrender.MetallicRoughnessMaterial(
            metallicFactor=0.0, roughnessFactor=0.7, baseColorFactor=(1.0, 1.0, 1.0, 1.0)
        )
        self._scene = pyrender.Scene(bg_color=[*(SKY / 255), 1.0], ambient_light=[0.38] * 3)
        sun = pyrender.DirectionalLight(color=np.ones(3), intensity=2.6)
        self._sun = self._scene.add(sun)
        self._eye = self._scene.add(
            pyrender.PerspectiveCamera(yfov=self._camera.field, aspectRatio=width / height)
        )
        self._floor = self._scene.add(self._make_floor())
        self._renderer = pyrender.OffscreenRenderer(width, height)

    def draw(self, vertices: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Picture (height, width, 3) uint8 of vertices (V, 3), seen towards `target` (3,)."""
        pyrender = self._pyrender
        primitive = pyrender.Primitive(
            positions=vertices.astype(np.float32),
            normals=vertex_normals(vertices, self._faces, self._spread).astype(np.float32),
            indices=self._faces,
            color_0=self._colors,
            material=self._material,
        )
        body = self._scene.add(pyrender.Mesh([primitive]))
        right, up, forward = self._camera.axes
        self._scene.set_pose(self._eye, _pose(right, up, -forward, self._camera.position(target)))
        self._scene.set_pose(self._sun, _pose(*SUN_AXES, target + 4 * LIGHT))
        snapped = np.round(target / (2 * TILE)) * 2 * TILE
        self._scene.set_pose(self._floor, _pose(*np.eye(3), [snapped[0], 0, snapped[2]]))
        try:
            picture, _ = self._renderer.render(
                self._scene, flags=pyrender.RenderFlags.SHADOWS_DIRECTIONAL
            )
        finally:
            self._scene.remove_node(body)
        return np.ascontiguousarray(picture[..., :3])

    def close(self) -> None:
        """Free the GL context."""
        self._renderer.delete()

    def _make_floor(self):
        pyrender = self._pyrender
        i, j = np.meshgrid(np.arange(_TILES), np.arange(_TILES), indexing="ij")
        low = (np.stack([i, j], axis=-1).reshape(-1, 1, 2) - _TILES / 2) * TILE
        corners = low + np.array([[0, 0], [0, 1], [1, 1], [1, 0]]) * TILE  # (tiles, 4, 2)
        points = np.zeros((*corners.shape[:2], 3), np.float32)
        points[..., 0], points[..., 2] = corners[..., 0], corners[..., 1]
        odd = ((i + j) % 2).ravel()
        colors = _linear(np.stack(FLOOR)[odd].repeat(4, axis=0))
        quads = np.arange(len(points))[:, None] * 4  # first corner of each
        faces = (quads[:, None] + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3)
        primitive = pyrender.Primitive(
            positions=points.reshape(-1, 3),
            normals=np.tile(np.array([0, 1, 0], np.float32), (points.size // 3, 1)),
            indices=faces,
            color_0=colors,
            material=self._material,
        )
        return pyrender.Mesh([primitive])


def _linear(colors: np.ndarray) -> np.ndarray:
    """Colors (N, 3) sRGB 0-255 -> (N, 4) linear with alpha, as pyrender blends them."""
    linear = (colors.astype(np.float32) / 255) ** 2.2
    return np.concatenate([linear, np.ones((len(linear), 1), np.float32)], axis=1)


def _pose(right: np.ndarray, up: np.ndarray, back: np.ndarray, place: np.ndarray) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2], pose[:3, 3] = right, up, back, place
    return pose
