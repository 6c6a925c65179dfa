"""Faults on demand: a disk without room, an engine that breaks, a clock that is set by hand."""

from __future__ import annotations

import errno
import pathlib
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

from app.live.clock import Clock
from core.body.take import PoseChunk
from tests.support.fakes import FakeEngine

SECRET = "/tmp/a-secret"
"""No log and no sentence is to hold this."""


class Disk:
    """Whether there is room: where there is none, nothing of Python's writes any more."""

    full = False

    def patch(self, monkeypatch) -> Disk:
        """Stand between all that writes and the disk."""
        for place, name in (
            (pathlib.Path, "write_bytes"),
            (pathlib.Path, "write_text"),
            (pathlib.Path, "mkdir"),
            (tempfile, "TemporaryFile"),
            (tempfile, "TemporaryDirectory"),
            (tempfile, "mkdtemp"),
        ):
            monkeypatch.setattr(place, name, self._guarded(getattr(place, name)))
        opened = pathlib.Path.open

        def opening(path, mode="r", *more, **how):
            return (self._guarded(opened) if "w" in mode else opened)(path, mode, *more, **how)

        monkeypatch.setattr(pathlib.Path, "open", opening)
        return self

    def _guarded(self, write):
        def guarded(*args, **how):
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device", SECRET)
            return write(*args, **how)

        return guarded


class FragileEngine(FakeEngine):
    """Breaks once, in the middle of a stream, when it is told to."""

    fault: BaseException | None = None

    def motion(self, prompts: Iterable[str], **options: Any) -> Iterator[PoseChunk]:
        return self._until_it_breaks(super().motion(prompts, **options))

    def _until_it_breaks(self, chunks: Iterator[PoseChunk]) -> Iterator[PoseChunk]:
        for chunk in chunks:
            fault, self.fault = self.fault, None
            if fault:
                raise fault
            yield chunk


class Hands:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.clock = Clock(lambda: self.now)

    def run(self, seconds: int) -> None:
        """Let the process live through so many seconds."""
        for _ in range(seconds):
            self.now += 1
            self.clock.tick()

    def stop(self, seconds: float) -> None:
        """Let the process be stopped for as long."""
        self.now += seconds
        self.clock.tick()
