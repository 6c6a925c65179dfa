"""Figures of rounded parts on a skeleton, and how they become GLB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.character.glb_file import File

ROUND, LONG = 14, 9
"""Points around a part and along it."""
SOFT = 0.035
"""Meters over which a part goes from one bone to the next."""
Place = tuple[float, float, float]
SPINE = ("Hips", "Spine", "Chest", "Neck", "Head")
LIMBS = (
    ("Chest", "Shoulder", "UpperArm", "LowerArm", "Hand"),
    ("Hips", "UpperLeg", "LowerLeg", "Foot", "Toes"),
)


@dataclass
class Figure:
    """Joints, and parts of a skin by their color."""

    places: Mapping[str, Place]
    joints: dict[str, tuple[str, np.ndarray]] = field(default_factory=dict)
    """Parent ("" for the first) and place of each, as `LeftHand`."""
    parts: dict[str, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = field(default_factory=dict)
    """Points (P, 3), triangles (F, 3) and weights (P, joints) of each color."""

    def __post_init__(self) -> None:
        for parent, name in zip(("", *SPINE), SPINE, strict=False):
            self.joints[name] = parent, np.array(self.places[name], float)
        for side, sign in (("Left", 1), ("Right", -1)):
            for top, *limb in LIMBS:
                above = top
                for name in limb:
                    at = np.array(self.places[name]) * [sign, 1, 1]
                    self.joints[side + name] = above, at
                    above = side + name

    def at(self, joint: str) -> np.ndarray:
        """Where a joint is (3,)."""
        return self.joints[joint][1]

    def add(
        self,
        color: str,
        bones: Sequence[str],
        ends: tuple[np.ndarray, np.ndarray],
        sizes: Sequence[tuple[float, float]],
        *,
        square: float = 1.0,
        floor: float | None = None,
    ) -> None:
        """Add a part around a line from one end to the other.

        `sizes` are its half widths (across, ahead) along it; `square` below 1 makes boxes of
        ellipses. It hangs on `bones`, on each where that is nearest, with soft borders; nothing of
        it is below `floor`.
        """
        start, end = ends
        line = end - start
        length = float(np.linalg.norm(line))
        ahead = np.array([0.0, 0, 1]) if abs(line[2]) < 0.7 * length else np.array([0.0, 1, 0])
        across = np.cross(ahead, line / length)
        across /= np.linalg.norm(across)
        ahead = np.cross(line / length, across)
        turn = np.linspace(0, 2 * np.pi, ROUND, endpoint=False)
        ring = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
        ring = np.sign(ring) * np.abs(ring) ** square
        share = np.linspace(-1, 1, LONG)
        cap = np.maximum(1 - np.abs(share) ** (2 / max(square, 0.35) + 1), 0) ** (0.5 * square)
        widths = np.array(
            [
                np.interp(share, np.linspace(-1, 1, len(sizes)), column)
                for column in zip(*sizes, strict=True)
            ]
        ).T
        shown = ring[None] * (widths * np.maximum(cap, 0.02)[:, None])[:, None]
        points = (
            start
            + (share[:, None, None] + 1) / 2 * line
            + shown[..., :1] * across
            + shown[..., 1:] * ahead
        ).reshape(-1, 3)
        if floor is not None:
            points[:, 1] = np.maximum(points[:, 1], floor)
        self.parts.setdefault(color, []).append((points, _tube(), self._weights(points, bones)))

    def _weights(self, points: np.ndarray, bones: Sequence[str]) -> np.ndarray:
        names = [*self.joints]
        weights = np.zeros((len(points), len(names)))
        away = np.stack([self._away(points, bone) for bone in bones], axis=1)
        soft = np.exp((away.min(axis=1, keepdims=True) - away) / SOFT)
        weights[:, [names.index(bone) for bone in bones]] = soft / soft.sum(axis=1, keepdims=True)
        return weights

    def _away(self, points: np.ndarray, bone: str) -> np.ndarray:
        """Distances (P,) of points from a bone."""
        start = self.at(bone)
        child = next((at for parent, at in self.joints.values() if parent == bone), None)
        end = start + np.array([0, 0.05, 0]) if child is None else child
        if bone == "Chest":
            end = self.at("Neck")
        line = end - start
        along = np.clip((points - start) @ line / (line @ line), 0, 1)
        return np.linalg.norm(points - start - along[:, None] * line, axis=1)


def _tube() -> np.ndarray:
    """Triangles of LONG rings of ROUND points each, closed at both ends."""
    faces: list[tuple[int, int, int]] = []
    for k in range(LONG - 1):
        for i in range(ROUND):
            a, b = k * ROUND + i, k * ROUND + (i + 1) % ROUND
            faces += [(a, b, a + ROUND), (b, b + ROUND, a + ROUND)]
    last = (LONG - 1) * ROUND
    faces += [(0, i + 1, i) for i in range(1, ROUND - 1)]
    faces += [(last, last + i, last + i + 1) for i in range(1, ROUND - 1)]
    return np.array(faces)


COLORS = {
    "orange": ([0.83, 0.27, 0.06, 1], 0.2, 0.5),
    "steel": ([0.25, 0.28, 0.32, 1], 0.6, 0.4),
    "glow": ([0.5, 0.9, 1.0, 1], 0.0, 0.3),
    "teal": ([0.04, 0.38, 0.38, 1], 0.0, 0.8),
    "skin": ([0.87, 0.55, 0.38, 1], 0.0, 0.7),
    "plum": ([0.13, 0.05, 0.14, 1], 0.0, 0.8),
}
"""Linear color, metalness and roughness."""


def to_glb(
    figure: Figure,
    name: str,
    names: Mapping[str, str] | None = None,
    words: Mapping[str, Any] | None = None,
) -> bytes:
    """Return a figure as GLB; `names` are what its bones are called, `words` VRM 1.0's own."""
    asset = {"version": "2.0", "generator": "Livestep", "copyright": "CC0 1.0"}
    out = File({"asset": asset})
    joints = [*figure.joints]
    nodes: list[dict[str, Any]] = []
    for joint, (parent, at) in figure.joints.items():
        own = at - figure.at(parent) if parent else at
        children = [joints.index(j) for j, (up, _) in figure.joints.items() if up == joint]
        node = {"name": _named(joint, names), "translation": own.round(6).tolist()}
        nodes.append(node | ({"children": children} if children else {}))
    primitives, materials = [], []
    for color, parts in figure.parts.items():
        points, faces, weights = _joined(parts)
        order = np.argsort(-weights, axis=1)[:, :4]
        shares = np.take_along_axis(weights, order, axis=1)
        shares = np.round(255 * shares / shares.sum(axis=1, keepdims=True)).astype(int)
        shares[:, 0] += 255 - shares.sum(axis=1)
        order = np.where(shares > 0, order, 0)
        attributes = {
            "POSITION": out.add(points, bounds=True),
            "NORMAL": out.add(_normals(points, faces)),
            "JOINTS_0": out.add(order.astype(np.uint8)),
            "WEIGHTS_0": out.add(shares.astype(np.uint8), normalized=True),
        }
        primitive = {"attributes": attributes, "indices": out.add(faces.astype(np.uint16).ravel())}
        primitives.append(primitive | {"material": len(materials)})
        base, metal, rough = COLORS[color]
        pbr = {"baseColorFactor": base, "metallicFactor": metal, "roughnessFactor": rough}
        materials.append({"name": color, "pbrMetallicRoughness": pbr})
    binds = np.tile(np.eye(4), (len(joints), 1, 1))
    binds[:, 3, :3] = [-at for _, at in figure.joints.values()]  # column by column
    skin = {"joints": [*range(len(joints))], "inverseBindMatrices": out.add(binds)}
    nodes.append({"name": name, "mesh": 0, "skin": 0})
    out.json |= {
        "nodes": nodes,
        "meshes": [{"name": name, "primitives": primitives}],
        "materials": materials,
        "skins": [skin],
        "scenes": [{"name": name, "nodes": [0, len(nodes) - 1]}],
        "scene": 0,
    }
    if words:
        out.json["extensionsUsed"] = ["VRMC_vrm"]
        out.json["extensions"] = {"VRMC_vrm": dict(words)}
    return out.to_bytes()


def _named(joint: str, names: Mapping[str, str] | None) -> str:
    side = next((s for s in ("Left", "Right") if joint.startswith(s)), "")
    return side + (names or {}).get(joint.removeprefix(side), joint.removeprefix(side))


def _joined(parts: Iterable[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    points, faces, weights = zip(*parts, strict=True)
    starts = np.cumsum([0, *map(len, points[:-1])])
    moved = [f + start for f, start in zip(faces, starts, strict=True)]
    return np.concatenate(points), np.concatenate(moved), np.concatenate(weights)


def _normals(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (points[faces[:, k]] for k in range(3))
    normals = np.zeros_like(points)
    for k in range(3):
        np.add.at(normals, faces[:, k], np.cross(b - a, c - a))
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
