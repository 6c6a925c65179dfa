"""How well characters move: `python -m benchmarks.characters --json`.

A made-up character of each family of tools, in its file's units, axes and pose at rest, with what
real files have besides, is read, moved by generated takes, written, and read back: what its nodes
do there is held against what our body does. Soles are its mesh's.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm

from benchmarks import reporting
from benchmarks.character_fbx import fbx_rows
from benchmarks.character_files import Look, write
from benchmarks.character_live import live_row
from benchmarks.files import ARMS, LEGS, angles
from benchmarks.files import turned as turned_by
from benchmarks.glb_player import Player
from benchmarks.reporting import Row, columns_table, emit, rounded, told_errors
from benchmarks.rig_families import FAMILIES
from benchmarks.rigs import RIGS, Rig, make
from core.body.rotations import matrix_to_quat
from core.body.skeleton import ANKLES, JOINTS, TOES, forward
from core.body.soles import heights
from core.body.take import Take
from core.character.character import SUFFIXES, Character, read_character
from core.character.export import write_character
from core.character.retarget import retarget
from core.settings import CHECKPOINTS

CASES = {
    "mixamo, centimetres": ("mixamo", Look(unit=0.01, armature=True)),
    "mixamo, A-pose": ("mixamo_a_pose", Look()),
    "vrm 0": ("vroid", Look(vrm=0, cape=True, meshes=3)),
    "vrm 1": ("vroid", Look(vrm=1, cape=True, meshes=3)),
    "vrm 1, few bones": ("humanoid", Look(vrm=1)),
    "unreal": ("unreal", Look(unit=0.01, armature=True)),
    "unreal, raw centimetres": ("unreal", Look(unit=0.01, cape=True)),
    "rigify": ("rigify", Look(meshes=2)),
    "rigify, loose limbs": ("rigify_loose", Look()),
    "daz": ("daz", Look(unit=0.01)),
    "make human": ("make_human", Look(unit=0.1)),
    "character creator": ("reallusion", Look(unit=0.01, armature=True, meshes=4)),
    "ready player me": ("ready_player_me", Look(armature=True)),
    "3ds max biped": ("biped", Look(unit=0.01, armature=True)),
    "miku miku dance": ("miku_miku_dance", Look(unit=0.08)),
    "arms down": ("mixamo_arms_down", Look()),
    "no spine": ("deep_mimic", Look()),
    "stubby": ("stubby", Look(meshes=2)),
    "lanky": ("lanky", Look(vrm=1)),
}
"""Families, and how their files are made."""
RIGS_HERE = RIGS | {
    "stubby": make(
        FAMILIES["mixamo_a_pose"],
        hip=(0.12, 0.42, 0),
        pelvis=(0, 0.5, 0),
        knee=(0.12, 0.25, 0.01),
        ankle=(0.12, 0.09, -0.02),
        toe=(0.13, 0.03, 0.08),
        tip=(0.13, 0.03, 0.13),
        s10=(0, 0.8, 0),
        neck=(0, 0.95, 0),
        collar=(0.05, 0.9, 0),
        shoulder=(0.22, 0.9, 0),
        elbow=(0.4, 0.9, -0.01),
        wrist=(0.58, 0.9, 0),
        hand=(0.66, 0.9, 0),
        head=(0, 1.0, 0),
        crown=(0, 1.5, 0),
    ),
    "lanky": make(
        FAMILIES["humanoid"],
        hip=(0.07, 1.3, 0),
        pelvis=(0, 1.36, 0),
        knee=(0.07, 0.7, 0.01),
        ankle=(0.07, 0.1, -0.02),
        s10=(0, 1.75, 0),
        neck=(0, 1.95, 0),
        head=(0, 2.1, 0),
        crown=(0, 2.3, 0),
        collar=(0.03, 1.9, 0),
        shoulder=(0.17, 1.9, 0),
        elbow=(0.55, 1.9, -0.01),
        wrist=(0.9, 1.9, 0),
        hand=(1.0, 1.9, 0),
    ),
}
"""And two bodies of other proportions."""
PROMPTS = (
    "a person walks forward",
    "a person runs forward",
    "a person jumps up and down",
    "a person kicks with the right leg",
    "a person sits down",
    "a person dances",
    "a person turns left",
    "a person walks backwards",
)
OURS = Path(__file__).parents[1] / "assets" / "characters"
DOWN = 0.005
"""A sole (m) as near to the floor as this, of our body, is down."""
STILL = 0.05
"""Meters a second; a foot of ours that stands moves less."""


def character_row(case: str, folder: Path, takes: Sequence[Take]) -> Row:
    """Figures of one case over some takes."""
    family, look = CASES[case]
    rig, path = RIGS_HERE[family], folder / "character.glb"
    write(rig, path, look)
    start = time.perf_counter()
    character = read_character(path)
    spent = time.perf_counter() - start
    found = {joint: character.nodes[c] for joint, c in character.match.joints.items()}
    rows = [moved_row(character, rig, look, take, folder) for take in takes]
    file, size = Player(folder / "out.glb"), character.meters / character.rig.per
    bent = np.concatenate([part.points for part in file.skins(file.world())], axis=1)
    read = fbx_rows(character, takes[-1], bent * _away(look) * size, folder)
    return {
        "bones": len(rig.joints),
        "bones_found": sum(found.get(joint) == node for joint, node in rig.joints.items()),
        "read_ms": 1000 * spent,
        **{key: float(np.max([row[key] for row in rows])) for key in rows[0]},
        **{f"fbx_{key}": value for key, value in read.items()},
    }


def _away(look: Look) -> np.ndarray:
    """What turns a file's axes, seen from above, to ours."""
    return np.array([-1, 1, -1]) if look.vrm == 0 else np.ones(3)


