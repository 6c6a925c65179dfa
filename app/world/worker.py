"""What a world page's worker does: frames when they are due, drafts in the time that is left.

It sleeps until a frame is due, or until a key changes. A page that draws slowly holds it back, so
that nothing queues up anywhere.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any, Literal

from app.live.clock import lived
from app.live.replies import sentence
from app.live.visitor import Visitor
from app.protocol import DreamState, Problem, Tally
from app.world.frame_feed import BEST, FrameFeed, pack_frame
from app.world.job import Made, WorldJob, coordinates
from app.world.pace import Rates
from app.world.pictures import jpeg
from app.world.protocol import AS_IT_WAS, DRAFTED, RECORDED, TRUTH, WHAT_IF
from app.world.recording import WorldRecording, keepsake

AHEAD = 0.1
"""Seconds that a frame which is due may borrow from its visitor's share: keys wait for it."""


class Unwanted(Exception):
    """A world was stopped, or another one asked for, before it had begun."""


class WorldWorker(Visitor[WorldJob, FrameFeed]):
    """A visitor of the world tab, as far as it makes frames and tells of them."""

    kind, again = "world", "Reset"

    def __init__(self, name: str, **shared: Any) -> None:
        super().__init__(name, **shared)
        self._recording: WorldRecording | None = None
        """The newest recording, on or not."""
        self._newest: tuple[int, list[bytes]] | None = None
        """Index and messages of the newest frame."""
        self._rates = Rates()

    @property
    def _known(self) -> Future[None]:
        return self._loader.worlds_known

    # ---- what the page is told

    def _describe(self, **said: Any) -> DreamState:
        job = self._job
        if job is None:
            return DreamState(**said)
        return DreamState(
            **said,
            world=job.number,
            checkpoint=job.name,
            seed=job.request.seed,
            fit=job.fit,
            what_if=job.active and job.comparison is not None,
        )

    def _going(self, job: WorldJob) -> str:
        if job.paused:
            return "paused"
        return "playing" if self._newest else "warming"

    def _entered(self, job: WorldJob) -> None:
        message = "" if self._known.done() else "Loading the model ..."
        self._say(state=self._going(job), message=message)
        if job.dream is not None and job.request.truth and self._worker is None:
            self._tell("The real engine stopped with the world; Reset begins both anew.")

    def _warm(self, job: WorldJob, message: str) -> None:
        with self._changed:
            if job is self._job and job.active and not job.paused:
                self._say(state="warming", message=message)

    def _tell(self, message: str) -> None:
        if message and self.feed:
            self.feed.tell(Problem(message=message, about="settings"))

    # ---- the worker

    def _perform(self, job: WorldJob) -> None:
        if job.dream is None and not self._open(job):
            return
        spent = 0.0  # in turns since the last frame, seconds
        try:
            while task := self._next(job):
                if task == "draft":
                    with self._turnstile.turn(self.name) as turn:
                        job.draft()
                    spent += turn.seconds
                elif task == "compare":
                    self._compare(job)
                else:
                    with self._turnstile.turn(self.name, ahead=AHEAD) as turn:
                        complaint, made = job.retune(), job.step()
                    self._places.measured(self.kind, (spent + turn.seconds) / job.pace.period)
                    self._made["frames"] += 1
                    spent = 0.0
                    self._tell(complaint)
                    self._hand_out(job, made)
        finally:
            job.rest()

    def _open(self, job: WorldJob) -> bool:
        """Begin the dream; say whether it is still wanted."""
        if not self._loaded(job):
            return False
        engine = self._loader.engine()
        self._warm(job, job.beginning(engine))

        def pause() -> None:
            self._turnstile.pass_on()
            if job.dream is None and (job is not self._job or not job.active):
                raise Unwanted  # later a world could not go on from there

        try:
            with self._turnstile.turn(self.name):
                if job is not self._job:  # somebody presses Reset faster than worlds can begin
                    return False
                job.open(engine, pause)
        except Unwanted:
            return False
        self._tell(job.accompany(engine, self._loader.truth))
        self._warm(job, "Making the first frame ...")
        return True

    def _next(self, job: WorldJob) -> Literal["step", "compare", "draft", ""]:
        """Wait for something to do; nothing when the job is over for now."""
        with self._changed:
            while job is self._job and job.active:
                now = lived()
                if job.replaying:
                    self._touched = now
                if self._turn_is_over(job, now, self._limits.untouched_seconds):
                    break
                seconds = self._until_frame(job, now)
                if seconds <= 0:
                    self._start_frame(job, now)
                    return "step" if job.comparison is None else "compare"
                if not job.active:
                    break
                if not job.paused and job.wants_draft(seconds) and not self._turnstile.busy:
                    return "draft"
                self._changed.wait(min(seconds, 1.0))
        return ""

    def _until_frame(self, job: WorldJob, now: float) -> float:
        """Return how long to wait for the clock, or for the page; give the place up in the end."""
        patience = self._limits.away_seconds
        if self._places.wanted(self.kind):
            patience = min(patience, self._limits.gone_seconds)
        if job.paused and not job.singles and job.comparison is None:
            if now - job.paused > patience:
                job.active = False  # still paused, says the page
            return 1.0
        if self.feed is None or self.feed.full(job.pace.period):
            job.blocked = job.blocked or now
            self._is_away(job, now, patience)
            return 1.0
        return job.due(now)

    def _start_frame(self, job: WorldJob, now: float) -> None:
        job.waited = min(now - job.blocked, job.pace.late(now)) if job.blocked else 0.0
        job.blocked = None
        job.singles = max(job.singles - 1, 0)
        job.pace.begin(now)
        if self.feed:
            self.feed.judge(job.waited, job.pace.period)

    @property
    def _quality(self) -> int:
        return round(self.feed.quality if self.feed else BEST)

    def _compare(self, job: WorldJob) -> None:
        """Send the next pair of a past that is shown twice; end it after the last one."""
        comparison, over = job.comparison, ()
        if comparison is None:  # it was ended just now
            return
        try:
            pair = next(comparison, over)
        except ValueError as error:
            pair = over
            self._tell(sentence(error))
        messages = [
            pack_frame(made, flag, jpeg(made.frame, self._quality), coordinates(made.place))
            for flag, made in zip((AS_IT_WAS, WHAT_IF), pair or over, strict=False)
        ]
        with self._changed:
            if comparison is not job.comparison or job is not self._job:
                return
            if pair == over:
                job.comparison, job.paused = None, lived()
                self._told(job)
            elif pair and self.feed:
                self.feed.push(pair[0].index, messages)

    def _hand_out(self, job: WorldJob, made: Made) -> None:
        """Send a frame, and record it where a recording is on."""
        recording = job.recording
        pictures = [(0, jpeg(made.frame, self._quality), made.place)]
        if made.truth is not None:
            seen = jpeg(made.truth.frame, BEST)
            pictures.append((TRUTH, seen, (*made.truth.place, 0.0)))
        keeping = keepsake(made.frame) if recording else b""
        with self._changed:
            if job is not self._job:
                return
            self._rates.count(lived(), spent=job.spent, waited=1000 * job.waited)
            job.spent = 0.0
            # it may have been ended while the frame was made
            recorded = recording is not None and recording is job.recording
            ended = ""
            if recording and recorded:
                ended = self._add(recording, made.index, keeping)
                recorded = made.index < recording.end
            flags = DRAFTED * made.drafted | RECORDED * recorded
            more = {"seq": made.seq, "milliseconds": made.milliseconds}
            messages = [
                pack_frame(made, flags | flag, data, place, **more)
                for flag, data, place in pictures
            ]
            first, self._newest = self._newest is None, (made.index, messages)
            if self.feed:
                self.feed.push(made.index, messages)
            if first and job.active:
                self._say(state=self._going(job))
            if ended:
                self._keep(job)
                self._tell(ended)
            self._report(job)

    def _add(self, recording: WorldRecording, index: int, keeping: bytes) -> str:
        """Record a frame; say why it was the last, if it was."""
        try:
            recording.add(index, keeping)
        except ValueError as error:
            return f"{error} This one was ended."
        seconds = self._limits.recording_seconds
        return f"The recording is {seconds} s long and was ended." if recording.full else ""

    def _report(self, job: WorldJob) -> None:
        """Send the tally where it is time to."""
        rates = self._rates.take(lived())
        if rates and self.feed:
            self.feed.tally = self._tally(job.dream.tally, **rates)
            self._wake()

    def _tally(self, drafts: Any, **more: Any) -> Tally:
        return Tally(
            accepted=drafts.accepted,
            dropped=drafts.dropped,
            depth=drafts.depth,
            quality=round(self.feed.quality) if self.feed else 0,
            recorded=self._recording.count if self._recording else 0,
            **more,
        )

    def _told(self, job: WorldJob, *, resume: bool = False) -> bool:
        """Let page and worker know; return whether the job has to ask for a place again."""
        again = resume and not job.active
        job.active = job.active or again
        if self._worker and job.active:
            self._say(state=self._going(job))
        self._changed.notify_all()
        return again

    def _keep(self, job: WorldJob) -> None:
        """End the recording, and tell the page its keys."""
        recording, job.recording, dream = job.recording, None, job.dream
        if recording is None or self.feed is None or dream is None:
            return
        self.feed.tell(self._tally(dream.tally, script=job.log.script(recording.end)))
