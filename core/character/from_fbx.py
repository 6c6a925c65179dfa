"""A character in a binary FBX file -> the same one as GLB, which all else here reads and writes.

Its skeleton, meshes on their skins, base colors and the pictures that are packed into it; no shapes
for expressions, no motion. Numbers are bounded by core.capture.fbx_file.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from core.capture.fbx_file import Document
from core.capture.fbx_scene import Scene, name, properties, vector
from core.character.fbx_shapes import Shape, shape
from core.character.glb_file import File

MOST_MESHES = 1000
MOST_HOLDS = 20_000
"""Bones of all meshes, each counted as often as it moves one."""
_HEADS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def to_glb(path: Path) -> bytes:
    """Return a GLB in meters, Y up; raise ValueError, with a sentence, where it cannot be read."""
    try:
        scene = Scene(Document(path))
        file = File({"asset": {"version": "2.0", "generator": "Livestep, of FBX"}})
        _fill(scene, file)
        return file.to_bytes()
    except (AttributeError, LookupError, TypeError, OverflowError, struct.error, zlib.error) as odd:
        raise ValueError("it is not a readable FBX file") from odd


def _fill(scene: Scene, file: File) -> None:
    nodes = [
        {key: part.tolist() if isinstance(part, np.ndarray) else part for key, part in node.items()}
        for node in scene.nodes()
    ]
    for node in nodes:
        node.pop("mesh", None)
    nodes[0] |= {"name": "FBX", "scale": [scene.unit] * 3}
    file.json |= {"nodes": nodes, "scenes": [{"nodes": [0]}], "scene": 0}
    paints, holds = _Paints(scene, file), 0
    geometries = [*scene.all("Geometry")]
    if len(geometries) > MOST_MESHES:
        raise ValueError(f"it has {len(geometries)} meshes, {MOST_MESHES} are the most; join some")
    for geometry, told in geometries:
        model = next((i for i, _ in scene.above[geometry] if i in scene.places), None)
        if model is None or (made := shape(scene, geometry, model)) is None:
            continue
        node = nodes[scene.places[model]]
        materials = [i for i in scene.below.get(model, ()) if scene.objects[i].name == "Material"]
        primitives = _primitives(file, made, [paints.add(i) for i in materials])
        meshes = file.json.setdefault("meshes", [])
        node["mesh"] = len(meshes)
        meshes.append({"name": name(told) or node["name"], "primitives": primitives})
        if made.skin is not None:
            binds = made.skin.binds.transpose(0, 2, 1).reshape(-1, 16)
            skins = file.json.setdefault("skins", [])
            node["skin"] = len(skins)
            holds += len(made.skin.joints)
            if holds > MOST_HOLDS:
                raise ValueError("its meshes hang on too many bones; join some")
            hung = {"joints": [*made.skin.joints], "inverseBindMatrices": file.add(binds)}
            skins.append(hung)


def _primitives(file: File, made: Shape, materials: list[int]) -> list[dict[str, Any]]:
    """Add a mesh; return its primitives, one for each material."""
    attributes = {"POSITION": file.add(made.points, bounds=True)}
    if made.normals is not None:
        attributes["NORMAL"] = file.add(made.normals)
    if made.spots is not None:
        attributes["TEXCOORD_0"] = file.add(made.spots)
    if made.skin is not None:
        attributes["JOINTS_0"] = file.add(made.skin.slots.astype(np.uint16))
        attributes["WEIGHTS_0"] = file.add(made.skin.weights)
    found: list[dict[str, Any]] = []
    for paint in np.unique(made.paints).tolist():
        corners = made.faces[made.paints == paint].astype(np.uint32).ravel()
        found.append({"attributes": attributes, "indices": file.add(corners)})
        if 0 <= paint < len(materials):
            found[-1]["material"] = materials[paint]
    return found


class _Paints:
    """Materials of a scene, each added to a file once."""

    def __init__(self, scene: Scene, file: File) -> None:
        self._scene, self._file = scene, file
        self._added: dict[int, int] = {}
        self._textures = {
            material: texture
            for texture, ends in scene.above.items()
            for material, what in ends
            if what == "DiffuseColor"
        }

    def add(self, number: int) -> int:
        """Return the number in the file of one of the scene's materials."""
        if number not in self._added:
            node = self._scene.objects[number]
            told = properties(node)
            tint = vector(told, "DiffuseColor", 1.0) * vector(told, "DiffuseFactor", 1.0)
            base: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": 0.8}
            picture = self._picture(number)
            if picture is not None:
                base["baseColorTexture"] = {"index": picture}
            else:
                base["baseColorFactor"] = [*_linear(tint).tolist(), 1.0]
            materials = self._file.json.setdefault("materials", [])
            self._added[number] = len(materials)
            materials.append({"name": name(node), "pbrMetallicRoughness": base})
        return self._added[number]

    def _picture(self, material: int) -> int | None:
        """Add the picture of its base color that is packed into the file."""
        for video in self._scene.below.get(self._textures.get(material, -1), ()):
            content = self._scene.objects[video].first("Content").values
            data = bytes(content[0]) if content and isinstance(content[0], memoryview) else b""
            if kind := next((k for head, k in _HEADS.items() if data.startswith(head)), ""):
                return self._shown(video, data, kind)
        return None

    def _shown(self, video: int, data: bytes, kind: str) -> int:
        """Return the texture of a picture."""
        if video not in self._added:
            json = self._file.json
            images, textures = (json.setdefault(part, []) for part in ("images", "textures"))
            self._added[video] = len(textures)
            textures.append({"source": len(images)})
            images.append({"bufferView": self._file.view(data), "mimeType": kind})
        return self._added[video]


def _linear(share: np.ndarray) -> np.ndarray:
    """Light of what screens are told, both in shares of 1."""
    share = np.clip(share, 0, 1)
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
