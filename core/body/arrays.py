"""Arrays out of a stranger's NPZ or NPY file: measured by their headers before any is unpacked.

An archive can claim anything: a thousandfold of what it holds, objects that are code, ways of
packing that NumPy never uses and whose unpacking has no bounds.
"""

from __future__ import annotations

import contextlib
import math
import re
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

MOST_ENTRIES = 1000
"""Of an archive; AMASS has about ten."""
_ENTRY = b"PK\x01\x02"  # every entry of an archive's table of contents begins like this
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@dataclass(frozen=True)
class Archive:
    """Arrays of an open file. Each has numbers in it, and as many as it says."""

    shapes: dict[str, tuple[int, ...]]
    """Of those that were asked for and are there."""
    read: Callable[[str], np.ndarray]
    """Unpack one of them; raises ValueError where it is damaged."""
    names: tuple[str, ...] = ()
    """Of all that the file holds."""


@contextlib.contextmanager
def open_arrays(path: Path, names: Iterable[str], *, most_bytes: int) -> Iterator[Archive]:
    """Open an NPZ file for some of its arrays, which may have `most_bytes` when unpacked.

    Raises ValueError with a sentence about "it" for what is no such file or has no numbers.
    """
    check_entries(path)
    with contextlib.ExitStack() as stack:
        with _readable("NPZ"):
            archive = stack.enter_context(zipfile.ZipFile(path))
            held = [i for i in archive.NameToInfo.values() if i.filename.endswith(".npy")]
        entries = {info.filename.removesuffix(".npy"): info for info in held}
        infos = {n: entries[found] for n in names if (found := find(n, entries)) is not None}
        check_bytes(sum(info.file_size for info in infos.values()), most_bytes)

        def read(name: str) -> np.ndarray:
            with _readable("NPZ"), archive.open(infos[name]) as file:
                return np.lib.format.read_array(file, allow_pickle=False)

        shapes = {}
        for name, info in infos.items():
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(
                    f"it is not a readable NPZ file: `{name}` is packed as none of NumPy's are"
                )
            with _readable("NPZ"):
                file = stack.enter_context(archive.open(info))
            shapes[name] = _shape(file, info.file_size, name, "NPZ")
        yield Archive(shapes, read, tuple(entries))


@contextlib.contextmanager
def open_array(path: Path, name: str, *, most_bytes: int) -> Iterator[Archive]:
    """Open an NPY file as an archive with one array of that name; raises like `open_arrays`."""
    size = path.stat().st_size
    check_bytes(size, most_bytes)
    with path.open("rb") as file:

        def read(_: str) -> np.ndarray:
            file.seek(0)
            with _readable("NPY"):
                return np.lib.format.read_array(file, allow_pickle=False)

        yield Archive({name: _shape(file, size, name, "NPY")}, read, (name,))


def find(name: str, held: Collection[str]) -> str | None:
    """Return what an array is called that may lie in a folder or a dictionary of the file.

    Of `smpl_params_global/body_pose` and `smpl_params_incam/body_pose` the one in the world counts.
    """
    if name in held:
        return name
    nested = re.compile(rf"(.*[/.]|.*smpl.*_){name}")
    found = [other for other in held if nested.fullmatch(other)]
    return min(found, key=lambda other: "global" not in other.removesuffix(name), default=None)


def count_entries(path: Path) -> int:
    """Return how many entries an archive may have at most; ask before opening it."""
    return path.read_bytes().count(_ENTRY)


def check_entries(path: Path) -> None:
    """Raise ValueError where an archive has too many entries."""
    if count_entries(path) > MOST_ENTRIES:
        raise ValueError(f"it has more than {MOST_ENTRIES:,} entries")


def check_bytes(told: int, most: int) -> None:
    """Raise ValueError where arrays are too large."""
    if told > most:
        raise ValueError(
            f"it is too large: its arrays take {told:,} bytes when unpacked; {most:,} are the most"
        )


def _shape(file: IO[bytes], size: int, name: str, kind: str) -> tuple[int, ...]:
    """What the header of an array says, which with it has `size` bytes."""
    with _readable(kind, f"`{name}` is no array"):
        shape, _, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
        told, left = math.prod(shape) * dtype.itemsize, size - file.tell()
    if dtype.hasobject:
        raise ValueError(
            f"`{name}` does not hold numbers but Python's objects, which can run code when opened;"
            " save the arrays in it alone with np.savez"
        )
    if dtype.kind not in "fiub":
        raise ValueError(f"`{name}` does not hold numbers")
    if min(shape, default=0) < 0 or told > left:
        raise ValueError(
            f"it is not a readable {kind} file: `{name}` says that it has {told:,} bytes, but has"
            f" {left:,}"
        )
    return shape


@contextlib.contextmanager
def _readable(kind: str, why: str = "") -> Iterator[None]:
    """Make a sentence of whatever a damaged file raises."""
    try:
        yield
    except Exception as error:  # what is damaged or encrypted can raise nearly anything
        said = "" if isinstance(error, OSError) else " ".join(str(error).split())[:100]
        told = why or said or "it is damaged"
        raise ValueError(f"it is not a readable {kind} file: {told}") from error
