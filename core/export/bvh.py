"""BVH: centimeters, Y up, facing +Z, T-pose at rest, Mixamo's bone names.

Rotation channels are Z, Y, X, the order in which Blender and most others read them; their curves
are continuous, also through the poles where Euler angles have two ways to say the same. The format
has no place for metadata, so a JSON file of the same name with .json added tells the provenance.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from core.body.mesh import Body
from core.body.rotations import quat_to_matrix
from core.body.skeleton import INDEX, JOINTS, PARENTS
from core.body.take import Take
from core.export.metadata import BONES, describe

_CM = 100
_TIPS = {
    "head": (0, 0.17, 0.02),
    "left_foot": (0, 0, 0.07),
    "right_foot": (0, 0, 0.07),
    "left_wrist": (0.16, 0, 0),
    "right_wrist": (-0.16, 0, 0),
}
"""Ends of the outermost bones (m from their joint), so that importers draw them with a length."""
_CONVENTIONS = {
    "units": "centimetres",
    "axes": "Y up, Z forward, right-handed",
    "rest": "T-pose",
    "rotation_order": "ZYX: R = Rz Ry Rx, degrees",
}


def write_bvh(take: Take, path: Path, *, body: Body) -> None:
    """Write `path` with the take on this body's skeleton, and `path`.json with its provenance."""
    order, lines = _hierarchy(body.rest_joints * _CM)
    root, rotations = body.fit(take.root, take.rotations)
    angles = euler_zyx(rotations)[:, order]  # (T, 22, 3): z, y, x in degrees
    values = np.concatenate([body.place(root) * _CM, angles.reshape(len(take), -1)], axis=1)
    lines += ["MOTION", f"Frames: {len(take)}", f"Frame Time: {1 / take.fps:.8f}"]
    lines += [" ".join(f"{v:.6f}" for v in row) for row in values.tolist()]
    path.write_text("\n".join(lines) + "\n")
    about = {**describe(take, body), **_CONVENTIONS}
    path.with_name(path.name + ".json").write_text(json.dumps(about, indent=2) + "\n")


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


def _hierarchy(rest: np.ndarray) -> tuple[list[int], list[str]]:
    """Joints in the order of the file, depth first, and the lines of the HIERARCHY section."""
    order: list[int] = []
    lines = ["HIERARCHY"]

    def offset(v: np.ndarray) -> str:
        return "OFFSET " + " ".join(f"{x:.6f}" for x in v)

    def add(joint: int, depth: int) -> None:
        order.append(joint)
        pad, inner, root = "\t" * depth, "\t" * (depth + 1), PARENTS[joint] < 0
        bone = np.zeros(3) if root else rest[joint] - rest[PARENTS[joint]]
        position = "6 Xposition Yposition Zposition" if root else "3"
        lines.extend(
            [
                f"{pad}{'ROOT' if root else 'JOINT'} {BONES[joint]}",
                f"{pad}{{",
                f"{inner}{offset(bone)}",
                f"{inner}CHANNELS {position} Zrotation Yrotation Xrotation",
            ]
        )
        children = [i for i, parent in enumerate(PARENTS) if parent == joint]
        for child in children:
            add(child, depth + 1)
        if not children:
            tip = np.array(_TIPS[JOINTS[joint]]) * _CM
            lines.extend([f"{inner}End Site", f"{inner}{{"])
            lines.extend([f"{inner}\t{offset(tip)}", f"{inner}}}"])
        lines.append(f"{pad}}}")

    add(INDEX["pelvis"], 0)
    return order, lines
