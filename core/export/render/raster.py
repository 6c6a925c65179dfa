"""Triangles to pixels in NumPy: painters' order and one test of all candidate pixels at once."""

from __future__ import annotations

import numpy as np


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
