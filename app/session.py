"""One visitor: a take that grows in a worker thread, never further ahead than the page wants.

The page's newest prompt lies in a mailbox that the engine reads whenever a block of motion starts.
Poses go from the recording to whichever connection asks, from where it is: a slow page holds the
worker back, a lost page finds its take again, and what is exported is the recording itself.
After a stop the engine's stream is kept, suspended, and goes on without a seam.
"""

from __future__ import annotations

import logging
import threading
import time

from app.feed import Feed
from app.loader import Loader
from app.protocol import Ack, Problem, Prompt, Reason, Start, State
from app.run import Run, check_prompt
from app.sharing import Limits, Slots, Turnstile
from core.motion.take import Take

LEAST_LEAD, MOST_LEAD = 4, 60
"""Poses that the server may be ahead of the page, whatever the page asks for."""

log = logging.getLogger(__name__)


class Session:
    """All methods return at once; only the worker thread waits."""

    def __init__(
        self, name: str, *, loader: Loader, turnstile: Turnstile, slots: Slots, limits: Limits
    ):
        self.name = name
        self.feed: Feed | None = None
        """The connection that is served; a newer one takes over."""
        self.seen = time.monotonic()
        self._loader, self._turnstile, self._slots, self._limits = loader, turnstile, slots, limits
        self._changed = threading.Condition()
        self._run: Run | None = None
        self._state = State(state="idle")
        self._lead = LEAST_LEAD
        self._progress = self._touched = time.monotonic()

    @property
    def moving(self) -> bool:
        """Whether the body moves or waits in line to."""
        return self._run is not None and self._run.active

    # ---- the page

    def attach(self, feed: Feed) -> None:
        """Serve this connection from now on."""
        with self._changed:
            before, self.feed = self.feed, feed
            self.seen = self._progress = time.monotonic()
        if before:
            before.wake()  # it notices that it was replaced
        feed.wake()

    def detach(self, feed: Feed) -> None:
        """Forget a connection that has ended; the take stays."""
        with self._changed:
            if self.feed is feed:
                self.feed = None
            self.seen = time.monotonic()

    def collect(self, feed: Feed) -> list[bytes]:
        """Messages this connection should get now."""
        with self._changed:
            return feed.collect(self._run, self._state)

    def acknowledge(self, feed: Feed, ack: Ack) -> None:
        """Note how far the page is; this is what lets the worker go on."""
        with self._changed:
            run = self._run
            if run is None or run.number != ack.take or self.feed is not feed:
                return
            feed.acknowledge(ack.received)
            self._lead = min(max(ack.lead, LEAST_LEAD), MOST_LEAD)
            shown = min(ack.shown, run.recording.end)
            if shown > run.shown:
                run.shown, self._progress = shown, time.monotonic()
            self._changed.notify_all()
        feed.wake()

    def start(self, request: Start) -> None:
        """Begin a new take in place of the old one."""
        with self._changed:
            self._run = Run(request, lock=self._changed, keep_seconds=self._limits.keep_seconds)
            self._touched = self._progress = time.monotonic()
            self._changed.notify_all()
        self._slots.ask(self.name, enter=self._enter, wait=self._wait)

    def change(self, prompt: Prompt) -> None:
        """Put a prompt into the mailbox; go on when the motion was stopped."""
        with self._changed:
            run = self._run
            try:
                if run is None or run.failed:
                    raise ValueError("There is no motion to go on with; press Restart.")
                # before the first chunk the worker checks it, once the engine is loaded
                text = check_prompt(prompt.text) if run.stream else prompt.text
            except ValueError as error:
                if self.feed:
                    self.feed.tell(Problem(message=sentence(error), about="prompt"))
                return
            run.wanted = prompt.id, text
            again, run.active = not run.active, True
            self._touched = self._progress = run.since = time.monotonic()
            self._changed.notify_all()
        if again:
            self._slots.ask(self.name, enter=self._enter, wait=self._wait)

    def stop(self) -> None:
        """End the motion; the worker is free after the chunk it computes."""
        with self._changed:
            if self._run is None or not self._run.active:
                return
            self._pause(self._run, "asked")
            computing = self._run.worker is not None
        if not computing:
            self._slots.leave(self.name)

    def cut(self, start: int, end: int) -> Take:
        """Poses start..end - 1 of the take; raise ValueError when there are none."""
        with self._changed:
            if self._run is None:
                raise ValueError("There is no take to export yet; generate some motion first.")
            card = self._loader.engine().card(self._run.request.checkpoint)
            return self._run.cut(start, end, card)

    # ---- the line

    def _enter(self) -> None:
        """Take the place that is free: let the worker go."""
        with self._changed:
            run = self._run
            if run and run.active:
                if self._loader.wait(0):
                    self._say(State(state="running"))
                else:
                    self._say(State(state="waiting", message="Loading the model ..."))
                if run.worker is None:
                    run.since = time.monotonic()
                    name = f"session-{self.name[:8]}"
                    run.worker = threading.Thread(
                        target=self._work, args=(run,), name=name, daemon=True
                    )
                    run.worker.start()
                return
        self._slots.leave(self.name)

    def _wait(self, position: int) -> None:
        with self._changed:
            places = self._limits.moving
            taken = "The only place is" if places == 1 else f"All {places} places are"
            message = f"{taken} taken. You are number {position} in line; it starts by itself."
            self._say(State(state="waiting", position=position, message=message))

    # ---- the worker

    def _work(self, run: Run) -> None:
        try:
            if run.stream is None and self._loaded(run):
                run.open(self._loader.engine())
                with self._changed:
                    if run is self._run and run.active:
                        self._say(State(state="running"))
            while self._wants_more(run):
                with self._turnstile.turn():
                    chunk, milliseconds = run.compute()
                with self._changed:
                    run.append(chunk, milliseconds)
                    self._wake()
        except ValueError as error:
            self._fail(run, sentence(error))
        except Exception:
            log.exception("session %s failed", self.name[:8])
            self._fail(run, "The server could not go on with this motion. Press Restart.")
        with self._changed:
            run.worker = None
            if run is not self._run:  # replaced: its successor has the place
                run.stream = None
                return
        if not run.active:
            self._slots.leave(self.name)
            if run.active:  # the page went on just now
                self._slots.ask(self.name, enter=self._enter, wait=self._wait)

    def _loaded(self, run: Run) -> bool:
        while run is self._run and run.active:
            if self._loader.wait(0.2):
                return True
        return False

    def _wants_more(self, run: Run) -> bool:
        """Wait until the page wants more; say whether to go on."""
        limits = self._limits
        with self._changed:
            while run.stream and run is self._run and run.active:
                now = time.monotonic()
                if now - self._touched > limits.unattended_seconds:
                    self._pause(run, "unattended", "Paused: nobody was here for a while.")
                elif self._slots.waiting and now - run.since > limits.turn_seconds:
                    self._pause(run, "turn", "Others are waiting, so your turn is over. "
                                "The take is kept.")  # fmt: skip
                elif run.recording.end - run.shown < self._lead:
                    return True
                elif now - self._progress > limits.away_seconds or (
                    self.feed is None and now - self.seen > limits.gone_seconds
                ):
                    self._pause(run, "away", "Paused while the page was not playing.")
                else:
                    self._changed.wait(1.0)
        return False

    def _pause(self, run: Run, reason: Reason, message: str = "") -> None:
        run.active = False
        self._say(State(state="stopped", reason=reason, message=message))
        self._changed.notify_all()

    def _fail(self, run: Run, message: str) -> None:
        with self._changed:
            run.failed, run.active, run.stream = True, False, None
            if run is self._run:
                self._say(State(state="stopped", reason="problem", message=message))

    def _say(self, state: State) -> None:
        self._state = state
        self._wake()

    def _wake(self) -> None:
        if self.feed:
            self.feed.wake()


def sentence(error: Exception) -> str:
    """An error's text as a sentence for the page."""
    text = str(error).strip() or "Something went wrong"
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")
