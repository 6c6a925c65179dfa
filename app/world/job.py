"""One world in the making: the engine's dream, the keys it obeys, and what came out of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Condition
from typing import Any

import numpy as np

from app.live.clock import lived
from app.live.loader import EngineLike, MakeTruth
from app.live.replies import sentence
from app.live.visitor import Job
from app.protocol import UPLOADED, Change, Stand, Tune, World
from app.world.pace import KeyMailbox, Pace
from app.world.recording import MOST_CHANGES, Log, WorldRecording
from app.world.truth import Seen, TruthRunner
from app.world.what_if import compare, obey
from core.settings import WorldSettings
from core.video.actions import parse_script

CHANGED = ("steps", "context_noise", "together", "x", "y", "degrees")
"""What a change of the log holds."""
WELL, PARTLY = 0.1, 0.3
"""Token errors of a picture: the world's own have up to .09, blurred ones .2, foreign ones more."""


def without_detours(wishes: Sequence[Tune | Stand | Change]) -> list[Tune | Stand | Change]:
    """Drop places that nobody sees: where one stood before the newest place, within one frame."""
    stands = [wish for wish in wishes if isinstance(wish, Stand)]
    if not stands or stands[-1].degrees is None:  # the heading may come from an earlier one
        return list(wishes)
    return [wish for wish in wishes if not isinstance(wish, Stand) or wish is stands[-1]]


@dataclass(frozen=True)
class Made:
    """A frame, fresh from the dream."""

    index: int
    frame: np.ndarray
    mask: int
    seq: int
    drafted: bool
    milliseconds: float
    place: tuple[float, float, float, float] | None
    """Where it is seen from, as messages hold it."""
    truth: Seen | None
    """What the real engine shows for the same keys."""


