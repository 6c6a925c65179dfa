"""Files of visitors: streamed to disk, measured while they come, told apart by what is in them.

Each lies in a folder of its own, under the visitor's name as far as that is harmless. What it is,
its first bytes say, since neither the name nor the type that a browser states can be trusted.
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
from unicodedata import category

from app.live.replies import room_for_files
from app.protocol import MOST_UPLOAD
from core.capture.kinds import HEAD, MOTION, sniff

MOST_NAME = 60
_SIGNS = " ._()-',"
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
            with room_for_files():
                folder.mkdir(mode=0o700)
                await _write(parts, folder / "incoming")
                return as_upload(folder / "incoming", name)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            with self._lock:
                self._coming -= 1

    def _enter(self) -> Path:
        with self._lock, room_for_files():
            if self._coming >= MOST_COMING or self.kept > MOST_KEPT:
                raise ValueError("The server has too many files to take another; try again later.")
            if self._folder is None or not Path(self._folder.name).is_dir():  # tidied away
                self._folder = tempfile.TemporaryDirectory(
                    prefix="livestep-", ignore_cleanup_errors=True
                )
            self._coming += 1
            return Path(self._folder.name) / str(uuid.uuid4())

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
    name = file_name(name)  # first: those who read the file go by the same suffix
    with path.open("rb") as file:
        kind = sniff(file.read(HEAD), name)
    path = path.rename(path.with_name(name))
    return Upload(path, "motion" if kind in MOTION else "video", path.stat().st_size)


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


def file_name(name: str) -> str:
    """A harmless name that a visitor knows again: letters of any script, digits, few signs."""
    stem, dot, suffix = name.replace("\\", "/").rsplit("/", 1)[-1].rpartition(".")
    if not dot or not re.fullmatch("[A-Za-z0-9]{1,8}", suffix):
        stem, dot, suffix = stem + dot + suffix, "", ""
    kept = (c if c.isalnum() or c in _SIGNS or category(c)[0] == "M" else "\0" for c in stem)
    stem = re.sub("\0+", "-", "".join(kept)).strip(" .-")[:MOST_NAME].strip(" .-")
    return (stem or "clip") + dot + suffix
