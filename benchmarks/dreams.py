"""Many dreams of one world in step: the rows of a batch, each at a place of its own.

A row is what one visitor sees (but for rounding, and draws of noise that a batch shares out
otherwise), at half the cost: weights are read once for all, and only frames that are looked at are
decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from core.device import fast_precision
from core.video.actions import to_masks
from core.video.model import Action
from core.video.world import Seed, VideoModel


@dataclass(frozen=True)
class Rows(Action):
    """What is held in the rows of a batch, and where each is seen from."""

    places: np.ndarray | None = None
    """(B, 3); None where nobody knows."""

    @property
    def where(self) -> np.ndarray | None:
        return self.places


def before_frames(model: VideoModel) -> int:
    """Return how many true frames fill a world's view."""
    return model.dit.cfg.prefix + model.dit.cfg.context


def at_size(frames: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return frames (..., H, W, 3) uint8 at another size, of the same shape."""
    import cv2

    if frames.shape[-3:-1] == size:
        return frames
    smaller = size[0] < frames.shape[-3]
    flat = [
        cv2.resize(f, size[::-1], interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
        for f in frames.reshape(-1, *frames.shape[-3:])
    ]
    return np.stack(flat).reshape(*frames.shape[:-3], *size, 3)


def fitted(start: Seed, model: VideoModel) -> Seed:
    """Return a start as a world can take it: its newest frames, as large as the world's."""
    newest = slice(-before_frames(model), None)
    return start._replace(
        frames=at_size(start.frames[newest], model.size),
        actions=start.actions[newest],
        path=start.path[newest],
    )


class Dreams:
    """Dreams that begin after starts of equally many frames, and go on together."""

    def __init__(self, model: VideoModel, starts: Sequence[Seed], *, seed: int) -> None:
        """Begin; where the world has a place, starts that store no path are looked at."""
        self.model = model
        starts = [fitted(start, model) for start in starts]
        tokens = [model.encode(start.frames) for start in starts]
        begun = [model.begin(s, t).conditions for s, t in zip(starts, tokens, strict=True)]
        self.places: np.ndarray | None = None
        """(B, 3): where the newest frames are believed to be seen from."""
        self.sampler = model.dit.new_sampler(len(starts), seed)
        conditions = [self._rows(actions) for actions in zip(*begun, strict=True)]
        with fast_precision(model.device):
            self.sampler.commit(torch.stack(tokens), conditions)

    def _rows(self, actions: Sequence[Action]) -> Rows:
        courses = [a.course for a in actions if a.course is not None]
        self.places = np.stack([course[0] for course in courses]) if courses else None
        return Rows(torch.cat([a.keys for a in actions]), places=self.places)

    def step(self, held: np.ndarray, places: np.ndarray | None = None) -> Tensor:
        """Return the tokens (B, P, C) of the next frames, under keys (B, K).

        They are seen from `places` (B, 3), if these are told; else from where the keys lead to.
        """
        if self.places is not None and self.model.mover is not None:
            told = places is not None
            self.places = places if told else self.model.mover.move(self.places, to_masks(held))
        rows = Rows(self.model.actions(held).keys, places=self.places)
        with fast_precision(self.model.device):
            (sampled,) = self.sampler.sample([rows])
        return sampled.x.float()

    def play(
        self,
        held: np.ndarray,
        wanted: Sequence[int],
        *,
        name: str,
        places: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return frames (B, len(wanted), H, W, 3) under keys (B, N, K).

        `wanted` are numbers of frames in rising order, 0 for the first one; `places` (B, N, 3) are
        told where they are given.
        """
        shown, last = [], set(wanted)
        steps = tqdm(range(max(wanted) + 1), desc=name, unit="frame", leave=False, disable=None)
        for n in steps:
            tokens = self.step(held[:, n], None if places is None else places[:, n])
            if n in last:
                shown.append(self.model.decode(tokens))
        return np.stack(shown, axis=1)
