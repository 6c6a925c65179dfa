"""Finder: where a frame was seen from, guessed from its tokens alone.

One look is often ambiguous (a wall is a wall, one block looks like the next), so the finder gives
several guesses, each with a scale and a weight: a mixture of Laplace distributions. `look` then
settles which of them is true; for that the finder also sketches, from what the place map says of
the rays, what would be seen: five times as fast as the transformer draws it, and blurred, so that
a sketch from nearby already tells the way.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import Config


class FinderConfig(Config):
    """Size of the network, and the place that it knows."""

    low: tuple[float, float] = (0.0, 0.0)
    """South-west corner of the map, x and y in the world's units."""
    high: tuple[float, float] = (640.0, 640.0)
    tokens: int = 48
    channels: int = 96
    width: int = 96
    depth: int = 2
    heads: int = 4
    guesses: int = 4
    map_width: int = 320
    """Features a token that the place map gives."""
    hidden: int = 192
    """Width of the sketch."""


class Guesses(NamedTuple):
    """What the finder makes of frames, G guesses each."""

    where: Tensor
    """(B, G, 3): x, y in units, degrees counter-clockwise."""
    direction: Tensor
    """(B, G, 2): cosine and sine of the heading, as the network says them."""
    scale: Tensor
    """(B, G, 2): how far off position (in units) and direction are on the average."""
    weight: Tensor
    """(B, G): logits of which guess is the true one."""


class Finder(nn.Module):
    """Guess places from tokens (B, P, C)."""

    kind = "place-finder"
    Config = FinderConfig
    low: Tensor
    extent: Tensor

    def __init__(self, cfg: FinderConfig) -> None:
        super().__init__()
        self.cfg = cfg
        self.embed = nn.Linear(cfg.channels, cfg.width)
        self.place = nn.Parameter(torch.randn(cfg.tokens, cfg.width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            cfg.width,
            cfg.heads,
            2 * cfg.width,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.blocks = nn.TransformerEncoder(layer, cfg.depth, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(cfg.width), nn.Linear(cfg.width, 16))
        self.out = nn.Sequential(
            nn.SiLU(), nn.Linear(16 * cfg.tokens, 256), nn.SiLU(), nn.Linear(256, 7 * cfg.guesses)
        )
        self.sketch_place = nn.Parameter(torch.zeros(cfg.tokens, cfg.hidden))
        self.sketch_in = nn.Linear(cfg.map_width, cfg.hidden)
        self.sketch_out = nn.Linear(cfg.hidden, cfg.channels)
        low, high = torch.tensor(cfg.low), torch.tensor(cfg.high)
        self.register_buffer("low", low, persistent=False)
        self.register_buffer("extent", high - low, persistent=False)

    def forward(self, tokens: Tensor) -> Guesses:
        """Return the guesses for tokens (B, P, C)."""
        h = self.head(self.blocks(self.embed(tokens) + self.place)).flatten(1)
        x = self.out(h).float().unflatten(1, (self.cfg.guesses, 7))
        direction, scale = x[..., 2:4], x[..., 4:6].clamp(-8, 2).exp()
        degrees = torch.rad2deg(torch.atan2(direction[..., 1], direction[..., 0]))
        xy = x[..., :2] * self.extent + self.low
        scale = scale * torch.stack([self.extent.max(), self.extent.new_ones(())])
        return Guesses(torch.cat([xy, degrees[..., None]], -1), direction, scale, x[..., 6])

    def sketch(self, seen: Tensor) -> Tensor:
        """Return about the tokens (..., P, C) of what the place map says of them (..., P, D)."""
        return self.sketch_out(F.gelu(self.sketch_in(seen) + self.sketch_place, approximate="tanh"))
