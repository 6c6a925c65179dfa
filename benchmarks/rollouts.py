"""Many worlds at once: rows of a batch that begin from true frames and follow true keys."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks.frame_items import Play
from core.device import fast_precision
from core.diffusion.sampler import StreamSampler
from core.video.model import Action
from core.video.world import VideoModel


def before_frames(model: VideoModel) -> int:
    """Return how many true frames fill a world's view."""
    return model.dit.cfg.prefix + model.dit.cfg.context


def encode(model: VideoModel, frames: np.ndarray) -> Tensor:
    """Return tokens (B, T, P, C) of frames (B, T, H, W, 3)."""
    parts = [model.encode(part) for part in frames]  # row by row: memory stays small
    return torch.stack(parts)


def begin(model: VideoModel, play: Play, *, seed: int) -> StreamSampler[Action]:
    """Return a sampler of a batch that has seen the true frames, with the shipped settings."""
    sampler = model.dit.new_sampler(len(play.before), seed)
    tokens = encode(model, play.before)
    with fast_precision(model.device):
        sampler.commit(tokens, [model.actions(a) for a in play.led.swapaxes(0, 1)])
    return sampler


def roll_out(
    model: VideoModel, play: Play, wanted: np.ndarray, *, seed: int, name: str
) -> np.ndarray:
    """Return generated frames (B, len(wanted), H, W, 3) under the keys held in `play`.

    `wanted` are numbers of frames, 0 for the first one, in rising order.
    """
    sampler, shown = begin(model, play, seed=seed), []
    held = play.held[:, : wanted[-1] + 1].swapaxes(0, 1)
    bar = tqdm(held, desc=name, unit="frame", leave=False, disable=None)
    for number, keys in enumerate(bar):
        with fast_precision(model.device):
            (sampled,) = sampler.sample([model.actions(keys)])
        if number in wanted:
            shown.append(model.decode(sampled.x.float()))
    return np.stack(shown, axis=1)


def explain(model: VideoModel, play: Play, others: np.ndarray, *, seed: int) -> list[np.ndarray]:
    """Return the next frame (B, H, W, 3) under the true keys, and under others (B, K) instead.

    Both come from the same noise.
    """
    sampler = begin(model, play, seed=seed)
    now, frames = sampler.snapshot(), []
    for keys in (play.held[:, 0], others):
        with fast_precision(model.device):
            (sampled,) = sampler.sample([model.actions(keys)])
        frames.append(model.decode(sampled.x.float()))
        sampler.restore(now)
    return frames


def reconstruct(model: VideoModel, frames: np.ndarray) -> np.ndarray:
    """Return frames (B, T, H, W, 3) after a way through the tokenizer."""
    return np.stack([model.decode(tokens) for tokens in encode(model, frames)])
