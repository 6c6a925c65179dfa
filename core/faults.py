"""Faults as a log may hold them: without words of theirs, which may be a visitor's."""

from __future__ import annotations

import traceback


def trace(error: BaseException) -> str:
    """Say of what kind an error is and where it came from, and the same of what caused it.

    Nothing that it says is repeated, since that may name a prompt or a file; of a system's error,
    what the system calls it.
    """
    told = []
    cause: BaseException | None = error
    while cause is not None and len(told) < 8:
        what = getattr(cause, "strerror", None) if isinstance(cause, OSError) else None
        kind = type(cause).__qualname__ + (f" ({what})" if what else "")
        told.append(kind + "\n" + "".join(traceback.format_tb(cause.__traceback__)))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "caused by ".join(told).rstrip()
