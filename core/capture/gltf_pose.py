"""Where the nodes of a glTF file are: as they stand, as curves move them, as a skin was bound."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import numpy as np

from core.body.rotations import (
    matrix_to_quat,
    normalize,
    quat_inverse,
    quat_multiply,
    quat_to_matrix,
)
from core.capture.gltf_file import MOST_VALUE, Document, Json, decode
from core.capture.gltf_tree import Tree, above

_REST = {"translation": (0, 0, 0), "rotation": (0, 0, 0, 1), "scale": (1, 1, 1)}

Curves = dict[tuple[int, str], np.ndarray]
"""Values (T, 3) or (T, 4) by node and path."""
Binds = Mapping[int, tuple[np.ndarray, np.ndarray]]
"""By node, matrices (4, 4) to it from the space in which a skin was bound to it, and back."""
Transform = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Place (T, 3), linear part (T, 3, 3) and rotation (T, 4), T being 1 for what stays."""


def placed(nodes: list[Json], tree: Tree, curves: Curves) -> dict[int, Transform]:
    """Transforms of nodes relative to the world, from the roots down."""
    world: dict[int, Transform] = {}
    for i in tree.order:
        own = local(nodes[i], {path: curves[i, path] for path in _REST if (i, path) in curves})
        world[i] = own if tree.parents[i] < 0 else after(world[tree.parents[i]], own)
    return world


def local(node: Json, curves: dict[str, np.ndarray]) -> Transform:
    """Transform of a node relative to its parent."""
    if "matrix" in node:
        return transform(np.array(node["matrix"], np.float64).reshape(4, 4).T)
    parts = {
        path: curves.get(path, np.array([node.get(path, still)], np.float64))
        for path, still in _REST.items()
    }
    turn = normalize(parts["rotation"])[:, [3, 0, 1, 2]]
    turn = np.where(turn.any(axis=-1, keepdims=True), turn, [1.0, 0, 0, 0])
    return parts["translation"], quat_to_matrix(turn) * parts["scale"][:, None], turn


def transform(matrix: np.ndarray) -> Transform:
    """A matrix (4, 4) in parts; its rotation is what is left without scale and mirror."""
    linear = matrix[:3, :3]
    columns = linear / np.maximum(np.linalg.norm(linear, axis=0), 1e-12)
    turn = matrix_to_quat(columns * (1 if np.linalg.det(columns) > 0 else -1))
    return matrix[None, :3, 3], linear[None], turn[None]


def after(up: Transform, own: Transform) -> Transform:
    """A transform relative to the world, of the parent's and of one relative to that."""
    place = up[0] + (up[1] @ own[0][..., None])[..., 0]
    return place, up[1] @ own[1], quat_multiply(up[2], own[2])


def at_bind(nodes: list[Json], tree: Tree, binds: Binds) -> dict[int, Transform]:
    """Nodes in the pose in which the skin was bound to them; in their own where there is none.

    Only what lies between two joints counts: what is above all joints, and in which space the skin
    was bound, differs with the program.
    """
    still = placed(nodes, tree, {})
    found: dict[int, Transform] = {}
    for i in tree.order:
        own, up = local(nodes[i], {}), tree.parents[i]
        if i in binds:
            joint, (_, bound) = above(i, tree.parents, binds), binds[i]
            if joint in binds:
                own, up = transform(binds[joint][0] @ bound), joint
            else:
                own = _turned(own, transform(bound)[2], still.get(up))
        found[i] = own if up < 0 else after(found[up], own)
    return found


def _turned(own: Transform, turn: np.ndarray, up: Transform | None) -> Transform:
    """Turn the topmost joint as it was bound, in its parent's space or the world's.

    What is nearer to where the file has it tells which.
    """
    ways = [turn] if up is None else [turn, quat_multiply(quat_inverse(up[2]), turn)]
    nearest = max(ways, key=lambda way: abs((way * own[2]).sum()))
    scale = np.linalg.norm(own[1], axis=1, keepdims=True)
    return own[0], quat_to_matrix(nearest) * scale, nearest


def inverse_binds(document: Document, skin: Json) -> Binds:
    """Matrices (4, 4) from the space in which a skin was bound to each of its joints, and back."""
    if "inverseBindMatrices" not in skin:
        return {}
    joints = skin["joints"]
    rows = document.rows(skin["inverseBindMatrices"])[: len(joints)]
    if rows.shape != (len(joints), 16):
        return {}
    matrices = decode(rows).reshape(-1, 4, 4).transpose(0, 2, 1)
    if not (np.abs(matrices) < MOST_VALUE).all():
        return {}
    with contextlib.suppress(np.linalg.LinAlgError):
        return dict(zip(joints, zip(matrices, np.linalg.inv(matrices), strict=True), strict=True))
    return {}
