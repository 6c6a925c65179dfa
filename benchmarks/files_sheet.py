"""Skeletons of files beside the bodies that came of them, as one picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.body.skeleton import JOINTS, PARENTS

SIZE, COLUMNS, POSES = 220, 4, (0.05, 0.3, 0.45, 0.95)
"""Pixels of a cell, families a row, and which poses are shown, as shares of the motion."""
LEFT, RIGHT, MIDDLE, PAPER, INK = (200, 90, 30), (40, 120, 220), (60, 60, 60), (250,) * 3, (30,) * 3
"""Blue, green, red."""
VIEW = np.array([[0.87, 0, -0.5], [0, -1, 0]])
"""From ahead and from the side; pictures count downwards."""


def draw(pairs: dict[str, tuple[np.ndarray, np.ndarray]], path: Path) -> None:
    """Draw joints (T, 22, 3) of every family, above those of ours, at four moments."""
    import cv2

    width = SIZE * len(POSES) // 2
    cells = []
    for name, pair in pairs.items():
        cell = np.full((SIZE + 24, width, 3), PAPER, np.uint8)
        cv2.putText(cell, name, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)
        for row, joints in enumerate(pair):
            for column, share in enumerate(POSES):
                at = joints[int(share * (len(joints) - 1))]
                corner = np.array([column * SIZE // 2, 24 + row * SIZE // 2])
                _figure(cell, (at - at[0]) @ VIEW.T, corner)
        cells.append(cell)
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % COLUMNS)
    rows = [np.concatenate(cells[i : i + COLUMNS], 1) for i in range(0, len(cells), COLUMNS)]
    if not cv2.imwrite(str(path), np.concatenate(rows, axis=0)):
        raise ValueError(f"{path} cannot be written as a picture")


def _figure(picture: np.ndarray, points: np.ndarray, corner: np.ndarray) -> None:
    import cv2

    scale = SIZE / 2 / 2.0
    places = points * scale + corner + np.array([SIZE / 4, SIZE / 4 - 6])
    for i, parent in enumerate(PARENTS):
        if parent < 0 or not np.isfinite(places[[i, parent]]).all():
            continue
        side = JOINTS[i].split("_")[0]
        color = {"left": LEFT, "right": RIGHT}.get(side, MIDDLE)
        a, b = (tuple(int(v) for v in places[j]) for j in (parent, i))
        cv2.line(picture, a, b, color, 2, cv2.LINE_AA)
