"""Blocks of latents in, poses out: decoder, filter, standing feet, path and skeleton of one stream.

- Each latent is decoded to four poses that agree with each other better than with their neighbors;
  the small step between latents shows as a tremor. A filter of a few poses takes it away for one
  pose (50 ms) of delay; it is learnt with the decoder, for each place in a latent, because the
  first pose of one needs it most. Every export says so.
- Planted feet hold the body: where contact flags say that a foot stands, the root's step is
  corrected until the foot does. Poses stay as they were; `feet.FootPins` takes what is left over.
- A stream that goes on after a take begins where that take ends. What was sampled does not quite
  fit there, so the difference is added and melts away within a second (inertialization: Bollo, GDC
  2018), and every stage starts as if it had made the take's end itself.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from core.body.features import FLOOR, LAYOUT, NUM_FEATURES, FeatureDecoder, contacts
from core.body.feet import holding
from core.body.ik import PoseSolver
from core.body.skeleton import FEET, FPS, forward
from core.body.take import PoseChunk, Poses, PromptMark, Take
from core.motion.heading import HeadingHold
from core.motion.traits import straight
from core.settings import DELAY
from core.steering.course import KNOWN
from core.steering.pins import Pins

if TYPE_CHECKING:  # command line and exports know the filter without loading torch
    from torch import Tensor

    from core.device import Arriving
    from core.motion.generate import History, MotionModel
    from core.motion.vae import StreamState
    from core.steering.guide import Guide
    from core.steering.wishes import Steer

PLAIN = ((0.25, 0.5, 0.25),)
"""Weights of the pose before, the pose and the next, wherever in its latent it is."""
SURE, UNSURE = 0.5, 0.05
"""Contact flags above and below which a foot holds the body fully and not at all."""
LOW, HIGH = 0.05, 0.10
"""Heights (m) below and above which it does so."""
MELT = 0.2
"""How fast a difference at the seam goes, per pose: a fifth is left after fifteen."""
PRIMED = 100
"""Poses of the take that the skeleton's solver runs over to stand as it did."""
_SEEN = slice(0, LAYOUT.joints.stop)
"""The root and the joints' positions, which are all that poses are made from."""
_MOVED = slice(0, LAYOUT.velocity.stop)
_PLACED = slice(LAYOUT.height.start, LAYOUT.joints.stop)
_FEET = LAYOUT.joints.start + 3 * (np.array(FEET)[:, None] - 1) + [0, 1, 2]  # x, y, z of each
_SHAPES = {
    **{"root": (3,), "rotations": (22, 4), "joints": (22, 3), "unsolved": (22, 3)},
    "features": (NUM_FEATURES,),
}
_NOTHING = Poses(**{name: np.zeros((0, *shape), np.float32) for name, shape in _SHAPES.items()})


class Smoother:
    """Filter features (B, T, 263) chunk by chunk; what comes out lags one pose behind.

    `weights` (4, K) are for the K - 2 poses before a pose, itself and the next, by its place in its
    latent. Chunks end where latents end.
    """

    def __init__(self, weights: np.ndarray | None = None) -> None:
        self._weights = np.asarray(PLAIN if weights is None else weights, np.float32)
        self._tail: np.ndarray | None = None  # the poses that the next one is filtered with

    def push(self, features: np.ndarray, *, last: bool = False) -> np.ndarray:
        """Return the poses that can be told by now; with `last`, all that are left."""
        taps = self._weights.shape[1]
        start = features[:, :1].repeat(taps - 2, axis=1)
        x = np.concatenate([start if self._tail is None else self._tail, features], axis=1)
        places = np.arange(-x.shape[1], 0)[taps - 2 :]
        if last:
            x = np.concatenate([x, x[:, -1:]], axis=1)
        out = x[:, taps - 2 : -1].copy()
        weights = self._weights[places[: out.shape[1]] % len(self._weights)]
        part, number = x[:, :, _SEEN], out.shape[1]
        out[:, :, _SEEN] = sum(weights[:, k, None] * part[:, k : k + number] for k in range(taps))
        self._tail = x[:, -taps + 1 :]
        return out


