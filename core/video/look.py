"""Look: find where frames were seen from, by drawing what one would see and comparing.

The finder's guesses are scattered and carried along the keys, so that all frames judge them. A
population that narrows down is judged by sketches first, the best few by drawings (the frame
transformer's, from the place alone), and the best of all is moved by damped Gauss-Newton steps. How
well it fits tells how likely it is the true one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.device import fast_precision
from core.video.finder import Finder
from core.video.model import FrameDiT
from core.video.mover import Mover

GOOD = 0.06
"""Token error below which a place is mostly the true one; those found true have .01 to .06."""
SURE = 0.042
"""Token error below which nothing better is looked for: where little is to be seen, wrong places
reach .05, but the true one is better still."""
APART = 24.0
"""Units from which on two places are two different answers."""
RIVALS = 3
"""Answers that are looked into."""
CLOSE = 1.06
"""Times the best one's error by which the sketch of a rival may be off."""
SCATTER = np.array([8.0, 8.0, 4.0])
"""Units and degrees by which guesses are scattered at first."""
NUDGES = np.array([1.0, 1.0, 0.4])
"""Units and degrees by which the slope of the error is felt for."""
STEPS = 5
TRIES = 3
PART = 8
"""Places that are drawn at once: a look takes seconds, and others may compute in between."""

Judge = Callable[[np.ndarray], np.ndarray]
"""Errors (N,) of places (N, 3) at the first frame."""


class Found(NamedTuple):
    """Where frames were seen from."""

    path: np.ndarray
    """(L, 3): x, y in units, degrees counter-clockwise."""
    fit: float
    """Mean squared error of the drawn tokens (which have variance 1): below GOOD it is true."""
    covariance: np.ndarray
    """(3, 3), of the newest place."""


@dataclass(frozen=True)
class _Answer:
    place: np.ndarray  # at the first frame
    error: float
    covariance: np.ndarray


@dataclass(frozen=True)
class _Seen:
    """Tokens (L, P, C), the masks (L,) that led to each, and which of the frames judge."""

    tokens: Tensor
    masks: np.ndarray
    frames: list[int]
    noise: Tensor
    pause: Callable[[], None]


