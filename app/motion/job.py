"""One take in the making: the engine's stream, the mailboxes it reads, and what came out of it."""

from __future__ import annotations

import time
import weakref
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from threading import Condition

from app.live.feed import Notes, Packed
from app.live.loader import EngineLike
from app.live.take_buffer import TakeBuffer
from app.live.visitor import Job
from app.protocol import Outcome, Outcomes, Start, Steering, TakeInfo
from core.body.take import PoseChunk, Take
from core.export.metadata import describe_steer, provenance
from core.settings import DELAY as HELD_BACK
from core.settings import MotionSettings, check_prompt
from core.steering.project import MOST_PROMPTS, Asked, Project, fitted, remembered
from core.steering.wishes import LATE, KeyPose, Met, Steer, Wishes
from core.words.director import Director

MOST_OUTCOMES = 300
"""The newest ones, which a page is told that comes back."""
MOST_STEERED = 50_000
"""Way-points that are remembered of one take; a change of what is wanted counts as one."""
KEY_WEIGHT = 20
"""Way-points that a key pose counts as."""


class MotionJob(Job):
    """Belongs to a visitor, whose lock guards everything but `compute`, `cut` and `project`."""

    def __init__(
        self,
        request: Start,
        *,
        lock: Condition,
        keep_seconds: int,
        poses: int | None = None,
        project: Project | None = None,
    ):
        """`poses` is how many there will be, where that is known.

        `project` is made again, up to its end, as long as nobody asks for something else.
        """
        super().__init__()
        self.request = request
        self.rest_at = project.poses if project else None
        """The pose to rest at."""
        self.buffer = TakeBuffer(keep_seconds=keep_seconds)
        self.wanted = request.id, request.prompt
        """Mailbox: id and text of the newest prompt."""
        self.steer = project.steer if project else Steer(request.wishes)
        """Mailbox: the newest wishes."""
        self.shown = 0.0
        """The pose on the page's screen."""
        self.notes = Notes()
        # generators that hold the job would keep it, and all its poses, for the garbage collector
        me = weakref.proxy(self)
        self._director = Director(MotionJob._asked(me), lambda: me._planned)
        self.stream: Iterator[PoseChunk] | None = None
        self._asking = request.id
        self._pulled: list[tuple[int, str]] = []  # what the engine read, from the current prompt on
        self._settings = project.settings if project else None
        self._script = list(project.prompts[1:]) if project else []  # prompts still to come
        self._planned = project.prompts[0].poses if project else poses  # those of the prompt
        # prompts so far, the poses they hold from and those that were planned for them
        self._heard: list[tuple[int, str, int | None]] = []
        self._steering = self._known = 0  # ids of wishes: the newest, and those computed for
        self._reported = 0  # wishes whose time has come
        self._outcomes = deque[Packed](maxlen=MOST_OUTCOMES)  # what became of them
        self._said, self._newest = Outcomes(id=0, start=0), None  # the same, without any
        self._weighed = self._weight = 0  # of the wishes that are remembered
        self._lock = lock

    def open(self, engine: EngineLike) -> None:
        """Begin the engine's stream; raise ValueError for what it cannot do."""
        self.check(engine)
        self.wanted = self.wanted[0], check_prompt(self.wanted[1])
        self.stream = self._director.watch(
            engine.motion(
                MotionJob._prompts(weakref.proxy(self)),
                checkpoint=self.request.checkpoint,
                settings=self.settings,
                steer=self.steer,
            )
        )

    def check(self, engine: EngineLike) -> None:
        """Raise ValueError for a checkpoint or settings that cannot be; nothing is loaded."""
        name = self.request.checkpoint
        if name not in engine.names:
            raise ValueError(f"The checkpoint {name!r} is not on this server.")
        if self._settings:
            self._settings = fitted(self._settings, engine.card(name)["steps"])
        engine.check(name, self.settings)

    @property
    def settings(self) -> MotionSettings:
        """What was asked for; raise ValueError where it is out of range."""
        return self._settings or MotionSettings(
            seed=self.request.seed,
            stagger=self.request.stagger,
            guidance=self.request.guidance,
            foot_contacts=self.request.foot_contacts,
        )

    def close(self) -> None:
        """Let go of the engine's stream; what was recorded stays."""
        self.stream = None

    def introduce(self) -> TakeInfo:
        """Say which take its poses belong to."""
        return TakeInfo(
            take=self.number,
            first=self.buffer.first,
            seed=self.request.seed,
            checkpoint=self.request.checkpoint,
        )

    def _asked(self) -> Iterator[str]:
        while True:
            with self._lock:
                self._hear()
                number, text = self.wanted
            if number != self._asking:
                self._asking = number
                self._director.forget()
            yield text

    def _hear(self) -> None:
        """Note the prompt for the next pose, which a project's script may tell.

        A block is asked for more than once before its poses come: of several prompts at one pose
        it follows the newest, and that one alone is kept.
        """
        first = self.buffer.end
        while self._script and first + HELD_BACK >= self._script[0].start:
            asked = self._script.pop(0)
            self.wanted, self._planned = (self.wanted[0] + 1, asked.text), asked.poses
        if not self._heard or self.wanted != (self._asking, self._heard[-1][1]):
            before = [heard for heard in self._heard if heard[0] < first]
            self._heard = [*before, (first, self.wanted[1], self._planned)][-MOST_PROMPTS:]

    def _prompts(self) -> Iterator[str]:
        for text in self._director:
            with self._lock:
                if not self._pulled or self._pulled[-1] != (self._asking, text):
                    self._pulled.append((self._asking, text))
            yield text

    def ask(self, prompt: int, text: str) -> None:
        """Put a prompt into the mailbox, with its id."""
        self.wanted, self._script, self.rest_at = (prompt, text), [], None
        self._planned = None

    def want(self, steering: Steering) -> None:
        """Put wishes into the mailbox; raise ValueError when there were too many before."""
        history = self.steer.history
        for number in range(self._weighed, len(history)):
            before = history[number - 1][1] if number else Wishes()
            self._weight += weigh(history[number][1], before)
        self._weighed = len(history)
        if self._weight > MOST_STEERED:
            raise ValueError("this take was steered so often that it is full; press Restart")
        self.steer.want(steering.wishes)
        self._steering, self.rest_at = steering.id, None

    def compute(self) -> tuple[PoseChunk, float]:
        """Compute the next chunk; return it with the milliseconds it took."""
        assert self.stream is not None
        self._known = self._steering
        began = time.perf_counter()
        chunk = next(self.stream)
        return chunk, 1000 * (time.perf_counter() - began)

    def append(self, chunk: PoseChunk, milliseconds: float) -> None:
        """Record a chunk under the id of the prompt it follows."""
        while len(self._pulled) > 1 and self._pulled[0][1] != chunk.prompt:
            self._pulled.pop(0)
        prompt = self._pulled[0][0] if self._pulled else self.wanted[0]
        self._tell(chunk.first)
        self.buffer.append(chunk, prompt=prompt, milliseconds=milliseconds)
        self.notes.put(self._asking, self._director.notes)

    @property
    def facts(self) -> list[Packed]:
        """What a page is told of its prompt and its wishes."""
        return [fact for fact in (self.notes.packed, *self._outcomes, self._newest) if fact]

    def _tell(self, first: int) -> None:
        """Say what became of the wishes, where that is not known yet; `first` is the new pose."""
        report, before = self.steer.report, self._said
        new = [outcome(met) for met in report[self._reported :]]
        self._reported += len(new)
        late = [(point.at, round(due - point.at, 1)) for point, due in self.steer.due]
        said = self._said = Outcomes(
            id=self._known,
            start=before.start if before.id == self._known else first,
            late=[(at, seconds) for at, seconds in late if seconds > LATE],
        )
        if new:
            told = Packed.of(replace(said, outcomes=new[-MOST_OUTCOMES:]))
            self._outcomes.append(told._replace(tag=f"{told.tag} {self._reported}"))
            self._newest = None
        elif said != before:
            self._newest = Packed.of(said)

    def cut(self, start: int, end: int, card: dict) -> Take:
        """Poses start..end - 1 with where they came from; ValueError when there are none."""
        info = provenance(self.request.checkpoint, card, self.settings) | self._director.info()
        return self.buffer.cut(start, end, info | describe_steer(self.steer))

    def project(self, body: str) -> Project:
        """Return what makes this take again; raise ValueError when it is too long for that."""
        if self.moved:
            raise ValueError(
                "Another machine went on with this motion; a project cannot repeat it."
            )
        with self._lock:
            poses, heard, history = self.buffer.end, self._heard, self.steer.history[:]
        if heard and heard[0][0]:  # the first ones are forgotten
            raise ValueError(
                f"a project holds at most {MOST_PROMPTS:,} prompts; this motion has more"
            )
        return Project(
            checkpoint=self.request.checkpoint,
            settings=self.settings,
            body=body,
            poses=poses,
            # the newest prompt may be for poses that are being made
            prompts=tuple(
                Asked(start=start, text=text, poses=planned)
                for start, text, planned in heard
                if start < poses
            ),
            wishes=remembered(history),
        )


def weigh(wishes: Wishes, before: Wishes) -> int:
    """Return about how many way-points take as much memory as what is new in them."""
    points = set(wishes.waypoints).difference(before.waypoints)
    keys = set(wishes.keys).difference(before.keys)
    return 1 + len(points) + KEY_WEIGHT * len(keys)


def outcome(met: Met) -> Outcome:
    """Say how a wish was met as the page is told."""
    pose = max(met.parts.values(), default=None)
    return Outcome(
        kind="key" if isinstance(met.wish, KeyPose) else "waypoint",
        at=met.wish.at,
        met=met.good,
        centimeters=None if met.missed is None else round(100 * met.missed, 1),
        degrees=None if met.turned is None else round(met.turned, 1),
        pose=None if pose is None else round(100 * pose, 1),
        late=round(met.late, 2),
    )
