"""A motion page: a take that grows in a worker thread, never further ahead than the page wants.

The page's newest prompt lies in a mailbox that the engine reads whenever a block of motion starts.
Poses go from its buffer to whichever connection asks, from where it is: a slow page holds the
worker back, a lost page finds its take again, and what is exported is the buffer itself.
After a stop the engine's stream is kept, suspended, and goes on without a seam.
"""

from __future__ import annotations

from typing import Any

from app.live.clock import lived
from app.live.feed import PoseFeed
from app.live.replies import sentence
from app.live.visitor import Visitor
from app.motion.job import MotionJob
from app.protocol import Ack, Problem, Prompt, Start, State, Steering
from core.body.skeleton import FPS
from core.body.take import Take
from core.settings import check_prompt
from core.steering.project import Project

LEAST_LEAD, MOST_LEAD = 2, 60
"""Poses that the server may be ahead of the page, whatever the page asks for."""


class MotionVisitor(Visitor[MotionJob, PoseFeed]):
    """A visitor of the motion tab."""

    kind, again = "motion", "Restart"
    _lead = LEAST_LEAD
    _kept: MotionJob | None = None
    """The take before, until the newest has a pose."""

    @property
    def _shown(self) -> MotionJob | None:
        """The take that the page has: the newest, or the one before where that ended poseless."""
        return self._kept if self._kept and self._job and not self._job.active else self._job

    @property
    def _exported(self) -> MotionJob | None:
        """The take that goes home: the newest that has poses, if any has."""
        return self._kept or self._job

    def collect(self, feed: PoseFeed) -> list[bytes]:
        """Messages this connection should get now."""
        with self._changed:
            job = self._shown
            return feed.collect(job, self._state, *(job.facts if job else ()))

    def acknowledge(self, feed: PoseFeed, ack: Ack) -> None:
        """Note how far the page is; this is what lets the worker go on."""
        with self._changed:
            job = self._shown
            if job is None or job.number != ack.take or self.feed is not feed:
                return
            feed.acknowledge(ack.received)
            self._lead = min(max(ack.lead, LEAST_LEAD), MOST_LEAD)
            shown = min(ack.shown, job.buffer.end)
            if shown > job.shown:
                job.shown, self._progress = shown, lived()
            self._changed.notify_all()
        feed.wake()

    def start(self, request: Start, project: Project | None = None) -> None:
        """Begin a new take in place of the old one, which is lost when the new one has a pose.

        Raises ValueError, and leaves the old one alone, for what is known not to be possible.
        """
        keep = self._limits.keep_seconds
        job = MotionJob(request, lock=self._changed, keep_seconds=keep, project=project)
        if self._loader.engine_ready:  # else the worker checks it
            job.check(self._loader.engine())
        self._begin(job)

    def reopen(self, project: Project) -> None:
        """Make a project's take again; raise ValueError for settings that no page can have."""
        settings = project.settings
        if settings.steps is not None:
            raise ValueError(
                "This project asks for a number of sampling steps of its own; the command line"
                " makes it again, the page does not."
            )
        request = Start(
            id=1,
            prompt=project.prompts[0].text,
            seed=settings.seed,
            checkpoint=project.checkpoint,
            stagger=settings.stagger,
            guidance=settings.guidance,
            foot_contacts=settings.foot_contacts,
        )
        self.start(request, project)

    def change(self, prompt: Prompt) -> None:
        """Put a prompt into the mailbox, and go on."""
        with self._changed:
            job = self._job
            try:
                if job is None or job.failed:
                    raise ValueError("There is no motion to go on with; press Restart.")
                # before the first chunk the worker checks it, once the engine is loaded
                text = check_prompt(prompt.text) if job.stream else prompt.text
            except ValueError as error:
                if self.feed:
                    self.feed.tell(Problem(message=sentence(error), about="prompt"))
                return
            job.ask(prompt.id, text)
        self.resume()

    def resume(self) -> None:
        """Go on with what was asked for last, when the motion was stopped."""
        with self._changed:
            job = self._job
            if job is None or job.failed:
                return
            again, job.active = not job.active, True
            self._touched = self._progress = lived()
            self._changed.notify_all()
        if again:
            self._ask()

    def steer(self, steering: Steering) -> None:
        """Put wishes into the mailbox of the take; where there is none, a start brings them."""
        with self._changed:
            if self._job:
                self._job.want(steering)
                self._touched = lived()

    def cut(self, start: int, end: int) -> Take:
        """Poses start..end - 1 of the take; raise ValueError when there are none."""
        with self._changed:
            job = self._exported
        if job is None:
            raise ValueError("There is no take to export yet; generate some motion first.")
        # without the lock: a long take that was steered often would hold up its own stream
        return job.cut(start, end, self._loader.engine().card(job.request.checkpoint))

    @property
    def kept_poses(self) -> int:
        """Poses of its take that are in memory."""
        job = self._exported
        return job.buffer.end - job.buffer.first if job else 0

    def project(self, body: str) -> Project:
        """What makes the take again; raise ValueError where there is none, or too much of it."""
        with self._changed:
            job = self._exported
        if job is None or not job.buffer.end:
            raise ValueError("There is no take to save yet; generate some motion first.")
        return job.project(body)

    # ---- the worker

    def _describe(self, **said: Any) -> State:
        return State(**said)

    def _make_room(self) -> None:
        if self._job and self._job.buffer.end:
            self._kept = self._job

    def _entered(self, job: MotionJob) -> None:
        if self._known.done():
            self._say(state="running")
        else:
            self._say(state="waiting", message="Loading the model ...")

    def _perform(self, job: MotionJob) -> None:
        if job.stream is None and self._loaded(job):
            job.open(self._loader.engine())
            with self._changed:
                if job is self._job and job.active:
                    self._say(state="running")
        while self._wants_more(job):
            with self._turnstile.turn(self.name) as turn:
                chunk, milliseconds = job.compute()
            self._places.measured(self.kind, turn.seconds * FPS / len(chunk))
            self._made["poses"] += len(chunk)
            with self._changed:
                job.append(chunk, milliseconds)
                if job is self._job:  # a chunk of the take before may still have been on its way
                    self._kept = None
                self._wake()

    def _wants_more(self, job: MotionJob) -> bool:
        """Wait until the page wants more; say whether to go on."""
        limits = self._limits
        with self._changed:
            while job.stream and job is self._job and job.active:
                now = lived()
                if job.rest_at is not None and job.buffer.end >= job.rest_at:
                    job.rest_at = None
                    self._pause(job, "asked")
                    return False
                if self._turn_is_over(job, now, limits.unattended_seconds):
                    return False
                if job.buffer.end - job.shown < self._lead:
                    return True
                if not self._is_away(job, now, limits.away_seconds):
                    self._changed.wait(1.0)
        return False
