"""A world page: what it asks for, keys, buttons, pictures; `worker` makes frames for it.

A world whose page is lost, or that was stopped, waits and goes on.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from app.live.clock import lived
from app.protocol import Drive, Keys, Shown, Stand, Tune, WhatIf, World
from app.world.frame_feed import FrameFeed
from app.world.job import WorldJob
from app.world.pace import Rates
from app.world.pictures import strip
from app.world.recording import WorldRecording
from app.world.worker import WorldWorker

STRIP_SECONDS = 0.2
"""How long a strip of the frames in view is shown to whoever asks again."""


class WorldVisitor(WorldWorker):
    """A visitor of the world tab."""

    _picture: np.ndarray | None = None
    """What was uploaded last."""
    _strip = 0.0, b""
    """The newest strip, and when it was made."""

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
                self._job.mailbox.release()
        super().detach(feed)

    def collect(self, feed: FrameFeed) -> list[bytes]:
        """Messages this connection should get now."""
        with self._changed:
            return feed.collect(self._state, lived())

    # ---- what the page asks for; a ValueError is a sentence for it

    def begin(self, request: World) -> None:
        """Begin a world in place of the old one."""
        self._begin(WorldJob(request, self._picture, lock=self._changed))

    def press(self, keys: Keys) -> None:
        """Put what is held into the mailbox."""
        with self._changed:
            if self._job:
                self._job.press(keys.mask, keys.seq)
                self._touched = lived()
                self._changed.notify_all()

    def show(self, feed: FrameFeed, shown: Shown) -> None:
        """Note how far the page is; this is what lets the worker go on."""
        with self._changed:
            now = lived()
            if feed.acknowledge(shown.index, now):
                self._progress = now
                self._changed.notify_all()

    def tune(self, tune: Tune | Stand) -> None:
        """Change settings from the next frame on."""
        with self._changed:
            job = self._living()
            job.wishes = [*job.wishes[-50:], tune]
            self._touched = lived()

    def stand(self, stand: Stand) -> None:
        """Be somewhere else from the next frame on, which is shown in a pause, too."""
        with self._changed:
            job, again = self._living(), False
            if dream := job.dream:
                dream.check_place(stand.x, stand.y, stand.degrees)
            self.tune(stand)
            if job.paused:
                self._progress = lived()
                self._go_on(job, single=True)
                again = self._told(job, resume=True)
        if again:
            self._ask()

    def what_if(self, asked: WhatIf) -> None:
        """Pause, and show what came after a past frame twice: as it was, and under other keys."""
        with self._changed:
            job = self._living()
            if job.dream is None:
                raise ValueError("The world is not there yet; play a little first.")
            job.compare(asked.frame, asked.mask, partial(self._turnstile.turn, self.name))
            if self.feed:
                self.feed.forget_frames()  # those to come have smaller numbers
            self._touched = self._progress = lived()
            again = self._told(job, resume=True)
        if again:
            self._ask()

    def drive(self, drive: Drive) -> None:
        """Press a button."""
        if drive.do == "stop":
            self.stop()
            return
        with self._changed:
            job, now = self._living(), lived()
            self._touched = self._progress = now
            if drive.do == "record":
                self._record(job)
            elif drive.do == "keep":
                self._keep(job)
            elif drive.do == "pause":
                job.paused, job.comparison = job.paused or now, None
            else:
                self._go_on(job, single=drive.do == "single")
            again = self._told(job, resume=drive.do in ("play", "single"))
        if again:
            self._ask()

    def _go_on(self, job: WorldJob, *, single: bool) -> None:
        job.comparison = None
        if single:
            job.paused, job.singles = lived(), min(job.singles + 1, 8)
        else:
            job.paused, job.singles = None, 0
            job.pace.rest(lived())

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
        if lived() - when > STRIP_SECONDS:
            with self._turnstile.turn(self.name):
                frames = dream.context()
            data = strip(frames)
            with self._changed:
                self._strip = lived(), data
        return data

    def recording(self) -> WorldRecording:
        """Return the newest recording."""
        with self._changed:
            if self._recording is None:
                raise ValueError("There is no recording yet; press Record and play.")
            return self._recording

    # ---- recording; called with the lock

    def _record(self, job: WorldJob) -> None:
        if job.dream is None:
            raise ValueError("The world is not there yet; record when it plays.")
        fps = 1 / job.pace.period
        job.recording = self._recording = WorldRecording(
            job.log, fps=fps, most=round(self._limits.recording_seconds * fps)
        )

    def _make_room(self) -> None:
        """Forget the old world's frames; a recording is kept."""
        if self._job:
            self._keep(self._job)
        if self.feed:
            self.feed.forget_frames()
        self._newest, self._rates = None, Rates()
