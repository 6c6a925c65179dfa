"""The 22 joints of SMPL without hands, in SMPL order, and where they go for given rotations.

World convention everywhere: Y up, Z forward, meters, right-handed, 20 poses a second.
"""

from __future__ import annotations

import numpy as np

from core.body.rotations import quat_inverse, quat_multiply, quat_rotate

FPS = 20
"""Poses a second of every motion in this project unless a name says otherwise."""

JOINTS = tuple(
    """
    pelvis left_hip right_hip spine1 left_knee right_knee spine2 left_ankle right_ankle spine3
    left_foot right_foot neck left_collar right_collar head left_shoulder right_shoulder
    left_elbow right_elbow left_wrist right_wrist
    """.split()
)

HUMANOID = tuple(
    """
    hips leftUpperLeg rightUpperLeg spine leftLowerLeg rightLowerLeg chest leftFoot rightFoot
    upperChest leftToes rightToes neck leftShoulder rightShoulder head leftUpperArm rightUpperArm
    leftLowerArm rightLowerArm leftHand rightHand
    """.split()
)
"""What VRM calls JOINTS."""

PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)

INDEX = {name: i for i, name in enumerate(JOINTS)}

HIPS, KNEES, ANKLES, TOES, COLLARS, SHOULDERS, ELBOWS, WRISTS = (
    [INDEX[f"left_{name}"], INDEX[f"right_{name}"]]
    for name in ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist")
)
AIMS = tuple(
    {"pelvis": INDEX["spine1"], "spine3": INDEX["neck"]}.get(
        name, PARENTS.index(i) if i in PARENTS else -1
    )
    for i, name in enumerate(JOINTS)
)
"""The joint that each joint's main bone ends in; -1 where a limb ends."""
FEET = [i for foot in zip(ANKLES, TOES, strict=True) for i in foot]
"""Joints of the four contact flags: left ankle, left toe, right ankle, right toe."""

MIRROR = tuple(
    INDEX[n.replace("left", "right") if "left" in n else n.replace("right", "left")] for n in JOINTS
)
"""Joint i of a motion mirrored in the YZ plane is joint MIRROR[i] of the original."""

BONE_LENGTHS = np.array(
    """
    0.0 0.1031 0.1099 0.1316 0.3936 0.3902 0.1432 0.4324 0.4256 0.0574 0.1434 0.1494
    0.2194 0.1375 0.1434 0.1030 0.1316 0.1230 0.2568 0.2631 0.2660 0.2699
    """.split(),
    dtype=np.float32,
)
"""Length of the bone above each joint (m) in HumanML3D's uniform skeleton."""
LEG = float(BONE_LENGTHS[[KNEES[0], ANKLES[0]]].sum())
"""Length of its left thigh and shin together (m)."""
MOST_AWAY = 1e6
"""Meters from the origin beyond which float32 does not tell a hand from a foot."""

_REST_DIRECTIONS = np.array(
    [
        [0.000, 0.000, 0.000],
        [0.655, -0.720, 0.229],
        [-0.655, -0.720, 0.229],
        [0.000, 0.999, 0.044],
        [0.095, -0.995, -0.016],
        [-0.095, -0.995, -0.016],
        [0.000, 0.997, 0.076],
        [-0.035, -0.994, -0.107],
        [0.035, -0.994, -0.107],
        [0.000, 0.999, 0.050],
        [0.151, -0.309, 0.939],
        [-0.151, -0.309, 0.939],
        [0.000, 1.000, 0.020],
        [0.540, 0.841, 0.006],
        [-0.540, 0.841, 0.006],
        [0.000, 0.986, 0.168],
        [0.939, 0.342, -0.033],
        [-0.939, 0.342, -0.033],
        [0.994, -0.050, -0.096],
        [-0.994, -0.050, -0.096],
        [0.999, 0.036, -0.008],
        [-0.999, 0.036, -0.008],
    ]
)
# Torso, head and feet: median over 174 recorded people who stand upright. Thighs, shins and arms:
# the T-pose of the bundled body, so that a limb rotation means the same on both skeletons.
# Shoulders sit 8 degrees higher than recorded, so that hanging arms lower the collars as they do.

REST_TOE_HEIGHT = 0.02
"""Height (m) of the toe joints above the floor they stand on; the median of recorded steps."""


def _rest_joints() -> np.ndarray:
    joints = np.zeros((len(JOINTS), 3))
    for i, parent in enumerate(PARENTS[1:], start=1):
        direction = _REST_DIRECTIONS[i] / np.linalg.norm(_REST_DIRECTIONS[i])
        joints[i] = joints[parent] + direction * BONE_LENGTHS[i]
    joints[:, 1] += REST_TOE_HEIGHT - joints[TOES, 1].mean()
    return joints.astype(np.float32)


REST_JOINTS = _rest_joints()
"""T-pose of the source skeleton, (22, 3), meters, standing on the floor, facing +Z."""

_PARENTS_BELOW_ROOT = np.array(PARENTS[1:])


def _paths() -> np.ndarray:
    """Which bones (21) lie between the root and each joint (22): 1 or 0."""
    paths = np.eye(len(JOINTS), dtype=np.float32)
    for i, parent in enumerate(PARENTS[1:], start=1):
        paths[i] += paths[parent]
    return paths[:, 1:]


_PATHS = _paths()
_DEPTHS = _PATHS.sum(axis=1).astype(int).tolist()
# Joints of equal depth in the tree and their parents: each level is one vectorized step.
_LEVELS = [
    tuple(np.array([(i, PARENTS[i]) for i, d in enumerate(_DEPTHS) if d == depth]).T)
    for depth in range(1, max(_DEPTHS) + 1)
]


def global_rotations(local: np.ndarray) -> np.ndarray:
    """Rotations relative to the world, (T, 22, 4), from rotations relative to the parent."""
    world = local.copy()
    for joints, parents in _LEVELS:
        world[:, joints] = quat_multiply(world[:, parents], local[:, joints])
    return world


def local_rotations(world: np.ndarray) -> np.ndarray:
    """Inverse of `global_rotations`, (T, 22, 4) -> (T, 22, 4)."""
    local = world.copy()
    local[:, 1:] = quat_multiply(quat_inverse(world[:, _PARENTS_BELOW_ROOT]), world[:, 1:])
    return local


def forward(
    root: np.ndarray, local: np.ndarray, rest: np.ndarray = REST_JOINTS
) -> tuple[np.ndarray, np.ndarray]:
    """Joint positions (T, 22, 3) and global rotations (T, 22, 4).

    `root` (T, 3) is the position of the pelvis, `local` (T, 22, 4) the rotations relative to the
    parents, `rest` (22, 3) the joints at rest; where `rest` has its pelvis does not matter.
    """
    world = global_rotations(local)
    bones = rest[1:] - rest[_PARENTS_BELOW_ROOT]
    turned = quat_rotate(world[:, _PARENTS_BELOW_ROOT], bones.astype(local.dtype))
    return (root[:, None] + _PATHS @ turned).astype(local.dtype, copy=False), world
