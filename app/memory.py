"""`--keep-nothing`: what visitors bring, record and take home lies in memory, never on a disk."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

LEAST = 2**28
"""Bytes without which there is no use in it; what finds no room later is refused in a sentence."""
IN_MEMORY = ("tmpfs", "ramfs")


def keep_files_in_memory() -> None:
    """Have all temporary files, ours and Gradio's, lie in a folder in memory that goes at the end.

    To be called before the first one is written. Raises ValueError where there is no such folder.
    """
    for place in (os.environ.get("TMPDIR", "/tmp"), "/dev/shm"):
        if kind_of_disk(place) in IN_MEMORY and shutil.disk_usage(place).free >= LEAST:
            break
    else:
        raise ValueError(
            f"--keep-nothing needs a folder in memory with {LEAST >> 20} MB of room: a tmpfs at"
            " /tmp (docker: --tmpfs /tmp) or at /dev/shm; there is none"
        )
    folder = tempfile.mkdtemp(prefix="livestep-", dir=place)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tempfile.tempdir = folder
    os.environ |= {"TMPDIR": folder, "GRADIO_TEMP_DIR": f"{folder}/gradio"}


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
