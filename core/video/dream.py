"""A world that one visitor plays: held keys in, frames out, drafts kept ready in idle time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from core.device import fast_precision
from core.diffusion.speculation import SLACK, DraftStats, Speculator
from core.settings import WorldSettings
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
        self, model: VideoModel, start: Seed, settings: WorldSettings | None = None
    ) -> None:
        """Begin after the frames of `start`; raise ValueError for settings out of range."""
        cfg = model.dit.cfg
        asked = settings or WorldSettings()
        steps = cfg.steps if asked.steps is None else asked.steps
        noise = cfg.context_noise if asked.context_noise is None else asked.context_noise
        self._settings = asked.changed(steps=steps, context_noise=noise)
        self.fps, self.keys = cfg.fps, cfg.keys
        self._model, self._index = model, 0
        self._sampler = model.dit.new_sampler(
            1, asked.seed, steps=steps, context_noise=noise, slack=SLACK
        )
        self._speculator = Speculator(
            self._sampler,
            ahead=asked.ahead,
            together=asked.together,
            most_together=cfg.most_together,
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
        return self._settings.model_dump(exclude={"seed"})

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
        asked = {
            "steps": steps,
            "context_noise": context_noise,
            "ahead": ahead,
            "together": together,
        }
        old = self._settings
        new = old.changed(**{name: value for name, value in asked.items() if value is not None})
        self._speculator.check(new.together)
        # how many are drafted must change no frame, so it drops none of a group either
        if new.changed(ahead=old.ahead) != old:
            self._speculator.drop()
            self._pictures.clear()
        self._settings = new
        assert new.steps is not None  # the checkpoint's own since the beginning
        assert new.context_noise is not None
        self._sampler.retime(new.steps, new.context_noise)
        self._speculator.ahead, self._speculator.together = new.ahead, new.together

    def context(self) -> np.ndarray:
        """Return the frames in view (n, H, W, 3), oldest first, the pinned ones in front."""
        return np.stack([*self._pinned, *self._seen])
