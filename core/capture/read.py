"""Motion files of other programs as references: BVH, NPZ (AMASS, SMPL, our own) and GLB."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.body.features import contacts, encode, make_uniform, normalize_place
from core.body.skeleton import FPS
from core.capture.resample import check_length
from core.settings import MOTION_SUFFIXES

MOST_BYTES = 64_000_000
LEAST_POSES = 10


def read_motion(
    path: str | Path,
    *,
    joint_map: str | Path | None = None,
    scale: float | None = None,
    up: str | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Read a file as joints (T, 22, 3), on the source skeleton and the floor, and contacts (T, 4).

    The joint map, the scale (meters per unit) and the up axis are guessed where they are not
    given. Raises ValueError for files that are none of ours, too long or too short.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path.name} has more than {MOST_BYTES // 10**6} MB; cut out a part")
    try:
        joints = _read(path, joint_map=joint_map, scale=scale, up=up)
    except ValueError as error:
        sentence = str(error).replace(str(path), path.name)
        if path.name not in sentence:
            sentence = f"{path.name} cannot be read: {sentence}"
        raise ValueError(sentence) from error
    if len(joints) < LEAST_POSES:
        raise ValueError(f"{path.name} lasts {len(joints) / FPS:g} s; half a second is the least")
    joints = normalize_place(make_uniform(joints))
    features = encode(joints, "steady")
    flags = contacts(features).astype(np.float64)
    return joints, np.concatenate([flags, flags[-1:]])


def _read(
    path: Path, *, joint_map: str | Path | None, scale: float | None, up: str | None
) -> np.ndarray:
    suffix = path.suffix.lower()
    if suffix == ".npz":
        from core.capture.npz import read_joints

        return read_joints(path, up=up)
    if suffix == ".bvh":
        from core.capture.bvh import read_joints, told_seconds

        check_length(told_seconds(path))
    elif suffix == ".glb":
        from core.capture.glb import read_joints
    else:
        raise ValueError(
            f"motion files end in {', '.join(MOTION_SUFFIXES)}; {path.name!r} does not"
        )
    return read_joints(path, joint_map=joint_map, scale=scale, up=up)
