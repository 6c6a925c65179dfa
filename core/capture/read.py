"""Motion files of other programs: BVH, NPZ (AMASS, SMPL, our own) and GLB."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.body.features import contacts, encode, make_uniform, normalize_place
from core.body.skeleton import FPS
from core.capture import bvh, glb, npz
from core.settings import MOTION_SUFFIXES

MOST_BYTES = 64_000_000
LEAST_POSES = 10


def read_motion(
    path: str | Path, *, joint_map: str | Path | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Read a file as joints (T, 22, 3), on the source skeleton and the floor, and contacts (T, 4).

    The joint map is guessed where none is given, unit and up axis always are. Raises ValueError
    for files that are none of ours, too long or too short.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path.name} has more than {MOST_BYTES // 10**6} MB; cut out a part")
    try:
        joints = _read(path, joint_map)
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


def _read(path: Path, joint_map: str | Path | None) -> np.ndarray:
    match path.suffix.lower():
        case ".npz":
            return npz.read_joints(path)
        case ".bvh":
            return bvh.read_joints(path, joint_map=joint_map, bounded=True)
        case ".glb":
            return glb.read_joints(path, joint_map=joint_map)
    raise ValueError(f"motion files end in {', '.join(MOTION_SUFFIXES)}; {path.name!r} does not")
