"""The VAE's decoder as a CPU runs it fastest: every convolution is one product.

A block of motion is a few poses long, and at that length PyTorch's convolutions take longer to
arrange numbers than to multiply them. Here channels lie last, (B, T, C): what a convolution sees of
three times is gathered into one row, and its weights are laid out for that ahead of time. The plain
layers of `core.motion.vae` stay what is trained, saved and compared with.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from core.diffusion.layers import rms_norm
from core.diffusion.packed import pack
from core.motion.vae import CausalConv1d, ChannelNorm, MotionVAE, ResBlock, Stack, StreamState
from core.settings import Precision

WIDE = 256
"""Channels from which on packing makes up for what each call of a packed product costs."""


def prepare(vae: MotionVAE, precision: Precision = "fp32") -> None:
    """Have a VAE decode by products of a precision from now on.

    Features leave the last one: rounded to int8, it alone would be half of what all the others are
    off by.
    """
    _replace(vae.decoder)
    last = str(len(vae.decoder) - 1)
    if precision != "fp32" or vae.cfg.width >= WIDE:
        pack(vae.decoder, precision, spare=last if precision == "int8" else "")
    vae.decoder = ChannelsLast(vae.decoder)


def _replace(module: nn.Module) -> None:
    """Exchange, one by one so that no weights are there twice, layers that have channels first."""
    for name, child in module.named_children():
        new = _PREPARED.get(type(child))
        if new is None:
            _replace(child)
        else:
            setattr(module, name, new(child))


class ChannelsLast(Stack):
    """A stack of exchanged layers, called as it was before."""

    def forward(self, x: Tensor, state: StreamState | None = None) -> Tensor:
        """Apply all layers in turn to (B, C, T)."""
        x, state = x.mT, {} if state is None else state
        for layer in self:
            x = layer(x, state) if isinstance(layer, Convolution | ResBlock) else layer(x)
        return x.mT


class Convolution(nn.Module):
    """`CausalConv1d` over (B, T, C), whose state is (B, left, C)."""

    def __init__(self, layer: CausalConv1d) -> None:
        super().__init__()
        self.name, self.left = layer.name, layer.left
        (self.kernel,), (self.dilation,) = layer.conv.kernel_size, layer.conv.dilation
        self.product = _product(layer.conv)

    def forward(self, x: Tensor, state: StreamState) -> Tensor:
        """Convolve (B, T, C); `state` holds the left context of a stream and is updated."""
        b, t, c = x.shape
        left = state.get(self.name)
        x = torch.cat([x.new_zeros(b, self.left, c) if left is None else left, x], dim=1)
        state[self.name] = x[:, t:]
        seen = x.as_strided((b, t, self.kernel, c), (x.stride(0), c, self.dilation * c, 1))
        return self.product(seen.flatten(2))


class LastNorm(nn.Module):
    """`ChannelNorm` over (B, T, C)."""

    def __init__(self, norm: ChannelNorm) -> None:
        super().__init__()
        self.scale = norm.scale[:, 0]

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T, C) with a mean square of one at every time."""
        return rms_norm(x, self.scale)


class Twice(nn.Module):
    """`nn.Upsample` over (B, T, C)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 2 T, C), every time twice."""
        return x.repeat_interleave(2, dim=1)


def _product(conv: nn.Conv1d) -> nn.Module:
    """Return the layer that takes (..., K * C) to what a convolution makes of K times."""
    weight = conv.weight.mT.flatten(1)  # (O, C, K) -> (O, K * C)
    linear = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
    linear.load_state_dict({"weight": weight, "bias": conv.bias}, assign=True)
    return linear.requires_grad_(False)


_PREPARED: dict[type[nn.Module], Callable[..., nn.Module]] = {
    CausalConv1d: Convolution,
    nn.Conv1d: _product,
    ChannelNorm: LastNorm,
    nn.Upsample: lambda _: Twice(),
}
