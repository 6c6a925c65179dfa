"""Motions to move like: how others did it, as extra context that the transformer looks back on.

A few blocks of the nearest real motions, and of the visitor's own take, are pinned in front of the
stream's history. What is said stays with the prompt; the weight tells how strongly attention is
drawn to the pinned blocks, which count as if they were there that many times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.body.take import Take
from core.motion.generate import MotionModel
from core.motion.model import MotionDiT
from core.retrieval.search import Match

SHARE = 0.4
"""Of the blocks that a stream looks back on, so many are given to the manner."""
LOUDEST = 100.0
"""How many times the pinned blocks count at weight 1, plus one."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """Motions to move like."""

    weight: float
    """0 (not at all) to 1."""
    matches: tuple[Match, ...]
    """Real motions that were found."""
    pieces: tuple[np.ndarray, ...]
    """Latents (n, 64) of the take, if there is one, and of every match."""
    vae: str
    """Whose latents these are."""

    @property
    def emphasis(self) -> float:
        """How many times the pinned blocks count: 0 at weight 0, 9 halfway, 99 at weight 1."""
        return LOUDEST**self.weight - 1

    def blocks(self, dit: MotionDiT) -> Tensor:
        """Return what is pinned (1, T, P, D): the middle of every piece, the nearest last.

        Raises ValueError where the model's latents are of another VAE.
        """
        if self.vae != dit.cfg.vae:
            raise ValueError(
                f"the manner holds latents of {self.vae!r}, the checkpoint uses {dit.cfg.vae!r}"
            )
        room = max(int(SHARE * dit.cfg.context), 1)
        pieces = self.pieces[:room]
        each = max(room // len(pieces), 1) * dit.cfg.block
        cuts = [_middle(piece, each, dit.cfg.block) for piece in reversed(pieces)]
        latents = torch.from_numpy(np.concatenate(cuts)).to(dit.latent_mean.device)
        return dit.to_blocks(latents[None])


def make_manner(
    model: MotionModel, take: Take | None, matches: Sequence[Match], weight: float
) -> Manner:
    """Return the manner of a take, if there is one, and of real motions that were found."""
    pieces = [
        model.encode(m.features)[0].cpu().numpy() if m.mirrored else m.latents for m in matches
    ]
    if take is not None:
        pieces.insert(0, model.encode(take.features)[0].cpu().numpy())
    return Manner(
        weight=weight, matches=tuple(matches), pieces=tuple(pieces), vae=model.dit.cfg.vae
    )


def check_weight(weight: float) -> None:
    """Raise ValueError for a weight out of range."""
    if not 0 <= weight <= 1:
        raise ValueError(f"the weight of a manner must be in 0..1, got {weight:g}")


def _middle(piece: np.ndarray, length: int, block: int) -> np.ndarray:
    """Return the middle of a piece, whole blocks of it; one too short for a block is held."""
    if len(piece) < block:
        piece = np.concatenate([piece, piece[-1:].repeat(block - len(piece), axis=0)])
    length = min(length, len(piece) // block * block)
    start = (len(piece) - length) // 2
    return piece[start : start + length]
