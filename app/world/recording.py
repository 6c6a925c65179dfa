"""Recordings of a world: its frames on disk, its keys in a log that makes them again."""

from __future__ import annotations

import errno
import tempfile
import threading
import weakref
from array import array
from collections.abc import Iterator
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np

from app.exports.store import Order, Tell, Write
from app.live.replies import room_for_files
from app.protocol import Change, World
from app.world.pictures import decode, jpeg, png
from core.export.films import check_scale, write_film
from core.export.render.media import check_webp
from core.settings import WorldSettings
from core.video.actions import MOST_FRAMES, write_script
from core.video.log import Change as LoggedChange
from core.video.log import PlayLog, describe, to_text, write_log

FORMATS = ("mp4", "webp", "json")
READING = 0.1
"""Share of the time in which frames of a looping WebP are read; then they are encoded."""
QUALITY = 95
MOST_CHANGES = 1000
MOST_KEPT = 2**31
"""Bytes of all visitors' recordings."""
TOO_LONG = (
    "This world is older than an hour, went on on another machine, or you changed settings or your "
    "place too often: a log cannot repeat it. Press Reset and record again."
)


class Log:
    """Everything that makes a world's frames again, from the first one on."""

    def __init__(
        self,
        request: World,
        card: dict[str, Any],
        settings: WorldSettings,
        picture: np.ndarray | None,
    ) -> None:
        self.card = card
        self.masks = array("H")
        self.changes: list[Change] = []
        self.request = request
        self._settings, self._picture = settings, picture
        self._whole = True

    def add(self, mask: int) -> None:
        """Note the keys of the next frame."""
        self._whole = self._whole and len(self.masks) < MOST_FRAMES
        if self._whole:
            self.masks.append(mask)

    def change(self, change: Change) -> None:
        """Note what is different from the next frame on, if anything is."""
        if change == Change(frame=change.frame):
            return
        self._whole = self._whole and len(self.changes) < MOST_CHANGES
        if self._whole:
            self.changes.append(change)

    def end(self) -> None:
        """Note nothing any more: what comes cannot be made again."""
        self._whole = False

    def reaches(self, end: int) -> bool:
        """Tell whether all frames before `end` can be made again."""
        return end <= len(self.masks)

    def script(self, end: int) -> str:
        """Return the keys of all frames before `end`."""
        return write_script(self.masks[:end], self.card["keys"])

    def play(self, end: int) -> PlayLog:
        """Return what `python -m core video --log` reads, for all frames before `end`."""
        return PlayLog(
            world=self.card["data"],
            checkpoint=self.card["name"],
            start=self.request.start,
            picture="" if self._picture is None else to_text(png(self._picture)),
            changes=tuple(LoggedChange(**asdict(c)) for c in self.changes if c.frame < end),
            script=self.script(end),
            **dict(self._settings),
        )


def keepsake(frame: np.ndarray) -> bytes:
    """Return a frame (H, W, 3) uint8 as recordings hold it."""
    return jpeg(frame, QUALITY, crisp=True)


class WorldRecording:
    """Frames that were recorded in a row. Added to by one thread while another may read."""

    def __init__(self, log: Log, *, fps: float, most: int) -> None:
        self.log, self.fps, self._most = log, fps, most
        self.first = 0
        """Index of its first frame."""
        # five minutes are some 150 MB; the file goes when nobody holds it any more. Unbuffered, it
        # can be read also where the last frame found no room
        with room_for_files():
            self._file = tempfile.TemporaryFile(buffering=0, prefix="livestep-film-")  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()
        self._ends = array("Q", [0])
        with _all_lock:
            _all.add(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Send it between processes, where a lent GPU made it."""
        self._file.seek(0)
        return _arrived, (self.log, self.fps, self._most, self.first, self._ends, self._file.read())

    @property
    def count(self) -> int:
        """Frames so far."""
        return len(self._ends) - 1

    @property
    def end(self) -> int:
        """Index after its last frame."""
        return self.first + self.count

    @property
    def full(self) -> bool:
        return self.count >= self._most

    def add(self, index: int, data: bytes) -> None:
        """Append the frame of this index, as `keepsake` made it; raise ValueError where there is no
        room for it.
        """
        if kept() + len(data) > MOST_KEPT:
            raise ValueError("The server has no room for longer recordings.")
        with self._lock, room_for_files():
            self._file.seek(self._ends[-1])
            if self._file.write(data) < len(data):
                raise OSError(errno.ENOSPC, "it was cut off")
            if not self.count:
                self.first = index
            self._ends.append(self._ends[-1] + len(data))

    def frames(self, count: int) -> Iterator[np.ndarray]:
        """Yield the first `count` frames."""
        for i in range(count):
            with self._lock:
                self._file.seek(self._ends[i])
                data = self._file.read(self._ends[i + 1] - self._ends[i])
            yield decode(data)


_all, _all_lock = WeakSet[WorldRecording](), threading.Lock()


def kept() -> int:
    """Return the bytes of all recordings."""
    with _all_lock:
        return sum(one._ends[-1] for one in _all)


def _arrived(
    log: Log, fps: float, most: int, first: int, ends: array[int], frames: bytes
) -> WorldRecording:
    """Invert `WorldRecording.__reduce__`."""
    recording = WorldRecording(log, fps=fps, most=most)
    for index, (start, end) in enumerate(pairwise(ends), first):
        recording.add(index, frames[start:end])
    return recording


def check(recording: WorldRecording, *, format: str, scale: int) -> None:
    """Raise ValueError, with a sentence, for an export that is not offered."""
    if format not in FORMATS:
        raise ValueError(f"The format must be one of {', '.join(FORMATS)}.")
    check_scale(scale)
    if not recording.count:
        raise ValueError("The recording is empty; play while it is on.")
    if format == "webp":
        card, fps = recording.log.card, recording.fps
        width, height = scale * card["width"], scale * card["height"]
        check_webp(recording.count, width=width, height=height, fps=fps)
    if format == "json" and not recording.log.reaches(recording.end):
        raise ValueError(TOO_LONG)


def order(recording: WorldRecording, *, format: str, scale: int) -> Order:
    """Return a file's name and what writes it; raise ValueError, with a sentence, for neither."""
    check(recording, format=format, scale=scale)
    return file_name(recording, format), writer(recording, scale=scale), ""


def file_name(recording: WorldRecording, format: str) -> str:
    """Name the file by world and seed."""
    name = "".join(c for c in recording.log.card["name"] if c.isalnum() or c in "-_")
    return f"livestep-{name}-{recording.log.request.seed}.{format}"


def writer(recording: WorldRecording, *, scale: int) -> Write:
    """Return what writes the frames so far as a film, or the log that makes them as .json."""
    count, play = recording.count, recording.log.play(recording.end)

    def write(path: Path, tell: Tell) -> None:
        if path.suffix == ".json":
            write_log(play, path)
            return

        reading = READING if path.suffix == ".webp" else 1.0

        def frames() -> Iterator[np.ndarray]:
            for i, frame in enumerate(recording.frames(count)):
                tell(reading * i / count)
                yield frame

        write_film(
            frames(),
            path,
            fps=recording.fps,
            scale=scale,
            metadata=describe(play, recording.log.card),
            encoded=lambda share: tell(reading + (1 - reading) * share),
        )

    return write
