"""An engine as the page knows it, whose models, streams and dreams lie in a cluster's actors.

The same bytes come out of it as out of `core.engine.Engine`. Where an actor dies, another one goes
on from the last pose or frame that was handed out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from app.cluster.actor import Read
from app.cluster.dream import RemoteDream
from app.cluster.pool import Pool
from app.live.loader import moved
from core.body.take import PoseChunk, Take
from core.engine import Engine
from core.settings import WorldSettings
from core.steering.wishes import Steer, Wishes

BODY, FILE = 1.0, 2.0
"""What a body that moves, and a file that is followed, weigh."""
LOOKED_BACK = 1200
"""Poses that are kept of a stream, to go on from: more than any checkpoint looks back on."""
SEEDS = 64
"""Moments of galleries that are kept."""


class ClusterEngine:
    """As `core.engine.Engine`, as far as the page needs it."""

    def __init__(self, pool: Pool, checkpoints: Path, device: str | None = None) -> None:
        """Wait for the pool's models; `checkpoints` are here, too, for their descriptions.

        Raises ValueError where no actor can load them.
        """
        pool.wait()
        on_cpu = device is not None and device.startswith("cpu")
        described = Engine(checkpoints, device if on_cpu else "cpu")
        self.checkpoints, self.names, self.worlds = checkpoints, described.names, described.worlds
        self.card, self.check = described.card, described.check
        self.lanes = len(pool)
        """How many can compute at once."""
        self.seed = lru_cache(SEEDS)(partial(pool.ask, "seed"))
        self.similar, self.manner, self.adjust = (
            partial(pool.ask, name) for name in ("similar", "manner", "adjust")
        )
        self._pool = pool

    def motion(
        self,
        prompts: Iterable[str],
        *,
        after: Take | None = None,
        steer: Steer | None = None,
        **options: Any,
    ) -> RemoteStream:
        return RemoteStream(self._pool, iter(prompts), after, steer, options)

    def follow(
        self, path: Path, *, progress: Callable[[float, str], None] | None = None, **options: Any
    ) -> Any:
        def follow() -> Any:
            file = path.name, path.read_bytes()
            hold, said = self._pool.begin(FILE, "follow", *file, options, aside=True)
            while said.word == "progress":
                if progress:
                    progress(*said.value)
                said = hold.go_on(None, aside=True)
            return said.value

        return self._pool.insist(follow)

    def world_card(self, name: str) -> dict[str, Any]:
        if name not in self._pool.cards:
            raise ValueError(f"world must be one of {', '.join(self.worlds)}, got {name!r}")
        return self._pool.cards[name]

    def seed_picture(self, name: str, number: int) -> np.ndarray:
        return self.seed(name, number).frames[-1]

    def play(
        self,
        checkpoint: str | None,
        *,
        start: int | np.ndarray,
        settings: WorldSettings,
        pause: Callable[[], None],
    ) -> RemoteDream:
        name = checkpoint or self.worlds[0]
        return RemoteDream(self._pool, name, self.world_card(name), start, settings, pause)


class RemoteStream:
    """Poses from an actor, a call for each block; nothing is computed before somebody asks.

    Prompts and wishes are read here when the actor begins a block, so that the newest ones count.
    """

    def __init__(
        self,
        pool: Pool,
        prompts: Iterator[str],
        after: Take | None,
        steer: Steer | None,
        options: dict[str, Any],
    ) -> None:
        self._pool, self._prompts, self._steer, self._options = pool, prompts, steer, options
        self._info = after.info if after else {}
        self._made = deque(after.chunks() if after else ())
        """The newest chunks, LOOKED_BACK poses of them, and before them what it goes on from."""
        self._open()

    def __iter__(self) -> Iterator[PoseChunk]:
        return self

    def __next__(self) -> PoseChunk:
        return self._pool.insist(self._next, self._go_on_elsewhere)

    def _go_on_elsewhere(self) -> None:
        self._open()
        moved.get()()

    def _open(self) -> None:
        """Begin a stream after what there is; raise ValueError for what cannot be."""
        end = Take.from_chunks([*self._made], self._info) if self._made else None
        earlier = self._made[0].first if self._made else 0
        options = {**self._options, "after": end, "earlier": earlier}
        self._sent = self._steer and self._steer.wishes
        self._hold, _ = self._pool.begin(BODY, "motion", self._steer, options)

    def _next(self) -> PoseChunk:
        said = self._hold.go_on(self._news())
        while said.word == "prompt":
            prompt = next(self._prompts, None)
            said = self._hold.go_on(None if prompt is None else (prompt, self._news()))
        if said.word == "over":
            raise StopIteration
        chunk, read = said.value
        if self._steer and read:
            note(self._steer, read)
        self._keep(chunk)
        return chunk

    def _news(self) -> Wishes | None:
        """Return the newest wishes, where the actor does not know them."""
        if self._steer is None or self._steer.wishes is self._sent:
            return None
        self._sent = self._steer.wishes
        return self._sent

    def _keep(self, chunk: PoseChunk) -> None:
        self._made.append(chunk)
        while len(self._made) > 1 and chunk.first - self._made[1].first >= LOOKED_BACK:
            self._made.popleft()


def note(steer: Steer, read: Read) -> None:
    """Write down what came of wishes, as if they had been read here."""
    steer.history += read.history
    steer.report += read.report
    steer.due, steer.words, steer.readings = read.due, read.words, read.readings
