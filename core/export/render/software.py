"""A rasterizer in NumPy: draws the body on its floor where there is no GL at all.

Vertices are lit, then triangles are rasterized in painters' order with one test of all candidate
pixels at once, so that a pixel only blends three colors. The floor is a formula of each pixel's
ray, hence the camera may move for free. Shadows come from one coarse picture of the body as the
sun sees it (`SunView`).
"""

from __future__ import annotations

import numpy as np

from core.body.mesh import Body
from core.export.render.scene import (
    FADE,
    FLOOR,
    LIGHT,
    SHADE,
    SKY,
    TEXEL,
    TILE,
    Camera,
    SunView,
    face_spread,
    vertex_normals,
)


class SoftwareRenderer:
    """Draw one body, pose after pose, at a fixed size and camera angle.

    `supersample` is the number of samples along each axis of a pixel where the body is.
    """

    def __init__(
        self,
        body: Body,
        *,
        width: int = 512,
        height: int = 512,
        camera: Camera | None = None,
        supersample: int = 2,
    ) -> None:
        self.width, self.height = width, height
        self._camera = camera or Camera()
        self._axes = self._camera.axes.astype(np.float32)
        self._supersample = supersample
        self._focal = height / 2 / np.tan(self._camera.field / 2)
        self._faces = body.faces
        self._spread = face_spread(body.faces, len(body.vertices))
        self._albedo = (body.colors.astype(np.float32) / 255) ** 2.2
        self._rays_to_floor()

    def draw(self, vertices: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Picture (height, width, 3) uint8 of vertices (V, 3), seen towards `target` (3,)."""
        vertices = vertices.astype(np.float32)
        position = self._camera.position(target)
        sun = SunView(vertices)
        picture = self._floor(position, vertices, sun)
        colors = self._light(vertices, position, sun)
        self._body(picture, vertices, position, colors)
        return picture.astype(np.uint8)

    def close(self) -> None:
        """Nothing to free; here so that renderers can be exchanged."""

    def _rays_to_floor(self) -> None:
        """Keep, for a camera 1 m above the floor, where each pixel below the horizon hits it."""
        x = (np.arange(self.width) + 0.5 - self.width / 2) / self._focal
        y = (self.height / 2 - np.arange(self.height) - 0.5) / self._focal
        right, up, forward = self._axes
        rows = y[:, None] * up[1] + forward[1]  # `right` is level: a row of pixels dips alike
        self._first = int(np.argmax(rows[:, 0] < -1e-3)) if (rows < -1e-3).any() else self.height
        dip = -rows[self._first :]
        rays = x[:, None] * right + (y[self._first :, None] * up + forward)[:, None]
        self._x = (rays[..., 0] / dip).astype(np.float32)  # (rows, width)
        self._z = (rays[..., 2] / dip).astype(np.float32)
        self._slant = np.hypot(self._x, self._z)
        # a pixel's footprint on the floor grows along the line of sight with 1 / dip squared
        self._sharp = (TILE * self._focal * dip**2).astype(np.float32)

    def _floor(self, position: np.ndarray, vertices: np.ndarray, sun: SunView) -> np.ndarray:
        """Sky and checker floor with the body's shadow, (height, width, 3) float32."""
        picture = np.empty((self.height, self.width, 3), np.float32)
        picture[:] = SKY
        height = np.float32(position[1])
        if height <= 0.05 or self._first == self.height:
            return picture
        x = self._x * height + np.float32(position[0])
        z = self._z * height + np.float32(position[2])
        odd = 2 * _wave(x, self._sharp / height) * _wave(z, self._sharp / height)
        near = self._slant * height
        near = 1 - np.clip((near - FADE[0]) / (FADE[1] - FADE[0]), 0, 1)
        near *= near
        light = near.copy()
        block = self._shadow_block(position, vertices)
        light[block] *= 1 - SHADE * sun.shadow_on_floor(x[block], z[block])
        middle, half = (FLOOR[0] + FLOOR[1]) / 2, FLOOR[0] - FLOOR[1]
        for channel in range(3):
            color = (half[channel] * odd + middle[channel]) * light
            picture[self._first :, :, channel] = color + (1 - near) * SKY[channel]
        return picture

    def _project(self, points: np.ndarray, position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixel coordinates (V, 2), y down, and depths (V,) of points (V, 3)."""
        seen = (points - position.astype(np.float32)) @ self._axes.T
        scale = self._focal / np.maximum(seen[:, 2], 0.05)
        columns = self.width / 2 + seen[:, 0] * scale
        rows = self.height / 2 - seen[:, 1] * scale
        return np.stack([columns, rows], axis=1), seen[:, 2]

    def _shadow_block(self, position: np.ndarray, vertices: np.ndarray) -> tuple[slice, slice]:
        """Rows and columns of the floor's pixels outside of which no shadow can fall."""
        cast = vertices - vertices[:, 1:2] * (LIGHT / LIGHT[1]).astype(np.float32)
        margin = 4 * TEXEL
        low, high = cast.min(axis=0) - margin, cast.max(axis=0) + margin
        corners = [[x, 0, z] for x in (low[0], high[0]) for z in (low[2], high[2])]
        screen, depth = self._project(np.array(corners, np.float32), position)
        if depth.min() < 0.1:  # the shadow reaches behind the camera
            return slice(None), slice(None)
        (left, top), (right, bottom) = screen.min(axis=0), screen.max(axis=0)
        rows = slice(max(int(top) - self._first, 0), max(int(bottom) + 2 - self._first, 0))
        return rows, slice(max(int(left), 0), max(int(right) + 2, 0))

    def _light(self, vertices: np.ndarray, position: np.ndarray, sun: SunView) -> np.ndarray:
        """Vertex colors (V, 3), 0 to 255: sun, sky, floor bounce, and a rim of light."""
        normals = vertex_normals(vertices, self._faces, self._spread)
        view = position.astype(np.float32) - vertices
        view /= np.linalg.norm(view, axis=1, keepdims=True)
        direct = np.clip(normals @ LIGHT.astype(np.float32), 0, 1) * sun.reaching_vertices()
        sky = 0.5 + 0.5 * normals[:, 1]
        rim = (1 - np.clip(np.einsum("vi,vi->v", normals, view), 0, 1)) ** 3
        half = view + LIGHT.astype(np.float32)
        half /= np.linalg.norm(half, axis=1, keepdims=True)
        gloss = 0.1 * np.clip(np.einsum("vi,vi->v", normals, half), 0, 1) ** 24 * (direct > 0)
        lit = 0.95 * direct + 0.28 + 0.3 * sky
        linear = self._albedo * lit[:, None] + (gloss + 0.05 * rim)[:, None]
        return np.clip(linear, 0, 1) ** np.float32(1 / 2.2) * 255

    def _body(
        self, picture: np.ndarray, vertices: np.ndarray, position: np.ndarray, colors: np.ndarray
    ) -> None:
        """Draw the body over `picture` in place, with `supersample` squared samples a pixel."""
        screen, depth = self._project(vertices, position)
        low = np.maximum(np.floor(screen.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(screen.max(axis=0)).astype(int), (self.width, self.height))
        size = high - low
        if (size <= 0).any():
            return
        factor = self._supersample
        samples = rasterize(
            (screen - low) * factor, depth, self._faces, size[0] * factor, size[1] * factor
        )
        pixels, corners, shares = samples
        shown = np.einsum("pk,pkc->pc", shares, colors[self._faces[corners]])
        # samples of one pixel are averaged with bincount: color sums and coverage
        width = size[0] * factor
        pixel = (pixels // width // factor) * size[0] + pixels % width // factor
        count = size[0] * size[1]
        cover = np.bincount(pixel, minlength=count) / factor**2
        crop = picture[low[1] : high[1], low[0] : high[0]]
        for channel in range(3):
            total = np.bincount(pixel, shown[:, channel], count) / factor**2
            old = crop[..., channel].ravel()
            crop[..., channel] = (total + (1 - cover) * old).reshape(size[1], size[0])


def _wave(x: np.ndarray, sharp: np.ndarray) -> np.ndarray:
    """A square wave of period two tiles, -0.5 to 0.5, its edges one pixel soft."""
    phase = x * np.float32(0.5 / TILE)
    phase -= np.floor(phase)
    return np.clip((np.abs(2 * phase - 1) - np.float32(0.5)) * sharp, -0.5, 0.5)


def rasterize(
    screen: np.ndarray, depth: np.ndarray, faces: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which face each covered pixel shows.

    `screen` (V, 2) in pixels, y down; `depth` (V,). Gives flat pixel indices (P,), face indices
    (P,) and the shares (P, 3) of their corners. Faces that look away are left out.
    """
    a, b, c = faces.T
    sx, sy = np.ascontiguousarray(screen.T, dtype=np.float32)
    xs, ys = (sx[a], sx[b], sx[c]), (sy[a], sy[b], sy[c])
    area = (xs[1] - xs[0]) * (ys[2] - ys[0]) - (xs[2] - xs[0]) * (ys[1] - ys[0])
    left, right = _pixel_span(xs, width)
    top, bottom = _pixel_span(ys, height)
    keep = (area < 0) & (right > left) & (bottom > top)
    keep &= (depth > 0.05)[faces].all(axis=1)
    order = np.flatnonzero(keep)
    order = order[np.argsort(-depth[faces[order]].sum(axis=1), kind="stable")]
    if not len(order):
        return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros((0, 3), np.float32)

    wide = right[order] - left[order]
    counts = wide * (bottom[order] - top[order])
    owner = np.repeat(np.arange(len(order)), counts)  # every pixel of every bounding box
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    row, column = np.divmod(place, wide[owner])
    row += top[order][owner]
    column += left[order][owner]
    px, py = (column + 0.5).astype(np.float32), (row + 0.5).astype(np.float32)
    area = area[order]
    shares = []
    for i, j in ((1, 2), (2, 0)):  # edge functions over the area = shares of corners 0 and 1
        dx, dy = ((q[j] - q[i])[order] / area for q in (xs, ys))
        offset = dy * xs[i][order] - dx * ys[i][order]
        shares.append(dx[owner] * py - dy[owner] * px + offset[owner])
    shares.append(1 - shares[0] - shares[1])
    inside = np.flatnonzero((shares[0] >= 0) & (shares[1] >= 0) & (shares[2] >= 0))
    winner = np.full(width * height, -1, np.intp)
    winner[row[inside] * width + column[inside]] = inside  # the last one stays: the nearest
    pixels = np.flatnonzero(winner >= 0)
    chosen = winner[pixels]
    return pixels, order[owner[chosen]], np.stack([s[chosen] for s in shares], axis=1)


def _pixel_span(corners: tuple[np.ndarray, ...], size: int) -> tuple[np.ndarray, np.ndarray]:
    """First and past-last pixel whose center lies between the corners of each triangle."""
    low = np.minimum(np.minimum(corners[0], corners[1]), corners[2])
    high = np.maximum(np.maximum(corners[0], corners[1]), corners[2])
    first, last = np.ceil(low - 0.5), np.floor(high + 0.5)
    return np.clip(first, 0, size).astype(np.intp), np.clip(last, 0, size).astype(np.intp)
