"""Any Gymnasium environment with pictures, played by a key map (train.worlds.gym)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from core.config import Config
from core.video.actions import Key
from train.worlds.policy import Keys, Random, fumble


class KeyMap(Config):
    """Keys and what they do; exactly one of `actions` and `vectors` is given."""

    keys: tuple[Key, ...]
    actions: dict[str, int] | None = None
    vectors: dict[str, tuple[float, ...]] | None = None

    def held(self, keys: tuple[int, ...]) -> frozenset[str]:
        return frozenset(key.name for key, on in zip(self.keys, keys, strict=True) if on)

    def action(self, keys: tuple[int, ...]) -> int | np.ndarray:
        """Return the action for held keys, 0 or 1 each."""
        held = self.held(keys)
        if self.actions is not None:
            inside = [names for names in self.actions if held >= set(names)]
            return self.actions[max(inside, key=len)]  # of equals, the one listed first
        assert self.vectors is not None
        vector = np.asarray(self.vectors[""], np.float32)
        return sum((np.asarray(self.vectors[name], np.float32) for name in sorted(held)), vector)


def check_keymap(keymap: KeyMap) -> None:
    """Raise ValueError for a map that leaves a question open."""
    names = [key.name for key in keymap.keys]
    if not names or len(set(names)) < len(names) or any(len(name) != 1 for name in names):
        raise ValueError("a key map needs keys, each with a name of one letter of its own")
    if (keymap.actions is None) == (keymap.vectors is None):
        raise ValueError('a key map needs either "actions" or "vectors"')
    table = keymap.actions if keymap.actions is not None else keymap.vectors
    assert table is not None
    if "" not in table:
        raise ValueError('a key map must say what nothing held means, under the name ""')
    unknown = sorted(set("".join(table)) - set(names))
    if unknown:
        raise ValueError(f"the key map uses {' '.join(unknown)}, which is none of its keys")
    if keymap.vectors is not None:
        if set(keymap.vectors) != {"", *names}:
            raise ValueError('"vectors" needs "" and every key, and no sets of keys')
        if len({len(vector) for vector in keymap.vectors.values()}) > 1:
            raise ValueError('all "vectors" of a key map must be of one length')


def read_keymap(path: Path) -> KeyMap:
    """Read a key map; raise ValueError, in a sentence, for a bad one."""
    if not path.is_file():
        raise ValueError(f"there is no key map at {path}")
    try:
        keymap = KeyMap.model_validate_json(path.read_text())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ValueError(f"bad key map {path.name}: {where}: {first['msg']}") from None
    check_keymap(keymap)
    return keymap


class GymWorld:
    """An environment whose frames are its observations, or what it renders where those are none."""

    states: tuple[str, ...] = ("reward",)
    fov: float | None = None

    def __init__(self, env: str, keymap: KeyMap, size: tuple[int, int]) -> None:
        try:
            import gymnasium
        except ImportError as error:
            raise ValueError("this needs Gymnasium: pip install gymnasium") from error
        try:
            self.env = gymnasium.make(env, render_mode="rgb_array")
        except (gymnasium.error.Error, ModuleNotFoundError) as error:
            raise ValueError(f"cannot make the environment {env!r}: {error}") from error
        self.name, self.keys, self.size, self.keymap = env, keymap.keys, size, keymap
        self.ended, self.reward = False, 0.0
        self.fps = int(self.env.metadata.get("render_fps", 30))
        self.check()

    def check(self) -> None:
        """Raise ValueError for an action that the environment does not know."""
        space = self.env.action_space
        if self.keymap.actions is not None:
            known = getattr(space, "n", None)
            wrong = [i for i in self.keymap.actions.values() if known is None or not 0 <= i < known]
        else:
            length = len(self.keymap.action((0,) * len(self.keys)))  # pyright: ignore[reportArgumentType]
            wrong = [length] if space.shape != (length,) else []
        if wrong:
            raise ValueError(
                f"the key map's {wrong[0]} does not fit {self.name}'s actions: {space}"
            )

    def reset(self, random: Random) -> np.ndarray:
        seen, _ = self.env.reset(seed=int(random.integers(2**31)))
        self.player = fumble(random, len(self.keys))
        self.ended, self.reward = False, 0.0
        return self.frame(seen)

    def choose(self) -> Keys:
        return next(self.player)

    def step(self, keys: Keys) -> np.ndarray:
        action: Any = self.keymap.action(keys)
        space = self.env.action_space
        if isinstance(action, np.ndarray):
            bounds = getattr(space, "low", 0), getattr(space, "high", getattr(space, "nvec", 2) - 1)
            action = np.clip(action, *bounds).astype(space.dtype)
        seen, reward, terminated, truncated, _ = self.env.step(action)
        self.ended, self.reward = terminated or truncated, float(reward)
        return self.frame(seen)

    def frame(self, seen: Any) -> np.ndarray:
        """Return an observation, or else a rendered picture, in the size of the set."""
        import cv2

        picture: Any = seen
        if not is_picture(seen):
            picture = self.env.render()
        if not is_picture(picture):
            raise ValueError(f"{self.name} has no pictures: its frames are not (H, W, 3) of 0..255")
        return cv2.resize(picture, self.size[::-1], interpolation=cv2.INTER_AREA)

    def state(self) -> np.ndarray:
        return np.asarray([self.reward], np.float32)

    def close(self) -> None:
        self.env.close()


def is_picture(seen: Any) -> bool:
    if not isinstance(seen, np.ndarray) or seen.dtype != np.uint8:
        return False
    return seen.ndim == 3 and seen.shape[-1] == 3
