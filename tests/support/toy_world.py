"""A recorded set where an action that is off by one shows: a square that moves only under a key.

A picture has 2 x 2 cells, one of them bright. The bright cell moves to the right (and around the
edge) in every frame that came about with key R held, and down with key D. Held keys are drawn at
random, so that nothing but the action of a frame tells where it went.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.video.actions import Key
from core.video.model import FrameConfig
from core.video.tokenizer import TokenizerConfig

CELL, CELLS = 2, 2
SIZE = CELL * CELLS
KEYS = (Key(name="R", codes=("ArrowRight",)), Key(name="D", codes=("ArrowDown",)))
PIXELS = TokenizerConfig(
    height=SIZE,
    width=SIZE,
    patch=CELL,
    encoder=(8,),
    decoder=(8,),
    blocks=(1,),
    channels=3 * CELL**2,
)
DIT = FrameConfig(
    keys=KEYS,
    grid=(CELLS, CELLS),
    channels=3 * CELL**2,
    width=32,
    depth=2,
    heads=2,
    hidden=64,
    context=3,
    max_frames=6,
)


class PixelTokenizer(nn.Module):
    """The pixels themselves, a cell to a token: nothing has to be learnt to look at them."""

    def __init__(self) -> None:
        super().__init__()
        self.cfg = PIXELS
        self.cut = nn.PixelUnshuffle(CELL)
        self.weight = nn.Parameter(torch.ones(1))

    def to_pixels(self, frames: Tensor) -> Tensor:
        return frames.permute(0, 3, 1, 2).float() / 127.5 - 1

    def encode(self, pixels: Tensor) -> Tensor:
        return self.cut(pixels).flatten(2).transpose(1, 2)


def pixels_of(tokens: Tensor) -> np.ndarray:
    """Undo PixelTokenizer: tokens (..., P, C) to frames (..., H, W, 3), 0 or 255."""
    cells = tokens.unflatten(-2, PIXELS.grid).movedim(-1, -3).flatten(0, -4)
    frames = F.pixel_shuffle(cells, PIXELS.patch).permute(0, 2, 3, 1)
    return (frames.numpy() > 0).reshape(*tokens.shape[:-2], SIZE, SIZE, 3) * np.uint8(255)


def picture(place: np.ndarray, cell: int = CELL) -> np.ndarray:
    """The square at a place (right, down), counted in cells."""
    cells = np.zeros((CELLS, CELLS, 3), np.uint8)
    right, down = place % CELLS
    cells[down, right] = 255
    return cells.repeat(cell, 0).repeat(cell, 1)


def places(frames: np.ndarray) -> np.ndarray:
    """Undo `picture` for frames (..., H, W, 3): where the square is, (..., 2)."""
    cells = frames[..., ::CELL, ::CELL, 0] > 0
    right, down = cells.any(-2).argmax(-1), cells.any(-1).argmax(-1)
    return np.stack([right, down], axis=-1)


def write_set(
    folder: Path,
    lengths: tuple[int, ...] = (40, 25, 60, 30),
    *,
    seed: int = 0,
    cell: int = CELL,
    moves: bool = True,
) -> Path:
    """Write episodes of these lengths, the second of three for validation.

    Without `moves` the square stands where its frame's keys say, wherever it was: easier to learn.
    """
    rng = np.random.default_rng(seed)
    frames, actions, episodes = [], [], []
    for number, length in enumerate(lengths):
        split = "val" if number % 3 == 1 else "train"
        episodes.append({"start": len(frames), "frames": length, "split": split})
        place = rng.integers(0, CELLS, 2)
        held = rng.integers(0, 2, (length, 2))
        held[0] = 0  # nothing led to the first frame of an episode
        for action in held:
            place = place * moves + action
            frames.append(picture(place, cell))
            actions.append(action)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "frames.npy", np.stack(frames))
    np.save(folder / "actions.npy", np.stack(actions).astype(np.uint8))
    np.save(folder / "states.npy", np.zeros((len(frames), 0), np.float32))
    meta = {
        "env": "squares",
        "size": frames[0].shape[:2],
        "fps": 30,
        "seed": seed,
        "licence": "CC0-1.0",
        "keys": [key.model_dump(mode="json") for key in KEYS],
        "states": [],
        "episodes": episodes,
    }
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder
