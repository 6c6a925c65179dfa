"""Small layers that more than one model uses."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TimeEmbedding(nn.Module):
    """Embed flow time, (B, T) -> (B, T, D): sinusoids of t in [0, 1], then a two-layer MLP.

    `fastest` is the highest frequency. Consistency training differentiates by time and wants it
    low (sCM, arXiv 2410.11081, section 4.1).
    """

    scale: Tensor

    def __init__(self, width: int, frequencies: int = 128, fastest: float = 1e3) -> None:
        super().__init__()
        scale = fastest ** torch.linspace(0, 1, frequencies)
        self.register_buffer("scale", scale, persistent=False)
        self.mlp = nn.Sequential(
            nn.Linear(2 * frequencies, width), nn.SiLU(), nn.Linear(width, width)
        )

    def forward(self, t: Tensor) -> Tensor:
        """Return (B, T, D) of t (B, T)."""
        angle = t[..., None] * self.scale
        return self.mlp(torch.cat([angle.cos(), angle.sin()], dim=-1))


class FeedForward(nn.Sequential):
    """Linear, tanh-GELU, Linear."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__(
            nn.Linear(width, hidden), nn.GELU(approximate="tanh"), nn.Linear(hidden, width)
        )


def rms_norm(x: Tensor, scale: Tensor, eps: float = 1e-6) -> Tensor:
    """Return x with a mean square of one over its last axis, times `scale`."""
    if x.is_cuda:
        return F.rms_norm(x, x.shape[-1:], eps=eps) * scale.to(x.dtype)
    # what CPUs have is ten operations, each of which takes longer than its arithmetic
    y = x.float() if x.dtype == torch.bfloat16 else x
    y = y * (y * y).mean(-1, keepdim=True).add_(eps).rsqrt_() * scale
    return y if y.dtype == x.dtype else y.to(x.dtype)


def plain_norm(width: int) -> nn.LayerNorm:
    """Return a LayerNorm whose scale and shift come from elsewhere (adaLN)."""
    return nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Average (B, L, D) over the positions where mask (B, L) is true."""
    weight = mask[..., None].to(x.dtype)
    return (x * weight).sum(1) / weight.sum(1).clamp(min=1)
