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
from core.character.fbx_shapes import Shape, shapes
from core.character.glb_file import File
from core.character.skins import MOST_NODES

MOST_MATERIALS = 1000
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
    if (count := 1 + len(scene.places)) > MOST_NODES:
        raise ValueError(f"it has {count} nodes, {MOST_NODES} are the most; export it alone")
    nodes = [
        {key: part.tolist() if isinstance(part, np.ndarray) else part for key, part in node.items()}
        for node in scene.nodes()
    ]
    for node in nodes:
        node.pop("mesh", None)
    nodes[0] |= {"name": "FBX", "scale": [scene.unit] * 3}
    file.json |= {"nodes": nodes, "scenes": [{"nodes": [0]}], "scene": 0}
    materials = _materials(scene, file)
    for geometry, model, made in shapes(scene):
        node = nodes[scene.places[model]]
        primitives = _primitives(file, made, materials.get(model, []))
        meshes = file.json.setdefault("meshes", [])
        node["mesh"] = len(meshes)
        meshes.append(
            {"name": name(scene.objects[geometry]) or node["name"], "primitives": primitives}
        )
        if made.skin is not None:
            binds = made.skin.binds.transpose(0, 2, 1).reshape(-1, 16)
            skins = file.json.setdefault("skins", [])
            node["skin"] = len(skins)
            skins.append({"joints": [*made.skin.joints], "inverseBindMatrices": file.add(binds)})


def _materials(scene: Scene, file: File) -> dict[int, list[int]]:
    """Add the materials of nodes; return the numbers of each node's."""
    paints, found = _Paints(scene, file), dict[int, list[int]]()
    materials = [number for number, _ in scene.all("Material")]
    if len(materials) > MOST_MATERIALS:
        raise ValueError(f"it has {len(materials)} materials, {MOST_MATERIALS} are the most")
    for number in materials:
        for model in dict.fromkeys(model for model, _ in scene.above[number]):
            if model in scene.places:
                found.setdefault(model, []).append(paints.add(number))
    return found


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
    paints = np.where((made.paints >= 0) & (made.paints < len(materials)), made.paints, -1)
    for paint in np.unique(paints).tolist():
        corners = made.faces[paints == paint].astype(np.uint32).ravel()
        found.append({"attributes": attributes, "indices": file.add(corners)})
        if paint >= 0:
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
            data = content[0] if content and isinstance(content[0], memoryview) else b""
            if kind := next((k for head, k in _HEADS.items() if data[: len(head)] == head), ""):
                return self._shown(video, data, kind)
        return None

    def _shown(self, video: int, data: bytes | memoryview, kind: str) -> int:
        """Return the texture of a picture."""
        if video not in self._added:
            json = self._file.json
            images, textures = (json.setdefault(part, []) for part in ("images", "textures"))
            self._added[video] = len(textures)
            textures.append({"source": len(images)})
            images.append({"bufferView": self._file.view(bytes(data)), "mimeType": kind})
        return self._added[video]


def _linear(share: np.ndarray) -> np.ndarray:
    """Light of what screens are told, both in shares of 1."""
    share = np.clip(share, 0, 1)
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
