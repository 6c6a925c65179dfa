"""What hangs on the bones of a character: the parts of its meshes, with bounds on how much."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.capture.gltf_file import Document, Json, decode

SIMPLER = "make its meshes simpler"
"""What helps where there is too much of it."""
MOST_NODES = 5000
"""Of a file with all that is in it besides."""
MOST_VERTICES = 2_000_000
MOST_PARTS = 1000
"""Meshes that bones move, and their primitives."""
_MOVED = ("POSITION", "JOINTS_0", "WEIGHTS_0")


def worn(document: Document) -> Iterator[tuple[int, int, Json]]:
    """Yield the primitives that bones move, each with the numbers of its mesh and of its skin.

    Those packed by Draco are left out. Raises ValueError for too many.
    """
    description = document.json
    total, parts, seen = 0, 0, set[tuple[int, int]]()
    told = [node for node in description["nodes"] if node.keys() >= {"mesh", "skin"}]
    for mesh, skin in dict.fromkeys((node["mesh"], node["skin"]) for node in told):
        primitives = description["meshes"][mesh]["primitives"]
        parts += 1 + len(primitives)
        if parts > MOST_PARTS:
            raise ValueError(f"its meshes have more than {MOST_PARTS} parts; join some")
        for primitive in primitives:
            attributes = primitive["attributes"]
            if not attributes.keys() >= {*_MOVED}:
                continue
            accessor = description["accessors"][attributes["POSITION"]]
            if "bufferView" not in accessor:
                continue
            if (attributes["POSITION"], skin) not in seen:  # materials of one mesh share them
                seen.add((attributes["POSITION"], skin))
                total += accessor["count"]
            if total > MOST_VERTICES:
                raise ValueError(f"its meshes have more than {MOST_VERTICES:,} vertices")
            counts = {description["accessors"][attributes[i]]["count"] for i in _MOVED}
            if len(counts) > 1:
                raise ValueError("a mesh of it has more vertices than joints or weights, or fewer")
            yield mesh, skin, primitive


def influences(
    document: Document, skin: int, primitive: Json, some: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the nodes (V, 4) on which all or some vertices hang, and how much, (V, 4)."""
    attributes, joints = primitive["attributes"], document.json["skins"][skin]["joints"]
    weights = decode(_some(document, attributes["WEIGHTS_0"], some))
    slots = _some(document, attributes["JOINTS_0"], some)
    if weights.shape != slots.shape or slots.dtype.kind != "u" or slots.max() >= len(joints):
        raise ValueError("a skin moves vertices by joints that it does not have")
    return np.array(joints)[slots], weights


def positions(document: Document, index: int, some: np.ndarray) -> np.ndarray:
    """Return some rows (P, 3) of an accessor; integers are shares only where it says so."""
    rows = _some(document, index, some)
    normalized = document.json["accessors"][index].get("normalized")
    if rows.shape[1] != 3:
        raise ValueError("a mesh holds vertices that are no three numbers")
    points = decode(rows) if normalized else rows.astype(np.float64)
    if not np.isfinite(points).all():
        raise ValueError("a mesh holds numbers that are not finite")
    return points


def _some(document: Document, index: int, some: np.ndarray | None) -> np.ndarray:
    rows = document.rows(index)
    return rows if some is None else rows[some]
