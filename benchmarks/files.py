"""What is lost between files and bodies: `python -m benchmarks.files --json`.

Rows: every family of `rigs` written as BVH and read, against the motion that it was made of; a
generated take written in every form and read back, against itself; and how long a minute of BVH at
120 rows a second takes. `--sheet` draws the families beside what came of them.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from scipy.spatial.transform import Rotation

from benchmarks import reporting
from benchmarks.capture_figures import align
from benchmarks.reporting import Row, columns_table, emit, rounded, told_errors
from benchmarks.rigs import RIGS, UP, Rig, stroll
from core.body.rotations import quat_inverse, quat_multiply, quat_to_axis_angle
from core.body.skeleton import (
    ANKLES,
    BONE_LENGTHS,
    ELBOWS,
    FPS,
    HIPS,
    JOINTS,
    KNEES,
    SHOULDERS,
    WRISTS,
    forward,
    global_rotations,
)
from core.body.take import Take
from core.capture.read import Reading, read_motion
from core.capture.resample import splined, times
from core.settings import CHECKPOINTS, ExportSettings

PROMPTS = ("a person walks forward", "a person waves with the right hand", "a person kicks")
FORMS = {
    "bvh": (".bvh", ExportSettings()),
    "bvh, hips at zero": (".bvh", ExportSettings(offset="zero")),
    "bvh, root on the floor": (".bvh", ExportSettings(root="floor")),
    "glb": (".glb", ExportSettings()),
    "glb, root on the floor": (".glb", ExportSettings(root="floor")),
    "fbx": (".fbx", ExportSettings()),
    "fbx, root on the floor": (".fbx", ExportSettings(root="floor")),
    "vrma": (".vrma", ExportSettings()),
    "npz": (".npz", ExportSettings()),
    "npz, amass": (".npz", ExportSettings(convention="amass")),
}
ARMS = (*zip(SHOULDERS, ELBOWS, strict=True), *zip(ELBOWS, WRISTS, strict=True))
LEGS = (*zip(HIPS, KNEES, strict=True), *zip(KNEES, ANKLES, strict=True))
LEG = float(BONE_LENGTHS[[*KNEES, *ANKLES]].sum() / 2)


def angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees (...) between vectors (..., 3)."""
    cosine = (a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def turned(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees (...) between rotations (..., 4)."""
    gap = quat_to_axis_angle(quat_multiply(quat_inverse(a), b))
    return np.degrees(np.linalg.norm(gap, axis=-1))


def bends(joints: np.ndarray) -> np.ndarray:
    """How far knees are bent in degrees, (T, 2), of joints (T, 22, 3)."""
    thigh, shin = joints[:, KNEES] - joints[:, HIPS], joints[:, ANKLES] - joints[:, KNEES]
    return angles(thigh, shin)


def family_row(rig: Rig, path: Path) -> tuple[Row, np.ndarray, np.ndarray]:
    """Figures of one family, and the joints (T, 22, 3) that it had and that came of it."""
    motion = stroll()
    path.write_text(rig.bvh(motion), encoding="utf-8")
    found = read_motion(path)
    places = rig.source(motion).positions @ UP[rig.family.up]
    places = splined(places, times(len(places), motion.rate) * motion.rate)
    truth = np.full((len(places), len(JOINTS), 3), np.nan)
    for joint, node in rig.joints.items():
        truth[:, JOINTS.index(joint)] = places[:, node]
    leg = np.linalg.norm(truth[:, KNEES] - truth[:, HIPS], axis=-1).mean()
    leg += np.linalg.norm(truth[:, ANKLES] - truth[:, KNEES], axis=-1).mean()
    truth *= LEG / leg
    there = np.isfinite(truth[0, :, 0])
    joints = np.full(truth.shape, np.nan)
    joints[:, there] = align(found.joints[:, there].astype(np.float64), truth[:, there])

    def directions(bones: tuple[tuple[int, int], ...]) -> float:
        ours, theirs = (
            np.stack([j[:, child] - j[:, joint] for joint, child in bones], axis=1)
            for j in (joints, truth)
        )
        return float(np.nanmax(angles(ours, theirs)))

    world = global_rotations(found.rotations.astype(np.float64))
    trunk = {"pelvis": "pelvis", "spine3": "s10", "head": "head"}
    torso = [
        turned(world[:, JOINTS.index(joint)], _at_our_rate(motion.turn(segment), motion.rate))
        for joint, segment in trunk.items()
        if joint in rig.joints
    ]
    row = {
        "knee_degrees": float(np.abs(bends(joints) - bends(truth)).max()),
        "arm_degrees": directions(ARMS),
        "leg_degrees": directions(LEGS),
        "torso_degrees": float(np.max(torso)),
        "path_m": float(np.linalg.norm((joints - truth)[:, 0], axis=-1).max()),
        "nodes": len(rig.names),
        "notes": len(found.notes),
    }
    return row, truth, found.joints.astype(np.float64)


def _at_our_rate(turns: Rotation, rate: float) -> np.ndarray:
    from scipy.spatial.transform import Slerp

    count = len(turns.as_quat())
    at = Slerp(np.arange(count) / rate, turns)(times(count, rate))
    return at.as_quat()[:, [3, 0, 1, 2]]


def read_back(take: Take, path: Path, settings: ExportSettings) -> Row:
    """Write a take in some form, read it and say how far off it came back."""
    from core.export import write

    write(take, path, settings=settings, fps=FPS)
    found = read_motion(path)
    joints = found.joints.astype(np.float64)
    truth = forward(take.root, take.rotations)[0].astype(np.float64)
    count = min(len(joints), len(truth))
    off = align(joints[:count], truth[:count]) - truth[:count]
    turns = turned(found.rotations[:count, 1:], take.rotations[:count, 1:])
    knees = np.abs(bends(joints[:count]) - bends(truth[:count]))
    return {
        "poses": len(joints) - len(truth),
        "mm": 1000 * float(np.abs(off).max()),
        "degrees": float(turns.max()),
        "knee_degrees": float(knees.max()),
        "height_mm": 1000 * float(np.abs(off[:, 0, 1]).max()),
    }


def round_trips(folder: Path, checkpoints: Path, seeds: int) -> Row:
    """Worst figures of each form over some generated takes."""
    from benchmarks.solved_poses import performed
    from core.engine import Engine

    rows: dict[str, list[Row]] = {name: [] for name in FORMS}
    for take in performed(Engine.load(checkpoints), PROMPTS, None, seeds):
        for name, (suffix, settings) in FORMS.items():
            rows[name].append(read_back(take, folder / f"take{suffix}", settings))
    return {
        name: {key: max((row[key] for row in found), key=abs) for key in found[0]}
        for name, found in rows.items()
    }


def speed(folder: Path) -> Row:
    """Seconds for a minute of BVH at 120 rows a second, apart from the start of a process."""
    rig, path = RIGS["mixamo_bvh"], folder / "minute.bvh"
    text = rig.bvh(stroll(seconds=240)).replace(f"{1 / 30:.7f}", f"{1 / 120:.7f}")
    path.write_text(text)
    spent: list[float] = []
    found: Reading | None = None
    for _ in range(3):
        start = time.perf_counter()
        found = read_motion(path)
        spent.append(time.perf_counter() - start)
    assert found is not None
    return {"seconds": min(spent), "poses": len(found.root), "megabytes": len(text) / 1e6}


def main(
    as_json: reporting.AsJson = False,
    checkpoints: reporting.Checkpoints = CHECKPOINTS,
    seeds: Annotated[int, typer.Option(help="Takes for each of three prompts.")] = 3,
    sheet: Annotated[Path | None, typer.Option(help="Picture of all families.")] = None,
    out: reporting.Out = None,
) -> None:
    """Measure what is lost between files and bodies."""
    with told_errors(), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows: dict[str, Row] = {}
        pairs: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for family, rig in RIGS.items():
            rows[family], *pair = family_row(rig, folder / f"{family}.bvh")
            pairs[family] = (pair[0], pair[1])
        if sheet is not None:
            from benchmarks.files_sheet import draw

            draw(pairs, sheet)
        backs = round_trips(folder, checkpoints, seeds)
        result = rounded({**rows, **backs, "minute_of_bvh": speed(folder)}, 3)
    emit(result, lambda r: columns_table(r, set(r) - {"minute_of_bvh"}), as_json=as_json, out=out)


if __name__ == "__main__":
    typer.run(main)
