"""Products as a CPU does them fastest: weights laid out once, in fp32, in bf16 or in int8.

At few rows, as in a stream, a product takes as long as its weights take to be read: laid out ahead
of time they are read in order, and bf16 and int8 read a half and a quarter of the bytes. The plain
modules stay what is trained, saved and compared with.
"""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.diffusion.layers import FeedForward
from core.settings import Precision

ROWS = 16
"""Rows that weights are laid out for; others fit, too."""
TWICE = math.sqrt(8 / math.pi)
"""Of a tanh-GELU's inner slope at 0."""


class Packed(nn.Module):
    """A linear layer (..., K) -> (..., N), with tanh-GELU behind it if wanted; for inference.

    Sums are fp32. int8 scales weights by output, and what comes in by call. It answers in fp32, or
    in bf16 where it computes so. Weights in fp64, and machines without oneDNN, are multiplied as
    ever.
    """

    def __init__(
        self, linear: nn.Linear, precision: Precision = "fp32", *, gelu: bool = False
    ) -> None:
        super().__init__()
        weight = linear.weight.detach()
        bias = cast("Tensor | None", linear.bias)
        self.bias = None if bias is None else bias.detach()
        self.gelu, self.way, self.shape = gelu, "plain", weight.shape
        self.weight: Any = weight  # as products want it
        if weight.dtype != torch.float64 and precision == "int8":
            self.way, self.weight = "int8", _quantized(weight, self.bias)
            # without these instructions sums of two products may not fit
            self._reduced = not torch.cpu._is_vnni_supported()  # pyright: ignore[reportPrivateUsage]
            # the operator itself: its wrapper looks at every argument first
            self._multiply = torch.ops.quantized.linear_dynamic._op  # pyright: ignore[reportPrivateUsage]
            return
        self.kind = torch.bfloat16 if precision == "bf16" else weight.dtype
        self.weight = weight.to(self.kind)
        self.bias = None if self.bias is None else self.bias.to(self.kind)
        if self.kind != torch.float64 and packs():
            self.way, self._product = "packed", torch.ops.mkldnn._linear_pointwise.default
            self.weight = torch.ops.mkldnn._reorder_linear_weight(self.weight, ROWS)

    def forward(self, x: Tensor) -> Tensor:
        """Return the products."""
        if self.way == "packed":
            act, form = ("gelu", "tanh") if self.gelu else ("none", "")
            if x.dtype != self.kind:
                x = x.to(self.kind)
            return self._product(x, self.weight, self.bias, act, [], form)
        if self.way == "int8":
            y = self._multiply(x.float(), self.weight, self._reduced)
        else:
            y = F.linear(x.to(self.kind), self.weight, self.bias)
        return tanh_gelu(y) if self.gelu else y

    __call__ = forward  # without a look for hooks, which few rows would feel


def tanh_gelu(x: Tensor) -> Tensor:
    """Return what `F.gelu` does with "tanh", in half the time: that is x sigmoid(2 u) where it says
    x (1 + tanh(u)) / 2."""
    slope = torch.addcmul(_twice(x.dtype), x, x, value=0.044715 * TWICE)
    return slope.mul_(x).sigmoid_().mul_(x)


@lru_cache
def _twice(kind: torch.dtype) -> Tensor:
    return torch.full((1,), TWICE, dtype=kind)


@lru_cache
def packs() -> bool:
    """Return whether this PyTorch lays weights out for products, which not all builds do."""
    ops = torch.ops.mkldnn
    try:
        weight = ops._reorder_linear_weight(torch.ones(2, 2), ROWS)
        ops._linear_pointwise.default(torch.ones(1, 2), weight, None, "none", [], "")
    except (RuntimeError, AttributeError):
        return False
    return True


def _quantized(weight: Tensor, bias: Tensor | None) -> Any:
    """Return weights (N, K) in int8 as PyTorch's products want them."""
    scale = weight.abs().amax(1).clamp(min=1e-12).double() / 127
    zero = torch.zeros(len(weight), dtype=torch.long)
    with warnings.catch_warnings():  # that later releases will call this something else
        warnings.simplefilter("ignore")
        rounded = torch.quantize_per_channel(weight.float(), scale, zero, 0, torch.qint8)
    return torch.ops.quantized.linear_prepack(rounded, bias)


def pack(module: nn.Module, precision: Precision = "fp32", *, spare: str = "") -> None:
    """Replace all linear layers inside a module; those called `spare` stay as they are."""
    for name, child in module.named_children():
        if name == spare:
            continue
        if type(child) is nn.Linear:
            setattr(module, name, Packed(child, precision))
        elif isinstance(child, FeedForward):
            first, _, last = cast("tuple[nn.Linear, nn.Module, nn.Linear]", tuple(child))
            packed = Packed(first, precision, gelu=True), Packed(last, precision)
            setattr(module, name, nn.Sequential(*packed))
        else:
            pack(child, precision, spare=spare)


def count(module: nn.Module) -> int:
    """Return how many numbers the weights of a module are, packed or not."""
    packed = [m for m in module.modules() if isinstance(m, Packed)]
    own = [layer.shape.numel() + (0 if layer.bias is None else len(layer.bias)) for layer in packed]
    return sum(p.numel() for p in module.parameters()) + sum(own)
