"""A world's checkpoint ready to run: transformer, tokenizer, seeds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from core import checkpoint
from core.video.actions import to_bits
from core.video.model import Action, FrameDiT
from core.video.tokenizer import FrameTokenizer

SEEDS = "seeds.npz"
"""Moments to start from, beside the weights of a tokenizer."""


class Seed(NamedTuple):
    """A moment to start from."""

    title: str
    frames: np.ndarray
    """(T, H, W, 3) uint8, in a row."""
    actions: np.ndarray
    """(T, K): what led to each; -1 = unknown."""
    state: np.ndarray
    """Where the engine stood at the last frame; empty where there is no engine."""


class VideoModel:
    """Weights of one world; nothing in it belongs to a single stream."""

    def __init__(
        self, dit: FrameDiT, tokenizer: FrameTokenizer, device: str, seeds: Sequence[Seed] = ()
    ) -> None:
        self.dit, self.tokenizer, self.device, self.seeds = dit, tokenizer, device, tuple(seeds)
        self._actions: dict[int, Action] = {}

    @classmethod
    def load(cls, folder: Path, device: str) -> VideoModel:
        """Load a checkpoint and, from beside it, the tokenizer that its config names."""
        dit = checkpoint.load(folder, FrameDiT, device=device)
        beside = folder.parent / dit.cfg.tokenizer
        tokenizer = checkpoint.load(beside, FrameTokenizer, device=device)
        return cls(dit, tokenizer, device, read_seeds(beside / SEEDS))

    def card(self) -> dict[str, Any]:
        """Return size, keys, seeds and default settings, for page and command line."""
        cfg, (height, width) = self.dit.cfg, self.size
        return {
            "width": width,
            "height": height,
            "fps": cfg.fps,
            "keys": cfg.keys,
            "steps": cfg.steps,
            "context_noise": cfg.context_noise,
            "context": cfg.prefix + cfg.context,
            "most_together": cfg.most_together,
            "seeds": [seed.title for seed in self.seeds],
        }

    def moment(self, start: int | np.ndarray) -> Seed:
        """Return a moment to start from: a seed's by its number, or any picture (h, w, 3) uint8.

        Raises ValueError for a number beyond the gallery and for what is no picture.
        """
        if not isinstance(start, int):
            unknown = np.full((1, len(self.dit.cfg.keys)), -1, np.float32)
            return Seed("a picture", self.fit(start)[None], unknown, np.empty(0))
        if not self.seeds:
            raise ValueError("this world has no gallery; start must be a picture")
        if not 0 <= start < len(self.seeds):
            raise ValueError(f"start must be in 0..{len(self.seeds) - 1} or a picture, got {start}")
        return self.seeds[start]

    @cached_property
    def size(self) -> tuple[int, int]:
        """Height and width of a frame."""
        return self.tokenizer.cfg.height, self.tokenizer.cfg.width

    def action(self, mask: int) -> Action:
        """Return the condition of held keys: the same object for the same mask."""
        if mask not in self._actions:
            bits = to_bits(mask, self.dit.cfg.keys)
            self._actions[mask] = self.actions(np.array([bits], np.float32), mask)
        return self._actions[mask]

    def actions(self, keys: np.ndarray, mask: int = 0) -> Action:
        """Return the condition of a batch (B, K) with 1 where a key is held, -1 where unknown."""
        return Action(torch.from_numpy(np.asarray(keys, np.float32)).to(self.device), mask)

    def fit(self, picture: np.ndarray) -> np.ndarray:
        """Crop and resize any picture (h, w, 3) uint8 to a frame; raise ValueError for others."""
        if picture.shape[2:] != (3,) or not picture.size or picture.dtype != np.uint8:
            raise ValueError(
                f"a start picture must be (height, width, 3) of bytes, got {picture.dtype}"
                f" {picture.shape}"
            )
        import cv2

        height, width = self.size
        scale = max(height / picture.shape[0], width / picture.shape[1])
        rows = min(max(round(height / scale), 1), picture.shape[0])
        columns = min(max(round(width / scale), 1), picture.shape[1])
        top, left = (picture.shape[0] - rows) // 2, (picture.shape[1] - columns) // 2
        part = picture[top : top + rows, left : left + columns]
        return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)

    @torch.inference_mode()
    def encode(self, frames: np.ndarray) -> Tensor:
        """Return tokens (T, P, C) of frames (T, H, W, 3) uint8."""
        pixels = self.tokenizer.to_pixels(torch.from_numpy(np.ascontiguousarray(frames)))
        return self.tokenizer.encode(pixels.to(self.device))

    @torch.inference_mode()
    def decode(self, tokens: Tensor) -> np.ndarray:
        """Return frames (T, H, W, 3) uint8 of tokens (T, P, C)."""
        return self.tokenizer.to_frames(self.tokenizer.decode(tokens)).cpu().numpy()


def read_seeds(path: Path) -> list[Seed]:
    """Return the seeds in an archive, none where there is no file."""
    if not path.is_file():
        return []
    with np.load(path) as data:
        rows = zip(data["titles"], data["frames"], data["actions"], data["states"], strict=True)
        return [Seed(str(title), *rest) for title, *rest in rows]


def write_seeds(path: Path, seeds: Sequence[Seed]) -> None:
    """Undo `read_seeds`; all seeds have equally many frames."""
    titles, frames, actions, states = zip(*seeds, strict=True)
    np.savez_compressed(
        path,
        titles=np.array(titles),
        frames=np.stack(frames),
        actions=np.stack(actions),
        states=np.stack(states),
    )
