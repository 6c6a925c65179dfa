"""BVH: centimeters, Y up, facing +Z, T-pose at rest, Mixamo's bone names.

At rest the body stands on the floor. The format does not say whether position channels replace a
bone's OFFSET or add to it; ours replace it, as Blender and most others read them. For a tool that
adds them (three.js), ask for the offset "zero": nothing is added then, and hips rest in the origin.

Rotation channels are Z, Y, X, the order in which Blender and most others read them; their curves
are continuous, also through the poles where Euler angles have two ways to say the same. The format
has no place for metadata, so a JSON file of the same name with .json added tells the provenance.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.body.mesh import Body
from core.body.rotations import quat_to_matrix
from core.body.skeleton import JOINTS, PARENTS
from core.body.take import Take
from core.export.metadata import BONES, ROOT, describe
from core.export.root import Root, tracks
from core.settings import ExportSettings

_CM = 100
_TIPS = {
    "head": (0, 0.17, 0.02),
    "left_foot": (0, 0, 0.07),
    "right_foot": (0, 0, 0.07),
    "left_wrist": (0.16, 0, 0),
    "right_wrist": (-0.16, 0, 0),
}
"""Ends of the outermost bones (m from their joint), so that importers draw them with a length."""
_TIP = 0.5
"""The same for other skeletons, in lengths of the bone before."""
_MOVING = "6 Xposition Yposition Zposition"
_CONVENTIONS = {
    "units": "centimetres",
    "axes": "Y up, Z forward, right-handed",
    "rest": "T-pose",
    "rotation_order": "ZYX: R = Rz Ry Rx, degrees",
}


def write_bvh(take: Take, path: Path, *, body: Body, settings: ExportSettings) -> None:
    """Write `path` with the take on this body's skeleton, and `path`.json with its provenance."""
    moved = tracks(take, body, settings.root)
    offsets = body.rest_joints * _CM
    offsets[1:] -= offsets[list(PARENTS[1:])]
    offsets[0] -= [0, body.ground * _CM, 0]
    if settings.offset == "zero":
        offsets[0] = 0
    tips = {JOINTS.index(joint): np.array(tip) * _CM for joint, tip in _TIPS.items()}
    order, lines = _hierarchy(BONES, PARENTS, offsets, tips, rooted=bool(moved.root))
    columns = [moved.hips * _CM, euler_zyx(moved.rotations)[:, order].reshape(len(take), -1)]
    if moved.root:
        columns = [moved.root.path * _CM, euler_zyx(moved.root.turns[:, None])[:, 0], *columns]
    _write(path, lines, np.concatenate(columns, axis=1), take.fps)
    about = {**describe(take, body, root=settings.root), **_CONVENTIONS, "offset": settings.offset}
    path.with_name(path.name + ".json").write_text(json.dumps(about, indent=2) + "\n")


def write_joints(
    path: Path,
    names: Sequence[str],
    parents: Sequence[int],
    offsets: np.ndarray,
    root: np.ndarray,
    turns: np.ndarray,
    fps: float,
    floor: Root | None = None,
) -> None:
    """Write any skeleton: N joints, each behind its parent, the first of which carries all.

    `offsets` are (N, 3), `root` (T, 3) the places of the first, in centimeters; `turns` (T, N, 4)
    are relative to the parents and are none at rest. `floor` is a bone above all, in centimeters.
    """
    tips = {i: _TIP * offset for i, offset in enumerate(offsets) if i not in {*parents}}
    order, lines = _hierarchy(names, parents, offsets, tips, rooted=floor is not None)
    columns = [root, euler_zyx(turns)[:, order].reshape(len(root), -1)]
    if floor is not None:
        columns = [floor.path, euler_zyx(floor.turns[:, None])[:, 0], *columns]
    _write(path, lines, np.concatenate(columns, axis=1), fps)


def _write(path: Path, lines: list[str], values: np.ndarray, fps: float) -> None:
    """Write the lines of a hierarchy and the values (T, C) of its channels."""
    lines += ["MOTION", f"Frames: {len(values)}", f"Frame Time: {1 / fps:.8f}"]
    lines += [" ".join(f"{v:.6f}" for v in row) for row in values.tolist()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def euler_zyx(rotations: np.ndarray) -> np.ndarray:
    """Continuous angles (T, J, 3) in degrees, z y x, of quaternions (T, J, 4): R = Rz Ry Rx."""
    m = quat_to_matrix(rotations.astype(np.float64))
    z = np.arctan2(m[..., 1, 0], m[..., 0, 0])
    y = np.arcsin(np.clip(-m[..., 2, 0], -1, 1))
    x = np.arctan2(m[..., 2, 1], m[..., 2, 2])
    direct = np.stack([z, y, x], axis=-1)
    other = np.stack([z + np.pi, np.pi - y, x + np.pi], axis=-1)  # the same rotation
    out = direct.copy()
    for t in range(1, len(out)):
        before = out[t - 1]
        ways = [a - 2 * np.pi * np.round((a - before) / (2 * np.pi)) for a in (direct[t], other[t])]
        jumps = [np.abs(a - before).sum(axis=-1, keepdims=True) for a in ways]
        out[t] = np.where(jumps[1] < jumps[0] - 1e-9, ways[1], ways[0])
    return np.degrees(out)


def _hierarchy(
    names: Sequence[str],
    parents: Sequence[int],
    offsets: np.ndarray,
    tips: Mapping[int, np.ndarray],
    *,
    rooted: bool = False,
) -> tuple[list[int], list[str]]:
    """Joints in the order of the file, depth first, and the lines of the HIERARCHY section.

    `tips` are the ends of outermost bones from their joints; `rooted` puts a root bone on the floor
    above it all.
    """
    order: list[int] = []
    lines = ["HIERARCHY"]

    def begin(kind: str, name: str, offset: np.ndarray, depth: int, channels: str = "") -> None:
        pad = "\t" * depth
        lines.extend([f"{pad}{kind} {name}".rstrip(), f"{pad}{{"])
        lines.append(f"{pad}\tOFFSET " + " ".join(f"{x:.6f}" for x in offset))
        if channels:
            lines.append(f"{pad}\tCHANNELS {channels} Zrotation Yrotation Xrotation")

    def end(depth: int) -> None:
        lines.append("\t" * depth + "}")

    def add(joint: int, depth: int) -> None:
        order.append(joint)
        channels = "3" if parents[joint] >= 0 else _MOVING
        begin("JOINT" if depth else "ROOT", names[joint], offsets[joint], depth, channels)
        for child, parent in enumerate(parents):
            if parent == joint:
                add(child, depth + 1)
        if joint in tips:
            begin("End Site", "", tips[joint], depth + 1)
            end(depth + 1)
        end(depth)

    if rooted:
        begin("ROOT", ROOT, np.zeros(3), 0, _MOVING)
    add(0, int(rooted))
    if rooted:
        end(0)
    return order, lines
