"""What a single camera tells: where the person is, and which way is up.

Camera axes are right, down, away. The lens is a pinhole; its focal length is `lens` times the
longer side of the picture.
"""

from __future__ import annotations

import numpy as np

from core.body.rotations import normalize, quat_between, quat_rotate
from core.capture.landmarks import HIPS, POINT

FEET = [POINT[f"{side}_{part}"] for side in ("left", "right") for part in ("heel", "foot_index")]


def rays(pixels: np.ndarray, size: tuple[int, int], lens: float) -> np.ndarray:
    """Slopes (..., 2) right and down of the lines of sight through pixels (..., 2)."""
    width, height = size
    return (pixels - [width / 2, height / 2]) / (lens * max(size))


def place(slopes: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Points (..., 3) on lines of sight (..., 2) at depths (...)."""
    return np.concatenate([slopes, np.ones((*slopes.shape[:-1], 1))], axis=-1) * depth[..., None]


def straighten(world: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Turn bodies (T, 33, 3) from the axes of their line of sight to those of the camera.

    The network sees a crop as if the camera were turned to it; `slopes` (T, 33, 2) tell how far.
    """
    middle = slopes[:, HIPS].mean(axis=1)
    line = normalize(np.concatenate([middle, np.ones((len(middle), 1))], axis=1))
    ahead = np.array([0.0, 0.0, 1.0])
    return quat_rotate(quat_between(ahead, line)[:, None], world)


def depths(world: np.ndarray, slopes: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Distances (T,) along the camera's axis at which bodies (T, 33, 3) fit their pictures.

    Weighted least squares for the translation of each frame; of it only the depth is needed, as
    the hips' line of sight tells the rest.
    """
    u = slopes.reshape(len(slopes), -1)  # two equations a point: t_x - u t_z = u Z - X
    rhs = u * world[..., 2:].repeat(2, axis=-1).reshape(u.shape) - world[..., :2].reshape(u.shape)
    matrix = np.zeros((*u.shape, 3))
    matrix[:, 0::2, 0], matrix[:, 1::2, 1] = 1, 1
    matrix[..., 2] = -u
    weight = visible.repeat(2, axis=-1)[..., None]
    normal = np.einsum("tki,tkj->tij", matrix * weight, matrix) + 1e-9 * np.eye(3)
    right = np.einsum("tki,tk->ti", matrix * weight, rhs)
    return np.linalg.solve(normal, right[..., None])[:, 2, 0]
