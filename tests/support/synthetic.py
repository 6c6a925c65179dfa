"""Made-up motion for tests: a walk with bending knees and swinging arms, on the source skeleton;
and a made-up SMPL file."""

from __future__ import annotations

import numpy as np

from core.body.mesh import Body
from core.body.rotations import quat_from_axis_angle
from core.body.skeleton import INDEX, JOINTS, PARENTS, REST_JOINTS, TOES, forward
from core.body.take import PromptMark, Take


def walk(poses: int = 60, speed: float = 1.2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Root (T, 3), local rotations (T, 22, 4) and joints (T, 22, 3) of a walk along +Z."""
    phase = 2 * np.pi * np.arange(poses) / 22
    angles = np.zeros((poses, len(JOINTS), 3))
    for side, sign in (("left", 1), ("right", -1)):
        swing = sign * np.sin(phase)
        hip, knee = -0.45 * swing - 0.1, 0.5 + 0.4 * np.cos(phase) * sign
        angles[:, INDEX[f"{side}_hip"], 0] = hip
        angles[:, INDEX[f"{side}_knee"], 0] = knee
        angles[:, INDEX[f"{side}_ankle"], 0] = -(hip + knee)  # soles stay level
        angles[:, INDEX[f"{side}_shoulder"], 2] = -1.2 * sign  # from T-pose down to the hips
        angles[:, INDEX[f"{side}_elbow"], 1] = -sign * (0.6 + 0.2 * swing)
    angles[:, INDEX["spine2"], 1] = 0.15 * np.sin(phase)
    angles[:, INDEX["pelvis"], 1] = 0.1 * np.sin(phase)
    rotations = quat_from_axis_angle(angles)
    root = np.zeros((poses, 3))
    root[:, 1] = REST_JOINTS[0, 1]
    root[:, 2] = speed / 20 * np.arange(poses)
    joints, _ = forward(root, rotations)
    lift = 0.02 - joints[:, TOES, 1].min(axis=1)
    root[:, 1] += lift
    joints[..., 1] += lift[:, None]
    return root.astype(np.float32), rotations.astype(np.float32), joints.astype(np.float32)


def walk_take(poses: int = 40) -> Take:
    """The walk as a take with two prompts."""
    root, rotations, joints = walk(poses)
    return Take(
        root=root,
        rotations=rotations,
        joints=joints,
        features=np.zeros((poses, 263), np.float32),
        prompts=(PromptMark(start=0, text="walk"), PromptMark(start=25, text="on he goes")),
        info={"checkpoint": "test", "licence": "CC0", "foot_contacts": "on"},
    )


def smpl_arrays(body: Body, joints: int = 24) -> dict[str, np.ndarray]:
    """What a SMPL file holds, made from the bundled body: the last joints are hands."""
    count = len(body.vertices)
    parents = [*PARENTS, *([20, 21] * joints)][:joints]
    weights = np.zeros((count, joints))
    np.add.at(weights, (np.arange(count)[:, None], body.skin_joints), body.skin_weights)
    hand = body.vertices[:, 0] > body.rest_joints[INDEX["left_wrist"], 0] + 0.05
    weights[hand, 22], weights[hand, 20] = weights[hand, 20], 0
    regressor = np.zeros((joints, count))
    for j in range(joints):
        target = body.rest_joints[j if j < 22 else parents[j]]
        near = np.argsort(np.linalg.norm(body.vertices - target, axis=1))[:40]
        system = np.vstack([body.vertices[near].T, np.ones(40)])
        regressor[j, near] = np.linalg.lstsq(system, np.append(target, 1), rcond=None)[0]
    tree = np.array([parents, range(joints)], np.int64)
    tree[0, 0] = 2**32 - 1  # as the real files write the root
    return {
        "v_template": body.vertices.astype(np.float64),
        "f": body.faces.astype(np.uint32),
        "weights": weights,
        "J_regressor": regressor,
        "kintree_table": tree,
        "shapedirs": np.zeros((count, 3, 10)),
        "posedirs": np.zeros((count, 3, 9 * (joints - 1))),
    }
