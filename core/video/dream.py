"""A world that one visitor plays: held keys in, frames out, drafts kept ready in idle time."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from core.device import fast_precision
from core.diffusion.speculation import SLACK, DraftStats, Speculator
from core.settings import WorldSettings
from core.video.place import Place
from core.video.rewind import History, Memento, Standing
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
    place: Place | None = None
    """Where the world believes it to be seen from; None where it knows no places."""


class Dream:
    """Generate frames for ever; computes in `step`, `draft`, `approach`. Not for several threads.

    The same seed, masks, settings and places give the same bytes, whatever was drafted in between.
    """

    def __init__(
        self,
        model: VideoModel,
        start: Seed,
        settings: WorldSettings | None = None,
        *,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin after the frames of `start`; raise ValueError for settings out of range.

        `pause` is called between the steps of every frame, where others may compute, on a GPU
        ahead of the frame; and while it is looked for where `start` was seen from, which may take
        seconds.
        """
        cfg = model.dit.cfg
        asked = settings or WorldSettings()
        steps = cfg.steps if asked.steps is None else asked.steps
        noise = cfg.context_noise if asked.context_noise is None else asked.context_noise
        self._settings = asked.changed(steps=steps, context_noise=noise)
        self.fps, self.keys = cfg.fps, cfg.keys
        self._model, self._index = model, 0
        self._pictures: deque[np.ndarray | None] = deque()  # of drafts; None = not decoded yet
        self._sampler = model.dit.new_sampler(
            1, asked.seed, steps=steps, context_noise=noise, slack=SLACK
        )
        tokens = model.encode(start.frames)
        conditions, self.fit = model.begin(start, tokens, pause)
        """How far the start is from what the place looks like, in token error; None: not known."""
        self._speculator = Speculator(
            self._sampler,
            ahead=asked.ahead,
            together=asked.together,
            most_together=cfg.most_together,
            carry=model.carry,
            start=conditions[-1],
        )
        with fast_precision(model.device):
            self._sampler.commit(tokens[None], conditions)
        self._sampler.pause = pause
        self._pinned = list(start.frames[: cfg.prefix])
        self._seen = deque(start.frames[cfg.prefix :], maxlen=cfg.context)
        self._history = History(cfg.fps)
        self._remember()

    @property
    def tally(self) -> DraftStats:
        """What came of drafting so far."""
        return self._speculator.tally

    @property
    def settings(self) -> dict[str, float | int]:
        """Settings in use."""
        return self._settings.model_dump(exclude={"seed"})

    @property
    def place(self) -> Place | None:
        """Where the newest frame is believed to be seen from."""
        shown = self._speculator.shown
        return None if shown is None else shown.place

    def step(self, mask: int) -> DreamFrame:
        """Return the next frame under the held keys; raise ValueError for an unknown mask."""
        action = self._model.action(mask)
        if self._history.wants(self._index) and self._speculator.between_groups:
            self._remember()
        with fast_precision(self._model.device):
            sampled, drafted = self._speculator.next(action)
        picture = self._pictures.popleft() if drafted else None
        if not drafted:  # whatever was ready has been dropped
            self._pictures = deque([None] * (self._speculator.together - 1))
        if picture is None:
            picture = self._model.decode(sampled.x)[0]
        self._seen.append(picture)
        self._history.add(mask)
        self._index += 1
        return DreamFrame(self._index - 1, picture, mask, drafted, sampled.condition.place)

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
        changes = new.changed(ahead=old.ahead) != old
        if changes:
            self._forget_drafts()
        self._apply(new)
        if changes:
            self._history.note(self._standing)

    def _apply(self, settings: WorldSettings) -> None:
        self._settings = settings
        assert settings.steps is not None  # the checkpoint's own since the beginning
        assert settings.context_noise is not None
        self._sampler.retime(settings.steps, settings.context_noise)
        self._speculator.ahead, self._speculator.together = settings.ahead, settings.together

    def check_place(self, x: float, y: float, degrees: float | None = None) -> None:
        """Raise ValueError where nobody can stand, or where the world knows no places."""
        self._model.check_place(x, y, degrees)

    def stand(self, x: float, y: float, degrees: float | None = None) -> None:
        """Be somewhere else from the next frame on: only the place changes, as if by magic.

        Coordinates in the world's units; without `degrees` the heading stays. Raises ValueError as
        `check_place`.
        """
        self.check_place(x, y, degrees)
        shown = self._speculator.shown
        assert shown is not None
        assert shown.place is not None  # since the beginning, where a world knows places
        heading = shown.place.degrees if degrees is None else degrees
        condition = self._model.set_down(shown, Place(x, y, heading))
        self._forget_drafts()
        self._speculator.restart(condition)
        self._history.note(self._standing)

    def _forget_drafts(self) -> None:
        self._speculator.drop()
        self._pictures.clear()

    def context(self) -> np.ndarray:
        """Return the frames in view (n, H, W, 3), oldest first, the pinned ones in front.

        A branch has seen none of those before it began.
        """
        frames = [*self._pinned, *self._seen]
        return np.stack(frames) if frames else np.empty((0, *self._model.size, 3), np.uint8)

    # ---- going back

    @property
    def _standing(self) -> Standing:
        return Standing(self._speculator.shown, self._settings)

    def _remember(self) -> None:
        snapshot, cache = self._speculator.standing()
        self._history.keep(Memento(self._index, cache, snapshot, self._standing))

    def _resume(self, standing: Standing | None) -> None:
        """Change settings and place to those that were noted, if any were."""
        if standing is None:
            return
        self._forget_drafts()
        assert standing.shown is not None  # since the beginning
        self._speculator.restart(standing.shown)
        self._apply(standing.settings.changed(ahead=0))
        self._history.note(self._standing)

    @property
    def past(self) -> range:
        """The frames that can be gone back to: the last ten seconds, and the one to come."""
        return range(self._history.first, self._history.end + 1)

    def masks(self, frame: int) -> list[int]:
        """Return the keys that were held from a frame on."""
        return self._history.masks(frame, self._index)

    def branch(self, frame: int) -> Dream:
        """Return a world of its own that stands before a frame of the `past`.

        The noise to come is the same: with the same keys it makes the same bytes, and with others
        whatever differs is due to them (a counterfactual). Raises ValueError for another frame.
        """
        *_, other = self.approach(frame)
        return other

    def approach(self, frame: int) -> Iterator[Dream]:
        """Make a `branch` frame by frame, which takes up to a second: it stands there at the end.

        To branch off again where it stands then takes no time.
        """
        memento = self._history.before(frame)
        other = copy.copy(self)
        other._sampler = self._model.dit.new_sampler(1, 0, slack=SLACK)
        other._sampler.pause = self._sampler.pause
        other._sampler.cache = memento.cache.copy()
        other._sampler.restore(memento.snapshot)
        other._speculator = Speculator(
            other._sampler,
            ahead=0,
            most_together=self._speculator.most_together,
            carry=self._model.carry,
            start=memento.standing.shown,
        )
        other._pictures, other._index = deque(), memento.index
        other._seen = deque(maxlen=self._seen.maxlen)
        other._apply(memento.standing.settings.changed(ahead=0))
        other._history = History(self.fps)
        other._remember()
        yield other
        for mask in self._history.masks(memento.index, frame):
            other._resume(self._history.change(other._index))
            other.step(mask)
            yield other
        other._resume(self._history.change(frame))
        if other._speculator.between_groups:
            other._remember()
