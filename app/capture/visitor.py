"""A page of the tab of videos: one file, what was made of it, and one thing being done at a time.

What was made stays while something new is tried: it is replaced only by what has come out well.
The file is the visitor's own. It goes when another one comes, or with the visitor.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from app.capture.job import CaptureJob, ContinueJob, match_info
from app.capture.take import CapturedTake, skeleton_info
from app.capture.uploads import Upload
from app.live.clock import lived
from app.live.feed import Notes, Packed, PoseFeed
from app.live.replies import sentence
from app.live.visitor import Visitor
from app.protocol import Ack, Follow, MatchInfo, Onward, Poses, State, Unmatched
from core.body.mesh import Body
from core.body.take import Take
from core.capture.source import MatchError

TELL_SECONDS = 0.15
"""Between two words about how far something is."""
MATCHES = 5

_one_lifts = threading.Lock()  # adjusting is short, but whoever drags a slider asks for it often


class Cancelled(Exception):
    """Nobody wants this any more."""


class CaptureVisitor(Visitor[CaptureJob | ContinueJob, PoseFeed]):
    """A visitor of the tab of videos."""

    kind, again, one_job = "capture", "Follow again", True

    def __init__(self, name: str, **shared: Any) -> None:
        super().__init__(name, **shared)
        self._upload: Upload | None = None
        self._captured: CapturedTake | None = None
        self._facts: dict[str, Packed] = {}
        """What the page is told of the take, by kind."""
        self._matches: dict[str, list[Any]] = {}
        """Real motions that were shown, by why."""
        self._told = 0.0

    @property
    def has_take(self) -> bool:
        return self._upload is not None or self._captured is not None

    # ---- the connection

    def attach(self, feed: PoseFeed) -> None:
        """Serve this connection from now on."""
        super().attach(feed)
        self._mark()

    def detach(self, feed: PoseFeed) -> None:
        """Forget a connection that has ended; the file stays for a while."""
        super().detach(feed)
        self._mark()

    def collect(self, feed: PoseFeed) -> list[bytes]:
        """Messages this connection should get now."""
        with self._changed:
            return feed.collect(self._captured, self._state, *self._facts.values())

    def acknowledge(self, feed: PoseFeed, ack: Ack) -> None:
        """Note how far the page is."""
        with self._changed:
            if self._captured and self._captured.number == ack.take and self.feed is feed:
                feed.acknowledge(ack.received)
        feed.wake()

    def close(self, why: str = "") -> None:
        """End everything for good."""
        super().close(why)
        self._drop(None)
        with self._changed:
            self._captured = None

    def _mark(self) -> None:
        """Note on the file since when its page is gone: those of others may need its room."""
        with self._changed:
            if self._upload:
                self._upload.left = math.inf if self.feed else self.seen

    def _drop(self, upload: Upload | None) -> None:
        with self._changed:
            before, self._upload = self._upload, upload
        self._mark()
        if before:
            before.delete()

    # ---- what the page asks for; a ValueError is a sentence for it

    def expect(self) -> None:
        """Raise ValueError while a file cannot be taken."""
        if self.busy:
            raise ValueError("Something is still being made; cancel it first.")

    def keep(self, upload: Upload) -> None:
        """Take a file in place of the one before; raise ValueError, without it, as `expect`."""
        try:
            self.expect()  # again: something may have begun while the file was coming
        except ValueError:
            upload.delete()
            raise
        with self._changed:
            self._facts.pop("unmatched", None)
        self._drop(upload)

    def follow(self, request: Follow) -> None:
        """Begin to make a take of the file."""
        if self._upload is None or not self._upload.path.is_file():
            raise ValueError("The file is no longer kept here; choose it again.")
        self._begin(CaptureJob(self._upload, request))

    def go_on(self, request: Onward) -> None:
        """Begin to go on from the take's end, or from a pose in it."""
        self._begin(ContinueJob(self._shown(), request))

    def adjust(self, *, tilt: float, lens: float, turned: bool) -> None:
        """Lift the person anew; what the take went on by is dropped. Takes a moment."""
        engine = self._loader.engine()
        with _one_lifts:
            before = self._shown()
            capture = engine.adjust(before.capture, tilt=tilt, lens=lens, turned=turned)
        captured = CapturedTake(before.upload, before.request, capture)
        with self._changed:
            if self._shown() is before:
                self._show(captured)

    def similar(self, text: str) -> list[MatchInfo]:
        """Look for real motions that are like the file's, or like words. Takes a moment."""
        what = text.strip() or self._shown(even_busy=True).capture.take
        engine = self._loader.engine()
        with self._turnstile.turn(self.address):
            matches = engine.similar(what, MATCHES, checkpoint=None)
        with self._changed:
            self._matches["similar"] = matches
        return [match_info(match) for match in matches]

    def match(self, why: str, number: int) -> Poses:
        """Poses of a real motion that was shown."""
        with self._changed:
            matches = self._matches.get(why, [])
        if number >= len(matches):
            raise ValueError("This motion is no longer in the list.")
        with self._turnstile.turn(self.address):
            take: Take = matches[number].take()
        root, rotations = Body.load().fit(take.root, take.rotations)
        return Poses(first=0, prompt=0, milliseconds=0, root=root, rotations=rotations)

    def cut(self, start: int, end: int) -> Take:
        """Poses start..end - 1 of the take; raise ValueError when there are none."""
        with self._changed:
            captured = self._shown(even_busy=True)
        return captured.cut(start, end)

    def _shown(self, *, even_busy: bool = False) -> CapturedTake:
        if self._captured is None:
            raise ValueError("There is no motion yet; choose a file first.")
        if self.busy and not even_busy:
            raise ValueError("Something is still being made; cancel it first.")
        return self._captured

    # ---- the worker

    def _describe(self, **said: Any) -> State:
        return State(work=self._job.name if self._job else "", **said)

    def _entered(self, job: CaptureJob | ContinueJob) -> None:
        loaded = self._known.done()
        self._say(state="running", message=job.beginning if loaded else "Loading the model ...")

    def _perform(self, job: CaptureJob | ContinueJob) -> None:
        if not self._loaded(job):
            return
        with contextlib.suppress(Cancelled):
            with self._wanted(job):
                self._say(state="running", message=job.beginning)
            if isinstance(job, CaptureJob):
                self._follow(job)
            else:
                self._go_on(job)

    def _follow(self, job: CaptureJob) -> None:
        def tell(share: float, message: str) -> None:
            self._tell(job, share, message)

        try:
            captured = job.follow(self._loader.engine(), tell)
        except MatchError as error:
            unmatched = Packed.of(
                Unmatched(
                    name=job.upload.path.name,
                    message=sentence(error),
                    skeleton=skeleton_info(error.skeleton),
                )
            )
            with self._wanted(job):
                self._facts["unmatched"] = unmatched
            raise
        with self._wanted(job):
            self._show(captured)
            self._finish(job)

    def _go_on(self, job: ContinueJob) -> None:
        stream, info = job.open(self._loader.engine(), partial(self._turnstile.turn, self.name))
        # the take stays what it was until there is something to put behind it
        captured, notes = job.before, Notes()
        if job.start < captured.end:
            captured = captured.until(job.start)
        while True:
            with self._turnstile.turn(self.name):
                began = time.perf_counter()
                chunk = next(stream, None)
                spent = 1000 * (time.perf_counter() - began)
            self._made["poses"] += len(chunk) if chunk else 0
            with self._wanted(job):
                if chunk is None:
                    return self._finish(job)
                if chunk.first == job.start:
                    captured.legs.append((job.start, info))
                    self._show(captured, job)
                captured.buffer.append(chunk, prompt=job.request.id, milliseconds=spent)
                notes.put(job.request.id, job.director.notes)
                if notes.packed:
                    self._facts["note"] = notes.packed
                self._wake()
            share = (captured.end - job.start) / (job.end - job.start)
            self._tell(job, share, "The take goes on ...")

    def _show(self, captured: CapturedTake, job: ContinueJob | None = None) -> None:
        if captured is not self._captured:
            self._captured, self._facts = captured, {"reference": Packed.of(captured.reference)}
        if job and job.manner:
            self._facts["manner"] = Packed.of(job.manner)
            self._matches["manner"] = job.matches
        self._wake()

    def _finish(self, job: CaptureJob | ContinueJob) -> None:
        job.active = False
        self._say(state="stopped")

    def _tell(self, job: CaptureJob | ContinueJob, share: float, message: str) -> None:
        """Say how far the job is; raise Cancelled when nobody wants it any more."""
        with self._wanted(job):
            now = lived()
            if self.feed is None and now - self.seen > self._limits.gone_seconds:
                self._pause(job, "away", "Stopped when the page was closed.")
                raise Cancelled
            if now - self._told > TELL_SECONDS:
                self._told = now
                self._say(state="running", message=message, share=min(max(share, 0.0), 1.0))

    @contextlib.contextmanager
    def _wanted(self, job: CaptureJob | ContinueJob) -> Iterator[None]:
        """Hold the lock while this job is still wanted; raise Cancelled when it is not."""
        with self._changed:
            if job is not self._job or not job.active:
                raise Cancelled
            yield
