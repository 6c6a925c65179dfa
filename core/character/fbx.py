"""A take on a visitor's own character as FBX: its meshes, paints and bones, under its own names.

Centimeters, Y up, facing +Z, whatever its file has: bones keep their directions, and what scaled
them is in the numbers. Nothing is decoded of its pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.body.rotations import normalize, quat_inverse, quat_multiply, quat_rotate
from core.body.take import Take
from core.capture.gltf_file import Document, Json
from core.character.character import Character
from core.character.glb_file import content
from core.character.meshes import Mesh, meshes
from core.character.retarget import Moved
from core.character.rig import Row
from core.export.fbx_file import save
from core.export.fbx_mesh import Surface, add_paint, add_picture, add_surface
from core.export.fbx_rig import BEHIND, Rig, add_animation, add_bind_pose, add_bones
from core.export.fbx_scene import Scene
from core.export.metadata import ROOT
from core.export.root import Root

_PICTURES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg"}
"""What every reader of FBX shows, by how it begins."""
_GRAY = 0.8


def write_fbx(
    takes: Mapping[str, Take],
    path: Path,
    character: Character,
    moved: Moved,
    root: Root | None,
    about: dict[str, str],
) -> None:
    """Write takes that follow each other, which `moved` and `root` are of, as animations."""
    document = Document(character.path, content(character.path))
    scale = 100 * character.meters
    scene, rig = Scene(), _rig(character, scale, rooted=root is not None)
    first = int(root is not None)
    bones = add_bones(scene, rig)
    paints = _Paints(scene, document)
    shown = [
        add_surface(scene, rig, bones, _surface(mesh, paints, scale, first), about)
        for mesh in meshes(document, character)
    ]
    if not shown:
        raise ValueError("its meshes are packed in a way that is not read here; take it as .glb")
    add_bind_pose(scene, rig, bones, shown)
    turns, places = _tracks(character, rig, moved, root, scale)
    begin, fps = 0, 0.0
    for name, one in takes.items():
        part, fps = slice(begin, begin + len(one)), one.fps
        some = {bone: path[part] for bone, path in places.items()}
        add_animation(scene, name, fps, bones, turns[part], some)
        begin += len(one)
    save(scene.document(fps), path)


def _rig(character: Character, scale: float, *, rooted: bool) -> Rig:
    """Return its skeleton at rest; `rooted` has a root bone on the floor above it."""
    names, parents = distinct(character.names), character.parents
    places, rows = character.places * scale, character.rig.rows
    moving = {row.column for row in rows}
    still = {parents[row.column] for row in rows if _travels(row)} - moving - {-1}
    places[list(still)] -= [0, 0, BEHIND]
    if not rooted:
        return Rig(names=names, parents=parents, places=places, frames=character.rest[2])
    return Rig(
        names=distinct((ROOT, *names)),
        parents=(-1, *(parent + 1 for parent in parents)),
        places=np.concatenate([[[0, 0, -BEHIND]], places]),
        frames=np.concatenate([[[1.0, 0, 0, 0]], character.rest[2]]),
    )


def _travels(row: Row) -> bool:
    return row.parent < 0 or row.loose


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of which those that were there before have a number behind them."""
    found: dict[str, None] = {}
    for name in names:
        one, again = name, 1
        while one in found:
            again += 1
            one = f"{name}_{again}"
        found[one] = None
    return tuple(found)


