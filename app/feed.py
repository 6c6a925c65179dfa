"""What one WebSocket still has to be told: nothing is queued, it is read off the run each time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from app.protocol import Model, Problem, State, TakeInfo, pack
from app.run import Run

BATCH = 200
"""Poses in one message at most, when a page catches up."""
WINDOW = 600
"""Poses sent and not yet acknowledged at most."""


class Feed:
    """One connection's place in the take. Guarded by the lock of its session."""

    def __init__(self, wake: Callable[[], None], *, take: int = 0, have: int = 0):
        self.wake = wake
        """Called, from any thread, when there may be something to send."""
        self.received = 0
        self._known = take, have
        self._take = self._cursor = self._marked = 0
        self._state: State | None = None
        self._notices: deque[Model | Problem] = deque(maxlen=8)

    def tell(self, notice: Model | Problem) -> None:
        """Send this once."""
        self._notices.append(notice)
        self.wake()

    def acknowledge(self, received: int) -> None:
        """Note that the page has all poses before `received`."""
        self.received = max(self.received, min(received, self._cursor))

    def collect(self, run: Run | None, state: State) -> list[bytes]:
        """Messages to send now; empty when the page knows everything or has to catch up first."""
        out = [pack(self._notices.popleft()) for _ in range(len(self._notices))]
        if run and self._take != run.number:
            out.append(pack(self._begin(run)))
        if self._state is not state:
            self._state = state
            out.append(pack(state))
        if run is None or self._cursor - self.received >= WINDOW:
            return out
        poses = run.recording.read(self._cursor, BATCH)
        if poses:
            for mark in run.recording.marks:
                if mark.start >= self._marked:
                    self._marked = mark.start + 1
                    out.append(pack(mark))
            self._cursor = poses.first + len(poses.root)
            out.append(pack(poses))
        return out

    def _begin(self, run: Run) -> TakeInfo:
        take, have = self._known
        recording = run.recording
        self._take = run.number
        self._cursor = self.received = min(have, recording.end) if take == run.number else 0
        self._marked = 0
        return TakeInfo(
            take=run.number,
            first=recording.first,
            seed=run.request.seed,
            checkpoint=run.request.checkpoint,
        )
