"""What a world page still lacks: frames on their way, how many may be, and how good they look.

Never more frames are under way than the line needs to be kept busy: when the page lags, no frames
are made. So nothing queues up, and a key is answered as fast as the line allows.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any

from app.live.feed import Connection
from app.protocol import DreamState, Frame, Tally, pack

LEAST_WINDOW, MOST_WINDOW = 2, 16
"""Frames under way."""
WORST, BEST = 25, 85
"""Quality of the JPEGs."""


class FrameFeed(Connection):
    """One connection of a world page. Guarded by the lock of its visitor."""

    def __init__(self, wake: Callable[[], None]):
        super().__init__(wake)
        self.quality: float = BEST
        self.tally: Tally | None = None
        """To be sent; a newer one takes the place of one that was not."""
        self._unsent: deque[tuple[int, list[bytes]]] = deque()
        self._under_way: dict[int, float] = {}  # index -> when it was sent
        self._trips: deque[float] = deque(maxlen=128)  # seconds from sending to drawn

    def window(self, period: float) -> int:
        """Return how many frames may be under way so that none has to wait for an answer."""
        enough = math.ceil(min(self._trips, default=0.0) / period) + 1
        return min(max(enough, LEAST_WINDOW), MOST_WINDOW)

    def full(self, period: float) -> bool:
        """Tell whether the page has to draw frames before it gets more."""
        return len(self._unsent) + len(self._under_way) >= self.window(period)

    def push(self, index: int, messages: list[bytes]) -> None:
        """Send what belongs to a frame."""
        self._unsent.append((index, messages))
        self.wake()

    def forget_frames(self) -> None:
        """Drop frames of a world that is no more."""
        self._unsent.clear()
        self._under_way.clear()

    def acknowledge(self, index: int, now: float) -> bool:
        """Note that the page has drawn this frame; say whether it was under way."""
        if index not in self._under_way:
            return False
        self._trips.append(now - self._under_way[index])
        # older ones were drawn, too, or skipped
        self._under_way = {i: sent for i, sent in self._under_way.items() if i > index}
        return True

    def judge(self, waited: float, period: float) -> None:
        """Lower the quality when a frame had to wait for the line, else raise it slowly."""
        step = -8 if waited > period / 2 else 0.5
        self.quality = min(max(self.quality + step, WORST), BEST)

    def collect(self, state: DreamState, now: float) -> list[bytes]:
        """Messages to send now."""
        out = self.notices() + self.news(state)
        if self.tally:
            out.append(pack(self.tally))
            self.tally = None
        while self._unsent:
            index, messages = self._unsent.popleft()
            self._under_way[index] = now
            out += messages
        return out


def pack_frame(
    made: Any, flags: int, jpeg: bytes, place: Any, *, seq: int = 0, milliseconds: float = 0.0
) -> bytes:
    """Return the message of a frame, whose index and keys are those of what was `made`."""
    return pack(
        Frame(
            flags=flags,
            mask=made.mask,
            index=made.index,
            seq=seq,
            milliseconds=milliseconds,
            jpeg=jpeg,
            place=place,
        )
    )
