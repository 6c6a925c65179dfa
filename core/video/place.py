"""PlaceMap: what a place holds along the rays of every token, from a map in the weights.

A frame of a fixed place is settled by where it is seen from. Others fetch past frames by the
camera's pose (WorldMem, arXiv 2504.12369) or condition on the pose alone (VRAG, arXiv 2505.21996);
here a grid of features over the ground is sampled along rays, as radiance fields are, and gives
every column of tokens what lies in its direction. A context window then needs a handful of frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import Config


@dataclass(frozen=True)
class Place:
    """Where a frame is seen from."""

    x: float
    y: float
    """Units, x to the east, y to the north."""
    degrees: float
    """Heading, counter-clockwise from the east."""
    spread: float = 0.0
    """Units by which the place may be off."""


NOWHERE = math.nan
"""Coordinates of a frame that nobody knows the place of."""
RAY_ORDERS, ANGLE_ORDERS, OCTAVES = 16, 8, 6


class PlaceConfig(Config):
    """Which place it is, and how finely it is remembered."""

    low: tuple[float, float] = (0.0, 0.0)
    """South-west corner of the map, x and y in the world's units."""
    high: tuple[float, float] = (640.0, 640.0)
    texel: float = 8.0
    """Units a side of a cell of the map."""
    channels: int = 32
    """Features a cell."""
    rays: int = 2
    """For every column of tokens."""
    samples: int = 16
    """Points a ray, at log-spaced distances from `near` to `far`."""
    near: float = 6.0
    far: float = 700.0
    field_of_view: float = 90.0
    """Degrees that a picture's width spans."""

    @property
    def span(self) -> float:
        """Longer side of the map."""
        return max(high - low for low, high in zip(self.low, self.high, strict=True))


def harmonics(angle: Tensor, orders: int) -> Tensor:
    """Return cos and sin of 1..orders times the angle (...), (..., 2 * orders)."""
    turns = angle[..., None] * torch.arange(1, orders + 1, device=angle.device, dtype=angle.dtype)
    return torch.cat([turns.cos(), turns.sin()], dim=-1)


def octaves(x: Tensor, longest: float, count: int) -> Tensor:
    """Return Fourier features (..., n * 2 * count) of x (..., n), wavelengths longest / 2^k."""
    powers = 2.0 ** torch.arange(count, device=x.device, dtype=x.dtype)
    turns = (x[..., None] * (2 * math.pi / longest) * powers).flatten(-2)
    return torch.cat([turns.cos(), turns.sin()], dim=-1)


class PlaceMap(nn.Module):
    """Turn places (B, T, 3), x, y in units and degrees counter-clockwise, into token features."""

    azimuth: Tensor
    distances: Tensor
    low: Tensor
    extent: Tensor

    def __init__(self, cfg: PlaceConfig, grid: tuple[int, int], width: int, taps: int) -> None:
        super().__init__()
        self.cfg = cfg
        rows, columns = grid
        low, high = torch.tensor(cfg.low), torch.tensor(cfg.high)
        across, up = (math.ceil(side / cfg.texel) for side in (high - low).tolist())
        self.map = nn.Parameter(torch.randn(1, cfg.channels, up, across) * 0.3)
        count = columns * cfg.rays
        slope = (torch.arange(count) + 0.5) / count * 2 - 1
        # pixels are evenly spaced on the picture plane, not in angle; left is positive
        azimuth = -torch.atan(slope * math.tan(math.radians(cfg.field_of_view / 2)))
        distances = torch.linspace(math.log(cfg.near), math.log(cfg.far), cfg.samples).exp()
        self.register_buffer("azimuth", azimuth, persistent=False)
        self.register_buffer("distances", distances, persistent=False)
        self.register_buffer("low", low, persistent=False)
        self.register_buffer("extent", high - low, persistent=False)
        spot = 2 * 2 * OCTAVES
        seen = cfg.rays * (cfg.samples * cfg.channels + 2 * RAY_ORDERS)
        self.read = nn.Sequential(nn.Linear(seen + spot, width), nn.SiLU(), nn.Linear(width, width))
        self.row_scale = nn.Parameter(torch.randn(rows, width) * 0.5)
        self.row_shift = nn.Parameter(torch.randn(rows, width) * 0.1)
        self.nowhere = nn.Parameter(torch.zeros(width))
        self.mix = nn.Sequential(nn.SiLU(), nn.Linear(width, width))
        self.taps = nn.ModuleList(nn.Linear(width, width) for _ in range(taps))
        for tap in self.taps:
            nn.init.zeros_(tap.weight)
            nn.init.zeros_(tap.bias)
        self.summary = nn.Linear(spot + 2 * ANGLE_ORDERS, width)

    def look(self, where: Tensor) -> tuple[Tensor, Tensor]:
        """Return what columns see (B, T, columns, F), and position and heading as features."""
        xy, heading = where[..., :2], torch.deg2rad(where[..., 2])
        ray = heading[..., None] + self.azimuth  # (B, T, rays)
        direction = torch.stack([ray.cos(), ray.sin()], dim=-1)
        points = xy[:, :, None, None] + direction[..., None, :] * self.distances[:, None]
        unit = (points - self.low) / self.extent * 2 - 1  # (B, T, rays, samples, 2)
        flat = unit.flatten(2, 3).flatten(0, 1)[None]
        seen = F.grid_sample(
            self.map.float(), flat, align_corners=False, padding_mode="border"
        )  # (1, F, B * T, rays * samples)
        seen = seen[0].permute(1, 2, 0).reshape(*ray.shape, -1)
        columns = torch.cat([seen, harmonics(ray, RAY_ORDERS)], dim=-1)
        columns = columns.unflatten(2, (-1, self.cfg.rays)).flatten(3)
        spot = octaves(xy - self.low, self.cfg.span, OCTAVES)
        beside = spot[:, :, None].expand(-1, -1, columns.shape[2], -1)
        about = torch.cat([spot, harmonics(heading, ANGLE_ORDERS)], dim=-1)
        return torch.cat([columns, beside], dim=-1), about

    def features(self, where: Tensor) -> tuple[Tensor, Tensor]:
        """Return features of tokens (B, T, P, D) and of frames (B, T, D).

        Where a place is NOWHERE, nothing is known of it.
        """
        lost = where.isnan().any(-1)
        with torch.autocast(where.device.type, enabled=False):  # bf16 blurs a place by units
            columns, about = self.look(where.float().nan_to_num(0.0))
        column = self.read(columns)[:, :, None]  # (B, T, 1, columns, D)
        h = column * (1 + self.row_scale[:, None]) + self.row_shift[:, None]
        h = self.mix(h).flatten(2, 3)
        h = torch.where(lost[:, :, None, None], self.nowhere.to(h.dtype), h)
        e = self.summary(about)
        return h, torch.where(lost[..., None], torch.zeros_like(e), e)

    def forward(self, where: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return `features`, and those of the tokens once more for every tap."""
        h, e = self.features(where)
        return h, e, [tap(h) for tap in self.taps]
