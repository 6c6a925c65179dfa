"""A world's checkpoint ready to run: transformer, tokenizer, seeds; mover and finder of a place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from core import checkpoint
from core.device import fast_precision, native_bf16, settle
from core.diffusion.calibration import best_precision
from core.diffusion.graphs import Graphs
from core.diffusion.packed import pack
from core.settings import Precision
from core.video import decoding
from core.video.actions import to_bits, to_masks
from core.video.finder import Finder
from core.video.look import Look
from core.video.model import Action, FrameDiT
from core.video.mover import Mover
from core.video.place import Place
from core.video.tokenizer import FrameTokenizer

SEEDS = "seeds.npz"
"""Moments to start from, beside the weights of a tokenizer or, where it has a place, of a world."""
MOVER, FINDER = "mover", "finder"
"""Where a world with a place keeps these, inside its folder."""
SWARM = 12
"""Places that a world might be at as well; how far apart they are is how unsure it is."""
STORED, SET = (0.2, 0.1), (0.05, 0.05)
"""Units and degrees by which the place of a shipped start is off, and one that somebody set."""


class Seed(NamedTuple):
    """A moment to start from."""

    title: str
    frames: np.ndarray
    """(T, H, W, 3) uint8, in a row."""
    actions: np.ndarray
    """(T, K): what led to each; -1 = unknown."""
    state: np.ndarray
    """Where the engine stood at the last frame; empty where there is no engine."""
    path: np.ndarray = np.empty((0, 3))
    """(T, 3): the places it was found to be seen from; empty where it was not looked for."""


class Beginning(NamedTuple):
    """What a stream starts with."""

    conditions: list[Action]
    """One a frame of the start."""
    fit: float | None = None
    """How far its frames are from what is seen from their places, in token error; None where a
    world has no place, or it had been found before."""


class VideoModel:
    """Weights of one world; nothing in it belongs to a single stream."""

    def __init__(
        self,
        dit: FrameDiT,
        tokenizer: FrameTokenizer,
        device: str,
        seeds: Sequence[Seed] = (),
        *,
        mover: Mover | None = None,
        finder: Finder | None = None,
    ) -> None:
        """A transformer that was trained with a place needs a mover and a finder."""
        self.dit, self.tokenizer, self.device, self.seeds = dit, tokenizer, device, tuple(seeds)
        self._actions: dict[int, Action] = {}
        self._graphs = Graphs(device)
        self.mover, self.look = mover, None
        if mover is not None and finder is not None:
            self.look = Look(dit, mover, finder, device)

    @classmethod
    def load(cls, folder: Path, device: str, *, precision: Precision | None = None) -> VideoModel:
        """Load a checkpoint and, from beside it, the tokenizer that its config names.

        `precision` is that of a CPU's products; None is what it is fastest in.
        """
        model, kind = cls.read(folder, device), torch.device(device).type
        precision = precision or best_precision("world") if kind == "cpu" else "fp32"
        if kind == "cpu":
            model.dit.prepare(precision)
        model.settle()
        if kind == "cpu":
            pack(model.dit)  # what is left of it
            decoding.prepare(model.tokenizer, precision)
        elif kind == "cuda":
            model.dit.run_static(torch.bfloat16 if native_bf16(device) else torch.float32)
        return model

    @classmethod
    def read(cls, folder: Path, device: str) -> VideoModel:
        """Load the same, which computes as it was trained."""
        dit = checkpoint.load(folder, FrameDiT, device=device)
        beside = folder.parent / dit.cfg.tokenizer
        tokenizer = checkpoint.load(beside, FrameTokenizer, device=device)
        if dit.cfg.place is None:
            return cls(dit, tokenizer, device, read_seeds(beside / SEEDS))
        mover = checkpoint.load(folder / MOVER, Mover)  # a few numbers: never worth a GPU
        finder = checkpoint.load(folder / FINDER, Finder, device=device)
        seeds = read_seeds(folder / SEEDS)
        return cls(dit, tokenizer, device, seeds, mover=mover, finder=finder)

    def settle(self) -> None:
        """Store weights as they are multiplied; see `core.device.settle`."""
        settle(self.dit, self.device)
        settle(self.tokenizer.decoder, self.device)

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
            "ground": None if self.mover is None else self.mover.ground(),
        }

    def moment(self, start: int | np.ndarray | Seed) -> Seed:
        """Return a moment to start from: a seed, one of the gallery by its number, or any picture
        (h, w, 3) uint8.

        Raises ValueError for a number beyond the gallery and for what is no picture.
        """
        if isinstance(start, Seed):
            return start
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

    # ---- places

    def begin(
        self, start: Seed, tokens: Tensor, pause: Callable[[], None] = lambda: None
    ) -> Beginning:
        """Return the conditions of a start's frames, whose tokens (T, P, C) are given.

        `pause` is called again and again while places are looked for.
        """
        actions = [self.actions(a[None]) for a in start.actions]
        if self.look is None:
            return Beginning(actions)
        path, fit = start.path, None
        spread = np.diag(np.square([STORED[0], *STORED]))
        if not len(path):
            masks = np.where(start.actions[:, 0] < 0, -1, to_masks(start.actions))
            path, fit, spread = self.look(tokens, masks, pause=pause)
        conditions = [
            replace(action, course=place[None]) for action, place in zip(actions, path, strict=True)
        ]
        conditions[-1] = replace(actions[-1], course=self._swarm(path[-1], spread))
        return Beginning(conditions, fit)

    def carry(self, asked: Action, before: Action | None) -> Action:
        """Return the condition of the next frame: what is asked for, where that leads to."""
        if self.mover is None or before is None or before.course is None:
            return asked
        course = self.mover.move(before.course, asked.mask)
        course[:, 2] %= 360  # a network computes in few digits: turns must not add up
        return replace(asked, course=course)

    def check_place(self, x: float, y: float, degrees: float | None = None) -> None:
        """Raise ValueError where nobody can stand, or where this world knows no places."""
        if self.mover is None:
            raise ValueError("this world does not know where it is; there is nowhere else to go")
        xy = np.array([x, y])
        if not np.isfinite([x, y, degrees or 0.0]).all():
            raise ValueError("a place is x, y and a heading in degrees, all of them finite")
        if not self.mover.can_stand(xy):
            raise ValueError(f"nobody can stand at {x:.4g}, {y:.4g} in this world")

    def set_down(self, shown: Action, place: Place) -> Action:
        """Return a frame's condition with another place, where one can stand."""
        spread = np.diag(np.square([SET[0], *SET]))
        course = self._swarm(np.array([place.x, place.y, place.degrees % 360]), spread)
        return replace(shown, course=course)

    def _swarm(self, place: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        """Return a place and those that it might be instead, (1 + SWARM, 3); one can stand there.

        From off the map a mover goes on for ever: walls hold nobody who is in them already.
        """
        assert self.mover is not None
        rng = np.random.default_rng(0)
        beside = rng.multivariate_normal(place, covariance, SWARM, method="eigh")
        course = np.concatenate([place[None], beside])
        course[:, :2] = self.mover.nearest(course[:, :2])
        course[:, 2] %= 360
        return course

    # ---- pictures

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
        (frames,) = self._graphs(tokens.shape, self.decoded, [tokens])
        return frames.cpu().numpy()

    def decoded(self, tokens: Tensor) -> tuple[Tensor]:
        """Return the same where it is computed; for `Graphs`."""
        with fast_precision(self.device):
            pixels = self.tokenizer.decode(tokens)
        return (self.tokenizer.to_frames(pixels),)


def read_seeds(path: Path) -> list[Seed]:
    """Return the seeds in an archive, none where there is no file."""
    if not path.is_file():
        return []
    try:
        with np.load(path) as data:
            names = ["titles", "frames", "actions", "states"]
            names += ["paths"] * ("paths" in data)
            rows = zip(*(data[name] for name in names), strict=True)
            return [Seed(str(title), *rest) for title, *rest in rows]
    except (BadZipFile, KeyError, EOFError, ValueError) as error:
        raise ValueError(f"the starts in {path} cannot be read ({error}); copy them anew") from None


def write_seeds(path: Path, seeds: Sequence[Seed]) -> None:
    """Undo `read_seeds`; all seeds have equally many frames."""
    titles, frames, actions, states, paths = zip(*seeds, strict=True)
    places = {"paths": np.stack(paths)} if len(paths[0]) else {}
    np.savez_compressed(
        path,
        titles=np.array(titles),
        frames=np.stack(frames),
        actions=np.stack(actions),
        states=np.stack(states),
        **places,
    )
