"""FrameDiT: next-frame diffusion over frame tokens (NFD, arXiv 2506.01380).

Joint block-causal attention over space and time: full inside a frame, causal between frames. Every
frame has its own flow time and its own action, and both enter by its adaLN-zero. Clean frames of
the past carry a little noise that the model is told of (their time is `1 - context_noise`), so that
small errors of its own do not build up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from core.config import Config
from core.diffusion.attention import Cache, KVCache, Rotary
from core.diffusion.flow import with_clean
from core.diffusion.layers import TimeEmbedding
from core.diffusion.sampler import StreamSampler
from core.diffusion.static import Runner, StaticCache, StreamCache
from core.diffusion.transformer import Adaln, CausalTransformer, TransformerConfig
from core.diffusion.window import WindowCache
from core.settings import MOST_TOGETHER, Precision
from core.video.actions import Key
from core.video.place import NOWHERE, Place, PlaceConfig, PlaceMap

TAPS = (2, 4)
"""Blocks before which tokens are shown their place once more."""
RECENT = 64
"""Places that are remembered with what is seen from them, some 12 MB; as many times and actions."""
Seen = tuple[Tensor, Tensor, list[Tensor]]
"""What tokens and frames are told of their places, and tokens once more for every tap."""
LATEST = 0.95
"""Flow time that a predicted frame's velocity is never computed beyond: it divides by 1 - t."""


