"""Readers of motion data, all yielding `Clip`s: our packs, HumanML3D, BVH files with captions.

    from train.sources import packs, humanml3d, bvh
    for clip in packs.read("clips.jsonl"): ...

`read(path)` looks at the path and picks the reader. See docs/data.md for the three forms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.body.skeleton import JOINTS


@dataclass(frozen=True, kw_only=True)
class Text:
    """Captions that hold for one stretch of a clip."""

    start: float
    """Seconds from the first frame."""
    end: float
    """Seconds; the frame at `end` itself is outside."""
    captions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One motion in the common form: 20 fps, meters, Y up, Z forward, 22 SMPL joints."""

    id: str
    joints: np.ndarray
    """Joint positions, (T, 22, 3) float32, meters; bone lengths are still the performer's own."""
    texts: tuple[Text, ...]
    label: str
    """What balancing counts by; clips of one label share their weight."""
    pack: str
    licence: str
    quality: str = "A"
    """A, B, C: captured, best first; K: key-framed by hand."""
    crop_ok: bool = True
    """False where the caption tells of a sequence that a crop would cut apart."""
    split: str = ""
    """"train", "val" or "test" where the data set says so, else "" (the consumer splits)."""

    def __post_init__(self) -> None:
        if self.joints.ndim != 3 or self.joints.shape[1:] != (len(JOINTS), 3):
            raise ValueError(f"{self.id}: joints must be (T, 22, 3), got {self.joints.shape}")
        if not np.isfinite(self.joints).all():
            raise ValueError(f"{self.id}: joints contain NaN or infinity")


def read(path: str | Path) -> Iterator[Clip]:
    """Yield the clips at `path`: a clips.jsonl, a HumanML3D folder, or a captions CSV of BVH files.

    A folder is accepted in place of the clips.jsonl or captions.csv inside it.
    """
    from train.sources import bvh, humanml3d, packs

    path = Path(path)
    if path.suffix == ".jsonl" or (path / "clips.jsonl").is_file():
        return packs.read(path)
    if path.suffix == ".csv" or (path / "captions.csv").is_file():
        return bvh.read(path)
    if any((path / name).is_dir() for name in ("new_joints", "new_joint_vecs")):
        return humanml3d.read(path)
    raise ValueError(
        f"{path} is none of the known forms: a clips.jsonl beside its .npz packs, a HumanML3D "
        "folder with new_joints/ and texts/, or a captions.csv beside .bvh files"
    )
