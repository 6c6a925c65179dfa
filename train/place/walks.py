"""Tokens, keys and places of recorded walks, on the device that learns from them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from core.video.tokenizer import FrameTokenizer
from train.frames import FrameSet, TokenSet


class Walk(NamedTuple):
    """Frames in a row, or each on its own (T = 1)."""

    tokens: Tensor
    """(B, T, P, C)."""
    actions: Tensor
    """(B, T, K): what led to each."""
    where: Tensor
    """(B, T, 3): x, y in units, degrees counter-clockwise."""


class Walks:
    """One split of a set. On a CPU its tokens stay on the disk and are mapped from there."""

    def __init__(self, frames: FrameSet, tokens: Tensor) -> None:
        self.frames, self.tokens, self.device = frames, tokens, tokens.device
        self.actions = torch.from_numpy(frames.actions).to(self.device)
        self.where = torch.from_numpy(frames.places()).to(self.device)

    @classmethod
    def splits(cls, data: Path, tokenizer: FrameTokenizer, device: str) -> tuple[Walks, Walks]:
        """Return the training and the validation split; tokens are kept beside the set."""
        train, judged = TokenSet.splits(data, tokenizer, data)
        tokens = torch.from_numpy(train.tokens).to(device)  # of all splits
        return cls(train.frames, tokens), cls(judged.frames, tokens)

    def starts(self, length: int) -> Tensor:
        """Return the numbers (N,) of frames that a walk may begin with: a key led to each."""
        return torch.cat(
            [
                torch.arange(e.start + 1, e.start + e.frames - length + 1)
                for e in self.frames.episodes
                if e.frames > length
            ]
        ).to(self.device)

    def walk(self, starts: Tensor, length: int) -> Walk:
        """Return the walks that begin with frames of these numbers (B,)."""
        index = starts[:, None] + torch.arange(length, device=self.device)
        return Walk(self.tokens[index].float(), self.actions[index].float(), self.where[index])

    def random(self, batch: int, length: int) -> Iterator[Walk]:
        """Yield random walks for ever."""
        starts = self.starts(length)
        while True:
            chosen = torch.randint(len(starts), (batch,), device=self.device)
            yield self.walk(starts[chosen], length)

    def fixed(self, most: int, length: int) -> Walk:
        """Return walks from all over the split, at most so many."""
        starts = self.starts(length)
        return self.walk(starts[:: -(-len(starts) // most)], length)
