"""Rigged characters as tools write them, made out of `rigs`: `write(RIGS["mixamo"], path)`.

A body of boxes, one for each bone, with feet that stand on the floor; with it come what real files
have besides: an armature that scales and turns, several meshes and skins, a cape, VRM's words.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.rigs import UP, Rig
from core.character.glb_file import File

_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
_TRIANGLES = np.array(
    """
    0 1 3  0 3 2  4 6 7  4 7 5  0 4 5  0 5 1  2 3 7  2 7 6  0 2 6  0 6 4  1 5 7  1 7 3
    """.split(),
    dtype=int,
).reshape(12, 3)
_HUMANOID = {
    "pelvis": "hips",
    "spine1": "spine",
    "spine2": "chest",
    "spine3": "upperChest",
    "neck": "neck",
    "head": "head",
    "hip": "UpperLeg",
    "knee": "LowerLeg",
    "ankle": "Foot",
    "foot": "Toes",
    "collar": "Shoulder",
    "shoulder": "UpperArm",
    "elbow": "LowerArm",
    "wrist": "Hand",
}


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a file is made beyond its rig."""

    unit: float = 1.0
    """Meters of a unit of its joints."""
    armature: bool = False
    """Whether a node on top scales them to meters, turned as its tool's axes are."""
    cape: bool = False
    meshes: int = 1
    """Into how many meshes, each with a skin of its own, the body is cut."""
    vrm: Literal[0, 1] | None = None
    meta: dict[str, Any] | None = None
    """Of a VRM; None for one that allows everything."""
    fineness: int = 1
    """How often every triangle is there, for files of some size."""


def write(rig: Rig, path: Path, look: Look | None = None) -> None:
    """Write a rig as a character that stands on the floor, facing +Z (VRM 0: -Z)."""
    look, out = look or Look(), File({"asset": {"version": "2.0"}})
    parents = list(rig.parents)
    # ends of bones are called as Blender's exporter calls them
    names = [n or f"{rig.names[up]}_end" for n, up in zip(rig.names, parents, strict=True)]
    rest, frames = rig.rest.copy(), rig.frames().as_matrix()
    if rig.family.frames == "bone":
        frames = (
            UP[rig.family.up].T @ frames
        )  # `frames` are told in the axes of the rig's own files
    if look.cape:
        chest = rig.spine[-1]
        names += [f"Cape{k}" for k in range(3)]
        parents += [chest, len(parents), len(parents) + 1]
        rest = np.concatenate(
            [rest, rest[chest] + [[0, 0, -0.12], [0, -0.3, -0.15], [0, -0.6, -0.2]]]
        )
        frames = np.concatenate([frames, np.tile(np.eye(3), (3, 1, 1))])
    if look.vrm == 0:
        back = np.diag([-1.0, 1, -1])
        rest, frames = rest @ back, back @ frames
    top = np.eye(4)
    if look.armature:
        top[:3, :3] = UP[rig.family.up].T * look.unit
    size = 1.0 if look.armature else look.unit
    world = np.tile(np.eye(4), (len(names), 1, 1))
    world[:, :3, :3] = frames * (look.unit if look.armature else 1.0)
    world[:, :3, 3] = rest / size
    nodes: list[dict[str, Any]] = []
    for c, parent in enumerate(parents):
        own = np.linalg.inv(world[parent] if parent >= 0 else top) @ world[c]
        turn = Rotation.from_matrix(own[:3, :3] / np.cbrt(np.linalg.det(own[:3, :3])))
        nodes.append(
            {
                "name": names[c],
                "translation": own[:3, 3].tolist(),
                "rotation": turn.as_quat().tolist(),
                "children": [k for k, up in enumerate(parents) if up == c],
            }
        )
        if not nodes[-1]["children"]:
            del nodes[-1]["children"]
    roots = [c for c, up in enumerate(parents) if up < 0]
    if look.armature:
        turn = Rotation.from_matrix(UP[rig.family.up].T).as_quat().tolist()
        nodes.append(
            {"name": "Armature", "rotation": turn, "scale": [look.unit] * 3, "children": roots}
        )
        roots = [len(nodes) - 1]
    points, joints = _boxes(rig, parents, rest, look)
    out.json |= {
        "meshes": [],
        "skins": [],
        "materials": [{"name": "Clay", "extras": {"kept": 1.10}}],
    }
    inverse = np.linalg.inv(world).transpose(0, 2, 1)
    for part in np.array_split(np.arange(len(points)), look.meshes):
        used = sorted({int(joints[box]) for box in part})
        if look.meshes == 1:
            used = list(range(len(names)))
        slot = {joint: k for k, joint in enumerate(used)}
        hung = np.repeat([slot[int(joints[box])] for box in part], 8)
        position = (points[part].reshape(-1, 3) / size).astype(np.float32)
        faces = (_TRIANGLES[None] + 8 * np.arange(len(part))[:, None, None]).reshape(-1, 3)
        weights = np.tile([1.0, 0, 0, 0], (len(hung), 1))
        slots = np.stack([hung, 0 * hung, 0 * hung, 0 * hung], axis=1)
        primitive = {
            "attributes": {
                "POSITION": out.add(position, bounds=True),
                "JOINTS_0": out.add(slots.astype(np.uint16)),
                "WEIGHTS_0": out.add(weights),
            },
            "indices": out.add(np.tile(faces, (look.fineness, 1)).reshape(-1).astype(np.uint32)),
            "material": 0,
        }
        binds = out.add(inverse[used])
        out.json["skins"].append({"joints": used, "inverseBindMatrices": binds})
        out.json["meshes"].append({"primitives": [primitive], "name": f"Part{len(roots)}"})
        roots.append(len(nodes))
        nodes.append(
            {
                "name": "Mesh",
                "mesh": len(out.json["meshes"]) - 1,
                "skin": len(out.json["skins"]) - 1,
            }
        )
    out.json |= {"nodes": nodes, "scenes": [{"nodes": roots}], "scene": 0}
    if look.vrm is not None:
        _tell(out.json, rig, look)
    path.write_bytes(out.to_bytes())


