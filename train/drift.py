"""How far a world's dreams go astray: figures of frames made from the model's own frames."""

from __future__ import annotations

import torch
from torch import Tensor

from core.video.model import Action, FrameDiT
from train.tokens import Window
from train.video import held_out

DREAMT = 8
"""Frames that are dreamt before the one that a checkpoint is judged by."""
FAR, LATE = 96, 32
"""Frames of the dreams that a checkpoint is judged by, where episodes are as long, and how many
last ones' looks count."""


def play_on(model: FrameDiT, x: Tensor, actions: Tensor, history: int, frames: int) -> Tensor:
    """Return (B, history + frames, P, C): the first of x, then what the model makes of actions."""
    rows = [Action(a) for a in actions[:, : history + frames].unbind(1)]
    sampler = model.new_sampler(len(x), seed=0)
    sampler.commit(x[:, :history], rows[:history])
    made = [sampler.sample([row])[0].x for row in rows[history:]]
    return torch.cat([x[:, :history], *(frame[:, None] for frame in made)], dim=1).clone()


@torch.no_grad()
def drift(model: FrameDiT, batch: Window) -> dict[str, float]:
    """Return figures of dreams from real histories, as long as the recording.

    at8, at32: squared error so many frames on. after: velocity error of the real frame that
    follows a dream of DREAMT frames. spread, strange: of the LATE last frames, deviation against
    real ones and how far their looks are from real ones'.
    """
    history = model.cfg.prefix + model.cfg.context
    real = batch.tokens
    dream = play_on(model, real, batch.actions, history, real.shape[1] - history)
    error = (dream - real).square().mean((0, 2, 3))
    spread = dream[:, -LATE:].std() / real[:, -LATE:].std()
    end = history + DREAMT
    index = [0, *range(end - model.cfg.context, end + 1)]
    tokens = torch.cat([dream[:, :end], real[:, end : end + 1]], dim=1)[:, index]
    after = held_out(model, [Window(tokens, batch.actions[:, index])])["score"]
    return {
        "at8": error[history + 7].item(), "at32": error[history + 31].item(), "after": after,
        "spread": spread.item(), "strange": strange(dream[:, -LATE:], real[:, -LATE:]),
    }  # fmt: skip


def strange(made: Tensor, real: Tensor) -> float:
    """Frechet distance (of independent normals) of what frames (B, T, P, C) look like.

    A look is mean and deviation of every channel; 1 = as far as real looks vary.
    """
    ours, theirs = (
        torch.cat([x.mean(2), x.std(2, correction=0)], dim=-1).flatten(0, 1) for x in (made, real)
    )
    apart = (ours.mean(0) - theirs.mean(0)).square() + (ours.std(0) - theirs.std(0)).square()
    return (apart.sum() / theirs.var(0).sum()).item()
