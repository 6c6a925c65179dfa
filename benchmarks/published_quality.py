"""The rows of the quality table by HumanML3D's own evaluator, on its own motions.

What differs from our own evaluator is what Guo et al. do: all motions of the test split and their
copies, the features as they are, motions ranked for a text and not texts for a motion.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.motion_items import LONGEST, SHORTEST, SPLITS, Item
from benchmarks.published_evaluator import STRIDE
from benchmarks.quality_rows import Quality
from benchmarks.reporting import Row
from core.body.features import Heading, decode, encode_all, facing
from core.body.rotations import quat_rotate
from core.body.skeleton import FPS
from train.sources.humanml3d import read_features, read_lines


class PublishedItems:
    """Motions of a HumanML3D folder; a part that a caption tells of is a motion of its own."""

    def __init__(self, folder: Path, split: str = "auto") -> None:
        """Read a split; raise ValueError where the folder is none of HumanML3D's."""
        if split not in (*SPLITS, "test"):
            raise ValueError(f"split must be test, val, train or all, got {split!r}")
        self.split = "test" if split == "auto" else split
        names = folder / f"{self.split}.txt"
        if not (names.is_file() and (folder / "new_joint_vecs").is_dir()):
            raise ValueError(
                f"{folder} has no new_joint_vecs/ and {names.name}; with --evaluator, --data is"
                " a HumanML3D folder"
            )
        self.clips: list[tuple[np.ndarray, list[str]]] = []
        """Features with the captions that tell of all of them."""
        self.tokens: dict[str, str] = {}
        """Words of a caption and their kinds, `word/KIND ...`."""
        for name in names.read_text(encoding="utf-8").split():
            vectors, texts = folder / f"new_joint_vecs/{name}.npy", folder / f"texts/{name}.txt"
            if vectors.is_file() and texts.is_file():
                self._add(read_features(vectors), texts)
        if not self.clips:
            raise ValueError(f"{folder} has no captioned motion of the split {self.split!r}")

    def _add(self, features: np.ndarray, texts: Path) -> None:
        if not _fits(features):
            return  # nor is any part of it taken
        whole: list[str] = []
        for caption, tokens, start, end in read_lines(texts):
            self.tokens[caption] = tokens
            if end:
                part = features[int(start * FPS) : int(end * FPS)]
                self.clips += [(part, [caption])] * _fits(part)
            else:
                whole.append(caption)
        self.clips += [(features, whole)] * bool(whole)

    def draw(self, rng: np.random.Generator, limit: int) -> list[Item]:
        """Return at most `limit` motions in any order, cut to whole movements, one fewer at times.

        Each has one of its captions.
        """
        items = []
        for i in rng.permutation(len(self.clips))[:limit]:
            features, captions = self.clips[i]
            poses = (len(features) // STRIDE - (rng.random() < 1 / 3)) * STRIDE
            start = int(rng.integers(len(features) - poses + 1))
            cut = features[start : start + poses]
            items.append(Item(caption=str(rng.choice(captions)), features=cut))
        return items


def _fits(features: np.ndarray) -> bool:
    return SHORTEST <= len(features) < LONGEST + STRIDE


class PublishedQuality(Quality):
    """Everything that is measured on HumanML3D with one checkpoint."""

    whose = "HumanML3D's"
    texts, repeats = 100, 30

    def __init__(self, *args: Any, heading: Heading, **how: Any) -> None:
        """Take what Quality does, and the heading of the checkpoint's own features."""
        self._heading: Heading = heading
        super().__init__(*args, **how)

    def motions(self) -> int:
        return len(self.source.clips)

    def poses(self, caption: str) -> int:
        return next(len(item.features) for item in self.real if item.caption == caption)

    def embed_made(self, motions: list[np.ndarray]) -> np.ndarray:
        return self.embed([self._told(x, "humanml3d") for x in motions])

    def reconstruct(self, features: np.ndarray) -> np.ndarray:
        return super().reconstruct(self._told(features, self._heading))

    def placed(self, joints: np.ndarray) -> np.ndarray:
        """Turn a motion so that its first pose faces Z, where headings are not the same."""
        if self._heading == "humanml3d":
            return joints
        half = -facing(joints[:1])[0] / 2
        return quat_rotate(np.array([np.cos(half), 0, np.sin(half), 0]), joints)

    def _told(self, features: np.ndarray, heading: Heading) -> np.ndarray:
        """Return the features of a motion by another heading, where the checkpoint has its own.

        As if it had been recorded: headings are smoothed in what there is of a motion, so those of
        its first and last second are not quite what they are in a longer one.
        """
        if self._heading == "humanml3d":
            return features
        joints = self.placed(decode(features))
        # at a motion's very beginning theirs has a jump, which parts of motions do not have
        before = 2 * joints[:1] - joints[1:2]
        return encode_all(np.concatenate([before, joints]), heading)[1:]

    def matching(self, embedded: np.ndarray, text: np.ndarray) -> Row:
        return super().matching(text, embedded)
