"""BlazePose's landmark network: 33 points of one body in a region, in pixels and in meters.

The region is read twice in one batch, as it is and mirrored, because a body seen from behind can
look like one from the front; where both readings disagree, `flips` decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.capture.detector import Region, session

SIZE = 256
POINTS = 33
CENTER, EXTENT = 33, 34
"""Two more points, which tell the region of the next frame."""
SWAP = np.array([0, 4, 5, 6, 1, 2, 3, *(i + 1 if i % 2 else i - 1 for i in range(7, POINTS))])
"""Point i of a mirrored body is point SWAP[i] of the original."""
REFINE = 0.5
"""A heat map whose peak is at least this moves its point to the mean around it."""
_NEAR = np.arange(-3, 4)

_BODY = (
    *("shoulder", "elbow", "wrist", "pinky", "index", "thumb"),
    *("hip", "knee", "ankle", "heel", "foot_index"),
)
NAMES = (
    *("nose", "left_eye_inner", "left_eye", "left_eye_outer"),
    *("right_eye_inner", "right_eye", "right_eye_outer"),
    *("left_ear", "right_ear", "mouth_left", "mouth_right"),
    *(f"{side}_{part}" for part in _BODY for side in ("left", "right")),
)
POINT = {name: i for i, name in enumerate(NAMES)}
HIPS = [POINT["left_hip"], POINT["right_hip"]]


@dataclass(frozen=True)
class Landmarks:
    """What the network says of one region: first as seen, second read from its mirror picture."""

    scores: np.ndarray
    """Whether there is a body, (2,)."""
    pixels: np.ndarray
    """Points in the picture, (2, 33, 2)."""
    world: np.ndarray
    """Points in meters from the middle of the hips, (2, 33, 3): right, down, away."""
    visible: np.ndarray
    """How likely each point is seen, (2, 33)."""
    next: Region
    """Where to look in the next frame."""


class Landmarker:
    """Read bodies in regions of pictures."""

    def __init__(self, path: Path, threads: int) -> None:
        self._session = session(path, threads)

    def read(self, frame: np.ndarray, region: Region) -> Landmarks:
        """Read a region of a frame (H, W, 3) uint8 RGB."""
        seen = region.crop(frame, SIZE).astype(np.float32) / 255
        batch = np.stack([seen, seen[:, ::-1]])
        raw, scores, heat, world = self._session.run(
            ["out0", "out1", "out3", "out4"], {"input": batch}
        )
        raw = raw.reshape(2, 39, 5).astype(np.float64)
        points = refine(raw[..., :2] / SIZE, heat)
        world = world.reshape(2, 39, 3)[:, :POINTS].astype(np.float64)
        visible = 1 / (1 + np.exp(-np.minimum(raw[..., 3], raw[..., 4])[:, :POINTS]))
        ahead = points[:, [CENTER, EXTENT]]
        points = points[:, :POINTS]
        # the second reading is turned back into one of the picture itself
        ahead[1, :, 0] = 1 - ahead[1, :, 0]
        points[1] = points[1, SWAP] * [-1, 1] + [1, 0]
        world[1] = world[1, SWAP] * [-1, 1, 1]
        visible[1] = visible[1, SWAP]
        world[..., :2] = world[..., :2] @ region.turn.T
        return Landmarks(
            scores=scores[:, 0].astype(np.float64),
            pixels=region.to_picture(points),
            world=world,
            visible=visible,
            next=Region.around(*region.to_picture(ahead.mean(axis=0))),
        )


def refine(points: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Move points (B, P, 2) to the center of mass of their heat maps (B, h, w, P), 7 x 7 around."""
    height, width = heat.shape[1:3]
    cells = np.floor(points * [width, height]).astype(int)
    columns = cells[..., 0, None] + _NEAR  # (B, P, 7)
    rows = cells[..., 1, None] + _NEAR
    on = ((columns >= 0) & (columns < width))[..., None, :]
    on = on & ((rows >= 0) & (rows < height))[..., :, None]  # (B, P, 7, 7)
    batch = np.arange(len(points))[:, None, None, None]
    point = np.arange(points.shape[1])[:, None, None]
    column, row = np.clip(columns, 0, width - 1), np.clip(rows, 0, height - 1)
    values = heat[batch, row[..., :, None], column[..., None, :], point].astype(np.float64)
    share = np.where(on, 1 / (1 + np.exp(-values)), 0)
    total = np.maximum(share.sum(axis=(2, 3)), 1e-9)
    moved = np.stack(
        [
            np.einsum("bprc,bpc->bp", share, column) / total / width,
            np.einsum("bprc,bpr->bp", share, row) / total / height,
        ],
        axis=-1,
    )
    inside = ((cells >= 0) & (cells < [width, height])).all(axis=-1)
    sure = inside & (share.max(axis=(2, 3)) >= REFINE)
    return np.where(sure[..., None], moved, points)
