"""Reading motion arrays: AMASS's archives of SMPL rotations, ours, or plain joint positions."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from core.body.kinematics import forward
from core.body.rotations import quat_from_axis_angle
from core.body.skeleton import FPS, JOINTS, REST_JOINTS
from core.capture.joint_maps import up_axis, y_up
from core.capture.resample import check_length, resample

MOST_BYTES = 256_000_000
"""Of an archive's arrays when unpacked."""
POSITIONS = ("joints", "positions", "keypoints3d")
RATES = ("mocap_framerate", "mocap_frame_rate", "fps", "framerate")


def read_joints(path: str | Path, *, up: str | None = None) -> np.ndarray:
    """Read an NPZ file as (T, 22, 3) float32 joints: meters, Y up, 20 fps, SMPL order.

    AMASS is Z up and our own exports are Y up; where `up` is not given, posture tells. Raises
    ValueError for anything else.
    """
    where = str(path)
    arrays = _load(path, where)
    rate = _rate(arrays, where)
    longest = max((len(a) for a in arrays.values() if a.ndim > 1), default=0)
    check_length(longest / rate)
    joints = _positions(arrays)
    if joints is None:
        joints = _posed(arrays, where)
    if not len(joints):
        raise ValueError(f"{where} holds no pose")
    if not np.isfinite(joints).all():
        raise ValueError(f"{where} holds numbers that are not finite")
    if (up or up_axis(joints)) == "z":
        joints = y_up(joints)
    return resample(joints, rate).astype(np.float32)


def _load(path: str | Path, where: str) -> dict[str, np.ndarray]:
    """The arrays that are of use, by name; every one holds numbers."""
    wanted = {*POSITIONS, *RATES, "poses", "root_orient", "pose_body", "trans"}
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size <= MOST_BYTES:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in wanted & set(stored.files)}
    except (zipfile.BadZipFile, OSError, KeyError, EOFError, ValueError, MemoryError) as error:
        raise ValueError(f"{where} is not a readable NPZ file") from error
    if size > MOST_BYTES:
        raise ValueError(f"{where} is too large: its arrays take more than 256 MB")
    if odd := [name for name, array in arrays.items() if array.dtype.kind not in "fiu"]:
        raise ValueError(f"{where}: `{odd[0]}` does not hold numbers")
    return arrays


def _rate(arrays: Mapping[str, np.ndarray], where: str) -> float:
    told = (arrays[n].reshape(-1)[0] for n in RATES if n in arrays and arrays[n].size)
    rate = float(next(told, FPS))
    if not 1 <= rate <= 1000:
        raise ValueError(f"{where} says that it has {rate:g} poses a second")
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
    poses = poses.reshape(len(poses), -1).astype(np.float64)
    wide = 3 * len(JOINTS)
    if poses.shape[1] < wide:
        raise ValueError(f"{where}: `poses` has {poses.shape[1]} numbers a pose; {wide} are needed")
    root = arrays.get("trans", np.zeros((len(poses), 3))).astype(np.float64)
    if root.shape != (len(poses), 3):
        raise ValueError(f"{where}: `trans` must be ({len(poses)}, 3), got {root.shape}")
    rotations = quat_from_axis_angle(poses[:, :wide].reshape(len(poses), -1, 3))
    return forward(root, rotations, REST_JOINTS.astype(np.float64))[0]
