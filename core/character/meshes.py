"""A character's meshes as they stand at rest, whatever poses, axes and units its file has them in.

What moves vertices in the file is applied to them once, so that bones that rest where the skeleton
does carry them as they are. Shapes for expressions, and what hangs on no bone, are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from core.body.rotations import normalize
from core.capture.gltf_file import Document, Json, decode
from core.capture.gltf_pose import inverse_binds, local
from core.capture.gltf_tree import upward
from core.character.character import Character
from core.character.skins import influences, positions, worn

MOST_CORNERS = 6_000_000
"""Of the triangles of all meshes."""
MOST_HELD = 1000
"""Primitives of meshes that hang on a bone as a whole."""
_TRIANGLES = 4


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """V vertices, told by the rig's axes and meters."""

    name: str
    vertices: np.ndarray
    """(V, 3)."""
    normals: np.ndarray
    """(V, 3)."""
    faces: np.ndarray
    """(F, 3)."""
    bones: np.ndarray
    """Which of the skeleton's nodes vertices hang on, (V, 4)."""
    weights: np.ndarray
    """(V, 4)."""
    material: np.ndarray
    """Of each face, by its number in the file, -1 for none, (F,)."""
    colors: np.ndarray
    """Of each vertex, linear, (V, 3)."""
    spots: np.ndarray
    """In the picture of its base color, from the upper left, (V, 2)."""


def meshes(document: Document, character: Character) -> Iterator[Mesh]:
    """Yield the meshes of a character; raise ValueError where they are damaged or too many."""
    grouped, accessors = _grouped(document, character), document.json["accessors"]
    drawn = [_corners(document, part[0]) for parts in grouped.values() for part in parts]
    if sum(accessors[i]["count"] for i in drawn if i is not None) > MOST_CORNERS:
        raise ValueError(f"its meshes have more than {MOST_CORNERS // 3:,} triangles")
    for name, parts in grouped.items():
        made = [one for part in parts if (one := _part(document, name[0], *part)) is not None]
        if made:
            yield _joined(made)


_Part = tuple[Json, np.ndarray, int | np.ndarray, int]
"""A primitive, matrices (K, 4, 4) by which nodes of the skeleton carry it, the one of these that
does or where each of the file's nodes is among them, and the skin that says which, or -1."""


def _grouped(document: Document, character: Character) -> dict[tuple[str, int, int], list[_Part]]:
    """Return the primitives of each mesh, named as its node is."""
    description, found = document.json, dict[tuple[str, int, int], list[_Part]]()
    nodes, count = description["nodes"], len(character.nodes)
    rest = np.tile(np.eye(4), (count, 1, 1))
    rest[:, :3, 3], rest[:, :3, :3] = character.rest[:2]
    column = np.zeros(len(nodes), np.int64)
    column[list(character.nodes)] = np.arange(count)
    names = {(node["mesh"], node.get("skin", -1)): node for node in nodes if "mesh" in node}

    def add(mesh: int, skin: int, part: _Part) -> None:
        told = names[mesh, skin].get("name") or description["meshes"][mesh].get("name") or "Body"
        found.setdefault((str(told), mesh, skin), []).append(part)

    carried: dict[int, np.ndarray] = {}
    for mesh, skin, primitive in worn(document):
        if skin not in carried:
            carried[skin] = rest.copy()
            for node, (bound, _) in inverse_binds(document, description["skins"][skin]).items():
                carried[skin][column[node]] = rest[column[node]] @ bound
        add(mesh, skin, (primitive, carried[skin], column, skin))
    held = 0
    for mesh, at, matrix in _held(nodes, {node: i for i, node in enumerate(character.nodes)}):
        primitives = description["meshes"][mesh]["primitives"]
        held += len(primitives)
        if held > MOST_HELD:
            raise ValueError(f"more than {MOST_HELD} meshes hang on its bones; join some")
        for primitive in primitives:
            add(mesh, -1, (primitive, rest @ matrix, at, -1))
    return found


