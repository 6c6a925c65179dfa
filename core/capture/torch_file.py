"""What torch.save wrote: tensors in dictionaries, as GVHMR's results are, and nothing else.

Such a file is a ZIP of a pickle and of the numbers of all tensors. The pickle is read as far as
it tells of tensors, which takes no PyTorch and its seconds to start.
"""

from __future__ import annotations

import contextlib
import math
import pickle
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from core.body.arrays import MOST_ENTRIES, Archive, check_bytes, check_entries, find

MOST_PICKLED = 4_000_000
"""Bytes that tell of tensors."""
DEEPEST = 3
"""Dictionaries in dictionaries."""
_STORAGES = {
    **{"DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "BoolStorage": "|b1"},
    **{"LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "|i1"},
    "ByteStorage": "|u1",
    "BFloat16Storage": "",  # NumPy has no such numbers
}


class _Tensor(NamedTuple):
    kind: str
    key: str
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@contextlib.contextmanager
def open_tensors(path: Path, names: Iterable[str], *, most_bytes: int) -> Iterator[Archive]:
    """Open a file for some of its tensors, which may have `most_bytes` when unpacked.

    Raises ValueError with a sentence about "it" for what is no such file or has other things in it.
    """
    check_entries(path)
    with contextlib.ExitStack() as stack:
        with _readable():
            archive = stack.enter_context(zipfile.ZipFile(path))
            (told,) = (n for n in archive.namelist() if n.endswith("/data.pkl"))
            held = dict(islice(_tensors(_load(archive, told)), MOST_ENTRIES))
            wanted = {n: held[found] for n in names if (found := find(n, held)) is not None}
            shapes = {name: tuple(map(int, tensor.shape)) for name, tensor in wanted.items()}
            storages = {t.key: f"{told.removesuffix('.pkl')}/{t.key}" for t in wanted.values()}
            infos = [archive.getinfo(entry) for entry in (told, *storages.values())]
            if any(info.compress_type for info in infos):
                raise ValueError("PyTorch packs nothing")
        check_bytes(
            sum(info.file_size for info in infos) + sum(8 * math.prod(s) for s in shapes.values()),
            most_bytes,
        )

        def read(name: str) -> np.ndarray:
            tensor = wanted[name]
            with _readable():
                kind, numbers = np.dtype(tensor.kind), archive.read(storages[tensor.key])
                strides = [kind.itemsize * stride for stride in tensor.strides]
                start = kind.itemsize * tensor.start
                # refuses what does not lie within its numbers
                return np.ndarray(shapes[name], kind, numbers, start, strides)

        yield Archive(shapes, read, tuple(held))


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        match module, name:
            case "collections", "OrderedDict":
                return dict
            case "torch._utils", "_rebuild_tensor_v2":
                return _rebuild
            case "torch", name if name in _STORAGES:
                return _STORAGES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is no tensor")

    def persistent_load(self, pid: Any) -> Any:
        """Say of a storage, ("storage", kind, key, device, size), what kind and which it is."""
        return pid[1], pid[2]


def _rebuild(storage: Any, start: int, shape: Any, strides: Any, *_: Any) -> _Tensor:
    kind, key = storage
    return _Tensor(kind, key, start, shape, strides)


def _load(archive: zipfile.ZipFile, name: str) -> Any:
    if archive.getinfo(name).file_size > MOST_PICKLED:
        raise ValueError("it tells of too many tensors")
    with archive.open(name) as file:
        return _Unpickler(file).load()


def _tensors(told: Any, name: str = "", deep: int = 0) -> Iterator[tuple[str, _Tensor]]:
    if isinstance(told, dict) and deep < DEEPEST:
        for key, value in told.items():
            if isinstance(key, str):
                yield from _tensors(value, f"{name}/{key}" if name else key, deep + 1)
    elif isinstance(told, _Tensor):
        yield name, told


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise ValueError(
            "it is not a PyTorch file of tensors alone that can be read; save its arrays with"
            " np.savez('motion.npz', poses=..., trans=..., mocap_framerate=...)"
        ) from error
