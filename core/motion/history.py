"""The end of a take as history: what a stream that goes on after it looks back on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from core.body.features import LAYOUT
from core.body.skeleton import FPS
from core.body.take import Take
from core.motion.generate import MotionModel
from core.motion.vae import STRIDE

FILTER_EDGE = 3
"""Poses at the end of a filmed take that its filter could not see past."""
WARM = 160
"""Poses ahead of the history that the encoder may see; it is causal, and new to nothing then."""


@dataclass(frozen=True, kw_only=True)
class History:
    """A take and its last seconds in latents."""

    take: Take
    blocks: Tensor
    """(1, T, P, D), what is to be committed; ends `edge` poses before the take."""
    edge: int
    """Poses at the take's end that are shown but not looked back on."""


def filmed(take: Take) -> bool:
    """Whether a take ends with poses out of a video."""
    return "pose_network" in take.info and not any(mark.text for mark in take.prompts)


def remember(model: MotionModel, take: Take, context: int, edge: int | None = None) -> History:
    """Encode the last seconds of a take, `context` blocks at most.

    Raises ValueError for a take that nothing can go on after.
    """
    if take.fps != FPS:
        raise ValueError(f"a take to go on after needs {FPS} poses a second, got {take.fps:g}")
    if len(take) < 2 or take.features.shape != (len(take), LAYOUT.contacts.stop):
        raise ValueError("a take to go on after needs at least two poses with their features")
    edge = (FILTER_EDGE if filmed(take) else 0) if edge is None else edge
    x = take.features[: max(len(take) - edge, 1)]
    edge = len(take) - len(x)
    per_block = model.dit.cfg.block * STRIDE
    blocks = min(max(len(x) // per_block, 1), context)
    if len(x) < per_block:  # too short: somebody who stood still before
        still = x[:1].copy()
        still[:, LAYOUT.turn] = still[:, LAYOUT.velocity] = still[:, LAYOUT.velocities] = 0
        x = np.concatenate([still.repeat(per_block - len(x), axis=0), x])
    length = min(blocks * per_block + WARM, len(x) // STRIDE * STRIDE)
    latents = model.encode(x[len(x) - length :])[:, -blocks * model.dit.cfg.block :]
    return History(take=take, blocks=model.dit.to_blocks(latents), edge=edge)
