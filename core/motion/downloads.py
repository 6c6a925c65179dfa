"""Files that others have released: opened without running what may be in them.

Each that is not what it should be is called by its name, in a sentence that says what would be.
"""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.body.features import NUM_FEATURES

LEAST_STD = 5e-3
"""HumanML3D's own smallest deviation is .0128; that of its evaluator's statistics is lower."""


def find(folder: Path, name: str, whose: str) -> Path:
    """Return a file of a download, which may lie deeper in it; ValueError where it does not."""
    if (folder / name).is_file():
        return folder / name
    for pattern in (name, Path(name).name):
        for path in sorted(folder.rglob(pattern)):
            if path.is_file():
                return path
    raise ValueError(f"there is no {name} in {folder}; download it from {whose}")


def check_kind(path: Path) -> None:
    """Raise ValueError for what is found in a download's place: an LFS pointer, a web page."""
    with path.open("rb") as file:
        head = file.read(64).lstrip().lower()
    if head.startswith(b"version https://git-lfs"):
        raise ValueError(
            f"{path.name} is a Git LFS pointer; fetch the file itself with git lfs pull"
        )
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise ValueError(f"{path.name} is a web page; download the file it is about")


def read_weights(path: Path) -> dict[str, Any]:
    """Return what PyTorch saved in a file, {} if that is no dictionary; ValueError if damaged."""
    check_kind(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mapped = zipfile.is_zipfile(path)  # PyTorch before 1.6 wrote what cannot be
            held = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError:
        raise ValueError(
            f"{path.name} holds more than numbers, so it was not opened; the released file does not"
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise ValueError(f"{path.name} was cut short or damaged; download it again") from error
    return held if isinstance(held, dict) else {}


class Layers:
    """Take layers out of what a file holds, each once, and of the size that is expected."""

    def __init__(self, held: Mapping[str, Any], whose: str) -> None:
        self._left = {name: layer for name, layer in held.items() if isinstance(layer, Tensor)}
        self._whose = whose

    def take(self, name: str, shape: Sequence[int]) -> Tensor:
        """Return a layer; raise ValueError where it is missing or of another shape."""
        if name not in self._left:
            raise ValueError(
                f"the layer {name} is missing; is this another version of {self._whose}?"
            )
        found = self._left.pop(name)
        if found.shape != tuple(shape):
            raise ValueError(f"the layer {name} is {tuple(found.shape)}, expected {tuple(shape)}")
        if found.layout != torch.strided or not found.is_floating_point() or found.is_meta:
            raise ValueError(f"the layer {name} holds no plain numbers")
        if not found.isfinite().all():
            raise ValueError(f"the layer {name} holds what is no number")
        return found

    def end(self, *, ignored: tuple[str, ...] = ()) -> None:
        """Raise ValueError where something was not asked for."""
        left = [name for name in self._left if not name.startswith(ignored)]
        if left:
            raise ValueError(
                f"{len(left)} layers are not {self._whose}'s, such as {left[0]};"
                " is this another version?"
            )


def read_array(path: Path) -> np.ndarray:
    """Return the numbers in a file of NumPy; raise ValueError where there are none."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)  # a size that lies fails here
        numbers = np.array(found) if isinstance(found, np.ndarray) else np.empty(0)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path.name} is no file of NumPy; take HumanML3D's") from error
    if numbers.dtype.kind != "f" or not np.isfinite(numbers).all():
        raise ValueError(f"{path.name} must hold numbers alone; take HumanML3D's")
    return numbers


def read_statistics(mean: Path, std: Path) -> tuple[Tensor, Tensor]:
    """Return a mean and a deviation of features, (263,) each; ValueError for others."""
    found = []
    for path in (mean, std):
        numbers = read_array(path)
        if numbers.shape != (NUM_FEATURES,):
            said = f"has the shape {numbers.shape}"
            said += " (KIT's has 251)" if numbers.shape == (251,) else ""
            raise ValueError(f"{path.name} must have {NUM_FEATURES} numbers, it {said}")
        found.append(torch.from_numpy(numbers.astype(np.float32)))
    if found[1].min() <= 0:
        raise ValueError(f"{std.name} must be deviations, all of them more than 0")
    return found[0], found[1]
