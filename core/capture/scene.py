"""A skeleton among the nodes of a scene, moved by curves: what glTF and FBX have in common.

Nodes are what glTF calls so: a translation, rotation (x y z w) and scale, or a matrix, relative to
the node above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.body.rotations import (
    matrix_to_quat,
    normalize,
    quat_inverse,
    quat_multiply,
    quat_to_matrix,
)
from core.body.skeleton import FPS, HUMANOID, JOINTS
from core.capture.gltf_tree import Tree, above
from core.capture.joint_maps import check_length, check_name, well_formed
from core.capture.source import Source, astray

MOST_TOLD = 8
"""Animations whose names fit into a note."""
MOST_CLIPS = 200
"""Animations that are told of; all others can be chosen by their number alone."""

_REST = {"translation": (0, 0, 0), "rotation": (0, 0, 0, 1), "scale": (1, 1, 1)}
_OURS = dict(zip(HUMANOID, JOINTS, strict=True))

Node = dict[str, Any]
Curves = dict[tuple[int, str], np.ndarray]
"""Values (T, 3) or (T, 4) by node and path."""
Binds = Mapping[int, tuple[np.ndarray, np.ndarray]]
"""By node, matrices (4, 4) to it from the space in which a skin was bound to it, and back."""
Transform = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Place (T, 3), linear part (T, 3, 3) and rotation (T, 4), T being 1 for what stays."""


def choose(
    names: Sequence[str], spans: Sequence[tuple[float, float]], clip: int | None
) -> tuple[int, np.ndarray, tuple[str, ...]]:
    """Pick an animation, `clip` from 1 or the longest.

    Return its index, the times at which it is to be sampled, and what to say of it. Raises
    ValueError where there is none, or it is too long.
    """
    if clip is not None and not 1 <= clip <= len(spans):
        raise ValueError(f"it has {len(spans)} animations; there is no number {clip}")
    lengths = [last - first for first, last in spans]
    chosen = clip - 1 if clip else int(np.argmax(lengths or [0]))
    if not spans:
        raise ValueError("it has no animation of a body")
    check_length(lengths[chosen])
    times = spans[chosen][0] + np.arange(int(lengths[chosen] * FPS + 1e-3) + 1) / FPS
    if clip or len(spans) == 1:
        return chosen, times, ()
    told = [
        f"{i} {name!r} of {length:.1f} s"
        for i, (name, length) in enumerate(zip(names, lengths, strict=False), start=1)
    ]
    more = [f"and {len(spans) - MOST_TOLD} more"] if len(spans) > MOST_TOLD else []
    note = (
        f"The file has {len(spans)} animations: {', '.join(told[:MOST_TOLD] + more)}. The longest,"
        f" number {chosen + 1}, is read; another can be chosen by its number."
    )
    return chosen, times, (note,)


def titles(named: Sequence[str]) -> tuple[str, ...]:
    """Return what animations are called, those without a name by their number."""
    return tuple(
        well_formed((name or f"animation {i}")[:60])
        for i, name in enumerate(named[:MOST_CLIPS], start=1)
    )


def rate_of(keys: int, first: float, last: float) -> float | None:
    """Return so many keys' number a second; None where they are too few to tell."""
    if keys < 3 or not last > first:
        return None
    rate = (keys - 1) / (last - first)
    return float(round(rate)) if abs(rate - round(rate)) < 0.02 * rate else rate


