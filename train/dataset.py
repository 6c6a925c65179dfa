"""A training set in memory: features of every clip and its mirror image, captions as states.

Contrastive training feeds on random captioned crops of it, drawn with balanced weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from core.body import features
from core.body.features import LAYOUT
from core.body.skeleton import FPS
from core.motion.attributes import mirror_caption
from core.motion.text import TextEncoder
from train.data import Record, Segment, read_records
from train.paraphrase import Paraphraser
from train.recombine import made
from train.recombine.source import at_speed

_SIDE = re.compile(r"\b(left|right|forward|backward|back|clockwise|counter-?clockwise)\w*", re.I)


def _restricted(licence: str) -> bool:
    """Whether a licence forbids commercial use."""
    return bool(re.search(r"\bNC\b|non-?commercial", licence, re.IGNORECASE))


def _passed_on(licence: str) -> str:
    """Return the licence that weights have from data: one that asks for it, else none."""
    if _restricted(licence) or re.search(r"\bSA\b|share-?alike", licence, re.IGNORECASE):
        return licence.split(" (")[0]
    return ""


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
    """The motions of one split at some speeds, each with its mirror image."""

    def __init__(
        self,
        folder: Path,
        split: str,
        *,
        mirrored: bool = True,
        speeds: tuple[float, ...] = (1.0,),
        more: int = 0,
    ) -> None:
        """Read a split; `more` adds motions made of others and so many paraphrases a caption."""
        records = [r for r in read_records(folder) if r.split == split]
        if not records:
            raise ValueError(f"{folder} has no clip in the split {split!r}")
        self.motions: list[Motion] = []
        self._recorded = sum(record.poses for record in records)
        with np.load(folder / "joints.npz") as stored:
            clips = [(record, stored[record.id]) for record in records]
        if more:
            clips += made(records, {record.id: joints for record, joints in clips})
            clips = paraphrased(clips, more)
        flips = (False, True) if mirrored else (False,)
        for record, joints in tqdm(clips, desc=f"features of {split}", unit="clip", disable=None):
            for speed, flip in product(speeds, flips):
                x = joints if speed == 1 else at_speed(joints, speed)
                x = features.encode(features.mirror(x) if flip else x, heading="steady")
                self.motions.append(Motion(record=record, mirrored=flip, features=x))
        self.weights = np.array([m.record.weight for m in self.motions])

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation (263,), the latter shared within each feature group.

        One deviation per group keeps directions comparable, as HumanML3D does it.
        """
        x = np.concatenate([m.features for m in self.motions]).astype(np.float64)
        mean, std = x.mean(0), x.std(0)
        for group in (
            LAYOUT.turn,
            LAYOUT.velocity,
            LAYOUT.height,
            LAYOUT.joints,
            LAYOUT.rotations,
            LAYOUT.velocities,
            LAYOUT.contacts,
        ):
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
        passed_on = sorted({_passed_on(licence) for licence in packs.values()} - {""})
        return {
            "licence": "; ".join(passed_on) or "Apache-2.0",
            "non_commercial": any(map(_restricted, packs.values())),
            "data": packs,
            "minutes_of_motion": round(self._recorded / FPS / 60, 1),
        }

    def captions(self) -> list[str]:
        """Return every caption once, in a fixed order."""
        return sorted({c for m in self.motions for s in m.record.segments for c in m.captions(s)})


def paraphrased(
    clips: Sequence[tuple[Record, np.ndarray]], number: int
) -> list[tuple[Record, np.ndarray]]:
    """Return clips whose segments are told in other words, too."""
    say = Paraphraser([c for record, _ in clips for s in record.segments for c in s.captions])

    def told(segment: Segment) -> Segment:
        others = [text for caption in segment.captions for text in say(caption, number)]
        return segment.model_copy(update={"captions": (*segment.captions, *others)})

    return [
        (record.model_copy(update={"segments": tuple(map(told, record.segments))}), joints)
        for record, joints in clips
    ]


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
    data: Path, encoder: TextEncoder, *, mirrored: bool = True, more: int = 0
) -> tuple[MotionSet, MotionSet, TextBank]:
    """Return the training split, the held-out one (with mirror images?) and all captions."""
    motions = MotionSet(data, "train", more=more)
    held_out = MotionSet(data, "val", mirrored=mirrored)
    bank = TextBank(encoder, sorted({*motions.captions(), *held_out.captions()}))
    return motions, held_out, bank


