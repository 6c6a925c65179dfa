"""A HumanML3D folder: new_joints/*.npy (or new_joint_vecs/*.npy), texts/*.txt, split files.

Files whose name starts with M are mirrored copies; they are left out, because train.data mirrors
every motion itself (and a copy must not land in the other split).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core.body.skeleton import FPS
from train.sources import Clip, Text

LICENCE = "HumanML3D over AMASS and HumanAct12: non-commercial"


def read(folder: str | Path, *, licence: str = LICENCE) -> Iterator[Clip]:
    """Yield the motions of a HumanML3D folder, those of its split files where it has any.

    Joints come from new_joints; where that folder is absent, from the features in new_joint_vecs.
    Motions without a text file are skipped. Raise ValueError when a folder or a shape is wrong.
    """
    folder = Path(folder)
    joints_dir, vecs_dir, texts_dir = (
        folder / name for name in ("new_joints", "new_joint_vecs", "texts")
    )
    if not texts_dir.is_dir() or not (joints_dir.is_dir() or vecs_dir.is_dir()):
        raise ValueError(
            f"{folder} needs texts/ and new_joints/ (or new_joint_vecs/), as HumanML3D lays it out"
        )
    motion_dir = joints_dir if joints_dir.is_dir() else vecs_dir
    split = splits(folder)
    for path in sorted(motion_dir.glob("*.npy")):
        text_path = texts_dir / f"{path.stem}.txt"
        if path.stem.startswith("M") or not text_path.is_file():
            continue
        if split and path.stem not in split:
            continue
        joints = _joints(path) if motion_dir is joints_dir else _joints_of_features(path)
        texts, label = parse_texts(text_path, len(joints) / FPS)
        if texts:
            yield Clip(
                id=path.stem,
                joints=joints,
                texts=texts,
                label=label,
                pack="humanml3d",
                licence=licence,
                crop_ok=True,
                split=split.get(path.stem, ""),
            )


def splits(folder: Path) -> dict[str, str]:
    """Map each id named in train.txt, val.txt or test.txt to that split; {} without such files."""
    found: dict[str, str] = {}
    for name in ("train", "val", "test"):
        path = folder / f"{name}.txt"
        if path.is_file():
            found.update((i, name) for i in path.read_text(encoding="utf-8").split())
    return found


def read_lines(path: Path) -> Iterator[tuple[str, str, float, float]]:
    """Yield caption, tokens, from and to of lines of `caption#tokens#from#to`.

    From and to are seconds of the motion; both are 0 where the whole of it is told. Raises
    ValueError for other lines.
    """
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        fields = line.strip().split("#")
        try:
            caption, tokens = fields[0].strip(), fields[1].strip()
            start, end = (float(f) for f in fields[2:4])
        except (IndexError, ValueError) as error:
            raise ValueError(f"{path}:{number}: expected `caption#tokens#from#to`") from error
        whole = not (np.isfinite([start, end]).all() and end > start)
        yield caption, tokens, *((0.0, 0.0) if whole else (start, end))


def parse_texts(path: Path, seconds: float) -> tuple[tuple[Text, ...], str]:
    """Return the texts of a motion of so many seconds, and the first verb as the label."""
    spans: dict[tuple[float, float], list[str]] = {}
    label = ""
    for caption, tokens, start, end in read_lines(path):
        label = label or next((t[:-5] for t in tokens.split() if t.endswith("/VERB")), "")
        span = (start, min(end or seconds, seconds))
        if caption and span[1] > span[0]:
            spans.setdefault(span, []).append(caption)
    texts = tuple(Text(start=s, end=e, captions=tuple(c)) for (s, e), c in sorted(spans.items()))
    return texts, label


def _joints(path: Path) -> np.ndarray:
    joints = np.load(path)
    if joints.ndim != 3 or joints.shape[1:] != (22, 3):
        raise ValueError(f"{path}: expected joints (T, 22, 3), got {joints.shape}")
    return joints.astype(np.float32)


def read_features(path: Path) -> np.ndarray:
    """Return features (T, 263) float32; raise ValueError where a file has others."""
    features = np.load(path)
    if features.ndim != 2 or features.shape[1] != 263:
        raise ValueError(f"{path}: expected features (T, 263), got {features.shape}")
    return features.astype(np.float32)


def _joints_of_features(path: Path) -> np.ndarray:
    from core.body.features import decode

    return np.asarray(decode(read_features(path)), dtype=np.float32)
