"""Look: find where frames were seen from, by drawing what one would see and comparing.

The finder's guesses are carried along the keys to where all frames can judge them; those whose
drawings (the frame transformer's, from the place alone) fit best are moved towards a better fit by
damped Gauss-Newton steps. How well the best one fits tells whether it is the true one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.device import fast_precision
from core.video.finder import Finder
from core.video.model import FrameDiT
from core.video.mover import Mover

GOOD = 0.05
"""Token error below which a place is taken for the true one; those found true have .01 to .045."""
KNOWN = 3
"""Frames that judge: the first, the last and the middle one."""
NUDGES = np.array([1.0, 1.0, 0.4])
"""Units and degrees by which the slope of the error is felt for."""
POOL, KEPT, REFINED, ROUNDS, TRIES = 48, 8, 3, 5, 3
SWARM = 12
"""Places that a found one might be instead."""


class Found(NamedTuple):
    """Where frames were seen from."""

    path: np.ndarray
    """(L, 3): x, y in units, degrees counter-clockwise."""
    fit: float
    """Mean squared error of the drawn tokens (which have variance 1): below GOOD it is true."""
    spread: np.ndarray
    """(3, 3): covariance of the newest place."""


class Look:
    """Search for places in one world."""

    def __init__(self, dit: FrameDiT, mover: Mover, finder: Finder, device: str) -> None:
        self.dit, self.mover, self.finder, self.device = dit, mover, finder, device

    @torch.inference_mode()
    def draw(self, places: np.ndarray, noise: Tensor) -> Tensor:
        """Return tokens (N, P, C) as seen from places (N, 3), each frame on its own."""
        drawn: list[Tensor] = []
        for part in torch.from_numpy(places).float().to(self.device).split(32):
            x = noise.expand(len(part), 1, -1, -1)
            t, keys = x.new_zeros(len(part), 1), x.new_zeros(len(part), 1, len(self.dit.cfg.keys))
            with fast_precision(self.device):
                v = self.dit.denoise(x, t, keys, where=part[:, None])
            drawn.append((x + v.float())[:, 0])
        return torch.cat(drawn)

    def carry(self, places: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Return the paths (N, L, 3) of places (N, 3) under the masks (L,) that led to each frame.

        A mask of -1 is unknown, and taken for standing still.
        """
        path = [places]
        for mask in masks[1:]:
            path.append(path[-1] if mask < 0 else self.mover.move(path[-1], int(mask)))
        return np.stack(path, axis=1)

    def back(self, places: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Undo `carry`, as far as walls allow: places (N, 3) at the last frame, at the first."""
        start = places.copy()
        for _ in range(3):
            start = start + places - self.carry(start, masks)[:, -1]
        return start

    @torch.inference_mode()
    def __call__(self, tokens: Tensor, masks: np.ndarray, *, seed: int = 0) -> Found:
        """Find tokens (L, P, C), seen in a row while the keys of `masks` (L,) were held."""
        rng = np.random.default_rng(seed)
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(1, 1, *tokens.shape[1:], generator=generator).to(self.device)
        guesses = self._guesses(tokens, masks)
        frames = sorted({0, len(tokens) // 2, len(tokens) - 1})[-KNOWN:]
        best: tuple[np.ndarray, float, np.ndarray] | None = None
        for n in range(TRIES):
            pool = self._scatter(guesses, rng, n)
            for count, judges in ((KEPT, frames[-1:]), (REFINED, frames)):
                errors = self._errors(pool, masks, tokens, noise, judges)
                pool = pool[np.argsort(errors)[:count]]
            for start in pool:
                found = self._refine(start, masks, tokens, noise, frames)
                if best is None or found[1] < best[1]:
                    best = found
                if best[1] < GOOD:
                    break
            assert best is not None
            if best[1] < GOOD:
                break
        assert best is not None
        place, fit, spread = best
        return Found(self.carry(place[None], masks)[0], fit, spread)

    def _guesses(self, tokens: Tensor, masks: np.ndarray) -> np.ndarray:
        """Return the finder's guesses of every frame, at the first frame, the surest ones first."""
        said = self.finder(tokens)
        where = said.where.double().cpu().numpy()
        at_first = [self.back(where[i], masks[: i + 1]) for i in range(len(tokens))]
        weight = said.weight.log_softmax(-1) - said.scale.log().sum(-1)
        order = weight.flatten().argsort(descending=True).cpu().numpy()
        return np.concatenate(at_first)[order]

    def _scatter(self, guesses: np.ndarray, rng: np.random.Generator, wider: int) -> np.ndarray:
        if not wider:
            return guesses[:POOL]
        chosen = guesses[rng.integers(len(guesses), size=POOL)]
        return chosen + rng.normal(size=(POOL, 3)) * np.array([16.0, 16.0, 8.0]) * wider

    def _errors(
        self, pool: np.ndarray, masks: np.ndarray, tokens: Tensor, noise: Tensor, frames: list[int]
    ) -> np.ndarray:
        paths = self.carry(pool, masks)[:, frames]
        drawn = self.draw(paths.reshape(-1, 3), noise).unflatten(0, (len(pool), len(frames)))
        return (drawn - tokens[frames]).square().mean((1, 2, 3)).cpu().numpy()

    def _refine(
        self, place: np.ndarray, masks: np.ndarray, tokens: Tensor, noise: Tensor, frames: list[int]
    ) -> tuple[np.ndarray, float, np.ndarray]:
        """Follow the slope of the error; return the best place, its error and its covariance."""
        damping, best, error, normal = 0.1, place, np.inf, np.eye(3)
        trial = place
        for _ in range(ROUNDS + 1):
            pool = np.concatenate([trial[None], trial + np.diag(NUDGES)])
            paths = self.carry(pool, masks)[:, frames]
            drawn = self.draw(paths.reshape(-1, 3), noise).unflatten(0, (4, len(frames)))
            off = (drawn[0] - tokens[frames]).flatten()
            now = float(off.square().mean())
            if now < error:
                slopes = (drawn[1:] - drawn[:1]).flatten(1)
                normal = (slopes @ slopes.T).double().cpu().numpy()
                pull = (slopes @ off).double().cpu().numpy()
                gain, best, error = error - now, trial, now
                damping = damping / 3
                if gain < 0.01 * now:
                    break
            else:
                damping *= 6
            ridge = damping * np.diag(np.diag(normal)) + 1e-9 * np.eye(3)
            trial = best - NUDGES * np.linalg.solve(normal + ridge, pull)
        covariance = np.linalg.inv(normal + 1e-6 * np.eye(3)) * error * np.outer(NUDGES, NUDGES)
        return best, error, covariance
