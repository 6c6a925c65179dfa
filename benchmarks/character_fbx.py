"""Characters' FBX files as programs that are not ours read them, held against what was solved.

Blender (by a Python that has `bpy`), three.js in Node, and assimp's command line: each where it is
found. Positions of bones and of bent vertices, rotations since rest.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from benchmarks.files import turned as turned_by
from benchmarks.glb_player import Player
from benchmarks.reporting import Row
from core.body.rotations import matrix_to_quat
from core.body.take import Take
from core.character.character import Character
from core.character.export import write_character
from core.character.fbx import distinct
from core.character.retarget import Moved, retarget
from core.export.metadata import title

_HERE = Path(__file__).parent
_THREE = _HERE.parent / "app/web/node_modules/three"
_POSES = 4
"""Poses of a take that are looked at."""


def fbx_rows(character: Character, take: Take, points: np.ndarray, folder: Path) -> Row:
    """Figures by reader; `points` (T, V, 3) are its bent vertices, in our axes and meters."""
    moved = retarget(character.rig, take.root, take.rotations)
    poses = np.linspace(0, len(take) - 1, _POSES).astype(int)
    path, row = folder / "home.fbx", Row()
    write_character(take, path, character)
    for reader, told in _read(path, poses / take.fps, folder).items():
        row |= {f"{reader}_{key}": v for key, v in _apart(character, moved, told, poses).items()}
        theirs = np.array(told["vertices"])
        off = [_between(points[pose], some) for pose, some in zip(poses, theirs, strict=True)]
        row[f"{reader}_vertices_off_mm"] = 1000 * max(off)
        row[f"{reader}_takes"] = sum(title(take) in name for name in told["takes"])
    return row


def _apart(character: Character, moved: Moved, told: dict[str, Any], poses: np.ndarray) -> Row:
    every = distinct(character.names)
    names = [every[row.column] for row in character.rig.rows]
    world = np.stack([np.reshape(told["bones"][name], (-1, 4, 4)) for name in names], axis=1)
    rest = np.stack([np.reshape(told["rest"][name], (4, 4)) for name in names])
    off = world[..., :3, 3] - moved.places[poses] * character.meters
    since = matrix_to_quat(_turns(world) @ _turns(rest).mT)
    return {
        "bones_off_mm": 1000 * float(np.abs(off).max()),
        "bones_off_degrees": float(turned_by(since, moved.turns[poses]).max()),
    }


def _turns(matrices: np.ndarray) -> np.ndarray:
    linear = matrices[..., :3, :3]
    return linear / np.linalg.norm(linear, axis=-2, keepdims=True)


def _between(one: np.ndarray, other: np.ndarray) -> float:
    """How far the points of either are from the nearest of the other's."""
    ways = (KDTree(a).query(b)[0].max() for a, b in ((one, other), (other, one)))
    return float(max(ways))


def _read(path: Path, seconds: np.ndarray, folder: Path) -> dict[str, dict[str, Any]]:
    """What each reader that is found makes of a file."""
    out, times = folder / "told.json", [f"{second:.6f}" for second in seconds]
    blender, node = os.environ.get("BPY_PYTHON", ""), shutil.which("node")
    readers = _HERE / "fbx_readers"
    found: dict[str, dict[str, Any]] = {}
    commands = {
        "blender": blender and [blender, readers / "blender.py", path, out],
        "three": node and _THREE.is_dir() and [node, readers / "three.mjs", _THREE, path, out],
    }
    for reader, command in commands.items():
        if command:
            subprocess.run([*map(str, command), *times], check=True, capture_output=True)
            found[reader] = json.loads(out.read_text())
    if shutil.which("assimp"):
        found["assimp"] = _by_assimp(path, seconds, folder)
    return found


def _by_assimp(path: Path, seconds: np.ndarray, folder: Path) -> dict[str, Any]:
    out = folder / "assimp.glb"
    command = ["assimp", "export", str(path), str(out), "-fglb2"]
    subprocess.run(command, check=True, capture_output=True)
    file = Player(out)
    world, rest = file.world(), file.world(playing=False)[0]
    keys = file.rows(file.json["animations"][0]["samplers"][0]["input"])[:, 0]
    poses = np.argmin(np.abs(keys[:, None] - seconds), axis=0)
    world, size = world[poses], np.array([0.01, 0.01, 0.01])
    world[..., :3, 3] *= size
    rest[..., :3, 3] *= size
    names = [node.get("name", "") for node in file.json["nodes"]]
    bent = np.concatenate([part.points for part in file.skins(file.world()[poses])], axis=1)
    return {
        "takes": [one.get("name", "") for one in file.json["animations"]],
        "rest": dict(zip(names, rest, strict=True)),
        "bones": {name: world[:, i] for i, name in enumerate(names)},
        "vertices": bent * size,
    }
