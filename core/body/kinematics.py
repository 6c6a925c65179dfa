"""Forward kinematics: where the joints of a skeleton go for given rotations."""

from __future__ import annotations

import numpy as np

from core.body.rotations import quat_inverse, quat_multiply, quat_rotate
from core.body.skeleton import PARENTS, REST_JOINTS

# Joints of equal depth in the tree, parents first, so that each level is one vectorised step.
_DEPTH = [0] * len(PARENTS)
for _i, _p in enumerate(PARENTS[1:], start=1):
    _DEPTH[_i] = _DEPTH[_p] + 1
LEVELS = tuple(
    tuple(i for i, depth in enumerate(_DEPTH) if depth == level)
    for level in range(1, max(_DEPTH) + 1)
)
_PARENTS_BELOW_ROOT = list(PARENTS[1:])


def global_rotations(local: np.ndarray) -> np.ndarray:
    """Rotations relative to the world, (T, 22, 4), from rotations relative to the parent."""
    world = local.copy()
    for level in LEVELS:
        joints, parents = list(level), [PARENTS[i] for i in level]
        world[:, joints] = quat_multiply(world[:, parents], local[:, joints])
    return world


def local_rotations(world: np.ndarray) -> np.ndarray:
    """Inverse of `global_rotations`, (T, 22, 4) -> (T, 22, 4)."""
    local = world.copy()
    local[:, 1:] = quat_multiply(quat_inverse(world[:, _PARENTS_BELOW_ROOT]), world[:, 1:])
    return local


def forward(
    root: np.ndarray, local: np.ndarray, rest: np.ndarray = REST_JOINTS
) -> tuple[np.ndarray, np.ndarray]:
    """Joint positions (T, 22, 3) and global rotations (T, 22, 4).

    `root` (T, 3) is the position of the pelvis, `local` (T, 22, 4) the rotations relative to the
    parents, `rest` (22, 3) the joints at rest; where `rest` has its pelvis does not matter.
    """
    world = global_rotations(local)
    bones = rest[1:] - rest[_PARENTS_BELOW_ROOT]
    joints = np.empty((*local.shape[:-1], 3), dtype=local.dtype)
    joints[:, 0] = root
    joints[:, 1:] = quat_rotate(world[:, _PARENTS_BELOW_ROOT], bones.astype(local.dtype))
    for level in LEVELS:
        joints[:, list(level)] += joints[:, [PARENTS[i] for i in level]]
    return joints, world
