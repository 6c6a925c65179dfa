"""Tokens, keys and places of recorded walks, on the device that learns from them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from core.video.place import PlaceConfig
from core.video.tokenizer import FrameTokenizer
from train.frames import FrameSet, TokenSet


class Sights(NamedTuple):
    """Frames, each on its own."""

    tokens: Tensor
    """(B, P, C)."""
    where: Tensor
    """(B, 3): x, y in units, degrees counter-clockwise."""


class Walks:
    """One split of a set.

    On a CPU its tokens stay on the disk and are mapped from there.
    """

    def __init__(self, frames: FrameSet, tokens: TokenSet, device: str) -> None:
        self.frames = frames
        self.tokens = torch.from_numpy(tokens.tokens).to(device)
        self.where = torch.from_numpy(frames.places()).to(device)
        self.actions = torch.from_numpy(frames.actions).to(device)
        self.index = torch.from_numpy(frames.index).to(device)

    @classmethod
    def splits(cls, data: Path, tokenizer: FrameTokenizer, device: str) -> tuple[Walks, Walks]:
        """Return the training and the validation split; tokens are kept beside the set."""
        train, judged = TokenSet.splits(data, tokenizer, data)
        return cls(train.frames, train, device), cls(judged.frames, judged, device)

    def place(self) -> PlaceConfig:
        """Return the place that these walks are in."""
        ground = self.frames.meta.get("ground")
        if ground is None:
            raise ValueError(f"{self.frames.folder} does not say how far its place goes: no ground")
        return PlaceConfig(
            low=ground["low"],
            high=ground["high"],
            texel=ground["texel"],
            field_of_view=ground["fov"],
        )

    def sights(self, batch: int) -> Iterator[Sights]:
        """Yield random frames for ever."""
        while True:
            chosen = self.index[torch.randint(len(self.index), (batch,), device=self.index.device)]
            yield self.sight(chosen)

    def sight(self, chosen: Tensor) -> Sights:
        """Return the frames of these numbers (B,)."""
        return Sights(self.tokens[chosen].float(), self.where[chosen])
