"""What an actor holds: models, and the streams and dreams of some visitors.

Nothing runs ahead of who asks. A call that needs something of them in between (the next prompt, a
pause) is a `Talk`: it runs in a thread of its own, which stands still until it is answered. All of
a visitor's things have numbers; that an actor does not know one says that it is another than
before, and what the one before held is lost.
"""

from __future__ import annotations

import os
import pickle
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from app.memory import tame_allocator
from core.engine import Engine
from core.faults import trace
from core.steering.wishes import Met, Steer, Waypoint, Wishes

OVER = object()
"""The answer to a talk that nobody wants any more."""


class Missing(Exception):
    """Another actor knew this number."""


class Dropped(BaseException):
    """Ends a talk's thread, past whoever catches exceptions."""


@dataclass(frozen=True)
class Said:
    """What an actor answers."""

    word: str
    """What it is about; "failed" brings an exception, "lost" whether its models are lost, too."""
    value: Any = None


@dataclass(frozen=True)
class Read:
    """What came of a visitor's wishes since they were last told of."""

    history: list[tuple[int, Wishes]]
    report: list[Met]
    due: tuple[tuple[Waypoint, float], ...]
    words: str
    readings: int


@dataclass(frozen=True)
class Standing:
    """What is asked of a dream between its frames."""

    tally: Any
    place: Any
    settings: dict[str, Any]
    past: range


Ask = Callable[[str, Any], Any]
"""Says a word with its value to whoever the talk is with, and waits for the answer."""


class Talk:
    """A call that asks whoever made it in between."""

    def __init__(self, call: Callable[[Ask], Any]) -> None:
        self._call, self._over = call, False
        self._said, self._answers = SimpleQueue[Said](), SimpleQueue[Any]()

    def begin(self) -> Said:
        """Return what it says first; "over" brings what the call returned."""
        threading.Thread(target=self._run, daemon=True).start()
        return self._said.get()

    def go_on(self, answer: Any) -> Said:
        """Return what it says next: that it is over where it is, like any iterator."""
        if self._over:
            return Said("over")
        self._answers.put(answer)
        return self._said.get()

    def drop(self) -> None:
        """End it where it asks next."""
        self._answers.put(OVER)

    def _run(self) -> None:
        try:
            last = Said("over", self._call(self._ask))
        except Dropped:
            return
        except Exception as error:
            last = failure(error)
        self._over = True
        self._said.put(last)

    def _ask(self, word: str, value: Any = None) -> Any:
        self._said.put(Said(word, value))
        if (answer := self._answers.get()) is OVER:
            raise Dropped
        return answer


def failure(error: Exception) -> Said:
    """Return what is said of an error: a sentence, and of our own mistakes where they are."""
    if isinstance(error, Missing):
        return Said("lost")
    if isinstance(error, ValueError):
        return Said("failed", error)
    return Said("failed", RuntimeError(trace(error)))


class EngineActor:
    """An engine, and what it has in the making; arguments and answers travel pickled.

    So they are the receiver's own to write to, and none keeps room in Ray's store.
    """

    def __init__(self, checkpoints: str, device: str | None) -> None:
        import torch

        tame_allocator()
        torch.set_num_threads(1)
        self._checkpoints, self._device = checkpoints, device
        self._held: dict[int, Any] = {}
        self._loading = threading.Lock()
        self._engine: Engine | None = None

    def load(self) -> bytes:
        """Load what there is; say a card for each world."""
        return self._answer(lambda: Said("cards", self._load()))

    def _load(self) -> dict[str, dict[str, Any]]:
        with self._loading:
            engine = self._engine or Engine.load(Path(self._checkpoints), device=self._device)
            for name in engine.names:
                engine.model(name)
            cards = {name: engine.world_card(name) for name in engine.worlds}
            self._engine = engine
        return cards

    @property
    def engine(self) -> Engine:
        """The engine; raise Missing where it is not loaded: this actor was begun anew."""
        if self._engine is None:
            raise Missing
        return self._engine

    def begin(self, number: int, what: str, packed: bytes) -> bytes:
        """Begin the talk of this number; return what it says first."""

        def first() -> Said:
            arguments = pickle.loads(packed)
            call = getattr(self, f"_{what}")
            talk = self._held[number] = Talk(lambda ask: call(ask, number, *arguments))
            return talk.begin()

        return self._answer(first)

    def go_on(self, number: int, packed: bytes) -> bytes:
        """Answer the talk of this number; return what it says next."""

        return self._answer(lambda: self._find(number).go_on(pickle.loads(packed)))

    def call(self, number: int, method: str, packed: bytes) -> bytes:
        """Have the dream of this number do something, or the engine for 0."""

        def called() -> Said:
            held = self._find(number) if number else self.engine
            arguments, named = pickle.loads(packed)
            value = getattr(held, method)(*arguments, **named)
            return Said("done", (value, standing(held) if number else None))

        return self._answer(called)

    def state(self) -> bytes:
        """Say its process and how many things it holds, for tests and benchmarks."""
        return self._answer(lambda: Said("state", (os.getpid(), len(self._held))))

    def drop(self, number: int) -> None:
        """Let go of something."""
        held = self._held.pop(number, None)
        if isinstance(held, Talk):
            held.drop()

    def _find(self, number: int) -> Any:
        if number not in self._held:
            raise Missing
        return self._held[number]

    def _answer(self, make: Callable[[], Said]) -> bytes:
        try:
            said = make()
        except Exception as error:
            said = failure(error)
        if said.word == "lost":
            said = Said("lost", self._engine is None)
        return pickle.dumps(said)

    # ---- talks

    def _motion(self, ask: Ask, _: int, steer: Steer | None, options: dict[str, Any]) -> None:
        def prompts() -> Iterator[str]:
            while (answer := ask("prompt", None)) is not None:
                prompt, wishes = answer
                heed(wishes)
                yield prompt

        def heed(wishes: Wishes | None) -> None:
            if steer and wishes is not None:
                steer.want(wishes)

        stream = self.engine.motion(prompts(), steer=steer, **options)
        heed(ask("begun", None))
        told = (len(steer.history), len(steer.report)) if steer else (0, 0)
        for chunk in stream:
            read = None
            if steer:
                history, report = steer.history[told[0] :], steer.report[told[1] :]
                told = len(steer.history), len(steer.report)
                read = Read(history, report, steer.due, steer.words, steer.readings)
            heed(ask("chunk", (chunk, read)))

    def _play(self, ask: Ask, number: int, world: str, options: dict[str, Any]) -> Any:
        began = False

        def pause() -> None:
            if not began:  # later its frames are made in calls of their own, which ask nothing
                ask("pause", None)

        dream = self._held[number] = self.engine.play(world, pause=pause, **options)
        began = True
        return dream.fit, standing(dream)

    def _approach(self, ask: Ask, _: int, number: int, other: int, frame: int) -> None:
        for dream in self._find(number).approach(frame):
            self._held[other] = dream
            ask("there", standing(dream))

    def _follow(self, ask: Ask, _: int, name: str, data: bytes, options: dict[str, Any]) -> Any:
        def progress(share: float, message: str) -> None:
            ask("progress", (share, message))

        with tempfile.TemporaryDirectory(prefix="livestep-") as folder:
            path = Path(folder, Path(name).name)
            path.write_bytes(data)
            return self.engine.follow(path, progress=progress, **options)


def standing(dream: Any) -> Standing:
    """Return where a dream stands."""
    return Standing(dream.tally, dream.place, dream.settings, dream.past)
