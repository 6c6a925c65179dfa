"""An adapter that steers a motion transformer: where to go, which poses to come through.

Conditions are tokens of their own, attended to beside the text by a small cross-attention before
every block, whose output begins at zero (decoupled as in IP-Adapter, arXiv 2308.06721). They see
nothing themselves, so keys and values are made once per change and serve every call (EasyControl,
arXiv 2503.07027). Finished blocks do not see them: history stays free of old wishes. The base keeps
its weights, and without conditions nothing of this is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import Config
from core.diffusion.attention import attend
from core.diffusion.flow import CLEAN
from core.diffusion.layers import plain_norm
from core.motion.conditions import KINDS, WIDTH

LONGEST = 100.0
"""Wavelength of the slowest rotary pair, in latents over 2 pi."""


class AdapterConfig(Config):
    """Size of the adapter."""

    base: str = "motion"
    """Checkpoint that it steers."""
    width: int = 256
    """Of the base."""
    depth: int = 6
    """Blocks of the base."""
    inner: int = 96
    """Width of the attention to conditions."""
    heads: int = 4


@dataclass(frozen=True)
class Guides:
    """Conditions made ready: keys and values (B, H, N, K) for each block, and what is there."""

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    mask: Tensor
    """(B, 1, 1, N), false on padding."""


def turned(x: Tensor, positions: Tensor) -> Tensor:
    """Rotate (B, H, N, K) by positions (B, N), whole or not (rotary, arXiv 2104.09864)."""
    pairs = x.shape[-1] // 2
    scale = LONGEST ** (-torch.arange(pairs, device=x.device) / pairs)
    angle = (positions[:, None, :, None] * scale).float()
    a, b = x.float().unflatten(-1, (2, pairs)).unbind(-2)
    cos, sin = angle.cos(), angle.sin()
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1).to(x.dtype)


class Tap(nn.Module):
    """What one block of the base hears of the conditions."""

    def __init__(self, cfg: AdapterConfig) -> None:
        super().__init__()
        self.heads = cfg.heads
        self.norm = plain_norm(cfg.width)
        self.q = nn.Linear(cfg.width, cfg.inner)
        self.time = nn.Linear(cfg.width, cfg.inner)
        self.kv = nn.Linear(cfg.width, 2 * cfg.inner)
        self.gate = nn.Linear(cfg.width, cfg.inner)
        self.out = nn.Linear(cfg.inner, cfg.width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def prepare(self, tokens: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys and values, each (B, H, N, K), of tokens (B, N, D) at times (B, N)."""
        k, v = self.kv(tokens).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return turned(F.rms_norm(k, k.shape[-1:], eps=1e-6), times), v

    def forward(
        self, x: Tensor, e: Tensor, positions: Tensor, guides: Guides, block: int
    ) -> Tensor:
        """Return what is added to x (B, T, P, D) under the time embedding e (B, T, D)."""
        h = self.q(self.norm(x)) + self.time(e)[:, :, None]
        q = h.flatten(1, 2).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        q = turned(F.rms_norm(q, q.shape[-1:], eps=1e-6), positions)
        k, v, mask = guides.keys[block], guides.values[block], guides.mask
        repeats = len(x) // len(k)  # guidance stacks two batches
        if repeats > 1:
            k, v, mask = (y.repeat(repeats, 1, 1, 1) for y in (k, v, mask))
        y = attend(q, k, v, mask).transpose(1, 2).flatten(2).unflatten(1, x.shape[1:3])
        return self.out(y * self.gate(e).sigmoid()[:, :, None])


class SteeringAdapter(nn.Module):
    """Make conditions ready, and add what blocks hear of them."""

    kind = "motion-steering"
    Config = AdapterConfig

    def __init__(self, cfg: AdapterConfig) -> None:
        super().__init__()
        self.cfg = cfg
        self.embed = nn.Linear(WIDTH, len(KINDS) * cfg.width)
        self.mix = nn.Linear(cfg.width, cfg.width)
        self.taps = nn.ModuleList(Tap(cfg) for _ in range(cfg.depth))

    def guides(self, kinds: Tensor, times: Tensor, numbers: Tensor, mask: Tensor) -> Guides:
        """Prepare conditions: kinds, times and mask (B, N), numbers (B, N, WIDTH)."""
        h = self.embed(numbers).unflatten(-1, (len(KINDS), -1))
        h = h.gather(2, kinds[..., None, None].expand(-1, -1, 1, h.shape[-1])).squeeze(2)
        tokens = self.mix(F.silu(h))
        pairs = [tap.prepare(tokens, times) for tap in self._taps()]
        keys, values = zip(*pairs, strict=True)
        return Guides(keys, values, mask[:, None, None, :])

    def _taps(self) -> list[Tap]:
        return [tap for tap in self.taps if isinstance(tap, Tap)]

    def taps_for(
        self, guides: Guides, t: Tensor, e: Tensor, tokens: int
    ) -> Mapping[int, Callable[[Tensor], Tensor]]:
        """Return what is to be added before each block, for frames at flow times t (B, T).

        The first frame that is not clean begins at the next pose; e (B, T, D) embeds t.
        """
        noisy = t < CLEAN
        first = noisy.cumsum(1) - 1
        positions = (first * tokens)[..., None] + torch.arange(tokens, device=t.device)
        positions = positions.flatten(1).float()
        shown = noisy[:, :, None, None]
        return {
            i: partial(self._tap, tap, e, positions, guides, i, shown)
            for i, tap in enumerate(self._taps())
        }

    @staticmethod
    def _tap(
        tap: Tap, e: Tensor, positions: Tensor, guides: Guides, block: int, shown: Tensor, x: Tensor
    ) -> Tensor:
        return tap(x, e, positions, guides, block) * shown
