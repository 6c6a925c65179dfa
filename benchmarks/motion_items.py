"""Captioned real motions that quality is measured on, drawn from a clips.jsonl of either form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from core.body import features
from train.data import Record, in_validation, prepare, read_records, to_record
from train.dataset import mirror_caption
from train.sources import packs

LONGEST = 196
"""Poses of the longest motion, as in Guo et al.; a multiple of four."""
SHORTEST = 40
"""Crops are not shorter than this; whole clips may be."""
MIN_POSES = 20
SPLITS = ("auto", "val", "train", "all")
CROPS = 3
"""A long clip is drawn from this often at most."""
ENOUGH = 32
"""Packs whose validation split has fewer clips are measured on all of them."""

Clips = tuple[list[tuple[Record, np.ndarray]], str]
"""Records with their joints, and the split they are of."""


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

    def __init__(
        self, path: Path, *, split: str = "auto", only: tuple[str, ...] = (), max_clips: int = 256
    ) -> None:
        """Read a clips.jsonl made by train.data (joints.npz beside it) or of packs (<pack>.npz).

        split: "val", "train" or "all"; "auto" is the validation split, or everything where packs
        have too few clips in it. only: the packs to take, all where empty. Raise ValueError when
        nothing usable is there.
        """
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
        path = path / "clips.jsonl" if path.is_dir() else path
        if not path.is_file():
            raise ValueError(
                f"{path} does not exist; make a training set as the README tells"
                " (python -m train.data SOURCE --out data/free), or give --data a clips.jsonl"
            )
        first = json.loads(path.read_text(encoding="utf-8").split("\n", 1)[0])
        rng = np.random.default_rng(0)
        read = self._of_set if "poses" in first else self._of_packs
        self.clips, self.split = read(path, split, only, rng, max_clips)
        if not self.clips:
            raise ValueError(f"{path} has no clip in the split {split!r}")

    @staticmethod
    def _of_set(
        path: Path, split: str, only: tuple[str, ...], rng: np.random.Generator, most: int
    ) -> Clips:
        split = "val" if split == "auto" else split
        records = [
            r
            for r in read_records(path.parent)
            if split in (r.split, "all") and (not only or r.pack in only)
        ]
        chosen = rng.permutation(len(records))[:most]
        with np.load(path.parent / "joints.npz") as joints:
            return [(records[i], joints[records[i].id]) for i in sorted(chosen)], split

    @staticmethod
    def _of_packs(
        path: Path, split: str, only: tuple[str, ...], rng: np.random.Generator, most: int
    ) -> Clips:
        found = list(packs.read(path, packs=only or None))
        if split == "auto":
            held_out = sum(in_validation(clip.id) for clip in found)
            split = "val" if held_out >= ENOUGH else "all"
        clips = []
        for i in rng.permutation(len(found)):
            if split != "all" and in_validation(found[i].id) != (split == "val"):
                continue
            joints = prepare(found[i])
            if joints is not None:
                clips.append((to_record(found[i], len(joints), 1), joints))
            if len(clips) == most:
                break
        return clips, split

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