def moved_row(character: Character, rig: Rig, look: Look, take: Take, folder: Path) -> Row:
    """Figures of one take, as the file says that was written of it."""
    out = folder / "out.glb"
    write_character(take, out, character)
    file = Player(out)
    world = file.world()
    size = 1.0 if look.armature else look.unit
    away = _away(look)
    places = world[..., :3, 3] * size * away
    joints, turned = forward(take.root.astype(float), take.rotations.astype(float))
    nodes = {JOINTS.index(joint): node for joint, node in rig.joints.items()}

    def directions(bones: tuple[tuple[int, int], ...]) -> float:
        told = [(a, b) for a, b in bones if a in nodes and b in nodes]
        theirs = np.stack([places[:, nodes[b]] - places[:, nodes[a]] for a, b in told], axis=1)
        ours = np.stack([joints[:, b] - joints[:, a] for a, b in told], axis=1)
        return float(angles(theirs, ours).max())

    moved = retarget(character.rig, take.root, take.rotations)
    at = [character.nodes[row.column] for row in character.rig.rows]
    scale = character.rig.per * size
    off = moved.places * scale - places[:, at]
    since = matrix_to_quat(_turns(world[:, at]) @ _turns(file.world(playing=False)[:, at]).mT)
    since[..., 1:] *= away
    soles = heights(joints[:, ANKLES], turned[:, ANKLES])
    speeds = np.linalg.norm(np.diff(joints[:, TOES], axis=0, prepend=joints[:1, TOES]), axis=-1)
    down = (soles < DOWN) & (speeds * take.fps < STILL)
    low, slides = [np.zeros(1)], []
    for side, (ankle, toe) in enumerate(zip(ANKLES, TOES, strict=True)):
        foot = [nodes[ankle], nodes.get(toe, -1)]
        parts = [part.points[:, np.isin(part.hung, foot)] for part in file.skins(world)]
        height = np.concatenate(parts, axis=1)[..., 1].min(axis=1) * size
        low.append((height - np.maximum(soles[:, side], 0) * scale)[down[:, side]])
        end = toe if toe in nodes else ankle
        ball = places[:, nodes[end]] - joints[:, end] * scale
        slides += [_drift(ball[part][:, [0, 2]]) for part in _stretches(down[:, side])]
    off_floor = np.concatenate(low)
    return {
        "arm_degrees": directions(ARMS),
        "leg_degrees": directions(LEGS),
        "sole_below_mm": -1000 * float(off_floor.min()),
        "sole_above_mm": 1000 * float(off_floor.max()),
        "slide_mm": 1000 * float(max(slides, default=0.0)),
        "written_off_mm": 1000 * float(np.abs(off).max()),
        "written_off_degrees": float(turned_by(since, moved.turns).max()),
    }


def _turns(matrices: np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 3) of matrices (..., 4, 4)."""
    linear = matrices[..., :3, :3]
    return linear / np.linalg.norm(linear, axis=-2, keepdims=True)


def _stretches(flags: np.ndarray) -> list[slice]:
    """Runs of poses in which flags (T,) hold."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _drift(points: np.ndarray) -> float:
    """How far points (T, 2) get from where they began."""
    return float(np.linalg.norm(points - points[0], axis=-1).max())


def speed(folder: Path) -> Row:
    """How long files of some size take to read, apart from the start of a process."""
    path = folder / "large.glb"
    write(RIGS["vroid"], path, Look(vrm=1, meshes=8, fineness=2500))
    start = time.perf_counter()
    read_character(path)
    return {"megabytes": path.stat().st_size / 1e6, "read_ms": 1000 * (time.perf_counter() - start)}


def draw(sheet: Path, take: Take, folder: Path) -> None:
    """Draw all cases, and the characters that come with the page, below our own body."""
    from benchmarks.characters_sheet import draw as paint
    from core.export import write as write_body

    files = {"our body": folder / "body.glb"}
    write_body(take, files["our body"])
    made = {path.stem: path for path in sorted(OURS.iterdir()) if path.suffix in SUFFIXES}
    for case, (family, look) in CASES.items():
        made[case] = folder / f"{len(made)}.glb"
        write(RIGS_HERE[family], made[case], look)
    for case, path in made.items():
        files[case] = folder / f"{len(files)}_moved.glb"
        write_character(take, files[case], read_character(path))
    paint(files, sheet)


def main(
    as_json: reporting.AsJson = False,
    checkpoints: reporting.Checkpoints = CHECKPOINTS,
    seeds: Annotated[int, typer.Option(help="Takes for each of the prompts.")] = 1,
    sheet: Annotated[Path | None, typer.Option(help="Picture of all beside our body.")] = None,
    live: Annotated[bool, typer.Option(help="Also on the page, in Chromium.")] = False,
    out: reporting.Out = None,
) -> None:
    """Measure how well characters of all families move."""
    from benchmarks.solved_poses import performed
    from core.engine import Engine

    with told_errors(), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        takes = performed(Engine.load(checkpoints), PROMPTS, None, seeds)
        names = tqdm(CASES, desc="characters", leave=False, disable=None)
        rows: Row = {case: character_row(case, folder, takes) for case in names}
        if sheet is not None:
            draw(sheet, takes[PROMPTS.index("a person dances")], folder)
        rows["large_file"] = speed(folder)
        if live:
            rows["live"] = live_row(checkpoints, folder)
        result = rounded(rows, 3)
    emit(result, lambda r: columns_table(r, set(CASES)), as_json=as_json, out=out)


if __name__ == "__main__":
    typer.run(main)
