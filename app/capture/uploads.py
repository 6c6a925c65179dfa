"""Files of visitors: streamed to disk, measured while they come, told apart by what is in them.

Each lies in a folder of its own under a name that we make up from the visitor's; what the file is
decides its suffix, since neither the name nor the type that a browser states can be trusted.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.protocol import MOST_UPLOAD
from core.settings import VIDEO_SUFFIXES

MOST_NAME = 60
MOST_SECONDS = 600
"""How long a file may take to arrive."""
MOST_COMING = 8
MOST_KEPT = 2**30
"""Bytes of all files."""
TOO_LONG = f"The file may have {MOST_UPLOAD // 2**20} MB at most; cut out the part you want."


@dataclass(frozen=True)
class Upload:
    """A visitor's file."""

    path: Path
    kind: Literal["video", "motion"]
    bytes: int

    def delete(self) -> None:
        """Remove it; nothing else lies in its folder."""
        shutil.rmtree(self.path.parent, ignore_errors=True)


class Uploads:
    """Receives files and knows how many there are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._coming = 0

    async def receive(self, parts: AsyncIterator[bytes], name: str) -> Upload:
        """Write a file as it comes; raise ValueError, at once, for more than is taken."""
        folder = self._enter()
        try:
            await _write(parts, folder / "incoming")
            return as_upload(folder / "incoming", name)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            with self._lock:
                self._coming -= 1

    def _enter(self) -> Path:
        with self._lock:
            if self._coming >= MOST_COMING or self.kept > MOST_KEPT:
                raise ValueError("The server has too many files to take another; try again later.")
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(
                    prefix="livestep-", ignore_cleanup_errors=True
                )
            folder = Path(self._folder.name) / str(uuid.uuid4())
            folder.mkdir(mode=0o700)
            self._coming += 1
            return folder

    @property
    def kept(self) -> int:
        """Bytes of all files that are here."""
        if self._folder is None:
            return 0
        sizes = 0
        for path in Path(self._folder.name).glob("*/*"):
            try:
                sizes += path.stat().st_size
            except FileNotFoundError:  # deleted just now
                continue
        return sizes

    def close(self) -> None:
        """Delete everything."""
        with self._lock:
            if self._folder:
                self._folder.cleanup()
                self._folder = None


def as_upload(path: Path, name: str) -> Upload:
    """Take a file that lies alone in its folder; `name` is what the visitor calls it."""
    with path.open("rb") as file:
        head = file.read(256)
    path = path.rename(path.with_name(file_name(name, head)))
    return Upload(path, "motion" if motion_suffix(head) else "video", path.stat().st_size)


async def _write(parts: AsyncIterator[bytes], path: Path) -> None:
    deadline, size = time.monotonic() + MOST_SECONDS, 0
    with path.open("wb") as file:
        async for part in parts:
            size += len(part)
            if size > MOST_UPLOAD:
                raise ValueError(TOO_LONG)
            if time.monotonic() > deadline:
                raise ValueError("The file took too long to arrive.")
            file.write(part)
    if not size:
        raise ValueError("The file is empty.")


def motion_suffix(head: bytes) -> str | None:
    """The suffix of a motion file by its first bytes; None for whatever else it is."""
    if head.startswith(b"glTF"):
        return ".glb"
    if head.startswith(b"PK\x03\x04"):
        return ".npz"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return ".bvh" if text[:9].upper() == b"HIERARCHY" else None


def file_name(name: str, head: bytes) -> str:
    """A harmless name for a file that the visitor calls `name` and that begins with `head`."""
    stem, dot, suffix = name.replace("\\", "/").rsplit("/", 1)[-1].rpartition(".")
    stem = re.sub(r"[^A-Za-z0-9 ._()-]+", "-", stem if dot else suffix).strip(" .-")
    told = f".{suffix.lower()}" if f".{suffix.lower()}" in VIDEO_SUFFIXES else ".video"
    return (stem[:MOST_NAME].strip(" .-") or "clip") + (motion_suffix(head) or told)
