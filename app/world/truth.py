"""The real engine under the same keys, where it can be had; never in the dream's way."""

from __future__ import annotations

import logging

import numpy as np

from app.live.loader import EngineLike, MakeTruth, TruthLike
from app.live.replies import sentence
from app.protocol import UPLOADED

log = logging.getLogger(__name__)


class TruthRunner:
    """Walks along with one world."""

    def __init__(self) -> None:
        self._engine: TruthLike | None = None

    def open(self, engine: EngineLike, world: str, start: int, make: MakeTruth | None) -> str:
        """Stand where the world begins; return a sentence where that cannot be."""
        if make is None:
            return "This server does not show the real engine; start the app with --truth."
        state = () if start == UPLOADED else engine.seed(world, start).state
        if not len(state):
            return "The real engine cannot be shown: nobody knows where this picture was taken."
        try:
            self._engine = make(engine.seed_picture(world, start).shape[:2])
            self._engine.reset(state)
        except ValueError as error:
            return sentence(error)
        except Exception:
            log.exception("the real engine cannot be started")
            self.close()
            return "The real engine could not be started; the server's log says why."
        return ""

    def step(self, mask: int) -> np.ndarray | None:
        """Hold these keys for a frame; return the picture, None where there is none."""
        if self._engine is None:
            return None
        try:
            return self._engine.step(mask)
        except Exception:  # its process may be gone at any time
            log.exception("the real engine has ended")
            self.close()
            return None

    def close(self) -> None:
        """Stop the engine."""
        if self._engine:
            self._engine.close()
            self._engine = None