def narrow(
    judge: Judge,
    pool: np.ndarray,
    rng: np.random.Generator,
    *,
    scale: np.ndarray,
    rounds: int,
    keep: int,
    each: int,
    shrink: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return a pool (N, 3) and its errors, best first, after rounds of ever smaller scatter."""
    errors = judge(pool)
    for n in range(rounds):
        order = errors.argsort()[:keep]
        top = pool[order]
        spread = scale * shrink**n
        new = np.concatenate([top + rng.normal(size=top.shape) * spread for _ in range(each)])
        pool, errors = np.concatenate([top, new]), np.concatenate([errors[order], judge(new)])
    order = errors.argsort()
    return pool[order], errors[order]


class Look:
    """Search for places in one world."""

    def __init__(self, dit: FrameDiT, mover: Mover, finder: Finder, device: str) -> None:
        self.dit, self.mover, self.finder, self.device = dit, mover, finder, device

    # ---- drawing

    def draw(self, places: np.ndarray, noise: Tensor) -> Tensor:
        """Return tokens (N, P, C) as seen from places (N, 3), each frame on its own."""
        where = torch.from_numpy(places).float().to(self.device)[:, None]
        x = noise.expand(len(where), 1, -1, -1)
        t, keys = x.new_zeros(len(where), 1), x.new_zeros(len(where), 1, len(self.dit.cfg.keys))
        with fast_precision(self.device):
            v = self.dit.denoise(x, t, keys, where=where)
        return (x + v.float())[:, 0]

    def sketch(self, places: np.ndarray) -> Tensor:
        """Return about the same, faster."""
        assert self.dit.place_map is not None
        where = torch.from_numpy(places).float().to(self.device)[:, None]
        with fast_precision(self.device):
            seen, _ = self.dit.place_map.features(where)
            return self.finder.sketch(seen[:, 0]).float()

    def carry(self, places: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Return the paths (N, L, 3) of places (N, 3) under the masks (L,) that led to each frame.

        A mask of -1 is unknown, and taken for standing still.
        """
        path = [places]
        for mask in masks[1:]:
            path.append(path[-1] if mask < 0 else self.mover.move(path[-1], int(mask)))
        return np.stack(path, axis=1)

    def _judge(self, draw: Callable[[np.ndarray], Tensor], seen: _Seen, frames: list[int]) -> Judge:
        def judge(pool: np.ndarray) -> np.ndarray:
            paths = self.carry(pool, seen.masks)[:, frames]
            parts: list[Tensor] = []
            for part in np.split(paths.reshape(-1, 3), range(PART, paths.size // 3, PART)):
                seen.pause()
                parts.append(draw(part))
            drawn = torch.cat(parts).unflatten(0, (len(pool), len(frames)))
            return (drawn - seen.tokens[frames]).square().mean((1, 2, 3)).cpu().numpy()

        return judge

    # ---- the search

    @torch.inference_mode()
    def __call__(
        self,
        tokens: Tensor,
        masks: np.ndarray,
        *,
        seed: int = 0,
        pause: Callable[[], None] = lambda: None,
    ) -> Found:
        """Find tokens (L, P, C), seen in a row while the keys of `masks` (L,) were held.

        `pause` is called every few hundredths of a second.
        """
        rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
        noise = torch.randn(1, 1, *tokens.shape[1:], generator=generator).to(self.device)
        last = len(tokens) - 1
        seen = _Seen(tokens, masks, sorted({0, last // 2, last}), noise, pause)
        guesses = self._guesses(seen)
        best: list[_Answer] = []
        for n in range(TRIES):
            best = sorted([*best, *self._answers(seen, guesses, 1 + n, rng)], key=lambda a: a.error)
            if best[0].error < SURE:
                break
        place, covariance = best[0].place, best[0].covariance
        others = [a for a in best if a.error < 1.2 * best[0].error + 1e-3]
        if len(others) > 1:  # two answers as good as each other: nobody can be sure
            covariance = covariance + np.cov(np.stack([a.place for a in others]).T)
        return Found(self.carry(place[None], masks)[0], best[0].error, covariance)

    def _guesses(self, seen: _Seen) -> np.ndarray:
        """Return the finder's guesses of every frame, carried back to the first one."""
        where = self.finder(seen.tokens).where.double().cpu().numpy()
        guesses: list[np.ndarray] = []
        for i, at_frame in enumerate(where):
            start = at_frame
            for _ in range(3):  # undoes `carry`, as far as walls allow
                start = start + at_frame - self.carry(start, seen.masks[: i + 1])[:, -1]
            guesses.append(start)
        return np.concatenate(guesses)

    def _answers(
        self, seen: _Seen, guesses: np.ndarray, wider: float, rng: np.random.Generator
    ) -> list[_Answer]:
        wide = SCATTER * wider
        pool = np.concatenate(
            [
                guesses,
                *(
                    guesses + rng.normal(size=guesses.shape) * wide * f
                    for f in (1, 1, 2, 2, 4, 8, 8)
                ),
            ]
        )
        newest = self._judge(self.sketch, seen, seen.frames[-1:])(pool)
        sketched = self._judge(self.sketch, seen, seen.frames)
        answers: list[_Answer] = []
        best = np.inf
        for start in self._apart(pool[newest.argsort()], 2 * RIVALS):
            near = pool[np.hypot(*(pool - start)[:, :2].T) < APART]
            some = near[rng.permutation(len(near))[:6]]
            found, errors = narrow(
                sketched,
                np.concatenate([start[None], some]),
                rng,
                scale=wide,
                rounds=6,
                keep=4,
                each=3,
                shrink=0.65,
            )
            best = min(best, float(errors[0]))
            if errors[0] < CLOSE * best and len(answers) < RIVALS:
                answers.append(self._refine(seen, found[:6], rng))
        return answers

    def _apart(self, pool: np.ndarray, count: int) -> list[np.ndarray]:
        """Return the first places of a pool that lie APART from each other."""
        chosen: list[np.ndarray] = []
        for place in pool:
            if all(np.hypot(*(place - other)[:2]) > APART for other in chosen):
                chosen.append(place)
            if len(chosen) == count:
                break
        return chosen

    def _refine(self, seen: _Seen, pool: np.ndarray, rng: np.random.Generator) -> _Answer:
        """Follow the slope of the drawings' error from the best of a pool."""

        def draw(places: np.ndarray) -> Tensor:
            return self.draw(places, seen.noise)

        judge = self._judge(draw, seen, seen.frames)
        scale = SCATTER / 4
        pool, _ = narrow(judge, pool, rng, scale=scale, rounds=3, keep=3, each=4, shrink=0.6)
        damping, best, error = 0.1, pool[0], np.inf
        normal, trial = np.eye(3), pool[0]
        for _ in range(STEPS):
            nudged = np.concatenate([trial[None], trial + np.diag(NUDGES)])
            paths = self.carry(nudged, seen.masks)[:, seen.frames]
            seen.pause()
            drawn = draw(paths.reshape(-1, 3)).unflatten(0, (4, len(seen.frames)))
            off = (drawn[0] - seen.tokens[seen.frames]).flatten()
            now = float(off.square().mean())
            if now < error:
                settled, best, error = error - now < 0.02 * now, trial, now
                slopes = (drawn[1:] - drawn[:1]).flatten(1)
                normal = (slopes @ slopes.T).double().cpu().numpy()
                pull = (slopes @ off).double().cpu().numpy()
                damping /= 3
                if settled:
                    break
            else:
                damping *= 6
            ridge = damping * np.diag(np.diag(normal)) + 1e-9 * np.eye(3)
            trial = best - NUDGES * np.linalg.solve(normal + ridge, pull)
        covariance = np.linalg.inv(normal + 1e-6 * np.eye(3)) * error * np.outer(NUDGES, NUDGES)
        return _Answer(best, error, covariance)
