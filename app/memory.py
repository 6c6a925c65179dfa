"""One folder for all that visitors bring, record and take home, which goes when the server ends.

With `--keep-nothing` it lies in memory, never on a disk.

And how the allocator gives memory back.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PREFIX = "livestep-page-"
LEAST = 2**28
"""Bytes without which there is no use in memory; what finds no room later is refused in a sentence.
"""
IN_MEMORY = ("tmpfs", "ramfs")
NEW = 60.0
"""Seconds in which a folder may not be held yet."""
M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -8, -3, -1
"""Of malloc.h."""
LARGE = 2**20
"""Bytes of a piece of memory that goes back to the system as soon as it is free."""
KEPT = 2**25
"""Bytes at the end of an arena that may stay free: what a call needs, the next one does, too."""


def gather_files(*, in_memory: bool = False) -> Path:
    """Have all temporary files, ours and Gradio's, lie in a folder that goes at the end; return it.

    To be called before the first one is written. What servers left that were killed goes now.
    Raises ValueError, with a sentence, where there is no such folder.
    """
    try:
        place = place_in_memory() if in_memory else Path(tempfile.gettempdir())
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    except OSError as error:
        raise ValueError("visitors' files need a folder with room: set TMPDIR to one") from error
    hold(folder)
    for other in place.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another user's
            if time.time() - other.stat().st_mtime > NEW and hold(other):
                shutil.rmtree(other, ignore_errors=True)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tempfile.tempdir = str(folder)
    os.environ |= {"TMPDIR": str(folder), "GRADIO_TEMP_DIR": str(folder / "gradio")}
    return folder


def hold(folder: Path) -> bool:
    """Hold a folder until this process ends, which also keeps systemd from tidying it away.

    Returns False where another process holds it, or where the system cannot say so.
    """
    with suppress(ImportError, OSError):
        import fcntl  # Windows has none

        fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def place_in_memory() -> Path:
    """Return a folder in memory; raise ValueError where there is none with room."""
    for place in (os.environ.get("TMPDIR", "/tmp"), "/dev/shm"):
        if kind_of_disk(place) in IN_MEMORY and shutil.disk_usage(place).free >= LEAST:
            return Path(place)
    raise ValueError(
        f"--keep-nothing needs a folder in memory with {LEAST >> 20} MB of room: a tmpfs at"
        " /tmp (docker: --tmpfs /tmp) or at /dev/shm; there is none"
    )


def in_memory() -> bool:
    """Say whether temporary files, ours and Gradio's, lie in memory."""
    ours = tempfile.gettempdir()
    theirs = os.environ.get("GRADIO_TEMP_DIR", ours)
    return kind_of_disk(ours) in IN_MEMORY and Path(theirs).is_relative_to(ours)


def kind_of_disk(folder: str) -> str:
    """Return the kind of file system that a folder lies on; empty where none is told."""
    told = Path("/proc/mounts")  # of Linux
    if not told.is_file() or not Path(folder).is_dir():
        return ""
    path = Path(folder).resolve()
    mounts = [line.split()[1:3] for line in told.read_text().splitlines()]
    over = [(len(point), kind) for point, kind in mounts if path.is_relative_to(point)]
    return sorted(over, key=lambda one: one[0])[-1][1]  # of two in one place, the later


def tame_allocator() -> None:
    """Have glibc keep little that is free: by default it has an arena for every thread that ever
    worked, and lets the large pieces of one visitor leave holes between those of others."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # another library
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(M_ARENA_MAX, 2)
            mallopt(M_MMAP_THRESHOLD, LARGE)
            mallopt(M_TRIM_THRESHOLD, KEPT)


def give_back() -> None:
    """Give memory that was freed back to the system; glibc keeps it else."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(AttributeError):  # another library
            ctypes.CDLL(None).malloc_trim(0)
