"""The tokenizer's decoder as a CPU runs it fastest: weights are laid out once, not at every call.

The plain layers of `core.video.tokenizer` stay what is trained, saved and compared with.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from core.diffusion.packed import packs
from core.video.tokenizer import FrameTokenizer

SLOW = 1024
"""Pixels below which PyTorch norms channels that lie last one by one."""


def prepare(tokenizer: FrameTokenizer) -> None:
    """Have a tokenizer decode so from now on, in the precision that its weights have."""
    if packs():
        _replace(tokenizer.decoder)


def _replace(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d):
            setattr(module, name, Convolution(child))
        elif isinstance(child, nn.GroupNorm):
            setattr(module, name, LastGroupNorm(child))
        else:
            _replace(child)


class Convolution(nn.Module):
    """`nn.Conv2d` of stride 1 over pictures whose channels lie last in memory."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self._plain, self._bias = conv.weight.detach(), conv.bias
        self._around: Any = (conv.padding, conv.stride, conv.dilation, conv.groups)
        self._weight: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, C, H, W)."""
        x, around, weight = x.to(self._plain.dtype), self._around, self._weight
        if weight is None:  # as is best for the first pictures; others fit, too
            lay_out = torch.ops.mkldnn._reorder_convolution_weight
            weight = self._weight = lay_out(self._plain, *around, list(x.shape))
        convolve = torch.ops.mkldnn._convolution_pointwise.default
        return convolve(x, weight, self._bias, *around, "none", [], "")


class LastGroupNorm(nn.Module):
    """`nn.GroupNorm` over pictures whose channels lie last in memory."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self._norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """Norm (B, C, H, W)."""
        rows, pixels = x.shape[2], x.shape[2:].numel()
        if not SLOW <= 2 * pixels < 2 * SLOW:
            return self._norm(x)
        # every pixel twice leaves the mean and the variance as they are
        return self._norm(torch.cat([x, x], dim=2))[:, :, :rows]
