"""Everybody who is here: the table of sessions and what they share."""

from __future__ import annotations

import threading
import time

from app.loader import Loader
from app.session import Session
from app.sharing import Limits, Slots, Turnstile


class Lobby:
    """Finds or makes the session with an id, and forgets those that nobody came back to."""

    def __init__(self, loader: Loader, limits: Limits | None = None):
        self.loader = loader
        self.limits = limits or Limits()
        self.turnstile = Turnstile()
        self.slots = Slots(self.limits.moving)
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def session(self, name: str) -> Session:
        """Return the session with this id; raise ValueError when there is no room for another."""
        with self._lock:
            if name in self._sessions:
                return self._sessions[name]
            gone = self._forgettable()
            if len(self._sessions) - len(gone) >= self.limits.pages:
                raise ValueError(
                    f"This server has {self.limits.pages} pages open already and takes no more. "
                    "Please come back in a few minutes."
                )
            for one in gone:
                self._sessions.pop(one.name).stop()
            session = Session(
                name,
                loader=self.loader,
                turnstile=self.turnstile,
                slots=self.slots,
                limits=self.limits,
            )
            self._sessions[name] = session
            return session

    def find(self, name: str) -> Session:
        """Return a session that exists; raise ValueError otherwise."""
        with self._lock:
            if name not in self._sessions:
                raise ValueError("The server does not know this take any more; generate a new one.")
            return self._sessions[name]

    def _forgettable(self) -> list[Session]:
        """Sessions without a page: all that are too old, and more when the table is full."""
        away = sorted((s for s in self._sessions.values() if s.feed is None), key=lambda s: s.seen)
        old = [s for s in away if time.monotonic() - s.seen > self.limits.forget_seconds]
        surplus = len(self._sessions) - len(old) - self.limits.pages + 1
        return old + away[len(old) : len(old) + max(surplus, 0)]
