"""The engine, loaded in the background so that the page is there at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import numpy as np

from app.protocol import BodyShape, Checkpoint, Model
from core.motion.body import BODIES, Body
from core.motion.take import PoseChunk

log = logging.getLogger(__name__)


class EngineLike(Protocol):
    """What the page needs of `core.engine.Engine`."""

    names: tuple[str, ...]

    def card(self, name: str) -> dict[str, Any]: ...

    def motion(
        self,
        prompts: Iterable[str],
        *,
        checkpoint: str,
        seed: int,
        stagger: int | None,
        guidance: float | None,
        foot_contacts: bool,
    ) -> Iterator[PoseChunk]: ...


class Loader:
    """Holds the engine once it is there, says so to whoever listens, and keeps failures."""

    def __init__(self, load: Callable[[], EngineLike]):
        self._load = load
        self._done = threading.Event()
        self._listeners: list[Callable[[], None]] = []
        self._engine: EngineLike | None = None
        self._failure = ""
        self._bodies: dict[str, BodyShape] = {}

    def start(self) -> Loader:
        """Begin to load in a thread of its own."""
        threading.Thread(target=self._run, name="load-engine", daemon=True).start()
        return self

    def _run(self) -> None:
        try:
            self._bodies = {name: body_shape(name) for name in BODIES}
            engine = self._load()
            if not engine.names:
                raise ValueError("no motion checkpoint was found")
            self._engine = engine
        except (FileNotFoundError, ValueError) as error:
            log.warning("no model: %s", error)
            self._failure = (
                f"There is no model to move the body: {error}. "
                "The README says how to get or train one; then start the app again."
            )
        except Exception:
            log.exception("the engine cannot be loaded")
            self._failure = "The model could not be loaded; the server's log says why."
        self._done.set()
        while self._listeners:
            self._listeners.pop()()

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds; say whether loading has ended."""
        return self._done.wait(timeout)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` once (from any thread) when loading has ended."""
        self._listeners.append(listener)
        if self._done.is_set() and listener in self._listeners:
            self._listeners.remove(listener)
            listener()

    def engine(self) -> EngineLike:
        """Return the engine; raise ValueError with a sentence while or when there is none."""
        if not self._done.is_set():
            raise ValueError("The model is still loading; try again in a few seconds.")
        if self._engine is None:
            raise ValueError(self._failure)
        return self._engine

    def model(self) -> Model:
        """Describe the model for the page."""
        if not self._done.is_set():
            return Model(state="loading", message="Loading the model ...", bodies=self._bodies)
        if self._engine is None:
            return Model(state="failed", message=self._failure, bodies=self._bodies)
        cards = [checkpoint(name, self._engine.card(name)) for name in self._engine.names]
        return Model(state="ready", checkpoints=cards, bodies=self._bodies)


def checkpoint(name: str, card: dict[str, Any]) -> Checkpoint:
    """Pick what the page shows from a checkpoint's card."""
    known = Checkpoint.__dataclass_fields__
    return Checkpoint(name=name, **{k: v for k, v in card.items() if k in known and k != "name"})


def body_shape(name: str) -> BodyShape:
    """Measure how `Body.place` moves a root, so that the page can do the same."""
    still, moved = Body.load(name).place(np.array([[0, 0, 0], [1, 1, 1]], np.float32))
    x, y, z = (float(value) for value in still)
    return BodyShape(scale=float((moved - still).mean()), offset=(x, y, z))
