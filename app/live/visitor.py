"""One page's jobs on this machine, whatever they make: a place, a worker thread, a connection.

The worker runs while the page has a place, a turn and somebody to make things for. Whatever the
page asks for meanwhile lies in a mailbox, where a newer job replaces an older: the worker takes it
up when what it did before has ended, and not more often than starts are allowed. A turn is counted
from when the place was taken: to ask for something new does not make it longer. A job that was
stopped is kept and goes on when it is asked to; a newer connection takes over from an older one.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from collections import Counter
from concurrent.futures import Future, wait
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from app.live.clock import lived
from app.live.feed import Connection
from app.live.loader import Loader, moved
from app.live.places import Places, in_words
from app.live.replies import sentence
from app.live.sharing import Buckets, Limits, Turnstile
from app.protocol import Problem, Reason
from core.faults import trace

AWAY = "Paused while the page was not playing."
MOVED = "The machine that made this was lost; another one goes on from where it was."
log = logging.getLogger(__name__)


class Job:
    """What a visitor has in the making; guarded by the visitor's lock."""

    def __init__(self) -> None:
        self.number = 1 + secrets.randbits(31)  # never met before, even after a restart
        self.begun = False
        """Whether the worker has ever taken it up."""
        self.active = True
        """Whether it goes on, or waits in line to."""
        self.failed = False
        self.moved = False
        """Whether it went on elsewhere in the middle: the same requests do not make it again."""

    def close(self) -> None:
        """Give back what it holds; it will not go on."""


J = TypeVar("J", bound=Job)
C = TypeVar("C", bound=Connection)


