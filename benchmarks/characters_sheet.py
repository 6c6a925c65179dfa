"""Characters in motion as one picture: a row each, at the same moments of the same motion."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.glb_player import Player

SIZE, MOMENTS = 200, (0.02, 0.25, 0.5, 0.75, 0.98)
"""Pixels of a cell, and which poses are shown, as shares of the motion."""
_LIGHT = np.array([0.4, 0.7, 0.6])


def draw(files: Mapping[str, Path], path: Path) -> None:
    """Draw the skins of animated GLBs, seen from ahead and from the side, on their floors."""
    import cv2

    rows = []
    for name, file in files.items():
        row = np.full((SIZE, SIZE * len(MOMENTS), 3), 250, np.uint8)
        player = Player(file)
        world = player.world()
        at = [int(share * (len(world) - 1)) for share in MOMENTS]
        parts = [*player.skins(world[at])]
        for k in range(len(at)):
            points = np.concatenate([part.points[k] for part in parts])
            starts = np.cumsum([0, *(part.points.shape[1] for part in parts[:-1])])
            faces = np.concatenate(
                [p.faces.astype(int) + s for p, s in zip(parts, starts, strict=True)]
            )
            colors = np.concatenate([np.tile(part.color, (len(part.faces), 1)) for part in parts])
            _paint(row[:, k * SIZE : (k + 1) * SIZE], points, faces, colors)
        cv2.putText(
            row, name, (6, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (30, 30, 30), 1, cv2.LINE_AA
        )
        rows.append(row)
    if not cv2.imwrite(str(path), np.concatenate(rows)):
        raise ValueError(f"{path} cannot be written as a picture")


def _paint(cell: np.ndarray, points: np.ndarray, faces: np.ndarray, colors: np.ndarray) -> None:
    """Paint triangles from the back to the front."""
    import cv2

    view = np.array([[0.87, 0, -0.5], [0.08, -1, 0.13], [0.5, 0.1, 0.86]])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    middle[1] = 0
    tall = max(float(points[:, 1].max()), 0.5 * float(np.ptp(points, axis=0).max()), 1e-6)
    seen = (points - middle) @ view.T / tall
    spots = seen[:, :2] * SIZE * 0.78 + [SIZE / 2, SIZE * 0.92]
    a, b, c = (points[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    shade = 0.45 + 0.55 * np.abs(normals @ _LIGHT)
    srgb = 255 * np.minimum((colors * shade[:, None]) ** (1 / 2.2), 1)
    ground = np.array([[-0.5, -0.02], [0.5, 0.02]]) * SIZE + [SIZE / 2, SIZE * 0.92]
    cv2.line(cell, *(tuple(int(v) for v in end) for end in ground), (200, 200, 200), 1)
    for i in np.argsort(seen[faces][..., 2].mean(axis=1)):
        color = tuple(float(v) for v in srgb[i, ::-1])
        cv2.fillConvexPoly(cell, spots[faces[i]].round().astype(np.int32), color, cv2.LINE_AA)