def shown(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return decoded features (T, 263) as a stream shows them, feet left as they are."""
    return Smoother(weights).push(features[None], last=True)[0]


class FootAnchor:
    """Correct the root's steps of features (B, T, 263) chunk by chunk; lags one pose behind."""

    def __init__(self) -> None:
        self._tail: np.ndarray | None = None  # the last pose, (B, 1, 263)

    def push(self, features: np.ndarray, *, last: bool = False) -> np.ndarray:
        """Return the poses whose next pose is known; with `last`, all that are left."""
        x = features if self._tail is None else np.concatenate([self._tail, features], axis=1)
        self._tail = x[:, -1:]
        out = x if last else x[:, :-1]
        if x.shape[1] < 2:
            return out
        out = out.copy()
        out[:, : x.shape[1] - 1, LAYOUT.velocity] += _correction(x[:, :-1], x[:, 1:])
        return out


def _correction(now: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return what to add to each root step, (B, T, 2), so that standing feet do not move."""
    before, then = (f[..., _FEET] for f in (now, after))  # (B, T, 4, 3)
    to_next = np.exp(2j * now[..., LAYOUT.turn])
    slide = then[..., ::2] @ FLOOR - to_next * (before[..., ::2] @ FLOOR)
    slide += now[..., None, LAYOUT.velocity] @ FLOOR  # (B, T, 4), in the next pose's heading
    flags = np.minimum(now[..., LAYOUT.contacts], after[..., LAYOUT.contacts])
    trust = holding(flags, SURE, UNSURE) * holding(before[..., 1], LOW, HIGH)
    mean = (trust * slide).sum(-1) / np.maximum(trust.sum(-1), 1e-6) * trust.max(-1)
    return -np.stack([mean.imag, mean.real], axis=-1)


class FeatureFilter:
    """All that happens to decoded features: the filter and, if wanted, feet that hold the body."""

    def __init__(self, foot_contacts: bool = True, weights: np.ndarray | None = None) -> None:
        self._smoother, self._anchor = Smoother(weights), FootAnchor()
        self._foot_contacts = foot_contacts

    def push(self, features: np.ndarray, *, last: bool = False) -> np.ndarray:
        """Return the poses that can be told by now; with `last`, all that are left."""
        smooth = self._smoother.push(features, last=last)
        return self._anchor.push(smooth, last=last) if self._foot_contacts else smooth


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
        self,
        model: MotionModel,
        foot_contacts: bool,
        history: History | None = None,
        guide: Guide | None = None,
        steer: Steer | None = None,
        *,
        earlier: int = 0,
    ) -> None:
        """Begin at the origin, or where `history` ends; a `guide` bends the path, `steer` has the
        key poses. `earlier` poses came before the history."""
        self._model = model
        self._state: StreamState = {}
        self._heading = HeadingHold()
        self._filter = FeatureFilter(foot_contacts, model.filter_weights)
        self._decoder = FeatureDecoder()
        self._solver = PoseSolver(foot_contacts)
        self._first, self._skip = 0, 0
        self._history, self._guide = history, guide
        self._pins = None if steer is None else Pins(steer.report)
        self._melting: Inertialization | None = None
        if history is not None:
            self._first = earlier + len(history.take)
            self._skip = DELAY if foot_contacts else DELAY - 1
            model.decode(history.blocks, self._state)
            end = history.take.slice(len(history.take) - PRIMED, len(history.take))
            self._filter.push(end.features[None])
            self._solver.prime(end.unsolved, contacts(end.features), end.rotations)
            self._decoder.stand(end.unsolved[-1], end.features[-1])
            if guide is not None:
                guide.stand(self._decoder, self._first - 1)
            if self._pins is not None:
                self._pins.pass_by(end)

    def begin(self, block: Tensor) -> Arriving:
        """Have the next block (1, P, D) decoded, which is to be pushed in its turn."""
        return self._model.decoding(block[:, None], self._state)

    def push(
        self, block: Arriving, prompt: str, preview: Callable[[], Tensor | None] = lambda: None
    ) -> PoseChunk:
        """Return the poses that the next block tells; may be none at first.

        `preview` tells what the block after it is going to be; only key poses ask.
        """
        return self._pin(self._push(block, prompt), preview)

    def end(self, prompt: str) -> PoseChunk:
        """Return the poses held back."""
        features = self._filter.push(_NOTHING.features[None], last=True)[0]
        return self._pin(self._chunk(features, prompt), lambda: None)

    def _push(self, block: Arriving, prompt: str) -> PoseChunk:
        features = block.get()
        led = self._guide is not None and self._guide.steers
        features = self._heading.push(
            features, np.full(features.shape[:2], straight(prompt) and not led)
        )[0]
        if self._history is not None:
            features = self._join(features, self._history)
        return self._chunk(self._filter.push(features[None])[0], prompt)

    def _pin(self, chunk: PoseChunk, preview: Callable[[], Tensor | None]) -> PoseChunk:
        """Lead poses to the keys that are wanted."""
        if self._pins is None or self._guide is None or not len(chunk):
            return chunk
        keys, end, ahead = self._guide.wishes.keys, chunk.first + len(chunk), None
        if any(end <= key.at * FPS < end + KNOWN for key in keys):
            block = preview()
            if block is not None:
                fork = self.fork()
                ahead = fork._push(fork.begin(block), "")
        return replace(chunk, **vars(self._pins.push(chunk, chunk.first, keys, ahead)))

    def fork(self) -> PoseDecoder:
        """Return another that stands where this one does and goes on for itself."""
        other = copy.copy(self)
        other._state = dict(self._state)
        for name in ("_heading", "_filter", "_decoder", "_solver", "_guide", "_melting", "_pins"):
            setattr(other, name, copy.deepcopy(getattr(self, name)))
        return other

    def _join(self, features: np.ndarray, history: History) -> np.ndarray:
        """Drop what the take shows already; add what is missing at the seam."""
        if self._melting is None:
            features = features[history.edge :]
            self._melting = Inertialization(history.take.features[-2:], features[:2])
        return self._melting.push(features)

    def _chunk(self, features: np.ndarray, prompt: str) -> PoseChunk:
        if self._skip:  # poses of the take, filtered once more: only their steps are of use
            shown, features = features[: self._skip], features[self._skip :]
            self._skip -= len(shown)
            if len(shown):
                self._decoder.turn, self._decoder.step = shown[-1, 0], shown[-1, LAYOUT.velocity]
        first, self._first = self._first, self._first + len(features)
        if self._guide is not None and len(features):
            features = self._guide.bend(features, first, self._decoder)
        poses = _solve(features, self._decoder, self._solver) if len(features) else _NOTHING
        return PoseChunk(first=first, prompt=prompt, **vars(poses))


def _solve(features: np.ndarray, decoder: FeatureDecoder, solver: PoseSolver) -> Poses:
    """Return the next poses of a motion by their features (T, 263)."""
    unsolved = decoder.push(features)
    root, rotations = solver.push(unsolved, contacts(features))
    joints, _ = forward(root, rotations)
    return Poses(
        root=root, rotations=rotations, joints=joints, features=features, unsolved=unsolved
    )


def perform(features: np.ndarray, prompts: tuple[PromptMark, ...], info: dict[str, str]) -> Take:
    """Return decoded and filtered features (T, 263) as a take that begins at the origin."""
    features = FootAnchor().push(features[None], last=True)[0]
    poses = _solve(features, FeatureDecoder(), PoseSolver())
    return Take(**vars(poses), prompts=prompts, info=info)
