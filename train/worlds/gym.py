"""Any Gymnasium environment with pictures, played by a key map (train.worlds.keymap)."""

from __future__ import annotations

from typing import Any

import numpy as np

from train.worlds.keymap import KeyMap
from train.worlds.policy import Keys, Random, fumble


class GymWorld:
    """An environment whose frames are its observations, or what it renders where those are none."""

    states: tuple[str, ...] = ("reward",)

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