class FrameConfig(Config):
    """Size of the transformer, and how it is sampled where nobody says otherwise."""

    tokenizer: str = "video-tokenizer"
    """Checkpoint of the autoencoder whose tokens these are."""
    keys: tuple[Key, ...]
    """What can be held, in the order of an action's numbers."""
    grid: tuple[int, int] = (6, 8)
    """Rows and columns of tokens in a frame."""
    channels: int = 48
    """Numbers a token."""
    width: int = 256
    depth: int = 6
    heads: int = 4
    hidden: int = 1024
    """Width inside the feed-forward layers."""
    adaln: Adaln = "shared"
    prefix: int = 1
    """Seed frames that stay in view for ever (ViD-GPT's frame as prompt)."""
    context: int = 7
    """Frames a stream looks back on, besides."""
    max_frames: int = 12
    """Rotary positions: prefix, context, the frame being committed, and those being made."""
    steps: int = 1
    """Default number of sampling steps."""
    shift: float = 1.0
    """How far the levels between noise and data are moved towards noise (`schedule.times`)."""
    context_noise: float = 0.1
    """Default noise on clean frames of the past."""
    fps: float = 30.0
    """Frames a second that the world is played at."""
    place: PlaceConfig | None = None
    """The place that lies in the weights; None where frames have no known place."""
    predicts: Literal["velocity", "data"] = "velocity"
    """What the last layer says. Where the place is known, a frame is nearly settled, and its data
    are reached in one step."""

    @property
    def most_together(self) -> int:
        """Frames that may be denoised jointly: as many finished ones ride along for the commit."""
        return min((self.max_frames - self.prefix - self.context) // 2, MOST_TOGETHER)


def published(width: int, depth: int, heads: int) -> FrameConfig:
    """Return a size that NFD publishes: 384 x 224 pictures at 16 x, a context of 32 frames."""
    keys = tuple(Key(name=chr(ord("A") + i), codes=()) for i in range(25))
    return FrameConfig(
        tokenizer="",
        keys=keys,
        grid=(14, 24),
        channels=16,
        width=width,
        depth=depth,
        heads=heads,
        hidden=4 * width,
        adaln="layer",
        prefix=0,
        context=31,
        max_frames=40,
        steps=4,
    )


PRESETS = {"nfd-130m": (768, 12, 12), "nfd-310m": (1024, 16, 16)}
"""Width, depth and heads of published sizes."""


@dataclass(frozen=True)
class Action:
    """What is held while a frame comes into being."""

    keys: Tensor
    """(B, K) with 1 where a key is held; a row of -1 means unknown (no guidance towards it)."""
    mask: int = 0
    """The same as a bit mask, where all rows agree."""
    course: np.ndarray | None = None
    """(1 + N, 3): the place it is seen from (x, y in units, degrees counter-clockwise), and places
    that it might be instead; None where nobody knows."""

    @property
    def where(self) -> np.ndarray | None:
        """Places that the rows are seen from, (B, 3) or one for all (1, 3); None as `course`."""
        return None if self.course is None else self.course[:1]

    @property
    def place(self) -> Place | None:
        """Where the frame is seen from; None where nobody knows."""
        if self.course is None:
            return None
        (x, y, degrees), others = self.course[0].tolist(), self.course[1:, :2]
        off = np.square(others - self.course[0, :2]).sum(1)
        return Place(x, y, degrees % 360, math.sqrt(off.mean()) if len(off) else 0.0)

    def with_null(self) -> Action:
        """Return the condition of a doubled batch whose second half has no known action."""
        return replace(self, keys=torch.cat([self.keys, torch.full_like(self.keys, -1)]))


class FrameDiT(nn.Module):
    """Predict the velocity of frames; see `Denoiser` in `core.diffusion.sampler`."""

    kind = "frame-dit"
    Config = FrameConfig

    def __init__(self, cfg: FrameConfig) -> None:
        super().__init__()
        self.cfg = cfg
        rows, columns = cfg.grid
        places = torch.cartesian_prod(torch.tensor([0]), torch.arange(rows), torch.arange(columns))
        rotary = Rotary(cfg.width // cfg.heads, places, frame_stride=1, max_frames=cfg.max_frames)
        self.embed = nn.Linear(cfg.channels, cfg.width)
        self.place = nn.Parameter(torch.randn(rows * columns, cfg.width) * 0.02)
        self.time = TimeEmbedding(cfg.width, frequencies=32, fastest=16.0)
        self.action = nn.Sequential(
            nn.Linear(len(cfg.keys), cfg.width), nn.SiLU(), nn.Linear(cfg.width, cfg.width)
        )
        self.unknown = nn.Parameter(torch.zeros(cfg.width))
        self.transformer = CausalTransformer(
            TransformerConfig(
                width=cfg.width,
                depth=cfg.depth,
                heads=cfg.heads,
                hidden=cfg.hidden,
                adaln=cfg.adaln,
            ),
            rotary,
        )
        self.place_map = PlaceMap(cfg.place, cfg.grid, cfg.width, len(TAPS)) if cfg.place else None
        self.norm = nn.LayerNorm(cfg.width, eps=1e-6)
        self.project = nn.Linear(cfg.width, cfg.channels)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)
        self.runner: Runner | None = None
        """Where streams compute at fixed addresses; None: wherever they are."""
        self.remembers: torch.dtype | None = None
        """In what a CPU's streams keep keys and values, once it is prepared."""

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Shape (P, D) of one frame."""
        return self.cfg.grid[0] * self.cfg.grid[1], self.cfg.channels

    def run_static(self, dtype: torch.dtype, fuse: bool = False) -> None:
        """Give streams caches of fixed size, which CUDA graphs ask for; see `Runner`."""
        self.runner = Runner(self.transformer, self.frame_shape[0], dtype, fuse)

    def prepare(self, precision: Precision) -> None:
        """Compute as a CPU does fastest; from now on for inference only."""
        self.remembers = self.transformer.prepare(precision)
        self._seen_of_late = lru_cache(RECENT)(self._seen_here)
        self._told_of_late = lru_cache(RECENT)(self._told_here)

    def new_cache(self, slack: int = 0, rows: int = 1) -> StreamCache:
        """Return the memory of a new stream that can be rolled back by `slack` frames."""
        cfg = self.cfg
        if self.runner is not None:
            return self.runner.new_cache(
                rows, prefix=cfg.prefix, context=cfg.context, slack=slack, most=cfg.max_frames
            )
        if self.remembers is not None:
            size = self.transformer.size(
                rows,
                self.frame_shape[0],
                prefix=cfg.prefix,
                context=cfg.context,
                slack=slack,
                most=cfg.max_frames,
            )
            return WindowCache(size, self.transformer.rotary, self.remembers)
        return KVCache(
            cfg.depth, self.frame_shape[0], context=cfg.context, prefix=cfg.prefix, slack=slack
        )

    def new_sampler(
        self,
        rows: int,
        seed: int,
        *,
        steps: int | None = None,
        context_noise: float | None = None,
        slack: int = 0,
    ) -> StreamSampler[Action]:
        """Return a sampler of `rows` worlds at once, as the config says where nothing is said."""
        steps = self.cfg.steps if steps is None else steps
        noise = self.cfg.context_noise if context_noise is None else context_noise
        return StreamSampler(
            self,
            (rows, *self.frame_shape),
            self.new_cache(slack, rows),
            steps=steps,
            stagger=steps,
            generator=torch.Generator().manual_seed(seed),
            context_noise=noise,
            shift=self.cfg.shift,
            device=next(self.parameters()).device,
        )

    def condition(self, t: Tensor, actions: Tensor) -> Tensor:
        """Return (B, T, D) of flow times (B, T) and actions (B, T, K)."""
        e = self.action(actions.clamp(min=0))
        e = torch.where(actions[..., :1] < 0, self.unknown.to(e.dtype), e)
        return self.time(t) + e

    def denoise(
        self,
        x: Tensor,
        t: Tensor,
        actions: Tensor,
        cache: Cache | None = None,
        commit: int = 0,
        *,
        where: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Return the velocity of x (B, T, P, C) at times t (B, T) under actions (B, T, K).

        `where` (B, T, 3) are the places it is seen from; None is nowhere. `mask` is what tokens
        see, for training only; None is block-causal.
        """
        h, e = self.embed(x) + self.place, self._told(t, actions)
        taps: dict[int, Tensor] = {}
        if self.place_map is not None:
            if where is None:
                where = torch.full((*t.shape, 3), NOWHERE, device=t.device)
            seen, about, shown = self._seen_from(self.place_map, where)
            h, e = h + seen, e + about
            taps.update(zip(TAPS, shown, strict=True))
        modulations = self.transformer.modulations(e)
        h = self.transformer(h, modulations, cache=cache, commit=commit, taps=taps, mask=mask)
        v = self.project(self.norm(h))
        if self.cfg.predicts == "data":
            v = (v - x[:, commit:]) / (1 - t[:, commit:].clamp(max=LATEST))[..., None, None]
        return with_clean(v, commit)

    def _told(self, t: Tensor, actions: Tensor) -> Tensor:
        """Return what `condition` does."""
        if self.remembers is None or len(t) > 1:
            return self.condition(t, actions)
        said = zip(t[0].tolist(), actions[0].tolist(), strict=True)
        return self._told_of_late(tuple((at, *held) for at, held in said))

    def _told_here(self, said: tuple[tuple[float, ...], ...]) -> Tensor:
        """Return the same of frames' times and actions."""
        told = torch.tensor([said], dtype=self.place.dtype)
        return self.condition(told[..., 0], told[..., 1:])

    def _seen_from(self, place_map: PlaceMap, where: Tensor) -> Seen:
        """Return what a map says of places (B, T, 3)."""
        if self.remembers is None or len(where) > 1:
            return place_map(where)
        # a stream's frame is met twice: while it is made, and when it is committed
        each = [self._seen_of_late(tuple(place)) for place in where[0].tolist()]
        seen, about, taps = zip(*each, strict=True)
        shown = [torch.cat(parts, dim=1) for parts in zip(*taps, strict=True)]
        return torch.cat(seen, dim=1), torch.cat(about, dim=1), shown

    def _seen_here(self, place: tuple[float, ...]) -> Seen:
        """Return what the map says of one place."""
        assert self.place_map is not None
        return self.place_map(torch.tensor([[place]], dtype=self.place.dtype))

    def forward(
        self,
        x: Tensor,
        t: Tensor,
        conditions: Sequence[Action],
        cache: StreamCache | None = None,
        commit: int = 0,
    ) -> Tensor:
        """Return the velocity of frames x (B, T, P, C), with one action a frame."""
        told = self.told(conditions)
        if isinstance(cache, StaticCache):
            return cache.call(self.at, [x, t, *told], commit)
        return self.at(x, t, *told, cache=cache, commit=commit)

    def told(self, conditions: Sequence[Action]) -> list[Tensor]:
        """Return the actions (B, T, K) and, where all are known, the places (B, T, 3) of frames."""
        actions = torch.stack([c.keys for c in conditions], dim=1)
        places = [where for c in conditions if (where := c.where) is not None]
        if len(places) < len(conditions):
            return [actions]
        where = torch.from_numpy(np.stack(places, axis=1)).float()
        where = where.to(actions.device, non_blocking=True)
        return [actions, where.expand(len(actions), -1, -1)]

    def at(
        self,
        x: Tensor,
        t: Tensor,
        actions: Tensor,
        *where: Tensor,
        cache: Cache | None,
        commit: int,
    ) -> Tensor:
        """Return what `denoise` does; see `Network` in `core.diffusion.whole`."""
        return self.denoise(x, t, actions, cache, commit, where=where[0] if where else None)