def _boxes(
    rig: Rig, parents: list[int], rest: np.ndarray, look: Look
) -> tuple[np.ndarray, np.ndarray]:
    """Corners (B, 8, 3) of a box for each bone, and the joints (B,) they hang on."""
    points, joints = [], []
    feet = [rig.joints[f"{side}_ankle"] for side in ("left", "right")]
    bare = {*feet, *(i for i, part in enumerate(rig.parts) if part == "ground")}
    for c, parent in enumerate(parents):
        if parent < 0 or parent in bare:
            continue
        bone = rest[c] - rest[parent]
        thick = min(0.05, 0.3 * float(np.linalg.norm(bone)) + 0.005)
        points.append((rest[c] + rest[parent]) / 2 + _CORNERS * (np.abs(bone) / 2 + thick))
        points[-1][:, 1] = np.maximum(points[-1][:, 1], 0)
        joints.append(parent)
    for ankle in feet:
        ahead = -1.0 if look.vrm == 0 else 1.0
        toes = [c for c, up in enumerate(parents) if up == ankle]
        long = 1.6 * max([abs(rest[c][2] - rest[ankle][2]) for c in toes], default=0.12)
        low, high = rest[ankle] + [-0.04, 0, 0], rest[ankle] + [0.04, -0.02, 0]
        low[1] = 0
        ends = rest[ankle][2] - 0.4 * long * ahead, rest[ankle][2] + long * ahead
        low[2], high[2] = sorted(ends)
        points.append((low + high) / 2 + _CORNERS * (high - low) / 2)
        joints.append(ankle)
    return np.stack(points), np.array(joints)


def _tell(description: dict[str, Any], rig: Rig, look: Look) -> None:
    """Add VRM's own words."""
    bones = {}
    for joint, node in rig.joints.items():
        side, _, part = joint.rpartition("_")
        bones[side + _HUMANOID[part]] = node
    if look.vrm == 1:
        meta = look.meta or {
            "name": "Box",
            "authors": ["Livestep"],
            "modification": "allowModificationRedistribution",
            "allowRedistribution": True,
        }
        told = {"humanBones": {bone: {"node": node} for bone, node in bones.items()}}
        description["extensions"] = {
            "VRMC_vrm": {"specVersion": "1.0", "meta": meta, "humanoid": told}
        }
        description["extensionsUsed"] = ["VRMC_vrm"]
    else:
        meta = look.meta or {"title": "Box", "author": "Livestep", "licenseName": "CC0"}
        listed = [{"bone": bone, "node": node} for bone, node in bones.items()]
        description["extensions"] = {"VRM": {"meta": meta, "humanoid": {"humanBones": listed}}}
        description["extensionsUsed"] = ["VRM"]
