"""When the next frame may begin, which keys it is for, and how fast frames are made."""

from __future__ import annotations

MOST_DEBT = 0.5
"""Seconds that a late world may catch up; more is forgotten."""
EVERY = 0.5
"""Seconds between two tallies."""


class Pace:
    """A clock that never hurries: frames that come late are made up for, up to MOST_DEBT.

    A frame that answers a changed key may begin up to a frame early; the mean rate stays.
    """

    def __init__(self, fps: float) -> None:
        self.period = 1 / fps
        self._due: float | None = None

    def delay(self, now: float, *, eager: bool = False) -> float:
        """Return the seconds until the next frame may begin."""
        if self._due is None:
            return 0.0
        return max(self._due - eager * self.period - now, 0.0)

    def late(self, now: float) -> float:
        """Return the seconds since the next frame could have begun."""
        return 0.0 if self._due is None else max(now - self._due, 0.0)

    def begin(self, now: float) -> None:
        """Note that a frame begins."""
        if self._due is None or now - self._due > MOST_DEBT:
            self._due = now
        self._due += self.period

    def rest(self, now: float) -> None:
        """Make up for nothing: there was a pause."""
        if self._due is not None:
            self._due = max(self._due, now)


class KeyMailbox:
    """Mailbox of the held keys. A key pressed and let go between two frames counts for one."""

    def __init__(self) -> None:
        self.mask = 0
        """What is held now."""
        self._seq = self._pressed = self._taken = 0

    def report(self, mask: int, seq: int) -> None:
        """Note what the page holds; `seq` is the number of this change."""
        self._pressed |= mask & ~self.mask
        self.mask, self._seq = mask, seq

    def release(self) -> None:
        """Let go of all keys: the page is gone."""
        self.mask = self._pressed = 0

    @property
    def changed(self) -> bool:
        """Whether the next frame is for other keys than the last one."""
        return self.mask | self._pressed != self._taken

    def take(self) -> tuple[int, int]:
        """Return the keys for the next frame, and the number of the newest change it obeys."""
        mask, self._pressed = self.mask | self._pressed, 0
        self._taken = mask
        # of a key that is up again already, its letting go is still to come
        return mask, self._seq if mask == self.mask else max(self._seq - 1, 0)


class Rates:
    """Frames, and the milliseconds that went into them, since the last tally."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._frames, self._spent, self._waited = 0, 0.0, 0.0

    def count(self, now: float, *, spent: float, waited: float) -> None:
        """Note a frame: milliseconds computed since the last one, and waited for the page."""
        if self._since is None:
            self._since = now
            return
        self._frames += 1
        self._spent += spent
        self._waited += waited

    def take(self, now: float) -> dict[str, float] | None:
        """Return the rates, and begin anew, where enough time has passed."""
        if self._since is None or not self._frames or now - self._since < EVERY:
            return None
        rates = {
            "made_fps": self._frames / (now - self._since),
            "frame_ms": self._spent / self._frames,
            "waited_ms": self._waited / self._frames,
        }
        self._since = now
        self._frames, self._spent, self._waited = 0, 0.0, 0.0
        return rates
