"""Tells a stream what to do next, from what was asked for and from the poses that came of it.

A director stands between whoever asks and the engine, and is told of every chunk:

    director = Director(["a person jumps twice, then sits"] * 40)
    for chunk in director.watch(engine.motion(director)): ...
    director.notes  # what was not taken as it was typed
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from core.body.skeleton import FPS, JOINTS
from core.body.take import PoseChunk
from core.settings import DELAY
from core.words.counting import Kind
from core.words.grammar import STILL
from core.words.reading import Reading, read
from core.words.steps import Step
from core.words.telling import Told

OPEN = 3.0
"""Seconds that a step lasts which another one follows, where nothing ends it."""
LEAST = 1.0
"""Seconds that every such step has."""
MOST_SAID = 50
"""Prompts and sentences that a take keeps."""
SEEN = 30 * FPS
"""Most poses that are looked back on to count; what the older half adds is kept as a number."""
_NOTHING = np.zeros((0, len(JOINTS), 3))


class Director:
    """What is asked of a stream, block by block, in words that the model knows."""

    def __init__(
        self, prompts: Iterable[str], poses: Callable[[], int | None] = lambda: None
    ) -> None:
        """`prompts` is pulled once a block; `poses` says how many the prompt pulled last is for."""
        self._prompts, self._poses = prompts, poses
        self.notes: tuple[str, ...] = ()
        """What the newest prompt was not taken for as it was typed, as sentences."""
        self.said: list[str] = []
        """All such sentences of the stream so far, the newest MOST_SAID."""
        self._asked: str | None = None
        self._heard: list[str] = []
        self._steps: list[Step] = []
        self._open = OPEN
        self._seen, self._counted = _NOTHING, 0.0  # joints of the step, and what came before them
        self._made = self._since = 0  # poses of the stream, and where the step begins in it

    def __iter__(self) -> Iterator[Told]:
        """Yield what the model is to follow."""
        for text in self._prompts:
            if text != self._asked:
                self._begin(text, read(text))
            while len(self._steps) > 1 and self._is_over(self._steps[0]):
                self._steps.pop(0)
                self._enter()
            yield Told(self._steps[0].text, self._steps[0].words)

    def watch(self, stream: Iterable[PoseChunk]) -> Iterator[PoseChunk]:
        """Pass a stream's chunks on, and see what they do."""
        for chunk in stream:
            self._made += len(chunk)
            if self._steps and (kind := self._steps[0].kind) and len(self._steps) > 1:
                self._see(kind, chunk.joints)
            yield chunk

    def forget(self) -> None:
        """Take the next prompt for a new one, even where it reads like the last."""
        self._asked = None

    def info(self) -> dict[str, str]:
        """Return what a take's info says of prompts that were not followed as they were typed."""
        asked = {"asked": "; ".join(self._heard)} if self._heard else {}
        return asked | ({"prompt_notes": " ".join(self.said)} if self.said else {})

    def _begin(self, text: str, reading: Reading) -> None:
        self._asked, self.notes = text, ()
        if not reading.plain:
            self._heard = [*self._heard, text][-MOST_SAID:]
        self._steps = list(reading.steps)
        self._enter()
        if self._steps[-1].count or self._steps[-1].seconds:
            self._steps.append(Step(STILL))
        self._open, poses = OPEN, self._poses()
        if poses is not None:
            fixed = sum(step.seconds or 0 for step in self._steps)
            free = sum(step.seconds is None for step in reading.steps)
            self._open = min(OPEN, max((poses / FPS - fixed) / max(free, 1), LEAST))
        self._say(*reading.notes)

    def _enter(self) -> None:
        self._seen, self._counted = _NOTHING, 0.0
        self._since = self._made + DELAY if self._made else 0

    def _see(self, kind: Kind, joints: np.ndarray) -> None:
        self._seen = np.concatenate([self._seen, joints])
        if len(self._seen) > SEEN:
            newer = self._seen[-SEEN // 2 :]
            # the difference, since what lies across the cut would count in neither half
            self._counted += kind.count(self._seen) - kind.count(newer)
            self._seen = newer

    def _say(self, *notes: str) -> None:
        self.notes = (*self.notes, *notes)
        self.said += [note for note in notes if note not in self.said]
        del self.said[:-MOST_SAID]

    def _is_over(self, step: Step) -> bool:
        """Whether the next pose belongs to the next step."""
        seconds = (self._made + DELAY - self._since) / FPS  # with what is made and held back
        if step.seconds is not None:
            return seconds >= step.seconds
        kind, count = step.kind, step.count or 1
        if kind is None or (step.count is None and not kind.single):
            return seconds >= self._open
        seen = int(self._counted + kind.count(self._seen)) if len(self._seen) else 0
        if seen >= count:
            return seconds >= LEAST or step.count is not None
        if seconds < kind.seconds * (count + 1):
            return False
        if step.count is not None:
            self._say(f"Only {seen} of {count} were seen in {seconds:.0f} s of '{step.text}'.")
        return True
