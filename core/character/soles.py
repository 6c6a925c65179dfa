"""Where the soles of a character's feet are: the outline of what its mesh hangs on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.capture.gltf_file import Document, Json, decode
from core.capture.gltf_pose import Binds, Transform, inverse_binds

MOST_VERTICES = 2_000_000
MOST_PARTS = 1000
"""Meshes that bones move, and their primitives."""
_DOWN = np.radians([90, 70, 50, 30, 15])
_ROUND = np.radians(np.arange(0, 360, 30))
DIRECTIONS = np.array(
    [
        [np.cos(down) * np.sin(turn), -np.sin(down), np.cos(down) * np.cos(turn)]
        for down in _DOWN
        for turn in _ROUND
    ]
)
"""Ways in which an outline is felt for: down, and slanting all around."""


def outline(points: np.ndarray) -> np.ndarray:
    """Return those of points (P, 3) that are the furthest in some of DIRECTIONS, one for each."""
    return points[np.argmax(DIRECTIONS @ points.T, axis=1)]


def foot_vertices(
    document: Document, feet: Sequence[set[int]], placed: Mapping[int, Transform]
) -> list[np.ndarray]:
    """Vertices (P, 3), in the world of `placed`, that hang most on the nodes of each foot.

    Empty where meshes are packed in a way that is not read here. Raises ValueError for too many.
    """
    found: list[list[np.ndarray]] = [[] for _ in feet]
    description, total, parts, seen = document.json, 0, 0, set[tuple[int, int]]()
    binds_of: dict[int, Binds] = {}
    worn = [node for node in description["nodes"] if node.keys() >= {"mesh", "skin"}]
    for mesh, wears in dict.fromkeys((node["mesh"], node["skin"]) for node in worn):
        skin, primitives = description["skins"][wears], description["meshes"][mesh]["primitives"]
        parts += 1 + len(primitives)
        if parts > MOST_PARTS:
            raise ValueError(f"its meshes have more than {MOST_PARTS} parts; join some")
        joints = np.array(skin["joints"])
        if wears not in binds_of:
            binds_of[wears] = inverse_binds(document, skin)
        binds = binds_of[wears]
        for primitive in primitives:
            attributes = primitive["attributes"]
            if not {"POSITION", "JOINTS_0", "WEIGHTS_0"} <= attributes.keys():
                continue
            if "bufferView" not in description["accessors"][attributes["POSITION"]]:
                continue  # packed by Draco
            if (attributes["POSITION"], wears) in seen:
                continue  # materials of one mesh share its vertices
            seen.add((attributes["POSITION"], wears))
            total += description["accessors"][attributes["POSITION"]]["count"]
            if total > MOST_VERTICES:
                raise ValueError(f"its meshes have more than {MOST_VERTICES:,} vertices")
            weights = decode(document.rows(attributes["WEIGHTS_0"]))
            slots = document.rows(attributes["JOINTS_0"])
            if len(weights) != len(slots) or slots.dtype.kind != "u" or slots.max() >= len(joints):
                raise ValueError("a skin moves vertices by joints that it does not have")
            main = joints[slots[np.arange(len(slots)), weights.argmax(axis=1)]]
            for foot, places in zip(feet, found, strict=True):
                for joint in foot & {*joints.tolist()} & placed.keys():
                    hung = np.flatnonzero(main == joint)
                    bound = binds[joint][0] if joint in binds else np.eye(4)
                    points = _positions(document, attributes["POSITION"], hung)
                    points = points @ bound[:3, :3].T + bound[:3, 3]
                    place, linear, _ = placed[joint]
                    places.append(points @ linear[0].T + place[0])
    empty = np.zeros((0, 3))
    return [np.concatenate([empty, *places]) for places in found]


def _positions(document: Document, index: int, some: np.ndarray) -> np.ndarray:
    """Return some vertices (P, 3) of an accessor; integers are shares only where it says so."""
    accessor: Json = document.json["accessors"][index]
    rows = document.rows(index)[some]
    points = decode(rows) if accessor.get("normalized") else rows.astype(np.float64)
    if not np.isfinite(points).all():
        raise ValueError("a mesh holds numbers that are not finite")
    return points
