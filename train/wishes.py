"""Windows of recordings with wishes that they fulfil, for `train.steer`.

Wishes need no labels: where a recording goes next, and which poses it comes through, is what a
visitor could have wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from core.body.skeleton import FPS, INDEX, JOINTS
from core.motion import conditions
from core.motion.conditions import WIDTH, Conditions
from core.motion.vae import STRIDE
from train.latents import LatentBatch, LatentSet, Window

MIXTURE = {"drive": 0.35, "points": 0.25, "path": 0.15, "keys": 0.15, "parts": 0.1}
"""Kinds of wishes and the share of rows that have them."""
SECOND = 0.2
"""Share of rows with wishes of a second kind."""
PLACE_NOISE, ANGLE_NOISE = 0.03, 0.05
"""Meters and radians by which wishes are off, as users' are."""
PARTS = ("left_wrist", "right_wrist", "left_ankle", "right_ankle", "head")


class SteerBatch(NamedTuple):
    """A batch of windows with what is wanted of them."""

    base: LatentBatch
    kinds: Tensor
    times: Tensor
    numbers: Tensor
    mask: Tensor
    paths: Tensor
    """(B, T * P, 3): x, z and yaw after every latent that is not history; else zeros."""
    wanted: Tensor
    """(B, T * P) true where a path's point was wanted."""


class SteerSet(LatentSet):
    """Windows of recordings, each with wishes that it fulfils."""

    def _collate(self, windows: list[Window]) -> SteerBatch:  # pyright: ignore
        base = super()._collate(windows)
        rows = [self._wishes(window) for window in windows]
        most = max(max(len(told) for told, _ in rows), 1)
        kinds, times = torch.zeros(len(rows), most, dtype=torch.long), torch.zeros(len(rows), most)
        numbers = torch.zeros(len(rows), most, WIDTH)
        mask = torch.zeros(len(rows), most, dtype=torch.bool)
        latents = base.latents.shape[1]
        paths, wanted = torch.zeros(len(rows), latents, 3), torch.zeros(len(rows), latents) > 0
        for i, ((told, at), window) in enumerate(zip(rows, windows, strict=True)):
            n = len(told)
            kinds[i, :n], times[i, :n] = torch.from_numpy(told.kinds), torch.from_numpy(told.times)
            numbers[i, :n], mask[i, :n] = torch.from_numpy(told.numbers), True
            mask[i, 0] |= n == 0  # softmax over nothing is no number; a zero token says nothing
            ends = conditions.path(window.features)[STRIDE::STRIDE]
            first = window.history * self.block
            ends = torch.from_numpy(ends[: latents - first]).float()
            paths[i, first : first + len(ends)] = ends
            for latent in at:
                if latent < len(ends):
                    wanted[i, first + latent] = True
        return SteerBatch(base, kinds, times, numbers, mask, paths, wanted)

    def batches(self, batch: int, joined_share: float = 0.15) -> Iterator[SteerBatch]:  # pyright: ignore
        """Yield random batches for ever."""
        yield from super().batches(batch, joined_share)  # pyright: ignore

    def _wishes(self, window: Window) -> tuple[Conditions, list[int]]:
        """Return wishes that a window fulfils, and the latents at which its path was wanted."""
        x, rng = window.features, self.rng
        path = conditions.path(x)
        smooth = int(rng.choice([0, 5, 10]))  # users' paths are smoother than a pelvis
        if smooth and len(path) > 4:
            path = gaussian_filter1d(path, smooth, axis=0, mode="nearest")
            path = path - path[0] * [1, 1, 0]
        rows: list[tuple[str, float, np.ndarray]] = []
        at: list[int] = []
        names = list(MIXTURE)
        chosen = [str(rng.choice(names, p=list(MIXTURE.values())))]
        if rng.random() < SECOND:
            chosen.append(str(rng.choice(names)))
        for kind in dict.fromkeys(chosen):
            if kind in ("drive", "path"):
                rows += self._drives(path, at)
            if kind in ("points", "path"):
                rows += self._points(path, at)
            if kind in ("keys", "parts"):
                rows += self._keys(x, path, at, whole=kind == "keys")
        return conditions.gather(rows), at

    def _noisy(self, place: np.ndarray) -> np.ndarray:
        return place + self.rng.normal(0, PLACE_NOISE, 2)

    def _facing(self, yaw: float, share: float = 0.5) -> float | None:
        if self.rng.random() > share:
            return None
        return float(yaw + self.rng.normal(0, ANGLE_NOISE))

    def _drives(self, path: np.ndarray, at: list[int]) -> list[tuple[str, float, np.ndarray]]:
        per_block, rows = self.block * STRIDE, []
        facing = self.rng.random() < 0.7
        for k in range(1, int(self.rng.integers(1, conditions.AHEAD + 1)) + 1):
            now, end = (k - 1) * per_block, k * per_block - 1
            if end >= len(path):
                break
            way, seconds = path[end] - path[now], (end - now) / FPS
            angle = self._facing(path[end, 2], 1.0) if facing else None
            speed, turn = float(np.hypot(*way[:2])) / seconds, float(way[2]) / seconds
            told = conditions.drive(self._noisy(path[end, :2]), angle, speed, turn)
            rows.append(("drive", end / FPS, told))
            at.append(end // STRIDE)
        return rows

    def _times(self, length: int, most: int) -> np.ndarray:
        """Return poses at which something is wanted: few, at gaps of all sizes."""
        number = min(1 + int(self.rng.geometric(0.5)), most)
        low, high = min(FPS // 2, length - 1), length - 1
        if high <= low:
            return np.array([high])
        times = np.exp(self.rng.uniform(np.log(low + 1), np.log(high + 1), number)).astype(int) - 1
        return np.unique(times)

    def _points(self, path: np.ndarray, at: list[int]) -> list[tuple[str, float, np.ndarray]]:
        rows = []
        for pose in self._times(len(path), 4):
            seconds = (pose + float(self.rng.uniform(-2, 2))) / FPS
            speed = np.hypot(*(path[pose, :2] - path[max(pose - 4, 0), :2])) * FPS / 4
            told = conditions.point(
                self._noisy(path[pose, :2]),
                max(seconds, 0.0),
                self._facing(path[pose, 2]),
                bool(speed < 0.15),
            )
            rows.append(("point", max(seconds, 0.0), told))
            at.append(int(pose) // STRIDE)
        return rows

    def _keys(
        self, x: np.ndarray, path: np.ndarray, at: list[int], *, whole: bool
    ) -> list[tuple[str, float, np.ndarray]]:
        rows = []
        for pose in self._times(len(x), 2):
            held = np.ones(len(JOINTS), bool)
            if not whole:
                parts = self.rng.choice(PARTS, int(self.rng.integers(1, 4)), replace=False)
                held[:] = False
                held[[INDEX[str(part)] for part in parts]] = True
            placed = self.rng.random() < 0.6
            told = conditions.key(
                conditions.rooted(x[pose]) + self.rng.normal(0, 0.01, (len(JOINTS), 3)),
                held,
                pose / FPS,
                self._noisy(path[pose, :2]) if placed else None,
                self._facing(path[pose, 2], 0.6),
            )
            rows.append(("key", pose / FPS, told))
            if placed:
                at.append(int(pose) // STRIDE)
        return rows
