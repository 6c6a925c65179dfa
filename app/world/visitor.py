"""A world page's side of the talk: what it may ask for, and what it is told."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from app.protocol import Drive, Keys, Shown, Tune, World
from app.world.frame_feed import FrameFeed
from app.world.job import WorldJob
from app.world.pictures import strip
from app.world.playing import Playing
from app.world.recording import WorldRecording

STRIP_SECONDS = 0.2
"""How long a strip of the frames in view is shown to whoever asks again."""


class WorldVisitor(Playing):
    """A visitor of the world tab; `Playing` is the worker behind it."""

    def __init__(self, name: str, **shared: Any) -> None:
        super().__init__(name, **shared)
        self._picture: np.ndarray | None = None
        self._strip = 0.0, b""

    # ---- the connection

    def attach(self, feed: FrameFeed) -> None:
        """Serve this connection from now on, beginning with the newest frame."""
        with self._changed:
            if self._newest:
                feed.push(*self._newest)
        super().attach(feed)

    def detach(self, feed: FrameFeed) -> None:
        """Forget a connection that has ended; it holds no key any more."""
        with self._changed:
            if self.feed is feed and self._job:
                self._job.held.release()
        super().detach(feed)

    def collect(self, feed: FrameFeed) -> list[bytes]:
        """Messages this connection should get now."""
        with self._changed:
            return feed.collect(self._state, time.monotonic())

    # ---- what the page asks for; a ValueError is a sentence for it

    def begin(self, request: World) -> None:
        """Begin a world in place of the old one."""
        with self._changed:
            self._forget()
            job = WorldJob(request, self._picture, lock=self._changed)
        self._begin(job)

    def press(self, keys: Keys) -> None:
        """Put what is held into the mailbox."""
        with self._changed:
            if self._job:
                self._job.press(keys.mask, keys.seq)
                self._touched = time.monotonic()
                self._changed.notify_all()

    def show(self, feed: FrameFeed, shown: Shown) -> None:
        """Note how far the page is; this is what lets the worker go on."""
        with self._changed:
            now = time.monotonic()
            if feed.acknowledge(shown.index, now):
                self._progress = now
                self._changed.notify_all()

    def tune(self, tune: Tune) -> None:
        """Change settings from the next frame on."""
        with self._changed:
            job = self._living()
            job.tunes = [*job.tunes[-50:], tune]
            self._touched = time.monotonic()

    def drive(self, drive: Drive) -> None:
        """Press a button."""
        if drive.do == "stop":
            self.stop()
            return
        with self._changed:
            job, now = self._living(), time.monotonic()
            self._touched = self._progress = now
            if drive.do == "record":
                self._record(job)
            elif drive.do == "keep":
                self._keep(job)
            elif drive.do == "pause":
                job.paused = job.paused or now
            elif drive.do == "single":
                job.paused, job.singles = now, min(job.singles + 1, 8)
            else:
                job.paused, job.singles = None, 0
                job.pace.rest(now)
            again = drive.do in ("play", "single") and not job.active
            job.active = job.active or again
            if self._worker and job.active:
                self._say(state=self._going(job))
            self._changed.notify_all()
        if again:
            self._ask()

    def _living(self) -> WorldJob:
        if self._job is None or self._job.failed:
            raise ValueError("There is no world yet; press Reset to begin one.")
        return self._job

    # ---- pictures; these may wait

    def upload(self, picture: np.ndarray) -> None:
        """Keep the picture (h, w, 3) uint8 that the next world may begin from."""
        with self._changed:
            self._picture = picture

    def strip(self) -> bytes:
        """Return the frames in view side by side, as JPEG."""
        with self._changed:
            job, (when, data) = self._job, self._strip
        dream = job.dream if job else None
        if dream is None:
            raise ValueError("There is no world yet.")
        if time.monotonic() - when > STRIP_SECONDS:
            with self._turnstile.turn():
                frames = dream.context()
            data = strip(frames)
            with self._changed:
                self._strip = time.monotonic(), data
        return data

    def film(self) -> WorldRecording:
        """Return the newest recording."""
        with self._changed:
            if self._film is None:
                raise ValueError("There is no recording yet; press Record and play.")
            return self._film
