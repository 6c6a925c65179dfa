"""A world that an actor dreams, as the page knows it."""

from __future__ import annotations

import contextlib
import copy
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from app.cluster.pool import Lost, Pool
from app.live.loader import moved
from core.engine import DreamFrame, Seed
from core.settings import WorldSettings
from core.video.actions import Key, to_bits

PLAY = 3.0
"""What a world that is played weighs, beside a body that moves."""


class RemoteDream:
    """As `core.video.dream.Dream`; where its actor dies, another begins at the last frames."""

    def __init__(
        self,
        pool: Pool,
        world: str,
        card: dict[str, Any],
        start: int | np.ndarray | Seed,
        settings: WorldSettings,
        pause: Callable[[], None],
    ) -> None:
        self.fps, self.keys = card["fps"], card["keys"]
        self.fit: float | None = None
        self._pool, self._world, self._start, self._seed = pool, world, start, settings.seed
        self._seen = deque[DreamFrame](maxlen=card["context"])
        """The newest frames: what it looks back on."""
        self._first = self._index = 0
        """Numbers of this actor's first frame, and of the next one."""
        self._branch = False
        self._open(start, settings, pause)

    def _open(
        self,
        start: int | np.ndarray | Seed,
        settings: WorldSettings,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        options = {"start": start, "settings": settings}
        self._hold, said = self._pool.begin(PLAY, "play", self._world, options)
        while said.word == "pause":
            pause()
            said = self._hold.go_on(None)
        fit, self._standing = said.value
        self.fit = self.fit if self._index else fit

    def _go_on_elsewhere(self) -> None:
        """Begin anew at the last frames and where they were seen from."""
        if self._branch:
            raise ValueError("this past is lost, with the machine that kept it")
        settings = WorldSettings(seed=self._seed, **self.settings)
        self._first = self._index
        self._open(moment(self._seen, self.keys) if self._seen else self._start, settings)
        moved.get()()

    def _do(self, method: str, *arguments: Any, **named: Any) -> Any:
        def do() -> Any:
            value, self._standing = self._hold.call(method, *arguments, **named)
            return value

        return self._pool.insist(do, self._go_on_elsewhere)

    # ---- where it stands

    @property
    def tally(self) -> Any:
        return self._standing.tally

    @property
    def place(self) -> Any:
        return self._standing.place

    @property
    def settings(self) -> dict[str, Any]:
        return self._standing.settings

    @property
    def past(self) -> range:
        past = self._standing.past
        return range(past.start + self._first, past.stop + self._first)

    # ---- what it does

    def step(self, mask: int) -> DreamFrame:
        made = replace(self._do("step", mask), index=self._index)
        self._index += 1
        self._seen.append(made)
        return made

    def draft(self) -> bool:
        return self._do("draft")

    def tune(self, **settings: Any) -> None:
        self._do("tune", **settings)

    def check_place(self, x: float, y: float, degrees: float | None = None) -> None:
        with contextlib.suppress(Lost):  # whoever stands there is told
            self._hold.call("check_place", x, y, degrees, aside=True)

    def stand(self, x: float, y: float, degrees: float | None = None) -> None:
        self._do("stand", x, y, degrees)

    def context(self) -> np.ndarray:
        return self._do("context")

    def masks(self, frame: int) -> list[int]:
        return self._do("masks", frame - self._first)

    def branch(self, frame: int) -> RemoteDream:
        *_, other = self.approach(frame)
        return other

    def approach(self, frame: int) -> Iterator[RemoteDream]:
        other, talk = copy.copy(self), self._hold.beside()
        other._hold, other._branch, other._seen = self._hold.beside(), True, deque(maxlen=0)
        numbers = self._hold.number, other._hold.number
        try:
            said = talk.begin("approach", *numbers, frame - self._first)
            while said.word == "there":
                other._standing = said.value
                other._index = other.past.stop - 1
                yield other
                said = talk.go_on(None)
        except Lost:
            other._go_on_elsewhere()


def moment(seen: Iterable[DreamFrame], keys: Sequence[Key]) -> Seed:
    """Return frames that were dreamt as something to start from."""
    frames = [*seen]
    places = [frame.place for frame in frames]
    path = [(place.x, place.y, place.degrees) for place in places if place]
    return Seed(
        "where it was",
        np.stack([frame.frame for frame in frames]),
        np.array([to_bits(frame.mask, keys) for frame in frames], np.float32),
        np.empty(0),
        np.array(path).reshape(-1, 3),
    )