def moved(
    nodes: list[Node],
    tree: Tree,
    curves: Curves,
    poses: int,
    *,
    binds: Binds,
    humanoid: Mapping[int, str],
) -> Source:
    """Move a skeleton by the curves of an animation; `humanoid` says what VRM calls some nodes."""
    kept = tree.kept
    world = _world(nodes, tree, curves)
    positions = np.stack([np.broadcast_to(world[i][0], (poses, 3)) for i in kept], axis=1)
    if (far := astray(positions)) is not None:
        raise ValueError(f"its pose at {far / FPS:g} s lies far off all others; take it out")
    rest = _rest(nodes, tree, binds)
    column = {node: i for i, node in enumerate(kept)}
    return Source(
        names=tuple(
            check_name(humanoid.get(i) or str(nodes[i].get("name") or f"node{i}")) for i in kept
        ),
        parents=tuple(column.get(above(i, tree.parents, column), -1) for i in kept),
        positions=positions,
        rotations=np.stack([np.broadcast_to(world[i][2], (poses, 4)) for i in kept], axis=1),
        rest=np.concatenate([rest[i][0] for i in kept]),
        rest_rotations=np.concatenate([rest[i][2] for i in kept]),
        up="y",
        rate=float(FPS),
        told={
            _OURS[bone]: column[i] for i, bone in humanoid.items() if bone in _OURS if i in column
        },
    )


def _world(nodes: list[Node], tree: Tree, curves: Curves) -> dict[int, Transform]:
    """Transforms of nodes relative to the world, from the roots down."""
    world: dict[int, Transform] = {}
    for i in tree.order:
        own = _local(nodes[i], {path: curves[i, path] for path in _REST if (i, path) in curves})
        world[i] = own if tree.parents[i] < 0 else _after(world[tree.parents[i]], own)
    return world


def _local(node: Node, curves: dict[str, np.ndarray]) -> Transform:
    """Transform of a node relative to its parent."""
    if "matrix" in node:
        return _transform(np.array(node["matrix"], np.float64).reshape(4, 4).T)
    parts = {
        path: curves.get(path, np.array([node.get(path, still)], np.float64))
        for path, still in _REST.items()
    }
    turn = normalize(parts["rotation"])[:, [3, 0, 1, 2]]
    turn = np.where(turn.any(axis=-1, keepdims=True), turn, [1.0, 0, 0, 0])
    return parts["translation"], quat_to_matrix(turn) * parts["scale"][:, None], turn


def _transform(matrix: np.ndarray) -> Transform:
    """A matrix (4, 4) in parts; its rotation is what is left without scale and mirror."""
    linear = matrix[:3, :3]
    columns = linear / np.maximum(np.linalg.norm(linear, axis=0), 1e-12)
    turn = matrix_to_quat(columns * (1 if np.linalg.det(columns) > 0 else -1))
    return matrix[None, :3, 3], linear[None], turn[None]


def _after(up: Transform, own: Transform) -> Transform:
    """A transform relative to the world, of the parent's and of one relative to that."""
    place = up[0] + (up[1] @ own[0][..., None])[..., 0]
    return place, up[1] @ own[1], quat_multiply(up[2], own[2])


def _rest(nodes: list[Node], tree: Tree, binds: Binds) -> dict[int, Transform]:
    """Nodes in the pose in which the skin was bound to them; in their own where there is none.

    Only what lies between two joints counts: what is above all joints, and in which space the skin
    was bound, differs with the program.
    """
    still = _world(nodes, tree, {})
    rest: dict[int, Transform] = {}
    for i in tree.order:
        own, up = _local(nodes[i], {}), tree.parents[i]
        if i in binds:
            joint, (_, bound) = above(i, tree.parents, binds), binds[i]
            if joint in binds:
                own, up = _transform(binds[joint][0] @ bound), joint
            else:
                own = _turned(own, _transform(bound)[2], still.get(up))
        rest[i] = own if up < 0 else _after(rest[up], own)
    return rest


def _turned(own: Transform, turn: np.ndarray, up: Transform | None) -> Transform:
    """Turn the topmost joint as it was bound, in its parent's space or the world's.

    What is nearer to where the file has it tells which.
    """
    ways = [turn] if up is None else [turn, quat_multiply(quat_inverse(up[2]), turn)]
    nearest = max(ways, key=lambda way: abs((way * own[2]).sum()))
    scale = np.linalg.norm(own[1], axis=1, keepdims=True)
    return own[0], quat_to_matrix(nearest) * scale, nearest
