"""What is not waited for as it is made gives way to what is."""

from __future__ import annotations

import contextlib
import os
import sys
import threading

NICENESS = 5
"""A third of the share that others have of a core that is wanted by both."""


def lower_priority() -> None:
    """Let this thread, and what it starts, give way to others; only Linux can do this."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
