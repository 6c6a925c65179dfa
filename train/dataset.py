"""A training set in memory: features of every clip and its mirror image, captions as states."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from core.body import features
from core.body.features import LAYOUT
from core.body.skeleton import FPS
from core.motion.text import TextEncoder
from core.retrieval.attributes import mirror_caption
from train.data import Record, Segment, read_records


def _restricted(licence: str) -> bool:
    """Whether a licence forbids commercial use."""
    return bool(re.search(r"\bNC\b|non-?commercial", licence, re.IGNORECASE))


@dataclass(frozen=True, kw_only=True)
class Motion:
    """One clip, or its mirror image."""

    record: Record
    mirrored: bool
    features: np.ndarray
    """(T, 263) float32, not normalized."""

    def captions(self, segment: Segment) -> list[str]:
        if not self.mirrored:
            return list(segment.captions)
        return [mirror_caption(caption) for caption in segment.captions]


class MotionSet:
    """The motions of one split, each with its mirror image."""

    def __init__(self, folder: Path, split: str, *, mirrored: bool = True) -> None:
        records = [r for r in read_records(folder) if r.split == split]
        if not records:
            raise ValueError(f"{folder} has no clip in the split {split!r}")
        self.motions: list[Motion] = []
        with np.load(folder / "joints.npz") as joints:
            for record in tqdm(records, desc=f"features of {split}", unit="clip", disable=None):
                for flip in (False, True) if mirrored else (False,):
                    x = features.mirror(joints[record.id]) if flip else joints[record.id]
                    x = features.encode(x, heading="steady")
                    self.motions.append(Motion(record=record, mirrored=flip, features=x))
        self.weights = np.array([m.record.weight for m in self.motions])

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation (263,), the latter shared within each feature group.

        One deviation per group keeps directions comparable, as HumanML3D does it.
        """
        x = np.concatenate([m.features for m in self.motions]).astype(np.float64)
        mean, std = x.mean(0), x.std(0)
        for group in (LAYOUT.turn, LAYOUT.velocity, LAYOUT.height, LAYOUT.joints,
                      LAYOUT.rotations, LAYOUT.velocities, LAYOUT.contacts):  # fmt: skip
            std[group] = std[group].mean()
        return torch.from_numpy(mean).float(), torch.from_numpy(std).float().clamp(min=1e-4)

    def set_statistics(self, model: Any) -> None:
        """Have a model normalize by this set."""
        mean, std = self.statistics()
        model.mean.copy_(mean)
        model.std.copy_(std)

    def about(self) -> dict[str, object]:
        """Return what a checkpoint trained on this says of itself: licence, data, minutes."""
        packs = {m.record.pack: m.record.licence for m in self.motions}
        restricted = sorted({licence for licence in packs.values() if _restricted(licence)})
        poses = sum(m.record.poses for m in self.motions if not m.mirrored)
        return {
            "licence": "; ".join(restricted) or "Apache-2.0",
            "non_commercial": bool(restricted),
            "data": packs,
            "minutes_of_motion": round(poses / FPS / 60, 1),
        }

    def captions(self) -> list[str]:
        """Return every caption once, in a fixed order."""
        return sorted({c for m in self.motions for s in m.record.segments for c in m.captions(s)})


class TextBank:
    """Token states of all captions, encoded once."""

    def __init__(self, encoder: TextEncoder, captions: list[str], batch: int = 64) -> None:
        self.index = {caption: i for i, caption in enumerate(captions)}
        self.states: list[Tensor] = []
        for start in range(0, len(captions), batch):
            states, mask = encoder(captions[start : start + batch])
            self.states += [s[m].half() for s, m in zip(states, mask, strict=True)]

    def __call__(self, captions: list[str]) -> tuple[Tensor, Tensor]:
        """Return states (B, L, C) float32 and mask (B, L) of some captions."""
        chosen = [self.states[self.index[c]].float() for c in captions]
        states = torch.nn.utils.rnn.pad_sequence(chosen, batch_first=True)
        lengths = torch.tensor([len(c) for c in chosen])
        return states, torch.arange(states.shape[1]) < lengths[:, None]


def read_sets(
    data: Path, encoder: TextEncoder, *, mirrored: bool = True
) -> tuple[MotionSet, MotionSet, TextBank]:
    """Return the training split, the held-out one (with mirror images?) and all captions."""
    motions, held_out = MotionSet(data, "train"), MotionSet(data, "val", mirrored=mirrored)
    bank = TextBank(encoder, sorted({*motions.captions(), *held_out.captions()}))
    return motions, held_out, bank
