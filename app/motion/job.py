"""One take in the making: the engine's stream, the mailbox it reads, and what came out of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Condition

from app.live.feed import Notes
from app.live.loader import EngineLike
from app.live.take_buffer import TakeBuffer
from app.live.visitor import Job
from app.protocol import Start, TakeInfo
from core.body.take import PoseChunk, Take
from core.export.metadata import provenance
from core.settings import MotionSettings, check_prompt
from core.words.director import Director


class MotionJob(Job):
    """Belongs to a visitor, whose lock guards everything but `compute`."""

    def __init__(
        self, request: Start, *, lock: Condition, keep_seconds: int, poses: int | None = None
    ):
        """`poses` is how many there will be, where that is known."""
        super().__init__()
        self.request = request
        self.buffer = TakeBuffer(keep_seconds=keep_seconds)
        self.wanted = request.id, request.prompt
        """Mailbox: id and text of the newest prompt."""
        self.shown = 0.0
        """The pose on the page's screen."""
        self.notes = Notes()
        self._director = Director(self._asked(), lambda: poses)
        self.stream: Iterator[PoseChunk] | None = None
        self._asking = request.id
        self._pulled: list[tuple[int, str]] = []  # what the engine read, from the current prompt on
        self._lock = lock

    def open(self, engine: EngineLike) -> None:
        """Begin the engine's stream; raise ValueError for what it cannot do."""
        request = self.request
        if request.checkpoint not in engine.names:
            raise ValueError(f"The checkpoint {request.checkpoint!r} is not on this server.")
        self.wanted = self.wanted[0], check_prompt(self.wanted[1])
        self.stream = self._director.watch(
            engine.motion(self._prompts(), checkpoint=request.checkpoint, settings=self.settings)
        )

    @property
    def settings(self) -> MotionSettings:
        """What was asked for; raise ValueError where it is out of range."""
        return MotionSettings(
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
                number, text = self.wanted
            if number != self._asking:
                self._asking = number
                self._director.forget()
            yield text

    def _prompts(self) -> Iterator[str]:
        for text in self._director:
            with self._lock:
                if not self._pulled or self._pulled[-1] != (self._asking, text):
                    self._pulled.append((self._asking, text))
            yield text

    def compute(self) -> tuple[PoseChunk, float]:
        """Compute the next chunk; return it with the milliseconds it took."""
        assert self.stream is not None
        began = time.perf_counter()
        chunk = next(self.stream)
        return chunk, 1000 * (time.perf_counter() - began)

    def append(self, chunk: PoseChunk, milliseconds: float) -> None:
        """Record a chunk under the id of the prompt it follows."""
        while len(self._pulled) > 1 and self._pulled[0][1] != chunk.prompt:
            self._pulled.pop(0)
        prompt = self._pulled[0][0] if self._pulled else self.wanted[0]
        self.buffer.append(chunk, prompt=prompt, milliseconds=milliseconds)
        self.notes.put(self._asking, self._director.notes)

    def cut(self, start: int, end: int, card: dict) -> Take:
        """Poses start..end - 1 with where they came from; ValueError when there are none."""
        info = provenance(self.request.checkpoint, card, self.settings) | self._director.info()
        return self.buffer.cut(start, end, info)
