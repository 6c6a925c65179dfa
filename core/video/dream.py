"""A world that one visitor plays: held keys in, frames out, drafts kept ready in idle time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from core.device import fast_precision
from core.diffusion.speculation import SLACK, DraftStats, Speculator
from core.settings import AUTO, MOST_NOISE, MOST_WORLD_STEPS
from core.video.world import Seed, VideoModel


@dataclass(frozen=True)
class DreamFrame:
    """One generated frame."""

    index: int
    frame: np.ndarray
    """(H, W, 3) uint8."""
    mask: int
    """The keys that led to it, as bits."""
    drafted: bool
    """Whether it had been made ahead of time and was accepted."""


class Dream:
    """Generate frames for ever; computes in `step` and `draft` only. Not for several threads.

    The same seed, masks and settings give the same bytes, whatever was drafted in between.
    """

    def __init__(
        self,
        model: VideoModel,
        start: Seed,
        *,
        seed: int = 0,
        steps: int | None = None,
        context_noise: float | None = None,
        ahead: int = AUTO,
        together: int = 1,
    ) -> None:
        """Begin after the frames of `start`; raise ValueError for settings out of range."""
        cfg = model.dit.cfg
        steps = cfg.steps if steps is None else steps
        noise = cfg.context_noise if context_noise is None else context_noise
        check(seed, steps, noise)
        self.fps, self.keys = cfg.fps, cfg.keys
        self._model, self._index = model, 0
        self._sampler = model.dit.new_sampler(
            1, seed, steps=steps, context_noise=noise, slack=SLACK
        )
        self._speculator = Speculator(
            self._sampler, ahead=ahead, together=together, most_together=cfg.most_together
        )
        self._pictures: deque[np.ndarray | None] = deque()  # of drafts; None = not decoded yet
        tokens = model.encode(start.frames)[None]
        with fast_precision(model.device):
            self._sampler.commit(tokens, [model.actions(a[None]) for a in start.actions])
        self._pinned = list(start.frames[: cfg.prefix])
        self._seen = deque(start.frames[cfg.prefix :], maxlen=cfg.context)

    @property
    def tally(self) -> DraftStats:
        """What came of drafting so far."""
        return self._speculator.tally

    @property
    def settings(self) -> dict[str, float | int]:
        """Settings in use."""
        return {
            "steps": self._sampler.steps,
            "context_noise": self._sampler.context_noise,
            "ahead": self._speculator.ahead,
            "together": self._speculator.together,
        }

    def step(self, mask: int) -> DreamFrame:
        """Return the next frame under the held keys; raise ValueError for an unknown mask."""
        with fast_precision(self._model.device):
            sampled, drafted = self._speculator.next(self._model.action(mask))
        picture = self._pictures.popleft() if drafted else None
        if not drafted:  # whatever was ready has been dropped
            self._pictures = deque([None] * (self._speculator.together - 1))
        if picture is None:
            picture = self._model.decode(sampled.x)[0]
        self._seen.append(picture)
        self._index += 1
        return DreamFrame(self._index - 1, picture, mask, drafted)

    def draft(self) -> bool:
        """Make what comes next if the keys stay as they are; False when enough is ready."""
        with fast_precision(self._model.device):
            made = self._speculator.draft()
        self._pictures.extend(self._model.decode(sampled.x)[0] for sampled in made)
        return bool(made)

    def tune(
        self,
        *,
        steps: int | None = None,
        context_noise: float | None = None,
        ahead: int | None = None,
        together: int | None = None,
    ) -> None:
        """Change settings from the next frame on; raise ValueError and change nothing if wrong."""
        now = {k: v for k, v in locals().items() if k != "self" and v is not None}
        new = {**self.settings, **now}
        check(0, int(new["steps"]), new["context_noise"])
        self._speculator.check(int(new["ahead"]), int(new["together"]))
        # how many are drafted must change no frame, so it drops none of a group either
        if any(new[name] != self.settings[name] for name in ("steps", "context_noise", "together")):
            self._speculator.drop()
            self._pictures.clear()
        self._sampler.retime(int(new["steps"]), new["context_noise"])
        self._speculator.ahead, self._speculator.together = int(new["ahead"]), int(new["together"])

    def context(self) -> np.ndarray:
        """Return the frames in view (n, H, W, 3), oldest first, the pinned ones in front."""
        return np.stack([*self._pinned, *self._seen])


def check(seed: int, steps: int, context_noise: float) -> None:
    """Raise ValueError with a sentence for settings out of range."""
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed must be a whole number from 0 to 2^63 - 1, got {seed}")
    if not 1 <= steps <= MOST_WORLD_STEPS:
        raise ValueError(f"steps must be in 1..{MOST_WORLD_STEPS}, got {steps}")
    if not 0 <= context_noise <= MOST_NOISE:
        raise ValueError(f"context_noise must be in 0..{MOST_NOISE}, got {context_noise}")
