"""Arrays out of a stranger's NPZ file: measured by their headers before any is unpacked.

An archive can claim anything: a thousandfold of what it holds, objects that are code, ways of
packing that NumPy never uses and whose unpacking has no bounds.
"""

from __future__ import annotations

import contextlib
import math
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

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
    zip: zipfile.ZipFile

    def read(self, name: str) -> np.ndarray:
        """Unpack one of them."""
        with self.zip.open(f"{name}.npy") as file:
            return np.lib.format.read_array(file, allow_pickle=False)


@contextlib.contextmanager
def open_arrays(path: Path, names: Iterable[str], *, most_bytes: int) -> Iterator[Archive]:
    """Open an NPZ file for some of its arrays, which may have `most_bytes` when unpacked.

    Raises ValueError with a sentence about "it" for what is no such file or has no numbers.
    """
    if path.read_bytes().count(_ENTRY) > MOST_ENTRIES:
        raise ValueError(f"it has more than {MOST_ENTRIES:,} entries")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {name: f"{name}.npy" for name in names}
            infos = {
                n: archive.NameToInfo[e] for n, e in entries.items() if e in archive.NameToInfo
            }
            size = sum(info.file_size for info in infos.values())
            if size > most_bytes:
                raise ValueError(
                    f"it is too large: its arrays take {size:,} bytes when unpacked;"
                    f" {most_bytes:,} are the most"
                )
            yield Archive({n: _shape(archive, n, info) for n, info in infos.items()}, archive)
    # RuntimeError is what encrypted entries raise, and NotImplementedError is one of them
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, MemoryError) as error:
        raise ValueError(f"it is not a readable NPZ file: {error}") from error


def _shape(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> tuple[int, ...]:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(
            f"it is not a readable NPZ file: `{name}` is packed as none of NumPy's are"
        )
    with archive.open(info) as file:
        try:
            shape, _, kind = _HEADERS[np.lib.format.read_magic(file)](file)
        except (ValueError, KeyError) as error:
            raise ValueError(f"it is not a readable NPZ file: `{name}` is no array") from error
        left = info.file_size - file.tell()
    if kind.kind not in "fiu":
        raise ValueError(f"`{name}` does not hold numbers")
    told = math.prod(shape) * kind.itemsize
    if min(shape, default=0) < 0 or told > left:
        raise ValueError(
            f"it is not a readable NPZ file: `{name}` says that it has {told:,} bytes, but has"
            f" {left:,}"
        )
    return shape
