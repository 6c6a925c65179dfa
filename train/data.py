"""Turn motion of any known form into one training set: `python -m train.data SOURCE... --out DIR`.

A source is our `clips.jsonl` beside its packs, a HumanML3D folder, or a folder of BVH files with a
captions CSV (see docs/data.md). The set is `clips.jsonl` + `joints.npz`: every clip at 20 poses a
second on the uniform skeleton, on the floor, facing Z, with its split and its sampling weight.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from pydantic import BaseModel, ConfigDict
from tqdm import tqdm

from core.body import features
from core.body.skeleton import FPS
from train import sources

QUALITY = {"A": 1.0, "B": 0.7, "C": 0.5, "K": 0.5}
"""Sampling weight of a capture's grade; K is key-framed by hand."""
MIN_POSES = 17
LOOP_POSES = 120
"""Clips whose label says that they loop are repeated to this length."""
VALIDATION_SHARE = 0.1
BALANCE = 0.3
"""A clip weighs its label's number to the power of minus this: 0 leaves the data as it is, 1 makes
every label equally frequent. Walking stays the most frequent, as in what people ask for."""


class Segment(BaseModel):
    """Captions for poses start..end - 1; `crop_ok` is false where a part would not earn them."""

    model_config = ConfigDict(frozen=True)
    start: int
    end: int
    captions: tuple[str, ...]
    crop_ok: bool


class Record(BaseModel):
    """One clip of a training set, a line of its clips.jsonl."""

    model_config = ConfigDict(frozen=True)
    id: str
    label: str
    pack: str
    licence: str
    split: str
    weight: float
    poses: int
    segments: tuple[Segment, ...]


def prepare(clip: sources.Clip) -> np.ndarray | None:
    """Return a clip's joints on the uniform skeleton, or None where nothing usable is left."""
    joints = clip.joints
    if "loop" in clip.label.lower() and len(joints) > 4:
        joints = _repeat(joints, -(-LOOP_POSES // len(joints)))
    if len(joints) < MIN_POSES:
        return None
    return features.normalize_place(features.make_uniform(joints))


def _repeat(joints: np.ndarray, times: int) -> np.ndarray:
    """Play a loop several times, each round going on from where the last one ended."""
    stride = (joints[-1, 0] - joints[0, 0]) * [1, 0, 1]
    return np.concatenate([joints[:-1] + i * stride for i in range(times)]).astype(np.float32)


def in_validation(clip_id: str) -> bool:
    """Split by a hash of the clip's name, the same on every machine and for every mixture."""
    return hashlib.sha256(clip_id.encode()).digest()[0] < VALIDATION_SHARE * 256


def to_record(clip: sources.Clip, poses: int, label_count: int) -> Record:
    """Describe a prepared clip; clips of frequent labels weigh less."""
    segments = []
    for text in clip.texts:
        start, end = max(round(text.start * FPS), 0), min(round(text.end * FPS), poses)
        end = poses if text.end * FPS >= len(clip.joints) - 1 else end  # repeated loops
        whole = end - start >= poses - FPS // 2
        if end - start >= MIN_POSES and text.captions:
            crop_ok = clip.crop_ok if whole else end - start < 12 * FPS
            segments.append(Segment(start=start, end=end, captions=text.captions, crop_ok=crop_ok))
    split = clip.split or ("val" if in_validation(clip.id) else "train")
    weight = QUALITY.get(clip.quality[:1], 1.0) * label_count**-BALANCE
    return Record(
        id=clip.id,
        label=clip.label,
        pack=clip.pack,
        licence=clip.licence,
        split=split,
        weight=float(weight),
        poses=poses,
        segments=tuple(segments),
    )


def build(clips: Iterable[sources.Clip], out: Path) -> list[Record]:
    """Write a training set and return its records; raise ValueError when nothing is left."""
    kept: list[tuple[sources.Clip, np.ndarray]] = []
    for clip in tqdm(clips, desc="reading", unit="clip", disable=None):
        joints = prepare(clip)
        if joints is not None:
            kept.append((clip, joints))
    if not kept:
        raise ValueError("the sources hold no clip of at least 0.9 seconds")
    labels = Counter(clip.label for clip, _ in kept)
    records = [to_record(clip, len(joints), labels[clip.label]) for clip, joints in kept]
    out.mkdir(parents=True, exist_ok=True)
    np.savez(out / "joints.npz", **{clip.id: joints for clip, joints in kept})
    with (out / "clips.jsonl").open("w") as file:
        file.writelines(record.model_dump_json() + "\n" for record in records)
    return records


def read_records(folder: Path) -> list[Record]:
    """Return the records of a training set; raise ValueError where there is none."""
    path = folder / "clips.jsonl"
    if not path.is_file() or not (folder / "joints.npz").is_file():
        raise ValueError(f"{folder} is not a training set; make one with python -m train.data")
    return [Record(**json.loads(line)) for line in path.read_text().splitlines()]


def main(
    source: Annotated[list[Path], typer.Argument(help="Clips, HumanML3D or BVH folders.")],
    out: Annotated[Path, typer.Option(help="Folder to write the training set to.")],
    packs: Annotated[str, typer.Option(help="Only these packs, e.g. cmu,cc0,deepmimic.")] = "",
) -> None:
    """Turn motion of any known form into one training set."""
    wanted = {p for p in packs.split(",") if p}
    clips = (c for path in source for c in sources.read(path) if not wanted or c.pack in wanted)
    try:
        records = build(clips, out)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    for split in sorted({r.split for r in records}):
        chosen = [r for r in records if r.split == split]
        minutes = sum(r.poses for r in chosen) / FPS / 60
        print(f"{split}: {len(chosen)} clips, {minutes:.1f} minutes")
    for licence in sorted({r.licence for r in records}):
        print(f"licence: {licence}")


if __name__ == "__main__":
    typer.run(main)
