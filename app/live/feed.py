"""What a page has yet to be told; of a take nothing is queued, it is read off the job each time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from app.live.take_buffer import TakeBuffer
from app.protocol import FromServer, Note, State, TakeInfo, pack

BATCH = 200
"""Poses in one message at most, when a page catches up."""
WINDOW = 600
"""Poses sent and not yet acknowledged at most."""


class Packed(NamedTuple):
    """A message that every connection gets anew: packed once, since it may be long."""

    tag: str
    data: bytes

    @classmethod
    def of(cls, item: FromServer) -> Packed:
        """Pack a message; raise ArithmeticError, which is our mistake, for what no page reads."""
        try:
            return cls(item.tag, pack(item))
        except ValueError as error:
            raise ArithmeticError(f"{item.tag}: {error}") from error


class Notes:
    """What a page is told of its newest prompt."""

    def __init__(self) -> None:
        self.packed: Packed | None = None
        """None until there is something to say."""
        self._text = ""

    def put(self, prompt: int, notes: Sequence[str]) -> None:
        """Say this of the prompt with this id from now on."""
        text = " ".join(notes)
        if text != self._text:
            self._text, self.packed = text, Packed.of(Note(id=prompt, text=text))


class Connection:
    """What a visitor, whose lock guards it, tells one page."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake
        """Called, from any thread, when there may be something to send."""
        self.address = ""
        """The machine at its other end."""
        self.farewell = ""
        """Why it is not served any more, if not for a newer one."""
        self._notices: deque[FromServer] = deque(maxlen=8)
        self._told: dict[str, FromServer | Packed] = {}

    def tell(self, notice: FromServer) -> None:
        """Send this once."""
        self._notices.append(notice)
        self.wake()

    def notices(self) -> list[bytes]:
        """Take what is to be sent once."""
        return [pack(self._notices.popleft()) for _ in range(len(self._notices))]

    def news(self, *items: FromServer | Packed) -> list[bytes]:
        """Return those that are other ones than before, by kind."""
        new = [item for item in items if self._told.get(item.tag) is not item]
        self._told |= {item.tag: item for item in new}
        return [item.data if isinstance(item, Packed) else pack(item) for item in new]


class Performance(Protocol):
    """A take in the making, whoever makes it."""

    number: int
    buffer: TakeBuffer

    def introduce(self) -> TakeInfo: ...


class PoseFeed(Connection):
    """One connection's place in the take. Guarded by the lock of its visitor."""

    def __init__(self, wake: Callable[[], None], *, take: int = 0, have: int = 0):
        super().__init__(wake)
        self.received = 0
        self.steered = 0
        """Id of the newest wishes that came this way."""
        self._known = take, have
        self._take = self._cursor = self._marked = 0

    def acknowledge(self, received: int) -> None:
        """Note that the page has all poses before `received`."""
        self.received = max(self.received, min(received, self._cursor))

    def collect(self, job: Performance | None, state: State, *facts: Packed) -> list[bytes]:
        """Messages to send now; empty when the page knows everything or has to catch up first.

        `facts` are what else there is to know; each is sent when it is another one than before.
        """
        out = self.notices()
        if job and self._take != job.number:
            out.append(pack(self._begin(job)))
        out += self.news(state, *facts)
        if job is None or self._cursor - self.received >= WINDOW:
            return out
        poses = job.buffer.read(self._cursor, BATCH)
        if poses:
            for mark in job.buffer.marks:
                if mark.start >= self._marked:
                    self._marked = mark.start + 1
                    out.append(pack(mark))
            self._cursor = poses.first + len(poses.root)
            out.append(pack(poses))
        return out

    def _begin(self, job: Performance) -> TakeInfo:
        take, have = self._known
        self._take = job.number
        self._cursor = self.received = min(have, job.buffer.end) if take == job.number else 0
        self._marked = 0
        return job.introduce()
