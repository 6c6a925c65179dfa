"""Where the soles of a character's feet are: the outline of what its mesh hangs on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.capture.gltf_file import Document
from core.capture.gltf_pose import Binds, Transform, inverse_binds
from core.character.skins import influences, positions, worn

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
    binds_of: dict[int, Binds] = {}
    seen = set[tuple[int, int]]()
    for _, skin, primitive in worn(document):
        position = primitive["attributes"]["POSITION"]
        if (position, skin) in seen:
            continue  # materials of one mesh share its vertices
        seen.add((position, skin))
        told = document.json["skins"][skin]
        if skin not in binds_of:
            binds_of[skin] = inverse_binds(document, told)
        nodes, weights = influences(document, skin, primitive)
        main = nodes[np.arange(len(nodes)), weights.argmax(axis=1)]
        for foot, places in zip(feet, found, strict=True):
            for joint in foot & {*told["joints"]} & placed.keys():
                bound = binds_of[skin][joint][0] if joint in binds_of[skin] else np.eye(4)
                points = positions(document, position, np.flatnonzero(main == joint))
                points = points @ bound[:3, :3].T + bound[:3, 3]
                place, linear, _ = placed[joint]
                places.append(points @ linear[0].T + place[0])
    empty = np.zeros((0, 3))
    return [np.concatenate([empty, *places]) for places in found]
