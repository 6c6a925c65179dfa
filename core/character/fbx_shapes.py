"""The meshes of an FBX scene as triangles and, where bones move them, how these were bound.

Corners of polygons have normals and places in pictures of their own; those that are alike in all
are one vertex here. All is told in meters with Y up, where it was when bones were bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.body.rotations import quat_to_matrix
from core.capture.fbx_file import Node
from core.capture.fbx_scene import Scene, transform, vector
from core.capture.gltf_file import MOST_VALUE
from core.capture.gltf_tree import MOST_NODES

MOST_CORNERS = 1_500_000
"""Of a mesh's polygons."""
_HELD = 4
"""Bones that a vertex hangs on."""


@dataclass(frozen=True, kw_only=True)
class Skin:
    """How a mesh hangs on J bones."""

    joints: tuple[int, ...]
    """Their places among the scene's nodes."""
    binds: np.ndarray
    """From where the mesh was to where they were, (J, 4, 4)."""
    slots: np.ndarray
    """Of each point, numbers of joints, (P, 4)."""
    weights: np.ndarray
    """(P, 4)."""
    space: np.ndarray
    """Where the mesh was, (4, 4)."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A mesh of V vertices."""

    points: np.ndarray
    """(V, 3)."""
    faces: np.ndarray
    """(F, 3)."""
    paints: np.ndarray
    """Of each face, which of its node's materials, (F,)."""
    normals: np.ndarray | None
    """(V, 3)."""
    spots: np.ndarray | None
    """In pictures, from their upper left, (V, 2)."""
    skin: Skin | None
    """For its vertices; None for what is where its node is."""


def shape(scene: Scene, geometry: int, model: int) -> Shape | None:
    """Return a mesh; None for one without polygons. Raises ValueError where it is damaged."""
    told = scene.objects[geometry]
    points = _numbers(scene, told, "Vertices", 3)
    triangles, corners, polygons = _triangles(_numbers(scene, told, "PolygonVertexIndex"))
    if not len(triangles):
        return None
    if corners.max() >= len(points):
        raise ValueError("a mesh has polygons of points that it does not have")
    skin, matrix = _skin(scene, geometry, len(points)), _offset(scene, model)
    if skin is not None:
        matrix = skin.space @ matrix
    uv, normal, material = (
        told.first(f"LayerElement{kind}") for kind in ("UV", "Normal", "Material")
    )
    spots = _each(scene, uv, ("UV", "UVIndex"), 2, corners, polygons)
    normals = _each(scene, normal, ("Normals", "NormalsIndex"), 3, corners, polygons)
    paints = _each(scene, material, ("Materials", ""), 1, corners, polygons)
    columns = [corners[:, None].astype(np.float64)]
    if spots is not None:
        columns.append(spots * [1, -1] + [0, 1])
    if normals is not None:
        normals = normals @ np.linalg.pinv(matrix[:3, :3])
        columns.append(normals / np.maximum(np.linalg.norm(normals, axis=1)[:, None], 1e-12))
    rows = np.concatenate(columns, axis=1).round(6)
    unique, where = np.unique(rows, axis=0, return_inverse=True)
    at = unique[:, 0].astype(np.int64)
    if skin is not None:
        skin = Skin(
            joints=skin.joints,
            binds=skin.binds,
            slots=skin.slots[at],
            weights=skin.weights[at],
            space=skin.space,
        )
    chosen = np.zeros(len(triangles)) if paints is None else paints[triangles[:, 0], 0]
    return Shape(
        points=points[at] @ matrix[:3, :3].T + matrix[:3, 3],
        faces=where.reshape(-1)[triangles],
        paints=chosen.astype(np.int64),
        normals=None if normals is None else unique[:, -3:],
        spots=None if spots is None else unique[:, 1:3],
        skin=skin,
    )


def _numbers(scene: Scene, node: Node, what: str, width: int = 1) -> np.ndarray:
    """Return an array of a node, (K,) or (K, width)."""
    values = scene.numbers(node.first(what))
    if len(values) % width or not (np.abs(values) < MOST_VALUE).all():
        raise ValueError("its meshes hold numbers that are not finite, or too few")
    return values.reshape(-1, width) if width > 1 else values