class WorldJob(Job):
    """Belongs to a visitor, whose lock guards everything but what changes the dream.

    That is called in a turn to compute: `open`, `retune`, `step`, `draft`; a comparison takes turns
    by itself.
    """

    def __init__(self, request: World, picture: np.ndarray | None, *, lock: Condition) -> None:
        super().__init__()
        self.request = request
        self.mailbox = KeyMailbox()
        self.paused: float | None = None
        """Since when."""
        self.singles = 0
        """Frames to make although it is paused."""
        self.recording: WorldRecording | None = None
        """The recording that is on."""
        self.wishes: list[Tune | Stand | Change] = []
        """Asked for and not yet obeyed."""
        self.comparison: Iterator[tuple[Any, Any] | None] | None = None
        """A past that is being shown twice."""
        self.fit = ""
        """How well the picture that it began from fits the place, as a sentence."""
        self.dream: Any = None
        self.name = request.checkpoint
        self.log: Log
        """There once the dream is."""
        self.pace = Pace(30.0)
        self.blocked: float | None = None
        """Since when the page has had no room for the next frame."""
        self.waited = 0.0
        """Seconds that the newest frame was late for that."""
        self.spent = 0.0
        """Milliseconds computed since somebody set it to 0."""
        self.rested = True
        """Whether drafting is of no use before the next frame."""
        self._picture = picture if request.start == UPLOADED else None
        self._lock = lock
        self._truth = TruthRunner()
        self._script: deque[int] = deque()
        self._changes = deque(sorted(request.changes, key=lambda change: change.frame))
        self._changed: deque[Change] = deque(maxlen=MOST_CHANGES)
        self._index = 0
        self._keys = 16  # as many as the message has room for, until the table is known
        self._costs: deque[float] = deque()  # of drafts that are ready, ms
        self.draft_seconds = 0.0
        """What the last draft took."""

    def beginning(self, engine: EngineLike) -> str:
        """Say what `open` will spend its time on."""
        name = self._named(engine)
        picture = self._picture is not None and name in engine.worlds
        if picture and engine.world_card(name)["ground"]:
            return "Looking for where your picture was taken ..."
        return "Opening the world ..."

    def _named(self, engine: EngineLike) -> str:
        return self.request.checkpoint or next(iter(engine.worlds), "")

    def open(self, engine: EngineLike, pause: Callable[[], None]) -> None:
        """Begin the dream; raise ValueError for what the engine cannot do.

        `pause` lets others compute while a picture's place is looked for.
        """
        request, name = self.request, self._named(engine)
        if name not in engine.worlds:
            raise ValueError(f"The world {name!r} is not on this server.")
        if request.start == UPLOADED and self._picture is None:
            raise ValueError("Upload a picture first; this world begins from one.")
        card = engine.world_card(name)
        script = parse_script(request.script, card["keys"]) if request.script else []
        settings = WorldSettings(
            seed=request.seed,
            steps=request.steps,
            context_noise=request.context_noise,
            ahead=request.ahead,
            together=request.together,
        )
        start = request.start if self._picture is None else self._picture
        dream = engine.play(name, start=start, settings=settings, pause=pause)
        self.log = Log(request, card, settings.changed(**dream.settings), self._picture)
        self.pace = Pace(dream.fps)
        self.fit = describe_fit(dream.fit)
        with self._lock:
            self._script.extend(script)
            self.name, self.dream, self._keys = name, dream, len(card["keys"])

    def accompany(self, engine: EngineLike, truth: MakeTruth | None) -> str:
        """Start the real engine beside it, if asked to; return a sentence where that cannot be."""
        request = self.request
        return self._truth.open(engine, self.name, request.start, truth) if request.truth else ""

    @property
    def replaying(self) -> bool:
        """Whether a script says what is held."""
        return bool(self._script)

    def due(self, now: float) -> float:
        """Return the seconds until the next frame; one that answers a key may come early."""
        eager = not self._script and self.mailbox.changed and self.comparison is None
        return self.pace.delay(now, eager=eager)

    def wants_draft(self, seconds: float) -> bool:
        """Say whether to draft in the time that is left until the next frame."""
        # with nothing ready, a draft is the next frame itself, only begun earlier
        return not self.rested and (not self.ready or seconds >= self.draft_seconds)

    def press(self, mask: int, seq: int) -> None:
        """Note what is held; raise ValueError for keys that are not in the table."""
        self._check(mask)
        if mask & ~self.mailbox.mask:
            self._script.clear()
        self.mailbox.report(mask, seq)

    def compare(self, frame: int, mask: int, turn: Callable[[], Any]) -> None:
        """Pause, and show the past since `frame` twice; raise ValueError for other keys."""
        self._check(mask)
        if frame > self._index:
            raise ValueError("That moment is still to come; choose one of the last ten seconds.")
        self.comparison = compare(self.dream, frame, mask, self._changed, turn)
        self.paused, self.singles = lived(), 0

    def _check(self, mask: int) -> None:
        if mask >> self._keys:
            raise ValueError(f"This world has {self._keys} keys; one was pressed beyond them.")

    @property
    def ready(self) -> int:
        """Drafts that are ready."""
        tally = self.dream.tally
        return tally.drafted - tally.accepted - tally.dropped

    # ---- in a turn

    def retune(self) -> str:
        """Obey what was asked for; return a sentence where some of it is not possible."""
        complaint = ""
        with self._lock:
            wishes, self.wishes = self.wishes, []
        while self._changes and self._changes[0].frame <= self._index:
            wishes.append(self._changes.popleft())
        for wish in without_detours(wishes):
            values = {name: getattr(wish, name, None) for name in CHANGED}
            change = Change(frame=self._index, **values)
            try:
                obey(self.dream, change, ahead=getattr(wish, "ahead", None))
            except ValueError as error:
                complaint = sentence(error)
                continue
            if change.x is not None:
                self._truth.stand(self.dream.place)
            self._changed.append(change)
            self.log.change(change)
        return complaint

    def step(self) -> Made:
        """Make the next frame, for the newest keys."""
        with self._lock:
            mask, seq = self.mailbox.take()
            if self._script:
                mask = self._script.popleft()
        mask &= (1 << self._keys) - 1  # pressed before the table was known
        began = time.perf_counter()
        made = self.dream.step(mask)
        milliseconds = 1000 * (time.perf_counter() - began)
        self.spent += milliseconds
        if not made.drafted:
            self._costs.clear()
        elif self._costs:
            milliseconds += self._costs.popleft()
        self._index, self.rested = made.index + 1, False
        if self.moved:
            self.log.end()
        self.log.add(mask)
        truth, place = self._truth.step(mask), coordinates(made.place)
        return Made(made.index, made.frame, mask, seq, made.drafted, milliseconds, place, truth)

    def draft(self) -> None:
        """Use idle time to make what comes next if the keys stay as they are."""
        before, began = self.ready, time.perf_counter()
        self.rested = not self.dream.draft()
        seconds = time.perf_counter() - began
        self.spent += 1000 * seconds
        if not self.rested:
            self.draft_seconds = seconds
            count = self.ready - before
            self._costs.extend([1000 * seconds / max(count, 1)] * count)

    def rest(self) -> None:
        """Stop the clock and the real engine; the dream may go on."""
        self._truth.close()
        self.pace.rest(lived())
        with self._lock:
            if not self.active:  # however it goes on, a past that was shown twice is over
                self.comparison = None

    def close(self) -> None:
        """Let go of the dream; what was recorded stays."""
        self.rest()
        self.dream = self.comparison = None


def coordinates(place: Any) -> tuple[float, float, float, float] | None:
    """Return a `core.video.place.Place` as messages hold it."""
    return None if place is None else (place.x, place.y, place.degrees, place.spread)


def describe_fit(error: float | None) -> str:
    """Say how well a picture fits the place that was found for it; nothing where there is none.

    The error is in tokens, whose variance is 1: what is left of that is the part that fits.
    """
    if error is None:
        return ""
    share = f"({100 * max(1 - error, 0):.0f} %)"
    if error < WELL:
        return f"This picture fits the place well {share}."
    if error < PARTLY:
        return f"This picture fits the place partly {share}; the dream may be somewhere else."
    return f"This picture hardly fits the place {share}; you begin where it fits best."