@dataclass(frozen=True)
class Captioned:
    """A stretch of one motion that has captions."""

    motion: Motion
    segment: Segment
    weight: float

    def meaning(self, caption: str) -> str:
        """Return what two captions share when neither is a fair negative for the other."""
        return self.motion.record.label + "|" + " ".join(w.lower() for w in _SIDE.findall(caption))

    def crop(self, rng: np.random.Generator, longest: int, shortest: int = 40) -> np.ndarray:
        """Return features of a random part, (<= longest, 263), or all where a part will not do."""
        x = self.motion.features[self.segment.start : self.segment.end]
        length = min(len(x), longest)
        if self.segment.crop_ok and length > shortest:
            length = int(rng.integers(shortest, length + 1))
        start = int(rng.integers(0, len(x) - length + 1)) if self.segment.crop_ok else 0
        return x[start : start + length]


def captioned(motions: MotionSet, shortest: int = 12) -> list[Captioned]:
    """List every captioned stretch; a clip's weight is shared among its stretches."""
    found = []
    for motion in motions.motions:
        segments = [
            s for s in motion.record.segments if len(motion.features[s.start : s.end]) >= shortest
        ]
        share = motion.record.weight / max(len(segments), 1) ** 0.5
        found += [Captioned(motion, segment, share) for segment in segments]
    return found


class PairBatch(NamedTuple):
    """Motions and captions, padded."""

    features: Tensor
    """(B, T, 263), not normalized, zero where padded."""
    mask: Tensor
    """(B, T) true on poses."""
    text: Tensor
    text_mask: Tensor
    same: Tensor
    """(B, B) true where two captions mean the same."""
    captions: list[str]


def collate(
    crops: list[np.ndarray], captions: list[str], meanings: list[str], bank: TextBank
) -> PairBatch:
    """Pad crops and look up the captions' token states."""
    features = torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(c) for c in crops], batch_first=True
    )
    lengths = torch.tensor([len(c) for c in crops])
    text, text_mask = bank(captions)
    same = torch.tensor([[a == b for b in meanings] for a in meanings])
    return PairBatch(
        features,
        torch.arange(features.shape[1]) < lengths[:, None],
        text,
        text_mask,
        same,
        captions,
    )


def pair_batches(
    motions: MotionSet, bank: TextBank, batch: int, *, longest: int = 196, seed: int = 0
) -> Iterator[PairBatch]:
    """Yield random batches for ever."""
    rng = np.random.default_rng(seed)
    items = captioned(motions)
    weights = np.array([item.weight for item in items])
    while True:
        chosen = [items[i] for i in rng.choice(len(items), batch, p=weights / weights.sum())]
        captions = [str(rng.choice(i.motion.captions(i.segment))) for i in chosen]
        meanings = [i.meaning(c) for i, c in zip(chosen, captions, strict=True)]
        yield collate([i.crop(rng, longest) for i in chosen], captions, meanings, bank)


def held_out_pairs(motions: MotionSet, bank: TextBank, *, longest: int = 196) -> PairBatch:
    """Return every captioned stretch once, with its first caption."""
    items = captioned(motions)
    captions = [item.motion.captions(item.segment)[0] for item in items]
    meanings = [item.meaning(c) for item, c in zip(items, captions, strict=True)]
    crops = [i.motion.features[i.segment.start : i.segment.end][:longest] for i in items]
    return collate(crops, captions, meanings, bank)