def _held(nodes: list[Json], at: Mapping[int, int]) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield meshes that hang on a bone as a whole: that bone, and from which place (4, 4)."""
    carried: dict[int, tuple[int, np.ndarray]] = {}
    for i, up in reversed(upward(nodes).items()):
        if i in at:
            carried[i] = at[i], np.eye(4)
        elif up in carried:
            own = np.eye(4)
            place, linear, _ = local(nodes[i], {})
            own[:3, 3], own[:3, :3] = place[0], linear[0]
            carried[i] = carried[up][0], carried[up][1] @ own
    for i, node in enumerate(nodes):
        if i in carried and "mesh" in node and "skin" not in node:
            yield node["mesh"], *carried[i]


def _corners(document: Document, primitive: Json) -> int | None:
    """Return which accessor tells how many corners a primitive's triangles have; None for points
    and lines, and what is packed."""
    position = primitive["attributes"]["POSITION"]
    if (
        primitive.get("mode", _TRIANGLES) != _TRIANGLES
        or "bufferView" not in document.json["accessors"][position]
    ):
        return None
    return primitive.get("indices", position)


def _part(
    document: Document,
    name: str,
    primitive: Json,
    carried: np.ndarray,
    at: int | np.ndarray,
    skin: int,
) -> Mesh | None:
    """Return one primitive at rest; None for points and lines, and what is packed."""
    told = primitive["attributes"]
    if _corners(document, primitive) is None:
        return None
    if "indices" in primitive:
        corners = document.rows(primitive["indices"]).ravel()
    else:
        corners = np.arange(document.json["accessors"][told["POSITION"]]["count"])
    used, faces = np.unique(corners[: len(corners) // 3 * 3], return_inverse=True)
    if not len(used):
        return None
    if isinstance(at, int):
        bones, weights = np.full((len(used), 4), at), np.tile([1.0, 0, 0, 0], (len(used), 1))
    else:
        owners, weights = influences(document, skin, primitive, used)
        bones = at[owners]
        weights = np.where(weights.any(axis=1, keepdims=True), weights, [1.0, 0, 0, 0])
        weights /= weights.sum(axis=1, keepdims=True)
    points = _bent(positions(document, told["POSITION"], used), carried, bones, weights, 1)
    faces = faces.reshape(-1, 3)
    if np.linalg.det(carried[bones[0, 0], :3, :3]) < 0:
        faces = faces[:, ::-1]  # mirrored
    if "NORMAL" in told:
        normals = _bent(positions(document, told["NORMAL"], used), carried, bones, weights, 0)
    else:
        from core.export.render.scene import face_spread, vertex_normals

        normals = vertex_normals(points, faces, face_spread(faces, len(points)))
    colors, spots = np.ones((len(used), 3)), np.zeros((len(used), 2))
    if "COLOR_0" in told:
        colors = decode(document.rows(told["COLOR_0"])[used])[:, :3]
    if "TEXCOORD_0" in told:
        spots = decode(document.rows(told["TEXCOORD_0"])[used])[:, :2]
    return Mesh(
        name=name,
        vertices=points,
        normals=normalize(normals),
        faces=faces,
        bones=bones,
        weights=weights,
        material=np.full(len(faces), primitive.get("material", -1)),
        colors=np.clip(np.nan_to_num(colors), 0, 1),
        spots=np.nan_to_num(spots, posinf=0, neginf=0),
    )


def _bent(
    points: np.ndarray, carried: np.ndarray, bones: np.ndarray, weights: np.ndarray, w: int
) -> np.ndarray:
    """Points (V, 3), or directions where `w` is 0, carried by matrices (K, 4, 4)."""
    out = np.zeros_like(points)
    for one, share in zip(bones.T, weights.T, strict=True):
        if share.any():
            moved = np.einsum("vab,vb->va", carried[one, :3, :3], points) + w * carried[one, :3, 3]
            out += share[:, None] * moved
    return out


def _joined(parts: list[Mesh]) -> Mesh:
    """Return primitives as one mesh."""
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    faces = [part.faces + start for part, start in zip(parts, starts[:-1], strict=True)]
    rest = ("vertices", "normals", "bones", "weights", "material", "colors", "spots")
    return Mesh(
        name=parts[0].name,
        faces=np.concatenate(faces),
        **{key: np.concatenate([getattr(part, key) for part in parts]) for key in rest},
    )
