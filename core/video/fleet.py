"""Many visitors of one world on one GPU: one graph makes the next frame of all who want one.

A single stream leaves most of a GPU idle. Streams that share a call may come and go, stand at any
frame and hold any keys; what a row that waits computes meanwhile is thrown away. Pictures are
copied out while the next frames are made: ask for them after the next `step`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from core.device import Arriving
from core.diffusion import schedule, whole
from core.diffusion.flow import CLEAN
from core.diffusion.static import Call, StaticCache
from core.video.world import SWARM, Seed, VideoModel


class Pictures:
    """Frames that are on their way from the GPU."""

    def __init__(self, frames: Tensor, rows: list[int]) -> None:
        self._rows, self._frames = rows, Arriving(frames)

    def get(self) -> dict[int, np.ndarray]:
        """Return (H, W, 3) uint8 of each row that was asked for."""
        frames = self._frames.get()
        return {row: frames[row] for row in self._rows}


class Fleet:
    """Up to `rows` streams of one world; not for several threads."""

    def __init__(self, model: VideoModel, rows: int, generator: torch.Generator) -> None:
        """The model needs a static cache; noise for all rows is drawn on the generator's device."""
        dit, cfg = model.dit, model.dit.cfg
        self._model, self._generator, self.rows = model, generator, rows
        cache = dit.new_cache(rows=rows)
        if not isinstance(cache, StaticCache):
            raise ValueError("a fleet needs a model that runs at fixed addresses: `run_static`")
        self._cache = cache
        self._free = list(range(rows))[::-1]
        self._times = [float(t) for t in schedule.times(cfg.steps, cfg.shift)]
        self._courses = np.zeros((rows, 1 + SWARM, 3))
        self._settled = torch.full((1, 1), CLEAN - cfg.context_noise, device=model.device)
        self._x = torch.zeros(rows, *dit.frame_shape, device=model.device)
        self._keys = np.zeros((rows, len(cfg.keys)), np.float32)
        self._where = np.zeros((rows, 3), np.float32)

    @torch.inference_mode()
    def join(self, start: Seed) -> int:
        """Begin a stream and return its row; raise ValueError where all rows are taken."""
        if not self._free:
            raise ValueError(f"all {self.rows} places of this fleet are taken")
        row, model = self._free.pop(), self._model
        tokens = model.encode(start.frames)
        conditions, _ = model.begin(start, tokens)
        self._cache.clear(row)
        keys = np.asarray(start.actions, np.float32)
        places = [action.where for action in conditions if action.where is not None]
        where = np.concatenate(places or [np.zeros((len(tokens), 3))]).astype(np.float32)
        if conditions[-1].course is not None:
            self._courses[row] = conditions[-1].course
        self._x[row], self._keys[row], self._where[row] = tokens[-1], keys[-1], where[-1]
        past = len(tokens) - 1
        if past:  # the newest rides along with the first frame to come
            x = self._noise(past).lerp(tokens[:-1], self._settled[..., None])
            told = [torch.from_numpy(part[:-1]).to(x.device) for part in (keys, where)]
            parts = x, self._settled[0].expand(past), *told
            inputs = [part.expand(self.rows, *part.shape) for part in parts]
            self._cache.call(model.dit.at, inputs, past, [i == row for i in range(self.rows)])
        return row

    def leave(self, row: int) -> None:
        """End a stream."""
        self._free.append(row)

    @torch.inference_mode()
    def step(self, masks: Mapping[int, int]) -> Pictures:
        """Make the next frame of the rows in `masks` under the keys that each one holds."""
        held = np.array([masks.get(row, 0) for row in range(self.rows)])
        chosen = np.array([row in masks for row in range(self.rows)])
        keys = (held[:, None] >> np.arange(self._keys.shape[1]) & 1).astype(np.float32)
        where = self._move(held, chosen)
        pairs = np.stack([self._keys, keys], 1), np.stack([self._where, where], 1)
        noise = self._noise(2, self.rows).transpose(0, 1)
        inputs = [noise, self._x, self._settled, *map(torch.from_numpy, pairs)]
        key = "fleet", *self._times
        self._x, frames = self._cache.run(key, self._made, inputs, 1, chosen.tolist())
        self._keys = np.where(chosen[:, None], keys, self._keys)
        self._where = np.where(chosen[:, None], where, self._where)
        return Pictures(frames, list(masks))

    def _made(
        self, call: Call, noise: Tensor, x: Tensor, settled: Tensor, *told: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the newest frame of each row, as tokens and as a picture."""
        model, kept = self._model, self._cache.stage.wanted.bool()
        new = whole.frames(call, model.dit, [x], noise, settled, told, self._times)[:, 0]
        x = torch.where(kept[:, None, None], new, x)
        return x, *model.decoded(x)

    def _noise(self, *counts: int) -> Tensor:
        shape = *counts, *self._model.dit.frame_shape
        noise = torch.randn(shape, generator=self._generator, device=self._generator.device)
        return noise.to(self._x.device)

    def _move(self, held: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """Return where each row is seen from next, (B, 3)."""
        if (mover := self._model.mover) is None:
            return self._where
        swarm = self._courses.shape[1]
        moved = mover.move(self._courses.reshape(-1, 3), held.repeat(swarm))
        moved[:, 2] %= 360
        moved = moved.reshape(self._courses.shape)
        self._courses = np.where(chosen[:, None, None], moved, self._courses)
        return self._courses[:, 0].astype(np.float32)
