"""Going back a few seconds: what a dream keeps of its past, so that a part can be dreamt again.

A memento is taken about once a second and holds all that the frames after it depend on: the keys
and values in view, the state of the noise, and the frame's condition, its place with it. What
happened since (keys, settings, a place that was set) takes hardly any memory and is done again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from core.diffusion.sampler import Snapshot
from core.diffusion.static import StreamCache
from core.settings import WorldSettings
from core.video.model import Action

SECONDS = 10
"""How far back one can go."""


@dataclass(frozen=True)
class Standing:
    """What a frame is made from, besides keys, noise and the frames in view."""

    shown: Action | None
    """Condition of the frame before."""
    settings: WorldSettings


@dataclass(frozen=True)
class Memento:
    """Where a dream stood before a frame."""

    index: int
    cache: StreamCache
    snapshot: Snapshot[Action]
    standing: Standing


class History:
    """The mementos of the last seconds, and what happened since the oldest of them."""

    def __init__(self, fps: float) -> None:
        self.every = max(round(fps), 1)
        """Frames between two mementos."""
        self._span = round(SECONDS * fps)
        self._mementos: deque[Memento] = deque()
        self._masks: deque[int] = deque()
        self._changes: dict[int, Standing] = {}

    def wants(self, index: int) -> bool:
        """Tell whether it is time for a memento before frame `index`."""
        return not self._mementos or index - self._mementos[-1].index >= self.every

    def keep(self, memento: Memento) -> None:
        """Add a memento; those that are too old give way."""
        self._mementos.append(memento)
        while len(self._mementos) > 1 and self._mementos[1].index <= memento.index - self._span:
            gone = self._mementos.popleft()
            for _ in range(self._mementos[0].index - gone.index):
                self._masks.popleft()
        self._changes = {i: change for i, change in self._changes.items() if i >= self.first}

    def add(self, mask: int) -> None:
        """Note the keys of the next frame."""
        self._masks.append(mask)

    def note(self, change: Standing) -> None:
        """Note that the next frame is made from something else; the last change counts."""
        self._changes[self.end] = change

    def change(self, frame: int) -> Standing | None:
        """Return what was changed just before a frame."""
        return self._changes.get(frame)

    @property
    def first(self) -> int:
        """The earliest frame that can be made again."""
        return self._mementos[0].index

    @property
    def end(self) -> int:
        """The frame to come."""
        return self.first + len(self._masks)

    def masks(self, frame: int, until: int) -> list[int]:
        """Return the keys of frames `frame` to `until`, that one excluded."""
        return list(self._masks)[frame - self.first : until - self.first]

    def before(self, frame: int) -> Memento:
        """Return the newest memento not after a frame; raise ValueError for one out of reach."""
        if not self.first <= frame <= self.end:
            raise ValueError(
                f"the last {SECONDS} seconds can be gone back to: frame must be in"
                f" {self.first}..{self.end}, got {frame}"
            )
        return next(m for m in reversed(self._mementos) if m.index <= frame)
