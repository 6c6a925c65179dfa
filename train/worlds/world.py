"""What the recorder plays: a world with its keys, its pictures, and someone who holds keys."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Protocol

import numpy as np

from core.video.actions import Key
from train.worlds.doom import FOV, SIZE, STATES, Doom, Drawn, Place
from train.worlds.policy import Keys, Random, fumble, play, start

FPS = 30
BLOCKS_KEYS = (
    Key(name="W", codes=("KeyW", "ArrowUp"), label="forward"),
    Key(name="S", codes=("KeyS", "ArrowDown"), label="back"),
    Key(name="A", codes=("KeyA",), label="step left"),
    Key(name="D", codes=("KeyD",), label="step right"),
    Key(name="L", codes=("ArrowLeft",), label="turn left"),
    Key(name="R", codes=("ArrowRight",), label="turn right"),
)


class World(Protocol):
    """`reset`, then `choose` and `step` in turn until it has `ended`."""

    name: str
    keys: tuple[Key, ...]
    states: tuple[str, ...]
    size: tuple[int, int]
    fov: float | None
    """Degrees a picture is wide, where the states begin with x, y in units and an angle."""
    fps: int
    ended: bool

    def reset(self, random: Random) -> np.ndarray:
        """Begin anew and return the first frame."""
        ...

    def choose(self) -> Keys:
        """Say which keys the player holds next."""
        ...

    def step(self, keys: Keys) -> np.ndarray:
        """Return the frame that comes of holding keys."""
        ...

    def state(self) -> np.ndarray: ...

    def close(self) -> None: ...


class DrawnWorld:
    """A map of our own, whose player knows its way about."""

    keys: tuple[Key, ...] = BLOCKS_KEYS
    states: tuple[str, ...] = STATES
    fov: float | None = FOV
    fps: int = FPS
    ended: bool = False

    def __init__(self, name: str, size: tuple[int, int] = SIZE, seed: int = 0) -> None:
        self.engine = Drawn(name, size, seed)
        self.name: str = name
        self.size: tuple[int, int] = size
        self.player: Generator[Keys, Place, None] | None = None

    def reset(self, random: Random) -> np.ndarray:
        self.engine.reset(start(random, self.engine.map))
        self.random, self.player = random, None
        return self.engine.frame()

    def choose(self) -> Keys:
        if self.player is None:
            self.player = play(self.random, self.engine.map, self.engine.place())
            return next(self.player)
        return self.player.send(self.engine.place())

    def step(self, keys: Keys) -> np.ndarray:
        self.engine.step(keys)
        return self.engine.frame()

    def state(self) -> np.ndarray:
        return self.engine.place().row()

    def close(self) -> None:
        self.engine.close()


class DoomWorld:
    """Any other ViZDoom map, walked without knowing where."""

    keys: tuple[Key, ...] = BLOCKS_KEYS
    states: tuple[str, ...] = STATES
    fov: float | None = FOV
    fps: int = FPS

    def __init__(self, path: Path, size: tuple[int, int] = SIZE, seed: int = 0) -> None:
        self.engine = Doom(path, size, seed)
        self.name: str = path.stem
        self.size: tuple[int, int] = size
        self.ended: bool = False

    def reset(self, random: Random) -> np.ndarray:
        self.engine.restart()
        self.player = fumble(random, len(self.keys))
        return self._look()

    def choose(self) -> Keys:
        return next(self.player)

    def step(self, keys: Keys) -> np.ndarray:
        self.engine.step(keys)
        return self._look()

    def _look(self) -> np.ndarray:
        # a game that is over shows nothing: its last frame stands for the end
        self.ended = self.engine.ended
        if not self.ended:
            self.picture, self.row = self.engine.frame(), self.engine.place().row()
        return self.picture

    def state(self) -> np.ndarray:
        return self.row

    def close(self) -> None:
        self.engine.close()
