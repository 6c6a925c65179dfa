"""Where the nodes of a GLB are while its first animation plays, by as little code as that takes.

It knows nothing of core, so that what is written there is read by another.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

_FORMS = {5121: "u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


@dataclass(frozen=True, eq=False)
class Skinned:
    """A part of a mesh in motion."""

    points: np.ndarray
    """(T, V, 3)."""
    faces: np.ndarray
    """(F, 3)."""
    hung: np.ndarray
    """The node (V,) on which each point hangs most."""
    color: np.ndarray
    """Linear, (3,)."""


class Player:
    """A file's nodes, by their numbers."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        length = struct.unpack_from("<I", data, 12)[0]
        self.json: dict[str, Any] = json.loads(data[20 : 20 + length])
        self._blob = data[28 + length :]
        self._parents = {
            child: i
            for i, node in enumerate(self.json["nodes"])
            for child in node.get("children", ())
        }

    def rows(self, index: int) -> np.ndarray:
        """Return the numbers of an accessor."""
        accessor = self.json["accessors"][index]
        view = self.json["bufferViews"][accessor["bufferView"]]
        width = _WIDTHS[accessor["type"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        form = np.dtype(_FORMS[accessor["componentType"]])
        return np.frombuffer(self._blob, form, accessor["count"] * width, start).reshape(-1, width)

    def world(self, playing: bool = True) -> np.ndarray:
        """Return matrices (T, nodes, 4, 4) at every key; T is 1 where nothing plays."""
        curves: dict[tuple[int, str], np.ndarray] = {}
        if playing:
            animation = self.json["animations"][0]
            for channel in animation["channels"]:
                sampler = animation["samplers"][channel["sampler"]]
                target = channel["target"]
                curves[target["node"], target["path"]] = self.rows(sampler["output"])
        found: dict[int, np.ndarray] = {}

        def visit(node: int) -> np.ndarray:
            if node not in found:
                own = _matrices(self.json["nodes"][node], node, curves)
                up = self._parents.get(node)
                found[node] = own if up is None else visit(up) @ own
            return found[node]

        every = [visit(node) for node in range(len(self.json["nodes"]))]
        count = max(map(len, every))
        return np.stack([np.broadcast_to(m, (count, 4, 4)) for m in every], axis=1)

    def skins(self, world: np.ndarray) -> Iterator[Skinned]:
        """Yield the parts of all skinned meshes as they are bent by nodes in `world`."""
        for node in self.json["nodes"]:
            if "skin" not in node:
                continue
            skin = self.json["skins"][node["skin"]]
            binds = self.rows(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
            bent = world[:, skin["joints"]] @ binds
            for primitive in self.json["meshes"][node["mesh"]]["primitives"]:
                told = primitive["attributes"]
                points, slots = self.rows(told["POSITION"]), self.rows(told["JOINTS_0"])
                weights = self.rows(told["WEIGHTS_0"]).astype(float)
                weights /= weights.sum(axis=1, keepdims=True)
                full = np.concatenate([points, np.ones((len(points), 1))], axis=1)
                moved = sum(
                    np.einsum("tvab,vb->tva", bent[:, slots[:, k]], full) * weights[:, [k]]
                    for k in range(4)
                    if weights[:, k].any()
                )
                material = self.json["materials"][primitive["material"]]
                color = material.get("pbrMetallicRoughness", {}).get("baseColorFactor", [0.6] * 4)
                yield Skinned(
                    np.asarray(moved)[..., :3],
                    self.rows(primitive["indices"]).reshape(-1, 3),
                    np.array(skin["joints"])[slots[np.arange(len(slots)), weights.argmax(axis=1)]],
                    np.array(color[:3]),
                )


def _matrices(
    node: dict[str, Any], number: int, curves: dict[tuple[int, str], np.ndarray]
) -> np.ndarray:
    if "matrix" in node:
        return np.array(node["matrix"], float).reshape(1, 4, 4).transpose(0, 2, 1)
    still = {"translation": [0, 0, 0], "rotation": [0, 0, 0, 1], "scale": [1, 1, 1]}
    place, turn, size = (
        curves.get((number, path), np.array([node.get(path, value)], float))
        for path, value in still.items()
    )
    out = np.tile(np.eye(4), (max(len(place), len(turn)), 1, 1))
    out[:, :3, :3] = Rotation.from_quat(turn).as_matrix() * size[:, None]
    out[:, :3, 3] = place
    return out