def _triangles(told: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Polygons, the last corner of each told by its complement -> fans of triangles (F, 3) of
    corners, and of these (C,) the points and the polygons."""
    if len(told) > MOST_CORNERS:
        raise ValueError(f"its meshes have more than {MOST_CORNERS:,} corners; make them simpler")
    told = told.astype(np.int64)
    ends = np.flatnonzero(told < 0)
    told = told[: ends[-1] + 1] if len(ends) else told[:0]
    polygons = np.searchsorted(ends, np.arange(len(told)))
    starts = np.concatenate([[0], ends + 1])[polygons]
    inner = np.flatnonzero((np.arange(len(told)) > starts) & (told >= 0))
    triangles = np.stack([starts[inner], inner, inner + 1], axis=1)
    return triangles, np.where(told < 0, ~told, told), polygons


def _each(
    scene: Scene,
    layer: Node,
    names: tuple[str, str],
    width: int,
    corners: np.ndarray,
    polygons: np.ndarray,
) -> np.ndarray | None:
    """Return what a layer says of each corner, (C, width); None where it says nothing known."""
    values = _numbers(scene, layer, names[0]).reshape(-1, width)
    how, refers = (
        str((layer.first(f"{what}InformationType").values or [""])[0])
        for what in ("Mapping", "Reference")
    )
    index = {
        "ByPolygonVertex": np.arange(len(corners)),
        "ByVertice": corners,
        "ByVertex": corners,
        "ByPolygon": polygons,
        "AllSame": np.zeros(len(corners), np.int64),
    }.get(how)
    if index is None or not len(values):
        return None
    if refers.startswith("Index") and names[1]:
        index = _numbers(scene, layer, names[1]).astype(np.int64)[index]
    return values[index]


def _offset(scene: Scene, model: int) -> np.ndarray:
    """Where a mesh is at its node, (4, 4)."""
    told, usual = scene.told[scene.places[model]], (0.0, 0.0, 1.0)
    parts = [
        vector(told, f"Geometric{part}", value)[None]
        for part, value in zip(("Translation", "Rotation", "Scaling"), usual, strict=True)
    ]
    still, matrix = transform({}, parts[0], parts[1], parts[2]), np.eye(4)
    turn = quat_to_matrix(still["rotation"][0, [3, 0, 1, 2]])
    matrix[:3, :3], matrix[:3, 3] = turn * still["scale"][0], still["translation"][0]
    return matrix


def _skin(scene: Scene, geometry: int, count: int) -> Skin | None:
    """Return how `count` points hang on bones; None where they hang on none."""
    links: list[np.ndarray] = []
    space, joints = np.eye(4), list[int]()
    held: list[tuple[np.ndarray, np.ndarray]] = []
    clusters = [c for skin in _below(scene, geometry) for c in _below(scene, skin)]
    if len(clusters) > MOST_NODES:
        raise ValueError(f"a mesh of it hangs on {len(clusters)} bones; {MOST_NODES} are the most")
    for cluster in clusters:
        node = scene.objects[cluster]
        bone = next((i for i in scene.below.get(cluster, ()) if i in scene.places), None)
        link, mesh = (_numbers(scene, node, what) for what in ("TransformLink", "Transform"))
        if bone is None or len(link) != 16:
            continue
        link = link.reshape(4, 4).T
        if not joints and len(mesh) == 16:
            space = scene.upright @ link @ mesh.reshape(4, 4).T
        at = _numbers(scene, node, "Indexes").astype(np.int64)
        shares = _numbers(scene, node, "Weights")
        if len(at) != len(shares) or (len(at) and not 0 <= at.min() <= at.max() < count):
            raise ValueError("a skin moves points that its mesh does not have")
        joints.append(scene.places[bone])
        links.append(np.linalg.pinv(scene.upright @ link))
        held.append((at, shares))
    if not joints:
        return None
    slots, weights = _strongest(held, count)
    return Skin(
        joints=tuple(joints), binds=np.stack(links), slots=slots, weights=weights, space=space
    )


def _below(scene: Scene, number: int) -> list[int]:
    """Skins of a mesh, or clusters of a skin."""
    return [i for i in scene.below.get(number, ()) if scene.objects[i].name == "Deformer"]


def _strongest(
    held: Sequence[tuple[np.ndarray, np.ndarray]], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights of each joint -> joints (P, 4) that hold each point the most."""
    points, shares = (np.concatenate([one[k] for one in held]) for k in (0, 1))
    points = points.astype(np.int64)
    owners = np.repeat(np.arange(len(held)), [len(at) for at, _ in held])
    order = np.lexsort((-shares, points))
    points, shares, owners = points[order], shares[order], owners[order]
    rank = np.arange(len(points)) - np.searchsorted(points, points)
    kept = (rank < _HELD) & (shares > 0)
    slots, weights = np.zeros((count, _HELD), np.int64), np.zeros((count, _HELD))
    slots[points[kept], rank[kept]] = owners[kept]
    weights[points[kept], rank[kept]] = shares[kept]
    weights[~weights.any(axis=1), 0] = 1  # glTF wants each on a bone
    return slots, weights / weights.sum(axis=1, keepdims=True)
