"""Files of visitors: streamed to disk, measured while they come, told apart by what is in them.

Each lies in a folder of its own, under the visitor's name as far as that is harmless. What it is,
its first bytes say, since neither the name nor the type that a browser states can be trusted.
"""

from __future__ import annotations

import math
import re
import shutil
import tempfile
import threading
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from unicodedata import category
from weakref import WeakSet

from starlette.requests import Request

from app.live.clock import clock, lived
from app.live.replies import room_for_files
from app.live.shares import lacking
from app.protocol import MOST_UPLOAD
from core.capture.kinds import HEAD, MOTION, sniff

MOST_NAME = 60
_SIGNS = " ._()-',"
OWN_COMING = 2
"""Files that come for one visitor at the same time."""
MOST_KEPT = 2**30
"""Bytes of all files."""
TOO_LONG = f"The file may have {MOST_UPLOAD // 2**20} MB at most; cut out the part you want."
INCOMING = "incoming"


@dataclass(eq=False)
class Upload:
    """A visitor's file."""

    path: Path
    kind: Literal["video", "motion"]
    bytes: int
    left: float = math.inf
    """When its visitor has left, as `lived` says."""

    def delete(self) -> None:
        """Remove it; nothing else lies in its folder."""
        self.left = math.inf
        shutil.rmtree(self.path.parent, ignore_errors=True)


class Uploads:
    """Receives files, and deletes them some time after their visitors have left.

    Those of visitors who have left go at once where others need the room.
    """

    def __init__(self, *, keep_seconds: float = 1800) -> None:
        self._keep = keep_seconds
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files: WeakSet[Upload] = WeakSet()
        self._coming: dict[Path, tuple[str, str, int]] = {}
        """Folder of what comes -> for whom, where from, and the bytes that it may have."""
        clock().look_after(self)

    async def receive(
        self,
        parts: AsyncIterator[bytes],
        name: str,
        *,
        owner: str = "",
        address: str = "",
        size: int = MOST_UPLOAD,
    ) -> Upload:
        """Write a file of `size` bytes at most as it comes for its owner; raise ValueError, at
        once, for more than is taken.
        """
        folder = self._enter(owner, address, size)
        try:
            with room_for_files():
                folder.mkdir(mode=0o700)
                await _write(parts, folder / INCOMING)
                upload = as_upload(folder / INCOMING, name)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            with self._lock:
                del self._coming[folder]
        with self._lock:
            self._files.add(upload)
        return upload

    def _enter(self, owner: str, address: str, size: int) -> Path:
        with self._lock, room_for_files():
            if sum(whose == owner for whose, _, _ in self._coming.values()) >= OWN_COMING:
                raise ValueError("Your file before this one is still on its way; wait for it.")
            coming = [one[1:] for one in self._coming.values()]
            lack = lacking(coming, size, address, kept=self.kept, most=MOST_KEPT)
            left = sorted(self._left(0), key=lambda one: one.left)
            if lack > sum(one.bytes for one in left):
                raise ValueError("The server has too many files to take another; try again later.")
            for one in left:
                if lack > 0:
                    one.delete()
                    lack -= one.bytes
            if self._folder is None or not Path(self._folder.name).is_dir():  # tidied away
                self._folder = tempfile.TemporaryDirectory(
                    prefix="livestep-", ignore_cleanup_errors=True
                )
            folder = Path(self._folder.name) / str(uuid.uuid4())
            self._coming[folder] = owner, address, size
            return folder

    @property
    def kept(self) -> int:
        """Bytes of all files that are there."""
        sizes = 0
        for path in Path(self._folder.name).glob("*/*") if self._folder else ():
            try:
                sizes += path.stat().st_size if path.name != INCOMING else 0
            except FileNotFoundError:  # deleted just now
                continue
        return sizes

    def sweep(self) -> None:
        """Delete files whose visitors have been gone for long."""
        with self._lock:
            old = self._left(self._keep)
        for one in old:
            one.delete()

    def _left(self, seconds: float) -> list[Upload]:
        """Files whose visitors have been gone for so long; the lock is held."""
        return [one for one in self._files if lived() - one.left > seconds]

    def close(self) -> None:
        """Delete everything."""
        with self._lock:
            if self._folder:
                self._folder.cleanup()
                self._folder = None


def announced(request: Request) -> int:
    """Return how many bytes a file will have at most; raise ValueError where that is too many."""
    said = request.headers.get("content-length", "")
    size = int(said) if said.isdigit() else MOST_UPLOAD
    if size > MOST_UPLOAD:
        raise ValueError(TOO_LONG)
    return size


def as_upload(path: Path, name: str) -> Upload:
    """Take a file that lies alone in its folder; `name` is what the visitor calls it."""
    name = file_name(name)  # first: those who read the file go by the same suffix
    with path.open("rb") as file:
        kind = sniff(file.read(HEAD), name)
    path = path.rename(path.with_name(name))
    return Upload(path, "motion" if kind in MOTION else "video", path.stat().st_size)


async def _write(parts: AsyncIterator[bytes], path: Path) -> None:
    size = 0
    with path.open("wb") as file:
        async for part in parts:
            size += len(part)
            if size > MOST_UPLOAD:
                raise ValueError(TOO_LONG)
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
