"""The engine, loaded in the background so that the page is there at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from app.protocol import BodyShape, Checkpoint, KeyInfo, Model, WorldCard, Worlds
from core.body.mesh import BODIES, Body
from core.body.take import PoseChunk, Take
from core.settings import CaptureSettings, MotionSettings, WorldSettings
from core.steering.wishes import Steer

HELP = "The README says how to get or train one; then start the app again."
UNLOADED = "This server could not load its models; its host finds why in the log."
"""All that visitors are told: reasons name folders and machines."""

log = logging.getLogger(__name__)


def _unheard() -> None:
    """Tell nobody."""


moved: ContextVar[Callable[[], None]] = ContextVar("moved", default=_unheard)
"""Called by an engine where it had to go on elsewhere, from what was made before."""


class EngineLike(Protocol):
    """What the page needs of `core.engine.Engine`."""

    checkpoints: Path
    names: tuple[str, ...]
    worlds: tuple[str, ...]
    # `lanes`, where there is one: how many threads may compute at once; else as many as cores

    def card(self, name: str) -> dict[str, Any]: ...

    def check(self, name: str, settings: MotionSettings) -> None: ...

    def motion(
        self,
        prompts: Iterable[str],
        *,
        checkpoint: str,
        settings: MotionSettings,
        after: Take | None = None,
        manner: Any = None,
        steer: Steer | None = None,
    ) -> Iterator[PoseChunk]: ...

    def follow(
        self,
        path: Path,
        *,
        settings: CaptureSettings,
        progress: Callable[[float, str], None] | None,
        apart: bool,
    ) -> Any: ...

    def adjust(self, capture: Any, *, tilt: float, lens: float, turned: bool) -> Any: ...

    def similar(self, what: Take | str, count: int, *, checkpoint: str | None) -> list[Any]: ...

    def manner(
        self, take: Take | None, prompt: str, *, weight: float, checkpoint: str | None
    ) -> Any: ...

    def world_card(self, name: str) -> dict[str, Any]: ...

    def seed(self, name: str, number: int) -> Any: ...

    def seed_picture(self, name: str, number: int) -> np.ndarray: ...

    def play(
        self,
        checkpoint: str | None,
        *,
        start: int | np.ndarray,
        settings: WorldSettings,
        pause: Callable[[], None],
    ) -> Any: ...


class TruthLike(Protocol):
    """What the page needs of `train.worlds.doom.Truth`, the real engine."""

    def reset(self, state: Any) -> np.ndarray: ...

    def step(self, mask: int) -> np.ndarray: ...

    def place(self) -> Any:
        """Return where that is seen from: x, y, angle."""
        ...

    def close(self) -> None: ...


LEAVE_SECONDS = 10
"""How long the server's end waits for a model that is being loaded."""
MakeTruth = Callable[[tuple[int, int], str], TruthLike]
"""Starts the real engine: height and width of its frames, and what a world was dreamt of."""


class Loader:
    """Holds the engine once it is there, says so to whoever listens, and keeps failures."""

    def __init__(self, load: Callable[[], EngineLike], *, truth: MakeTruth | None = None):
        self.truth = truth
        """Starts the real engine of the worlds; None where it is not to be shown."""
        self.engine_known: Future[None] = Future()
        self.worlds_known: Future[None] = Future()
        self._load = load
        self._engine: EngineLike | None = None
        self._bodies: dict[str, BodyShape] = {}
        self._worlds: list[WorldCard] = []
        self._thread = threading.Thread(target=self._run, name="load-engine", daemon=True)
        self._closed = False

    def start(self) -> Loader:
        """Begin to load in a thread of its own."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Load nothing more; wait for what is being loaded, which must not outlive its library."""
        self._closed = True
        self._thread.join(LEAVE_SECONDS)

    def _run(self) -> None:
        try:
            self._bodies = {name: body_shape(name) for name in BODIES}
            self._engine = self._load()
        except (FileNotFoundError, ValueError) as error:
            log.error("the models cannot be loaded: %s", error)
        except Exception:
            log.exception("the models cannot be loaded")
        self.engine_known.set_result(None)
        if self._engine:
            self._worlds = list(self._read_worlds(self._engine))
        self.worlds_known.set_result(None)

    def _read_worlds(self, engine: EngineLike) -> Iterator[WorldCard]:
        """Load all worlds, so that none of them has to be waited for later."""
        for name in engine.worlds:
            if self._closed:
                return
            try:
                yield world_card(engine, name, truth=self.truth is not None)
            except Exception:
                log.exception("the world %s cannot be loaded", name)

    @property
    def engine_ready(self) -> bool:
        """Whether there is an engine to be had."""
        return self.engine_known.done() and self._engine is not None

    def engine(self) -> EngineLike:
        """Return the engine; raise ValueError with a sentence while or when there is none."""
        if not self.engine_known.done():
            raise ValueError("The model is still loading; try again in a few seconds.")
        if self._engine is None:
            raise ValueError(UNLOADED)
        return self._engine

    def model(self) -> Model:
        """Describe the motion models for the page."""
        if not self.engine_known.done():
            return Model(state="loading", message="Loading the model ...", bodies=self._bodies)
        if self._engine is None or not self._engine.names:
            message = f"There is no model to move the body. {HELP}" if self._engine else UNLOADED
            return Model(state="failed", message=message, bodies=self._bodies)
        cards = [checkpoint(name, self._engine.card(name)) for name in self._engine.names]
        return Model(state="ready", checkpoints=cards, bodies=self._bodies)

    def worlds(self) -> Worlds:
        """Describe the worlds for the page."""
        if not self.worlds_known.done():
            return Worlds(state="loading", message="Loading the worlds ...")
        if not self._worlds:
            none = self._engine is not None and not self._engine.worlds
            message = f"There is no world to play on this server. {HELP}" if none else UNLOADED
            return Worlds(state="failed", message=message)
        return Worlds(state="ready", worlds=self._worlds)


def known_fields(kind: type, card: dict[str, Any]) -> dict[str, Any]:
    """Pick what a message holds from a card."""
    return {name: card[name] for name in kind.__dataclass_fields__ if name in card}


def checkpoint(name: str, card: dict[str, Any]) -> Checkpoint:
    """Pick what the page shows of a motion checkpoint's card."""
    return Checkpoint(**{**known_fields(Checkpoint, card), "name": name})


def world_card(engine: EngineLike, name: str, *, truth: bool) -> WorldCard:
    """Pick what the page shows of a world's card."""
    card = engine.world_card(name)
    keys = [KeyInfo(name=k.name, codes=tuple(k.codes), label=k.label) for k in card["keys"]]
    placed = truth and any(len(engine.seed(name, i).state) for i in range(len(card["seeds"])))
    return WorldCard(**{**known_fields(WorldCard, card), "keys": keys, "truth": placed})


def body_shape(name: str) -> BodyShape:
    """Measure how `Body.place` moves a root, so that the page can do the same."""
    still, moved = Body.load(name).place(np.array([[0, 0, 0], [1, 1, 1]], np.float32))
    x, y, z = (float(value) for value in still)
    return BodyShape(scale=float((moved - still).mean()), offset=(x, y, z))
