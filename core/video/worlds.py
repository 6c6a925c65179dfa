"""The engine's keyboard worlds: `Engine.load().video([1] * 60)` walks forward for two seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from core import checkpoint
from core.settings import AUTO
from core.video.dream import Dream, DreamFrame
from core.video.world import Seed, VideoModel


class Worlds:
    """What keys can play, behind plain Python and NumPy types; safe to share by threads."""

    def __init__(self, checkpoints: Path, device: str) -> None:
        self._folder, self._device = checkpoints, device
        self._worlds: dict[str, VideoModel] = {}
        self._worlds_lock = threading.Lock()
        self.worlds = tuple(
            path.parent.name
            for path in sorted(checkpoints.glob("*/config.json"))
            if checkpoint.describe(path.parent).get("kind") == "frame-dit"
        )
        """Names of worlds, the one to begin with first."""

    def world(self, name: str | None = None) -> VideoModel:
        """Return a world's model, loaded at first use; raise ValueError for unknown names."""
        if not self.worlds:
            raise ValueError(f"no world in {self._folder}; train one or copy a checkpoint there")
        name = name or self.worlds[0]
        if name not in self.worlds:
            raise ValueError(f"world must be one of {', '.join(self.worlds)}, got {name!r}")
        with self._worlds_lock:
            if name not in self._worlds:
                self._worlds[name] = VideoModel.load(self._folder / name, self._device)
            return self._worlds[name]

    def world_card(self, name: str) -> dict[str, Any]:
        """Return a world's size, keys, seeds, default settings and licence."""
        model = self.world(name)
        cfg, about = model.dit.cfg, checkpoint.describe(self._folder / name)["about"]
        height, width = model.size
        return {
            "name": name, "width": width, "height": height, "fps": cfg.fps, "keys": cfg.keys,
            "steps": cfg.steps, "context_noise": cfg.context_noise,
            "context": cfg.prefix + cfg.context, "most_together": cfg.most_together,
            "seeds": [seed.title for seed in model.seeds],
            "licence": about.get("licence", "unknown"), "data": ", ".join(about.get("data", {})),
        }  # fmt: skip

    def seed(self, name: str | None, number: int) -> Seed:
        """Return a moment to start from; raise ValueError for a number beyond the gallery."""
        seeds = self.world(name).seeds
        if not seeds:
            raise ValueError("this world has no gallery; start must be a picture")
        if not 0 <= number < len(seeds):
            raise ValueError(f"start must be in 0..{len(seeds) - 1} or a picture, got {number}")
        return seeds[number]

    def seed_picture(self, name: str, number: int) -> np.ndarray:
        """Return the newest frame (H, W, 3) of a seed."""
        return self.seed(name, number).frames[-1]

    def play(
        self,
        checkpoint: str | None = None,
        *,
        seed: int = 0,
        start: int | np.ndarray = 0,
        steps: int | None = None,
        context_noise: float | None = None,
        ahead: int = AUTO,
        together: int = 1,
    ) -> Dream:
        """Begin a world at a seed of its gallery or at any picture (h, w, 3) uint8.

        Settings left out are the checkpoint's own. Raises ValueError for settings out of range.
        """
        model = self.world(checkpoint)
        if isinstance(start, int):
            moment = self.seed(checkpoint, start)
        else:
            unknown = np.full((1, len(model.dit.cfg.keys)), -1, np.float32)
            moment = Seed("a picture", model.fit(start)[None], unknown, np.empty(0))
        return Dream(
            model, moment, seed=seed, steps=steps, context_noise=context_noise, ahead=ahead,
            together=together,
        )  # fmt: skip

    def video(
        self,
        masks: Iterable[int],
        *,
        checkpoint: str | None = None,
        seed: int = 0,
        start: int | np.ndarray = 0,
        steps: int | None = None,
        context_noise: float | None = None,
        together: int = 1,
    ) -> Iterator[DreamFrame]:
        """Stream one frame for each mask of held keys; see `play` for the rest."""
        dream = self.play(
            checkpoint, seed=seed, start=start, steps=steps, context_noise=context_noise,
            ahead=0, together=together,
        )  # fmt: skip
        return (dream.step(mask) for mask in masks)
