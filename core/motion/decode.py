"""Blocks of latents in, poses out: decoder, filter, path and skeleton of one stream.

A stream that goes on after a take begins where that take ends. What was sampled does not quite fit
there, so the difference is added and melts away within a second (inertialization: Bollo, GDC 2018),
and every stage starts as if it had made the take's end itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from core.body.features import LAYOUT, FeatureDecoder, contacts
from core.body.ik import PoseSolver
from core.body.take import PoseChunk, PromptMark, Take
from core.motion.smoothing import DELAY, FeatureFilter
from core.motion.vae import StreamState

if TYPE_CHECKING:
    from core.motion.generate import History, MotionModel

MELT = 0.2
"""How fast a difference at the seam goes, per pose: a fifth is left after fifteen."""
PRIMED = 100
"""Poses of the take that the skeleton's solver runs over to stand as it did."""
_PLACED = slice(LAYOUT.height.start, LAYOUT.joints.stop)
_MOVED = slice(0, LAYOUT.velocity.stop)

_NOTHING = {
    name: np.zeros((0, *shape), np.float32)
    for name, shape in (("root", (3,)), ("rotations", (22, 4)), ("joints", (22, 3)))
}


class Inertialization:
    """What lies between a take's end and the stream after it, melting away pose by pose."""

    def __init__(self, end: np.ndarray, start: np.ndarray) -> None:
        """`end` are the last two poses before the seam, `start` the first two after, (2, 263)."""
        # where the stream would have come from, had it moved like this before
        gap = end - (start[:1] + [[-2], [-1]] * (start[1:] - start[:1]))
        self._offset, self._speed, self._pose = gap[1], gap[1] - gap[0], 0
        self._offset[_MOVED] = (end[1] - start[0])[_MOVED]

    def push(self, features: np.ndarray) -> np.ndarray:
        """Return the next features (T, 263) with what is left of the difference."""
        k = self._pose + 1 + np.arange(len(features))[:, None]
        self._pose += len(features)
        fade, out = np.exp(-MELT * k), features.copy()
        # a critically damped spring: place and speed agree at the seam, only then it lets go
        start, speed = self._offset[_PLACED], self._speed[_PLACED]
        out[:, _PLACED] += (start + (speed + MELT * start) * k) * fade
        out[:, _MOVED] += self._offset[_MOVED] * fade
        return out


class PoseDecoder:
    """Turn the blocks of one stream into poses."""

    def __init__(
        self, model: MotionModel, foot_contacts: bool, history: History | None = None
    ) -> None:
        """Begin at the origin, or where `history` ends."""
        self._model, self._state = model, StreamState()
        self._finish, self._recovery = FeatureFilter(foot_contacts), FeatureDecoder()
        self._solver = PoseSolver(foot_contacts)
        self._first, self._skip = 0, 0
        self._history, self._seam = history, None
        if history is not None:
            self._first = len(history.take)
            self._skip = DELAY if foot_contacts else DELAY - 1
            model.decode(history.blocks, self._state)
            end = history.take.slice(len(history.take) - PRIMED, len(history.take))
            self._finish.push(end.features[None])
            self._solver.prime(end.joints, contacts(end.features), end.rotations)
            self._recovery.stand(end.joints[-1], end.features[-1])

    def push(self, block: Tensor, prompt: str) -> PoseChunk:
        """Return the poses that the next block (1, P, D) tells; may be none at first."""
        features = self._model.decode(block[:, None], self._state)[0]
        if self._history is not None:
            features = self._join(features, self._history)
        return self._chunk(self._finish.push(features[None])[0], prompt)

    def end(self, prompt: str) -> PoseChunk:
        """Return the poses held back."""
        none = np.zeros((1, 0, LAYOUT.contacts.stop), np.float32)
        return self._chunk(self._finish.push(none, last=True)[0], prompt)

    def _join(self, features: np.ndarray, history: History) -> np.ndarray:
        """Drop what the take shows already; add what is missing at the seam."""
        if self._seam is None:
            features = features[history.edge :]
            self._seam = Inertialization(history.take.features[-2:], features[:2])
        return self._seam.push(features)

    def _chunk(self, features: np.ndarray, prompt: str) -> PoseChunk:
        if self._skip:  # poses of the take, filtered once more: only their steps are of use
            shown, features = features[: self._skip], features[self._skip :]
            self._skip -= len(shown)
            if len(shown):
                self._recovery.turn, self._recovery.step = shown[-1, 0], shown[-1, LAYOUT.velocity]
        first, self._first = self._first, self._first + len(features)
        if not len(features):
            return PoseChunk(first=first, **_NOTHING, features=features, prompt=prompt)
        joints = self._recovery.push(features)
        root, rotations = self._solver.push(joints, contacts(features))
        return PoseChunk(
            first=first, root=root, rotations=rotations, joints=joints, features=features,
            prompt=prompt,
        )  # fmt: skip


def perform(features: np.ndarray, prompts: tuple[PromptMark, ...], info: dict[str, str]) -> Take:
    """Return decoded features (T, 263) as a take that begins at the origin."""
    features = FeatureFilter().push(features[None], last=True)[0]
    joints = FeatureDecoder().push(features)
    root, rotations = PoseSolver().push(joints, contacts(features))
    return Take(
        root=root, rotations=rotations, joints=joints, features=features, prompts=prompts, info=info
    )