class Visitor(Generic[J, C]):
    """All methods return at once; only the worker thread waits."""

    kind: ClassVar[str]
    """Its tab, as places are shared out by; begins the names of its threads."""
    one_job: ClassVar[bool] = False
    """Whether a job is a turn: what replaces it stands in line, behind others."""
    again: ClassVar[str]
    """The page's button that begins anew."""

    def __init__(
        self,
        name: str,
        *,
        loader: Loader,
        turnstile: Turnstile,
        places: Places,
        starts: Buckets,
        made: Counter[str],
        limits: Limits,
    ):
        self.name = name
        self.feed: C | None = None
        """The connection that is served; a newer one takes over."""
        self.seen = lived()
        self._loader, self._turnstile, self._places = loader, turnstile, places
        self._starts, self._made, self._limits = starts, made, limits
        self._changed = threading.Condition()
        self.asking = asyncio.Lock()
        """Of requests that wait in a line of their own, one after the other."""
        self._job: J | None = None
        """The newest job: the worker's, or in the mailbox."""
        self._performed: J | None = None
        """The job that the worker has in hand, and closes if it was replaced meanwhile."""
        self._worker: threading.Thread | None = None
        self.address = ""
        """Where its page is."""
        self._state = self._describe(state="idle")
        self._progress = self._touched = lived()

    @property
    def _known(self) -> Future[None]:
        """When the models that it needs are loaded."""
        return self._loader.engine_known

    # ---- what the subclass says and does

    def _describe(self, **said: Any) -> Any:
        """Make the message that says what the server is doing: state, reason, position, message."""
        raise NotImplementedError

    def _make_room(self) -> None:
        """Get ready for another job in place of this one. Called with the lock."""

    def _entered(self, job: J) -> None:
        """Say that there is a place now. Called with the lock."""
        raise NotImplementedError

    def _perform(self, job: J) -> None:
        """Do the job until it is stopped or replaced; in the worker thread, without the lock."""
        raise NotImplementedError

    # ---- the page

    def attach(self, feed: C) -> None:
        """Serve this connection from now on."""
        with self._changed:
            before, self.feed, self.address = self.feed, feed, feed.address
            self.seen = self._progress = lived()
            self._changed.notify_all()
        if before:
            before.wake()  # it notices that it was replaced
        feed.wake()

    def detach(self, feed: C) -> None:
        """Forget a connection that has ended; the job stays."""
        with self._changed:
            if self.feed is feed:
                self.feed = None
            self.seen = lived()
            self._changed.notify_all()

    def stop(self) -> None:
        """End the job; the worker is free after what it computes now."""
        with self._changed:
            if self._job is None or not self._job.active:
                return
            self._pause(self._job, "asked")
            computing = self._worker is not None
        if not computing:
            self._places.leave(self.kind, self.name)

    @property
    def busy(self) -> bool:
        """Whether something is being made, or stands in line for it."""
        return self._job is not None and self._job.active

    @property
    def has_take(self) -> bool:
        """Whether there is something to lose."""
        return self._job is not None

    @property
    def used(self) -> float:
        """When it was used last."""
        return max(self.seen, self._touched, self._progress)

    def close(self, why: str = "") -> None:
        """End everything for good, and let go of it; its page, if any, is told why."""
        self.stop()
        with self._changed:
            job, self._job = self._job, None
            feed, self.feed = self.feed, None
            idle = job is not self._performed
        if feed:
            feed.farewell = why
            feed.wake()
        if job and idle:
            job.close()

    def _begin(self, job: J) -> None:
        """Put a new job into the mailbox, in place of the old."""
        with self._changed:
            self._make_room()
            before, self._job = self._job, job
            idle = before is not self._performed
            self._touched = self._progress = lived()
            self._changed.notify_all()
        if before and idle:
            before.close()
        self._ask()

    # ---- the line

    def _ask(self) -> None:
        self._places.ask(self.kind, self.name, enter=self._enter, wait=self._wait)

    def _enter(self) -> None:
        """Take the place that is free: let the worker go."""
        with self._changed:
            job = self._job
            if job and job.active and self._is_gone(lived()):  # it left while in line
                self._pause(job, "away", AWAY)
            if job and job.active:
                self._entered(job)
                if self._worker is None:
                    self._progress = lived()  # in line nobody could play
                    name = f"{self.kind}-{self.name[:8]}"
                    self._worker = threading.Thread(target=self._work, name=name, daemon=True)
                    self._worker.start()
                return
        self._places.leave(self.kind, self.name)

    def _wait(self, position: int, seconds: float) -> None:
        with self._changed:
            if not self.busy or not self._places.waits(self.kind, self.name):
                return  # it was stopped, or let in, meanwhile
            message = (
                f"You are number {position} in line, {in_words(seconds)}; it starts by itself."
            )
            if message != self._state.message:
                self._say(state="waiting", position=position, message=message)

    # ---- the worker

    def _work(self) -> None:
        """Do the newest job, one after the other, until there is none."""
        while job := self._take_up():
            moved.set(partial(self._go_on_elsewhere, job))
            try:
                self._perform(job)
            except ValueError as error:
                self._fail(job, sentence(error))
            except Exception as error:
                log.error("%s %s failed: %s", self.kind, self.name[:8], trace(error))
                self._fail(job, f"The server could not go on with this. Press {self.again}.")
            with self._changed:
                self._performed, replaced = None, job is not self._job
            if replaced:
                job.close()
            if self._others_turn():  # what is in the mailbox has to stand in line
                break
        self._places.leave(self.kind, self.name)
        with self._changed:
            self._worker = None
            again = self._job is not None and self._job.active
        if again:  # the page went on just now, or gave way
            self._ask()

    def _take_up(self) -> J | None:
        """Wait until the newest job may begin or go on; return None when there is none."""
        with self._changed:
            while (job := self._job) and job.active:
                seconds = 0 if job.begun else self._take_start()
                if not seconds:
                    job.begun, self._performed = True, job
                    return job
                self._changed.wait(seconds)
        return None

    def _take_start(self) -> float:
        rate = self._limits.starts
        return self._starts.take({self.name: rate, self.address: 2 * rate})

    def _go_on_elsewhere(self, job: J) -> None:
        job.moved = True
        if self.feed:
            self.feed.tell(Problem(message=MOVED, about="settings"))

    def _loaded(self, job: J) -> bool:
        """Wait until models are loaded; say whether the job is still wanted."""
        while job is self._job and job.active:
            if wait([self._known], 0.2).done:
                return True
        return False

    def _turn_is_over(self, job: J, now: float, patience: float) -> bool:
        """Stop a job that nobody has touched for `patience` seconds, or that others wait for."""
        if now - self._touched > patience:
            self._pause(job, "unattended", "Paused: nobody was here for a while.")
        elif self._others_turn():
            message = "Others are waiting, so your turn is over. What you made is kept."
            self._pause(job, "turn", message)
        return not job.active

    def _others_turn(self) -> bool:
        if self.one_job:
            return self._places.wanted(self.kind)
        return self._places.over(self.kind, self.name)

    def _is_away(self, job: J, now: float, patience: float) -> bool:
        """Stop a job whose page is gone, or has shown nothing new for `patience` seconds."""
        if self._is_gone(now) or now - self._progress > patience:
            self._pause(job, "away", AWAY)
        return not job.active

    def _is_gone(self, now: float) -> bool:
        return self.feed is None and now - self.seen > self._limits.gone_seconds

    def _pause(self, job: J, reason: Reason, message: str = "") -> None:
        job.active = False
        self._say(state="stopped", reason=reason, message=message)
        self._changed.notify_all()

    def _fail(self, job: J, message: str) -> None:
        job.close()
        with self._changed:
            job.failed, job.active = True, False
            if job is self._job:
                self._say(state="stopped", reason="problem", message=message)

    def _say(self, **said: Any) -> None:
        self._state = self._describe(**said)
        self._wake()

    def _wake(self) -> None:
        if self.feed:
            self.feed.wake()
