"""VRMA: motion for avatars, a glTF file that says of each bone which one of VRM's it is.

VRM wants arms and legs of the pose at rest straight, along X and down, while ours are a few degrees
off, as people's are: the skeleton is straightened, and bones are turned by that much less. Hips
alone travel; programs scale their path to the avatar's size.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from core.body.mesh import Body
from core.body.rotations import quat_between, quat_inverse, quat_multiply
from core.body.skeleton import (
    ANKLES,
    ELBOWS,
    HIPS,
    HUMANOID,
    JOINTS,
    KNEES,
    PARENTS,
    SHOULDERS,
    WRISTS,
    forward,
    global_rotations,
    local_rotations,
)
from core.body.take import Take
from core.export.gltf import Builder
from core.export.metadata import describe, title
from core.export.root import tracks

_EXTENSION = "VRMC_vrm_animation"


def write_vrma(take: Take, path: Path, *, body: Body) -> None:
    """Write the take as an animation for any avatar."""
    import pygltflib as gl

    builder = Builder(describe(take, body))
    gltf = builder.gltf
    rest, straightened = _straight(body)
    for i, name in enumerate(HUMANOID):
        bone = rest[i] if PARENTS[i] < 0 else rest[i] - rest[PARENTS[i]]
        children = [child for child, parent in enumerate(PARENTS) if parent == i]
        gltf.nodes.append(gl.Node(name=name, translation=bone.tolist(), children=children))
    gltf.scenes, gltf.scene = [gl.Scene(name="Livestep", nodes=[0])], 0
    moved = tracks(take, body)
    world = global_rotations(moved.rotations.astype(np.float64))
    turned = local_rotations(quat_multiply(world, quat_inverse(straightened)))
    builder.animate(title(take), take.fps, replace(moved, rotations=turned))
    bones = {name: {"node": i} for i, name in enumerate(HUMANOID)}
    gltf.extensionsUsed = [_EXTENSION]
    gltf.extensions = {_EXTENSION: {"specVersion": "1.0", "humanoid": {"humanBones": bones}}}
    path.write_bytes(builder.to_bytes())


def _straight(body: Body) -> tuple[np.ndarray, np.ndarray]:
    """Joints (22, 3) of a T-pose that stands on the floor, and what turned each bone, (22, 4)."""
    rest = body.rest_joints.astype(np.float64)
    bones, aims = [*HIPS, *KNEES, *SHOULDERS, *ELBOWS], [*KNEES, *ANKLES, *ELBOWS, *WRISTS]
    down, left, right = [0.0, -1, 0], [1.0, 0, 0], [-1.0, 0, 0]
    turns = np.tile([1.0, 0, 0, 0], (len(JOINTS), 1))
    turns[bones] = quat_between(
        rest[aims] - rest[bones], np.array([*[down] * 4, *[left, right] * 2])
    )
    turns[WRISTS] = turns[ELBOWS]  # hands go on as forearms do
    straight = forward(rest[:1], local_rotations(turns[None]), rest)[0][0]
    straight[:, 1] += (rest[ANKLES, 1] - straight[ANKLES, 1]).mean() - body.ground
    return straight, turns
