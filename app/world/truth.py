"""The real engine under the same keys, where it can be had; never in the dream's way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from app.live.loader import EngineLike, MakeTruth, TruthLike
from app.live.replies import sentence
from app.protocol import UPLOADED

log = logging.getLogger(__name__)


class Seen(NamedTuple):
    """What the engine shows, and where from: x, y and degrees."""

    frame: np.ndarray
    place: tuple[float, float, float]


def look(engine: TruthLike, mask: int) -> Seen:
    """Hold keys for a frame and see what is there."""
    frame, here = engine.step(mask), engine.place()
    return Seen(frame, (here.x, here.y, here.angle))


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
            size = engine.seed_picture(world, start).shape[:2]
            self._engine = make(size, engine.world_card(world)["data"])
            self._engine.reset(state)
        except ValueError as error:
            return sentence(error)
        except Exception:
            log.exception("the real engine cannot be started")
            self.close()
            return "The real engine could not be started; the server's log says why."
        return ""

    def step(self, mask: int) -> Seen | None:
        """Hold these keys for a frame; return what is seen, None where there is no engine."""
        return self._ask(lambda engine: look(engine, mask))

    def stand(self, place: Any) -> None:
        """Stand where somebody put the dream."""
        self._ask(lambda engine: engine.reset((place.x, place.y, place.degrees)))

    def _ask(self, what: Callable[[TruthLike], Any]) -> Any:
        if self._engine is None:
            return None
        try:
            return what(self._engine)
        except Exception:  # its process may be gone at any time
            log.exception("the real engine has ended")
            self.close()
            return None

    def close(self) -> None:
        """Stop the engine."""
        if self._engine:
            self._engine.close()
            self._engine = None
