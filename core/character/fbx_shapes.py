"""The meshes of an FBX scene as triangles and, where bones move them, how these were bound.

Corners of polygons have normals and places in pictures of their own; those that are alike in all
are one vertex here. All is told in meters with Y up, where it was when bones were bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.body.rotations import quat_to_matrix
from core.capture.fbx_file import Document, Node
from core.capture.fbx_scene import Scene, transform, vector
from core.capture.gltf_file import MOST_VALUE
from core.capture.gltf_tree import MOST_NODES

MOST_MESHES = 1000
MOST_CORNERS = 1_000_000
"""Of the polygons of all meshes."""
MOST_HOLDS = 20_000
"""Bones of all meshes, each counted as often as it moves one."""
MOST_WEIGHTS = 6_000_000
"""Of the points of all meshes."""
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


Bone = tuple[int, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""What a cluster says: a place among the scene's nodes, where that and the mesh (16,) were, points
and weights."""


def shapes(scene: Scene) -> Iterator[tuple[int, int, Shape]]:
    """Yield the meshes that are at a node, with the numbers of their geometry and of that node.

    Raises ValueError where they are damaged, or too many.
    """
    _check(scene)
    bones: dict[int, Bone | None] = {}
    for geometry, _ in scene.all("Geometry"):
        model = next((i for i, _ in scene.above[geometry] if i in scene.places), None)
        if model is not None and (made := _shape(scene, geometry, model, bones)) is not None:
            yield geometry, model, made


def _check(scene: Scene) -> None:
    """Count what all meshes hold, before any is unpacked."""
    meshes = [*scene.all("Geometry")]
    if len(meshes) > MOST_MESHES:
        raise ValueError(f"it has {len(meshes)} meshes, {MOST_MESHES} are the most; join some")
    corners = sum(Document.count(told.first("PolygonVertexIndex")) for _, told in meshes)
    if corners > MOST_CORNERS:
        raise ValueError(f"its meshes have more than {MOST_CORNERS:,} corners; make them simpler")
    holds = weights = 0
    for geometry, _ in meshes:
        clusters = _clusters(scene, geometry)
        holds += len(clusters)
        if holds > MOST_HOLDS:
            raise ValueError("its meshes hang on too many bones; join some")
        weights += sum(Document.count(scene.objects[i].first("Indexes")) for i in clusters)
        if weights > MOST_WEIGHTS:
            raise ValueError(f"its meshes have more than {MOST_WEIGHTS:,} weights")


def _shape(scene: Scene, geometry: int, model: int, bones: dict[int, Bone | None]) -> Shape | None:
    """Return a mesh; None for one without polygons."""
    told = scene.objects[geometry]
    points = _numbers(scene, told, "Vertices", 3)
    triangles, corners, polygons = _triangles(_numbers(scene, told, "PolygonVertexIndex"))
    if not len(triangles):
        return None
    if corners.max() >= len(points):
        raise ValueError("a mesh has polygons of points that it does not have")
    skin, matrix = _skin(scene, geometry, len(points), bones), _offset(scene, model)
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
    unique, where = _alike(rows)
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
        faces=where[triangles],
        paints=chosen.astype(np.int64),
        normals=None if normals is None else unique[:, -3:],
        spots=None if spots is None else unique[:, 1:3],
        skin=skin,
    )


def _alike(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows (U, K) that differ, in order, and which of them each of (C, K) is.

    What `np.unique` says along an axis, in a tenth of its time.
    """
    order = np.lexsort(rows.T[::-1])
    rows = rows[order]
    new = np.concatenate([[True], (rows[1:] != rows[:-1]).any(axis=1)])
    where = np.empty(len(rows), np.int64)
    where[order] = np.cumsum(new) - 1
    return rows[new], where


def _numbers(scene: Scene, node: Node, what: str, width: int = 1) -> np.ndarray:
    """Return an array of a node, (K,) or (K, width)."""
    values = scene.numbers(node.first(what))
    if len(values) % width or not (np.abs(values) < MOST_VALUE).all():
        raise ValueError("its meshes hold numbers that are not finite, or too few")
    return values.reshape(-1, width) if width > 1 else values


def _triangles(told: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Polygons, the last corner of each told by its complement -> fans of triangles (F, 3) of
    corners, and of these (C,) the points and the polygons."""
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
    """Return what a layer says of each corner, (C, width); None where it says nothing known.

    It may lack places in pictures, as meshes do that are painted in part.
    """
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
    if names[0] == "UV":
        there = (index >= 0) & (index < len(values))
        return values[np.where(there, index, 0)] * there[:, None]
    if index.min() < 0 or index.max() >= len(values):
        raise ValueError(f"a mesh of it lacks some of its {names[0].lower()}")
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


def _skin(scene: Scene, geometry: int, count: int, bones: dict[int, Bone | None]) -> Skin | None:
    """Return how `count` points hang on bones, each of which is read once; None for none."""
    held: list[Bone] = []
    for cluster in _clusters(scene, geometry):
        if cluster not in bones:
            bones[cluster] = _bone(scene, cluster)
        if (bone := bones[cluster]) is not None:
            held.append(bone)
    if not held:
        return None
    space = np.eye(4)
    if len(held[0][2]) == 16:
        space = scene.upright @ held[0][1] @ held[0][2].reshape(4, 4).T
    if any(len(at) and not 0 <= at.min() <= at.max() < count for *_, at, _ in held):
        raise ValueError("a skin moves points that its mesh does not have")
    slots, weights = _strongest([bone[3:] for bone in held], count)
    return Skin(
        joints=tuple(bone[0] for bone in held),
        binds=np.stack([np.linalg.pinv(scene.upright @ bone[1]) for bone in held]),
        slots=slots,
        weights=weights,
        space=space,
    )


def _bone(scene: Scene, cluster: int) -> Bone | None:
    node = scene.objects[cluster]
    bone = next((i for i in scene.below.get(cluster, ()) if i in scene.places), None)
    link, mesh = (_numbers(scene, node, what) for what in ("TransformLink", "Transform"))
    if bone is None or len(link) != 16:
        return None
    at = _numbers(scene, node, "Indexes").astype(np.int64)
    shares = _numbers(scene, node, "Weights")
    if len(at) != len(shares):
        raise ValueError("a skin moves points that its mesh does not have")
    return scene.places[bone], link.reshape(4, 4).T, mesh, at, shares


def _clusters(scene: Scene, geometry: int) -> list[int]:
    """Return what binds a mesh to bones."""
    found: list[int] = []
    for skin in scene.deformers.get(geometry, ()):
        found += scene.deformers.get(skin, ())
        if len(found) > MOST_NODES:
            raise ValueError(f"a mesh of it hangs on more than {MOST_NODES} bones")
    return found


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
