"""Faults as a log may hold them: without words of theirs, which may be a visitor's."""

from __future__ import annotations

import logging
import traceback

NEAREST = 6
"""Calls that are told of a fault which strangers can cause as often as they like."""


class Brief(logging.Filter):
    """Makes what a library logs of an error short, and free of a visitor's words."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace an error by its trace; say that all is to be logged."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            record.msg, record.args = f"an answer failed: {trace(error, NEAREST)}", ()
            record.exc_info = record.exc_text = None
        return True


def trace(error: BaseException, most: int | None = None) -> str:
    """Say of what kind an error is and where it came from, and the same of what caused it.

    `most`: how many calls, the nearest ones, are told of each. Nothing that it says is repeated,
    since that may name a prompt or a file; of a system's error, what the system calls it.
    """
    told = []
    cause: BaseException | None = error
    while cause is not None and len(told) < 8:
        what = getattr(cause, "strerror", None) if isinstance(cause, OSError) else None
        kind = type(cause).__qualname__ + (f" ({what})" if what else "")
        calls = traceback.format_tb(cause.__traceback__)
        told.append(kind + "\n" + "".join(calls[-(most or len(calls)) :]))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "caused by ".join(told).rstrip()
