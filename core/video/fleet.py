"""Many visitors of one world on one GPU: one call makes the next frame of all who want one.

A single stream leaves most of a GPU idle. Streams that share a call may come and go, stand at any
frame and hold any keys; what a row that waits computes meanwhile is thrown away. Pictures are
copied out while the next frames are made: ask for them after the next `step`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import torch
from torch import Tensor

from core.device import Arriving
from core.diffusion import schedule
from core.diffusion.flow import CLEAN
from core.diffusion.graphs import Graphs
from core.diffusion.static import StaticCache
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
        self._graphs = Graphs(model.device)
        self._free = list(range(rows))[::-1]
        self._times = [float(t) for t in schedule.times(cfg.steps, cfg.shift)]
        self._settled = CLEAN - cfg.context_noise
        self._courses = np.zeros((rows, 1 + SWARM, 3))
        device = model.device
        self._x = torch.zeros(rows, *dit.frame_shape, device=device)
        self._keys = torch.zeros(rows, len(cfg.keys), device=device)
        self._where = torch.zeros(rows, 3, device=device)

    @torch.inference_mode()
    def join(self, start: Seed) -> int:
        """Begin a stream and return its row; raise ValueError where all rows are taken."""
        if not self._free:
            raise ValueError(f"all {self.rows} places of this fleet are taken")
        row, model = self._free.pop(), self._model
        tokens = model.encode(start.frames)
        conditions, _ = model.begin(start, tokens)
        keys = torch.cat([action.keys for action in conditions])
        self._cache.clear(row)
        places = [action.where for action in conditions if action.where is not None]
        where = torch.from_numpy(np.concatenate(places or [np.zeros((len(tokens), 3))]))
        where = where.float().to(tokens.device)
        if conditions[-1].course is not None:
            self._courses[row] = conditions[-1].course
        self._x[row], self._keys[row], self._where[row] = tokens[-1], keys[-1], where[-1]
        past = len(tokens) - 1
        if past:  # the newest rides along with the first frame to come
            x = self._noise(past).lerp(tokens[:-1], self._settled)
            t = torch.full((1, past), self._settled, device=x.device)
            self._call(x[None], t, keys[None, :-1], where[None, :-1], past, {row})
        return row

    def leave(self, row: int) -> None:
        """End a stream."""
        self._free.append(row)

    @torch.inference_mode()
    def step(self, masks: Mapping[int, int]) -> Pictures:
        """Make the next frame of the rows in `masks` under the keys that each one holds."""
        held = np.array([masks.get(row, 0) for row in range(self.rows)])
        chosen = np.array([row in masks for row in range(self.rows)])
        bits = held[:, None] >> np.arange(self._keys.shape[1]) & 1
        keys = torch.from_numpy(bits).float().to(self._x.device, non_blocking=True)
        where = self._move(held, chosen)
        noise = self._noise(2, self.rows)
        x, past = noise[0][:, None], noise[1].lerp(self._x, self._settled)[:, None]
        for k, (t, t_next) in enumerate(zip(self._times, self._times[1:], strict=False)):
            ride = int(k == 0)  # the finished frame is kept from the first call
            times = [self._settled] * ride + [t]
            v = self._call(
                torch.cat([past, x], 1) if ride else x,
                torch.tensor([times]).to(x.device, non_blocking=True),
                torch.stack([self._keys, keys], 1) if ride else keys[:, None],
                torch.stack([self._where, where], 1) if ride else where[:, None],
                ride,
                masks.keys(),
            )
            x = x + (t_next - t) * v[:, ride:]
        kept = torch.from_numpy(chosen).to(x.device, non_blocking=True)[:, None]
        self._x = torch.where(kept[..., None], x[:, 0], self._x)
        self._keys = torch.where(kept, keys, self._keys)
        self._where = torch.where(kept, where, self._where)
        (frames,) = self._graphs("decode", self._model.decoded, [self._x])
        return Pictures(frames, list(masks))

    def _call(
        self, x: Tensor, t: Tensor, keys: Tensor, where: Tensor, commit: int, rows: Collection[int]
    ) -> Tensor:
        """Return velocities; what has one row is for all of them."""
        inputs = [part.expand(self.rows, *part.shape[1:]) for part in (x, t, keys, where)]
        wanted = [row in rows for row in range(self.rows)]
        return self._cache.call(self._model.dit.at, inputs, commit, wanted)

    def _noise(self, *counts: int) -> Tensor:
        shape = *counts, *self._model.dit.frame_shape
        noise = torch.randn(shape, generator=self._generator, device=self._generator.device)
        return noise.to(self._x.device)

    def _move(self, held: np.ndarray, chosen: np.ndarray) -> Tensor:
        """Return where each row is seen from next, (B, 3)."""
        if (mover := self._model.mover) is None:
            return self._where
        swarm = self._courses.shape[1]
        moved = mover.move(self._courses.reshape(-1, 3), held.repeat(swarm))
        moved[:, 2] %= 360
        moved = moved.reshape(self._courses.shape)
        self._courses = np.where(chosen[:, None, None], moved, self._courses)
        where = torch.from_numpy(self._courses[:, 0]).float()
        return where.to(self._x.device, non_blocking=True)
