"""A recorded set: meta.json beside three plain arrays that `np.load(mmap_mode="r")` opens.

frames.npy (N, H, W, 3) uint8, actions.npy (N, K) uint8 and states.npy (N, S) float32. actions[i]
was held while frame i came out of frame i - 1; zeros at the first frame of an episode. meta.json is
written last: where it lies, the set is whole.
"""

from __future__ import annotations

import hashlib
from itertools import combinations
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from core.config import Config
from core.video.actions import Key

VAL_SHARE = 0.05


class Episode(Config):
    """A run of frames without a cut."""

    start: int
    frames: int
    split: str


class Meta(Config):
    """What meta.json says."""

    env: str
    size: tuple[int, int]
    keys: tuple[Key, ...]
    fps: int
    seed: int
    licence: str
    states: tuple[str, ...]
    episodes: tuple[Episode, ...]


class Arrays(NamedTuple):
    """The arrays of a set, mapped from disk."""

    frames: np.ndarray
    actions: np.ndarray
    states: np.ndarray


def split_of(slot: int) -> str:
    """Put a slot of frames into "train" or "val" by a hash of its number, whatever it holds."""
    digest = hashlib.sha256(f"episode {slot}".encode()).digest()
    return "val" if int.from_bytes(digest[:4], "big") < VAL_SHARE * 2**32 else "train"


def create(folder: Path, frames: int, size: tuple[int, int], keys: int, states: int) -> None:
    """Make the arrays of a set, still empty."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "meta.json").unlink(missing_ok=True)
    shapes = {
        "frames": (np.uint8, (frames, *size, 3)),
        "actions": (np.uint8, (frames, keys)),
        "states": (np.float32, (frames, states)),
    }
    for name, (kind, shape) in shapes.items():
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype=kind, shape=shape).flush()


def load(folder: Path, mode: Literal["r", "r+"] = "r") -> Arrays:
    """Map the arrays; mode "r+" writes through to the files."""
    return Arrays(*(np.load(folder / f"{name}.npy", mmap_mode=mode) for name in Arrays._fields))


def write_meta(folder: Path, meta: Meta) -> None:
    """Finish a set."""
    (folder / "meta.json").write_text(meta.model_dump_json(indent=1) + "\n")


def read_meta(folder: Path) -> Meta:
    """Read meta.json."""
    path = folder / "meta.json"
    if not path.is_file():
        raise ValueError(f"{folder} holds no recorded set: there is no meta.json")
    return Meta.model_validate_json(path.read_text())


def coverage(actions: np.ndarray, names: list[str]) -> dict[str, float]:
    """Return the share of frames in which nothing ("-"), each key, and each pair was held."""
    shares = {"-": float((actions.sum(1) == 0).mean())}
    shares |= {name: float(actions[:, i].mean()) for i, name in enumerate(names)}
    for i, j in combinations(range(len(names)), 2):
        shares[names[i] + names[j]] = float((actions[:, i] & actions[:, j]).mean())
    return shares
