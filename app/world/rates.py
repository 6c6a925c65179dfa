"""How fast a world is made: counts between two tallies."""

from __future__ import annotations

EVERY = 0.5
"""Seconds between two tallies."""


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
