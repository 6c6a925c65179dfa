"""Random captioned crops, drawn with balanced weights: what contrastive training feeds on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from train.data import Segment
from train.dataset import Motion, MotionSet, TextBank

_SIDE = re.compile(r"\b(left|right|forward|backward|back|clockwise|counter-?clockwise)\w*", re.I)


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
