"""Read a recorded set (train.worlds): frames, actions, episodes; memory-mapped, not copied.

Its tokens are encoded once; the transformer learns from windows of them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from core.device import fast_precision
from core.video.actions import Key
from core.video.tokenizer import FrameTokenizer
from train.worlds.recording import Episode

PLACE = ("x", "y", "angle")
"""Of the states of a set, those that say where a frame was seen from."""


class FrameSet:
    """One split of a recorded set.

    `actions[i]` is what was held while frame i came out of frame i - 1.
    """

    def __init__(self, folder: Path, split: str) -> None:
        """Open a folder; raise ValueError where it holds no recorded set or no such split."""
        path = folder / "meta.json"
        if not path.is_file():
            raise ValueError(
                f"{folder} is not a recorded set; make one with python -m train.worlds"
            )
        self.meta: dict[str, Any] = json.loads(path.read_text())
        self.frames = np.load(folder / "frames.npy", mmap_mode="r")
        self.actions = np.load(folder / "actions.npy")
        states = folder / "states.npy"
        self.states = np.load(states) if states.is_file() else np.empty((len(self.frames), 0))
        self.episodes = [Episode(**e) for e in self.meta["episodes"] if e["split"] == split]
        if not self.episodes:
            raise ValueError(f"{folder} holds no episode of the split {split!r}")
        self.index = np.concatenate([np.arange(e.start, e.start + e.frames) for e in self.episodes])
        self.folder = folder

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys that the columns of `actions` stand for."""
        return tuple(Key(**key) for key in self.meta["keys"])

    @property
    def placed(self) -> bool:
        """Whether the set says where its frames were seen from."""
        return set(PLACE) <= set(self.meta.get("states", []))

    def places(self) -> np.ndarray:
        """Return where all frames of the set were seen from (N, 3): x, y and degrees.

        Raises ValueError for a world that has no places.
        """
        if not self.placed:
            raise ValueError(f"{self.folder} does not say where its frames were seen from")
        columns = [self.meta["states"].index(name) for name in PLACE]
        return self.states[:, columns].astype(np.float32)

    def about(self) -> dict[str, Any]:
        """Return what a checkpoint should say of its data."""
        return {
            "licence": self.meta["licence"],
            "data": {self.meta["env"]: {"frames": len(self.index), "seed": self.meta["seed"]}},
        }

    def pictures(self, batch: int, *, seed: int = 0, device: str = "cpu") -> Iterator[Tensor]:
        """Yield random frames (batch, H, W, 3) uint8 for ever.

        A GPU holds as many frames as half of its memory takes, spread evenly.
        """
        rng = np.random.default_rng(seed)
        if device == "cpu":
            while True:
                yield torch.from_numpy(self.frames[np.sort(rng.choice(self.index, batch))])
        most = torch.cuda.mem_get_info()[0] // 2 // self.frames[0].nbytes
        kept = torch.from_numpy(self.frames[self.index[:: -(-len(self.index) // most)]]).to(device)
        while True:
            yield kept[torch.from_numpy(rng.integers(len(kept), size=batch)).to(device)]


class Window(NamedTuple):
    """A pinned frame and the frames that follow it, or another moment of the same episode."""

    tokens: Tensor
    """(B, T, P, C)."""
    actions: Tensor
    """(B, T, K): what led to each frame; unknown (-1) for the first."""


def fingerprint(model: torch.nn.Module, actions: np.ndarray) -> str:
    """Return a short hash of what encodes in a model and of actions, which tell sets apart."""
    digest = hashlib.sha256(actions.tobytes())
    for name, value in model.state_dict().items():
        if name.startswith("decoder."):
            continue
        digest.update(value.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


@torch.inference_mode()
def encode(frames: np.ndarray, tokenizer: FrameTokenizer, batch: int = 64) -> np.ndarray:
    """Return tokens (N, P, C) float16 of frames (N, H, W, 3)."""
    rows, columns = tokenizer.cfg.grid
    out = np.empty((len(frames), rows * columns, tokenizer.cfg.channels), np.float16)
    device = next(tokenizer.parameters()).device
    for i in tqdm(range(0, len(frames), batch), desc="encoding", mininterval=5.0, disable=None):
        pixels = tokenizer.to_pixels(torch.tensor(frames[i : i + batch], device=device))
        with fast_precision(str(device)):
            out[i : i + batch] = tokenizer.encode(pixels).float().cpu().numpy()
    return out


class TokenSet:
    """Windows of one split; the encoded frames of all splits are cached in `cache`."""

    def __init__(self, frames: FrameSet, tokenizer: FrameTokenizer, cache: Path) -> None:
        path = cache / f"tokens-{fingerprint(tokenizer, frames.actions)}.npy"
        if not path.is_file():
            cache.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}.npy")  # processes may train together
            np.save(partial, encode(frames.frames, tokenizer))
            partial.replace(path)
        self.tokens = np.load(path, mmap_mode="c")  # torch takes no array that is read-only
        self.frames = frames

    @classmethod
    def splits(
        cls, data: Path, tokenizer: FrameTokenizer, cache: Path
    ) -> tuple[TokenSet, TokenSet]:
        """Return the training and the validation split of a recorded set."""
        train, judged = (cls(FrameSet(data, name), tokenizer, cache) for name in ("train", "val"))
        return train, judged

    def window(self, rng: np.random.Generator, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Return indices (T,) and actions (T, K) of a random window.

        The first frame is the pinned one: half of the time the frame before the others, else any
        earlier frame of the episode, as in a stream that has run for long.
        """
        episodes = [e for e in self.frames.episodes if e.frames >= length]
        if not episodes:
            raise ValueError(f"no episode is as long as a window of {length} frames")
        episode = episodes[rng.integers(len(episodes))]
        first = int(rng.integers(episode.start + 1, episode.start + episode.frames - length + 2))
        pinned = first - 1 if rng.random() < 0.5 else int(rng.integers(episode.start, first))
        index = np.array([pinned, *range(first, first + length - 1)])
        actions = self.frames.actions[index].astype(np.float32)
        actions[0] = -1
        return index, actions

    def windows(
        self, batch: int, length: int, *, seed: int = 0, device: str = "cpu"
    ) -> Iterator[Window]:
        """Yield random windows for ever, of tokens that wait on the device if half of it is free
        for them."""
        rng = np.random.default_rng(seed)
        tokens = torch.from_numpy(self.tokens)
        if device != "cpu" and tokens.nbytes < torch.cuda.mem_get_info()[0] // 2:
            tokens = tokens.to(device)
        while True:
            chosen = [self.window(rng, length) for _ in range(batch)]
            index = torch.from_numpy(np.stack([i for i, _ in chosen])).to(tokens.device)
            yield Window(tokens[index].float(), torch.from_numpy(np.stack([a for _, a in chosen])))
