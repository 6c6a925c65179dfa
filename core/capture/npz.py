"""Reading motion arrays: AMASS's archives of SMPL rotations, ours, or plain joint positions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from core.body.arrays import Archive, open_arrays
from core.body.rotations import quat_from_axis_angle
from core.body.skeleton import FPS, JOINTS, REST_JOINTS, forward
from core.capture.joint_maps import MOST_RATE, check_length, resample, up_axis, y_up

MOST_BYTES = 256_000_000
"""Of the arrays that are of use, when unpacked."""
POSITIONS = ("joints", "positions", "keypoints3d")
RATES = ("mocap_framerate", "mocap_frame_rate", "fps", "framerate")
MOTION = (*POSITIONS, "poses", "root_orient", "pose_body", "trans")


def read_joints(path: str | Path) -> np.ndarray:
    """Read an NPZ file as (T, 22, 3) float32 joints: meters, Y up, 20 fps, SMPL order.

    AMASS is Z up and our own exports are Y up: posture tells. Raises ValueError for anything else.
    """
    where = str(path)
    try:
        with open_arrays(Path(path), (*MOTION, *RATES), most_bytes=MOST_BYTES) as archive:
            rate = _rate(archive)
            longest = max((s[0] for s in archive.shapes.values() if len(s) > 1), default=0)
            check_length(longest / rate, longest)
            arrays = {name: archive.read(name) for name in MOTION if name in archive.shapes}
    except ValueError as error:
        raise ValueError(f"{where} cannot be read: {error}") from error
    joints = _positions(arrays)
    if joints is None:
        joints = _posed(arrays, where)
    if not len(joints):
        raise ValueError(f"{where} holds no pose")
    if not np.isfinite(joints).all():
        raise ValueError(f"{where} holds numbers that are not finite")
    if up_axis(joints) == "z":
        joints = y_up(joints)
    return resample(joints, rate).astype(np.float32)


def _rate(archive: Archive) -> float:
    told = (archive.read(n).reshape(-1) for n in RATES if n in archive.shapes)
    rate = float(next((rates[0] for rates in told if rates.size), FPS))
    if not 1 <= rate <= MOST_RATE:
        raise ValueError(f"it says that it has {rate:g} poses a second; 1 to {MOST_RATE:g} can be")
    return rate


def _positions(arrays: Mapping[str, np.ndarray]) -> np.ndarray | None:
    for name in POSITIONS:
        array = arrays.get(name)
        if array is None or array.ndim != 3 or array.shape[2] != 3:
            continue
        if array.shape[1] >= len(JOINTS):
            return array[:, : len(JOINTS)].astype(np.float64)
    return None


def _posed(arrays: Mapping[str, np.ndarray], where: str) -> np.ndarray:
    """Bend the source skeleton by SMPL's rotation vectors."""
    poses = arrays.get("poses")
    if poses is None and {"root_orient", "pose_body"} <= arrays.keys():
        parts = arrays["root_orient"], arrays["pose_body"]
        if {part.ndim for part in parts} != {2} or len({len(part) for part in parts}) > 1:
            raise ValueError(f"{where}: `root_orient` and `pose_body` do not fit together")
        poses = np.concatenate(parts, axis=1)
    if poses is None or poses.ndim not in (2, 3):
        raise ValueError(
            f"{where} holds neither `poses` of SMPL, as AMASS has them, nor `joints` (T, 22, 3)"
        )
    if not len(poses):
        raise ValueError(f"{where} holds no pose")
    poses = poses.reshape(len(poses), -1)
    wide = 3 * len(JOINTS)
    if poses.shape[1] < wide:
        raise ValueError(f"{where}: `poses` has {poses.shape[1]} numbers a pose; {wide} are needed")
    root = arrays.get("trans", np.zeros((len(poses), 3)))
    if root.shape != (len(poses), 3):
        raise ValueError(f"{where}: `trans` must be ({len(poses)}, 3), got {root.shape}")
    vectors = poses[:, :wide].astype(np.float64).reshape(len(poses), -1, 3)
    return forward(
        root.astype(np.float64), quat_from_axis_angle(vectors), REST_JOINTS.astype(np.float64)
    )[0]
