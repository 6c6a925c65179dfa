"""The worker behind a world page: frames at the world's own pace.

It sleeps until a frame is due, or until a key changes; the time that is left it uses to draft the
frames that come next if the keys stay as they are. A page that draws slowly holds it back, so that
nothing queues up anywhere. A world whose page is lost, or that was stopped, waits and goes on.
"""

from __future__ import annotations

import time
from typing import Any, Literal

from app.live.loader import Signal
from app.live.visitor import Visitor
from app.protocol import DreamState, Frame, Problem, Tally, pack
from app.world.frame_feed import BEST, FrameFeed
from app.world.job import Made, WorldJob
from app.world.pictures import jpeg
from app.world.protocol import DRAFTED, RECORDED, TRUTH
from app.world.rates import Rates
from app.world.recording import WorldRecording, keepsake


class Playing(Visitor[WorldJob, FrameFeed]):
    """Makes, sends and records frames; what the page asks for is up to `Player`."""

    kind, again = "player", "Reset"

    def __init__(self, name: str, **shared: Any) -> None:
        super().__init__(name, **shared)
        self._film: WorldRecording | None = None
        """The newest recording, on or not."""
        self._newest: tuple[int, list[bytes]] | None = None
        """Index and messages of the newest frame."""
        self._rates = Rates()

    @property
    def _known(self) -> Signal:
        return self._loader.worlds_known

    # ---- what the page is told

    def _describe(self, **said: Any) -> DreamState:
        run = self._run
        if run is None:
            return DreamState(**said)
        return DreamState(**said, world=run.number, checkpoint=run.name, seed=run.request.seed)

    def _going(self, run: WorldJob) -> str:
        if run.paused:
            return "paused"
        return "playing" if self._newest else "warming"

    def _entered(self, run: WorldJob) -> None:
        message = "" if self._known.wait(0) else "Loading the model ..."
        self._say(state=self._going(run), message=message)
        if run.dream is not None and run.request.truth and self._worker is None:
            self._tell("The real engine stopped with the world; Reset begins both anew.")

    def _warm(self, run: WorldJob, message: str) -> None:
        with self._changed:
            if run is self._run and run.active and not run.paused:
                self._say(state="warming", message=message)

    def _tell(self, message: str) -> None:
        if message and self.feed:
            self.feed.tell(Problem(message=message, about="settings"))

    # ---- the worker

    def _perform(self, run: WorldJob) -> None:
        if run.dream is None and not self._open(run):
            return
        try:
            while task := self._next(run):
                if task == "draft":
                    with self._turnstile.turn():
                        run.draft()
                    continue
                with self._turnstile.turn():
                    complaint, made = run.retune(), run.step()
                self._tell(complaint)
                self._hand_out(run, made)
        finally:
            run.rest()

    def _open(self, run: WorldJob) -> bool:
        """Begin the dream; say whether it is still wanted."""
        if not self._loaded(run):
            return False
        self._warm(run, "Opening the world ...")
        engine = self._loader.engine()
        with self._turnstile.turn():
            if run is not self._run:  # somebody presses Reset faster than worlds can begin
                return False
            run.open(engine)
        self._tell(run.accompany(engine, self._loader.truth))
        self._warm(run, "Making the first frame ...")
        return True

    def _next(self, run: WorldJob) -> Literal["step", "draft", ""]:
        """Wait for something to do; nothing when the work is over for now."""
        with self._changed:
            while run is self._run and run.active:
                now = time.monotonic()
                if run.replaying:
                    self._touched = now
                if self._turn_is_over(run, now, self._limits.untouched_seconds):
                    break
                seconds = self._until_frame(run, now)
                if seconds <= 0:
                    self._start_frame(run, now)
                    return "step"
                if not run.active:
                    break
                if not run.paused and run.wants_draft(seconds) and not self._turnstile.busy:
                    return "draft"
                self._changed.wait(min(seconds, 1.0))
        return ""

    def _until_frame(self, run: WorldJob, now: float) -> float:
        """Return how long to wait for the clock, or for the page; give the place up in the end."""
        patience = self._limits.away_seconds
        if self._slots.waiting:
            patience = min(patience, self._limits.gone_seconds)
        if run.paused and not run.singles:
            if now - run.paused > patience:
                run.active = False  # still paused, says the page
            return 1.0
        if self.feed is None or self.feed.full(run.pace.period):
            run.blocked = run.blocked or now
            self._is_away(run, now, patience)
            return 1.0
        return run.due(now)

    def _start_frame(self, run: WorldJob, now: float) -> None:
        run.waited = min(now - run.blocked, run.pace.late(now)) if run.blocked else 0.0
        run.blocked = None
        run.singles = max(run.singles - 1, 0)
        run.pace.begin(now)
        if self.feed:
            self.feed.judge(run.waited, run.pace.period)

    def _hand_out(self, run: WorldJob, made: Made) -> None:
        """Send a frame, and record it where a recording is on."""
        feed, film = self.feed, run.film
        pictures = [(0, jpeg(made.frame, round(feed.quality if feed else BEST)))]
        if made.truth is not None:
            pictures.append((TRUTH, jpeg(made.truth, BEST)))
        keeping = keepsake(made.frame) if film else b""
        with self._changed:
            if run is not self._run:
                return
            self._rates.count(time.monotonic(), spent=run.spent, waited=1000 * run.waited)
            run.spent = 0.0
            # it may have been ended while the frame was made
            recorded = film is not None and film is run.film
            if film and recorded:
                film.add(made.index, keeping)
            flags = DRAFTED * made.drafted | RECORDED * recorded
            messages = [
                pack(
                    Frame(
                        flags=flags | flag,
                        mask=made.mask,
                        index=made.index,
                        seq=made.seq,
                        milliseconds=made.milliseconds,
                        jpeg=data,
                    )
                )
                for flag, data in pictures
            ]
            first, self._newest = self._newest is None, (made.index, messages)
            if self.feed:
                self.feed.push(made.index, messages)
            if first and run.active:
                self._say(state=self._going(run))
            if film and recorded and film.full:
                self._keep(run)
                self._tell(f"The recording is {self._limits.film_seconds} s long and was ended.")
            self._report(run)

    def _report(self, run: WorldJob) -> None:
        """Send the tally where it is time to."""
        rates = self._rates.take(time.monotonic())
        if rates and self.feed:
            self.feed.tally = self._tally(run.dream.tally, **rates)
            self._wake()

    def _tally(self, drafts: Any, **more: Any) -> Tally:
        return Tally(
            accepted=drafts.accepted,
            dropped=drafts.dropped,
            depth=drafts.depth,
            quality=round(self.feed.quality) if self.feed else 0,
            recorded=self._film.count if self._film else 0,
            **more,
        )

    # ---- recording; called with the lock

    def _record(self, run: WorldJob) -> None:
        if run.dream is None:
            raise ValueError("The world is not there yet; record when it plays.")
        fps = 1 / run.pace.period
        run.film = self._film = WorldRecording(
            run.log, fps=fps, most=round(self._limits.film_seconds * fps)
        )

    def _keep(self, run: WorldJob) -> None:
        """End the recording, and tell the page its keys."""
        film, run.film, dream = run.film, None, run.dream
        if film is None or self.feed is None or dream is None:
            return
        self.feed.tell(self._tally(dream.tally, script=run.log.script(film.end)))

    def _forget(self) -> None:
        """Make room for another world; a recording is kept."""
        if self._run:
            self._keep(self._run)
        if self.feed:
            self.feed.forget_frames()
        self._newest, self._rates = None, Rates()
