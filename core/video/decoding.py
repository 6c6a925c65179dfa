"""The tokenizer's decoder as a CPU runs it fastest: weights are laid out once, not at every call.

In int8, where it is asked for, convolutions between SiLUs are rounded; what makes tokens wide and
what makes pixels is not. The plain layers of `core.video.tokenizer` stay what is trained, saved and
compared with.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from core.diffusion.packed import packs
from core.settings import Precision
from core.video.tokenizer import FrameTokenizer, ResBlock

LEAST = -0.2785
"""What a SiLU never falls below."""
LEVELS = 254
"""Steps of a byte from there to the largest number; one is left for rounding."""
SLOW = 1024
"""Pixels below which PyTorch norms channels that lie last one by one."""


def prepare(tokenizer: FrameTokenizer, precision: Precision = "fp32") -> None:
    """Have a tokenizer decode so from now on, in the precision that its weights have or in int8."""
    if packs():
        _replace(tokenizer.decoder, precision == "int8")


def _replace(module: nn.Module, rounded: bool) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d):
            inside = rounded and isinstance(module, ResBlock)
            setattr(module, name, (RoundedConvolution if inside else Convolution)(child))
        elif isinstance(child, nn.GroupNorm):
            setattr(module, name, LastGroupNorm(child))
        else:
            _replace(child, rounded)


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


class RoundedConvolution(nn.Module):
    """`nn.Conv2d` of stride 1 behind a SiLU: weights are rounded by output, what comes in by call.

    Sums are exact.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        weight = conv.weight.detach().float()
        self._scales = weight.abs().amax((1, 2, 3)).clamp(min=1e-12) / 127
        levels = (weight / self._scales[:, None, None, None]).round().to(torch.int8)
        self._plain = levels.contiguous(memory_format=torch.channels_last)
        self._zeros = torch.zeros(len(weight), dtype=torch.int)
        self._bias = None if conv.bias is None else conv.bias.detach().float()
        self._around: Any = (conv.stride, conv.padding, conv.dilation, conv.groups)
        self._weight: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, C, H, W)."""
        step = max((x.amax().item() - LEAST) / LEVELS, 1e-6)
        zero, weight = round(-LEAST / step), self._weight
        half_up = torch.tensor([zero + 0.5])
        levels = torch.add(half_up, x, alpha=1 / step).to(torch.uint8)
        if weight is None:
            lay_out = torch.ops.onednn.qconv_prepack
            around = *self._around, list(x.shape)
            weight = self._weight = lay_out(self._plain, self._scales, step, zero, *around)
        ours = step, zero, weight, self._scales, self._zeros, self._bias
        return torch.ops.onednn.qconv_pointwise.default(
            levels, *ours, *self._around, 1.0, 0, x.dtype, "none", [], ""
        )


class LastGroupNorm(nn.Module):
    """`nn.GroupNorm` over pictures whose channels lie last in memory."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self._norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """Norm (B, C, H, W)."""
        rows, pixels = x.shape[2], x.shape[2:].numel()
        if not SLOW / 2 <= pixels < SLOW:
            return self._norm(x)
        # every pixel twice leaves the mean and the variance as they are
        return self._norm(torch.cat([x, x], dim=2))[:, :, :rows]