def _tracks(
    character: Character, rig: Rig, moved: Moved, root: Root | None, scale: float
) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Rotations (T, N, 4) of all bones and places (T, 3) of those that travel, as files tell it."""
    rows = character.rig.rows
    at = {row.column: i for i, row in enumerate(rows)}
    count, first = len(moved.places), int(root is not None)
    rest = rig.places[first:] / scale
    turns = np.tile([1.0, 0, 0, 0], (count, len(rest), 1))
    places = np.broadcast_to(rest, (count, *rest.shape)).copy()
    for c, up in enumerate(character.parents):
        if c in at:
            turns[:, c], places[:, c] = moved.turns[:, at[c]], moved.places[:, at[c]]
        elif up >= 0:
            turns[:, c] = turns[:, up]
            places[:, c] = places[:, up] + quat_rotate(turns[:, up], rest[c] - rest[up])
    own, travel = turns.copy(), dict[int, np.ndarray]()
    for c, up in enumerate(character.parents):
        if up >= 0:
            own[:, c] = quat_multiply(quat_inverse(turns[:, up]), turns[:, c])
        if c in at and _travels(rows[at[c]]):
            place = places[:, c]
            if up >= 0:
                frame = quat_multiply(turns[:, up], rig.frames[first + up])
                place = quat_rotate(quat_inverse(frame), place - places[:, up])
            travel[first + c] = place * scale
    if root is not None:
        own = np.concatenate([root.turns[:, None], own], axis=1)
        travel |= {c: path - rig.places[0] for c, path in travel.items() if rig.parents[c] == 0}
        travel[0] = root.path * scale + quat_rotate(root.turns, rig.places[0])
    return rig.local(normalize(own)), travel


def _surface(mesh: Mesh, paints: _Paints, scale: float, first: int) -> Surface:
    used, painted = np.unique(mesh.material, return_inverse=True)
    colored = (mesh.colors < 1).any()
    return Surface(
        name=mesh.name,
        vertices=mesh.vertices * scale,
        normals=mesh.normals,
        faces=mesh.faces,
        bones=mesh.bones + first,
        weights=mesh.weights,
        paints=tuple(paints.add(material) for material in used.tolist()),
        painted=painted if len(used) > 1 else None,
        colors=_srgb(mesh.colors) if colored else None,
        spots=mesh.spots * [1, -1] + [0, 1] if mesh.spots.any() else None,
    )


class _Paints:
    """Materials and pictures of a file, each added to a scene once."""

    def __init__(self, scene: Scene, document: Document) -> None:
        self._scene, self._document = scene, document
        self._added: dict[tuple[str, int], int | None] = {}

    def add(self, material: int) -> int:
        """Return the number in the scene of one of the file's materials, -1 being none."""
        key = "material", material
        if key not in self._added:
            told: Json = self._document.json["materials"][material] if material >= 0 else {}
            base = told.get("pbrMetallicRoughness", {})
            *color, opacity = _factor(base.get("baseColorFactor", [1, 1, 1, 1]))
            picture = self._picture(base.get("baseColorTexture"))
            if not base:
                color = [_GRAY] * 3
            clear = opacity if told.get("alphaMode") == "BLEND" else 1.0
            name, tint = str(told.get("name") or f"Material{material}"), _srgb(np.array(color))
            self._added[key] = add_paint(self._scene, name, tint.tolist(), picture, clear)
        return self._added[key] or 0

    def _picture(self, told: Any) -> int | None:
        if told is None:
            return None
        image = self._document.json["textures"][told["index"]].get("source", -1)
        key = "image", image
        if key not in self._added:
            data = self._document.picture(image) if image >= 0 else b""
            kind = next((kind for head, kind in _PICTURES.items() if data.startswith(head)), "")
            name = f"picture{image}.{kind}"
            self._added[key] = add_picture(self._scene, name, data) if kind else None
        return self._added[key]


def _factor(told: object) -> list[float]:
    if isinstance(told, list) and [type(n) in (int, float) for n in told] == [True] * 4:
        return np.clip(np.nan_to_num(np.array(told, float)), 0, 1).tolist()
    raise ValueError("the baseColorFactor of a material must be 4 numbers")


def _srgb(linear: np.ndarray) -> np.ndarray:
    """Shares of light as screens are told them."""
    share = np.clip(np.nan_to_num(linear), 0, 1)
    return np.where(share <= 0.0031308, 12.92 * share, 1.055 * share ** (1 / 2.4) - 0.055)
