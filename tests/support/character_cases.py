"""What characters do in some poses, for whatever else moves them: the page's code in JavaScript.

`python -m tests.support.character_cases` writes it anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.character_files import Look, write
from benchmarks.rigs import RIGS
from core.body.rotations import about_y, quat_from_axis_angle, quat_multiply, quat_rotate
from core.body.skeleton import INDEX
from core.character.character import Character, read_character
from core.character.retarget import Retargeter, local_places, local_turns
from core.character.wire import rig_to_json
from tests.support.synthetic import walk

FILE = Path(__file__).parents[1] / "fixtures" / "characters.json"
OURS = Path(__file__).parents[2] / "assets" / "characters"
CHUNKS = 3, 5
"""Poses that are pushed one after the other."""


def poses() -> tuple[np.ndarray, np.ndarray]:
    """Root (T, 3) and rotations (T, 22, 4): steps of a walk that turns, with twisted hands."""
    root, rotations, _ = (part[::4][: sum(CHUNKS)].astype(np.float64) for part in walk(60))
    turns = about_y(np.linspace(0, 1.5, len(root)))
    rotations[:, 0] = quat_multiply(turns, rotations[:, 0])
    twist = quat_from_axis_angle(np.linspace(-1, 1, len(root))[:, None] * [1.0, 0.2, 0])
    rotations[:, INDEX["left_wrist"]] = twist
    return np.round(quat_rotate(turns, root), 6), np.round(rotations, 6)


def case(character: Character) -> dict[str, Any]:
    """A rig, and what its nodes do: local `turns` of all, `places` of those that have any."""
    rig, solver, first = character.rig, Retargeter(character.rig), 0
    placed = [i for i, row in enumerate(rig.rows) if row.parent < 0 or row.loose]
    turns, places = [], []
    root, rotations = poses()
    for count in CHUNKS:
        chunk = slice(first, first + count)
        moved = solver.push(root[chunk], rotations[chunk])
        turns += np.round(local_turns(rig, moved.turns), 6).tolist()
        told = np.stack([local_places(rig, moved, i) for i in placed], axis=1)
        places += np.round(told, 6).tolist()
        first += count
    return rig_to_json(character) | {"placed": placed, "turns": turns, "places": places}


def cases() -> dict[str, Any]:
    """All of it."""
    root, rotations = poses()
    with TemporaryDirectory() as name:
        files = {"bolt": OURS / "bolt.glb", "stilt": OURS / "stilt.vrm"}
        looks = {"unreal": Look(unit=0.01, armature=True), "rigify_loose": Look()}
        for family, look in looks.items():
            files[family] = Path(name) / f"{family}.glb"
            write(RIGS[family], files[family], look)
        found = {name: case(read_character(path)) for name, path in files.items()}
    return {
        "chunks": CHUNKS,
        "root": root.tolist(),
        "rotations": rotations.tolist(),
        "characters": found,
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(cases(), separators=(",", ":")) + "\n")
