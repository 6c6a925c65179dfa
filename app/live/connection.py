"""One WebSocket of a page: what it still has to be told, besides what it reads off the work."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from app.protocol import FromServer, pack


class Connection:
    """What a visitor, whose lock guards it, tells one page."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake
        """Called, from any thread, when there may be something to send."""
        self.address = ""
        """The machine at its other end."""
        self._notices: deque[FromServer] = deque(maxlen=8)
        self._told: dict[str, FromServer] = {}

    def tell(self, notice: FromServer) -> None:
        """Send this once."""
        self._notices.append(notice)
        self.wake()

    def notices(self) -> list[bytes]:
        """Take what is to be sent once."""
        return [pack(self._notices.popleft()) for _ in range(len(self._notices))]

    def news(self, *items: FromServer) -> list[bytes]:
        """Return those that are other ones than before, by kind."""
        new = [item for item in items if self._told.get(item.tag) is not item]
        self._told |= {item.tag: item for item in new}
        return [pack(item) for item in new]
