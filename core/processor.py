"""What a machine's processor is called; quick to import."""

from __future__ import annotations

import contextlib
import platform
from pathlib import Path


def processor() -> str:
    """Return the processor's name as the system tells it, or else what kind of machine it is."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
