"""Captioned real motions that quality is measured on, drawn from a clips.jsonl of either form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from core.motion import features
from train.data import Record, prepare, read_records, to_record
from train.dataset import mirror_caption
from train.sources import packs

LONGEST = 196
"""Poses of the longest motion, as in Guo et al.; a multiple of four."""
SHORTEST = 40
"""Crops are not shorter than this; whole clips may be."""
MIN_POSES = 20
CROPS = 3
"""A long clip is drawn from this often at most."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One captioned motion."""

    caption: str
    features: np.ndarray
    """(T, 263) float32, T a multiple of four."""

    @property
    def joints(self) -> np.ndarray:
        """Positions (T, 22, 3)."""
        return features.decode(self.features)


class MotionItems:
    """The clips of one set; `draw` cuts captioned items from them, `windows` plain joints."""

    def __init__(self, path: Path, *, split: str = "auto", max_clips: int = 256) -> None:
        """Read a clips.jsonl made by train.data (joints.npz beside it) or of packs (<pack>.npz).

        split: "val", "train" or "all"; "auto" takes the validation split of a set made by
        train.data, and every clip of packs. Raise ValueError when nothing usable is there.
        """
        path = path / "clips.jsonl" if path.is_dir() else path
        if not path.is_file():
            raise ValueError(f"{path} does not exist; give a clips.jsonl with its .npz beside it")
        first = json.loads(path.read_text(encoding="utf-8").split("\n", 1)[0])
        rng = np.random.default_rng(0)
        if "poses" in first:
            wanted = "val" if split == "auto" else split
            records = [r for r in read_records(path.parent) if wanted in (r.split, "all")]
            chosen = rng.permutation(len(records))[:max_clips]
            with np.load(path.parent / "joints.npz") as joints:
                self.clips = [(records[i], joints[records[i].id]) for i in sorted(chosen)]
        else:
            self.clips = self._of_packs(path, split, rng, max_clips)
        if not self.clips:
            raise ValueError(f"{path} has no clip in the split {split!r}")

    @staticmethod
    def _of_packs(
        path: Path, split: str, rng: np.random.Generator, max_clips: int
    ) -> list[tuple[Record, np.ndarray]]:
        found = list(packs.read(path))
        clips = []
        for i in rng.permutation(len(found)):
            joints = prepare(found[i])
            if joints is not None:
                record = to_record(found[i], len(joints), 1)
                if split in ("auto", "all", record.split):
                    clips.append((record, joints))
            if len(clips) == max_clips:
                break
        return clips

    def draw(self, rng: np.random.Generator, limit: int) -> list[Item]:
        """Cut at most `limit` items, each motion and its mirror image in turn, at random places."""
        items = []
        for record, joints in self.clips:
            spans: dict[tuple[int, int, bool], list[str]] = {}
            for s in record.segments:
                spans.setdefault((s.start, s.end, s.crop_ok), []).extend(s.captions)
            for (start, end, crop_ok), captions in spans.items():
                end = min(end, len(joints) - 1)  # encoding takes one pose
                if end - start < MIN_POSES or (not crop_ok and end - start > LONGEST + 20):
                    continue
                crops = min(-(-(end - start) // LONGEST), CROPS) if crop_ok else 1
                for mirrored in (False, True) * crops:
                    cut = self._cut(record.id, mirrored, start, end, crop_ok, rng)
                    caption = str(rng.choice(captions))
                    caption = mirror_caption(caption) if mirrored else caption
                    items.append(Item(caption=caption, features=cut))
        chosen = rng.permutation(len(items))[:limit]
        return [items[i] for i in chosen]

    def _cut(
        self,
        clip: str,
        mirrored: bool,
        start: int,
        end: int,
        crop_ok: bool,
        rng: np.random.Generator,
    ) -> np.ndarray:
        length = min(end - start, LONGEST)
        if crop_ok and length > SHORTEST:
            length = int(rng.integers(SHORTEST, length + 1))
        length -= length % 4
        first = start + (int(rng.integers(end - start - length + 1)) if crop_ok else 0)
        return self.features[clip, mirrored][first : first + length]

    @cached_property
    def features(self) -> dict[tuple[str, bool], np.ndarray]:
        """Features of whole clips and their mirror images; crops are cut from these."""
        return {
            (record.id, flip): features.encode(
                features.mirror(joints) if flip else joints, heading="steady"
            )
            for record, joints in self.clips
            for flip in (False, True)
        }
