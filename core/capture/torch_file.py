"""What torch.save wrote: tensors in dictionaries, as GVHMR's results are, and nothing else."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from core.body.arrays import MOST_ENTRIES, Archive, check_bytes, find

DEEPEST = 3
"""Dictionaries in dictionaries."""


@contextlib.contextmanager
def open_tensors(path: Path, names: Iterable[str], *, most_bytes: int) -> Iterator[Archive]:
    """Open a file for some of its tensors, which may have `most_bytes` when unpacked.

    Raises ValueError with a sentence about "it" for what is no such file or has other things in it.
    """
    import torch

    with _readable(), zipfile.ZipFile(path) as archive:
        size = sum(info.file_size for info in archive.infolist())
    check_bytes(size, most_bytes)
    with _readable():
        told = torch.load(path, map_location="cpu", weights_only=True)
    held = dict(islice(_tensors(told), MOST_ENTRIES))
    tensors = {name: held[found] for name in names if (found := find(name, held)) is not None}
    check_bytes(sum(8 * tensor.numel() for tensor in tensors.values()), most_bytes)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    yield Archive(shapes, lambda name: tensors[name].double().numpy(), tuple(held))


def _tensors(told: Any, name: str = "", deep: int = 0) -> Iterator[tuple[str, Any]]:
    import torch

    if isinstance(told, dict) and deep < DEEPEST:
        for key, value in told.items():
            yield from _tensors(value, f"{name}/{key}" if name else str(key), deep + 1)
    elif (
        isinstance(told, torch.Tensor)
        and (told.layout, told.device.type) == (torch.strided, "cpu")
        and not (told.is_complex() or told.is_quantized)
    ):
        yield name, told.detach()


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise ValueError(
            "it is not a PyTorch file of tensors alone that can be read; save its arrays with"
            " np.savez('motion.npz', poses=..., trans=..., mocap_framerate=...)"
        ) from error
