"""CMDM as it is published, written down from its formulas: whole sequences, no cache.

Weights are a dictionary under the release's own names; nothing of the engine is used here.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

Weights = dict[str, Tensor]
DILATIONS = (9, 3, 1)


def _linear(w: Weights, name: str, x: Tensor) -> Tensor:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def _conv(w: Weights, name: str, x: Tensor, *, stride: int = 1, dilation: int = 1) -> Tensor:
    kernel = w[f"{name}.weight"]
    left = (kernel.shape[2] - 1) * dilation + 1 - stride
    bias = w[f"{name}.bias"]
    return F.conv1d(F.pad(x, (left, 0)), kernel, bias, stride=stride, dilation=dilation)


def _resnet(w: Weights, name: str, x: Tensor) -> Tensor:
    for j, dilation in enumerate(DILATIONS):
        h = _conv(w, f"{name}.model.{j}.conv1", x.relu(), dilation=dilation)
        x = x + _conv(w, f"{name}.model.{j}.conv2", h.relu())
    return x


def encode(w: Weights, x: Tensor) -> Tensor:
    """Return means (B, T / 4, 64) of normalized features (B, T, 263)."""
    h = _conv(w, "encoder.model.0.conv", x.transpose(1, 2)).relu()
    for i in (2, 3):
        h = _resnet(w, f"encoder.model.{i}.1", _conv(w, f"encoder.model.{i}.0.conv", h, stride=2))
    h = _conv(w, "encoder.model.4.conv", h).transpose(1, 2)
    return _linear(w, "encoder.proj", h).chunk(2, dim=-1)[0]


def decode(w: Weights, z: Tensor) -> Tensor:
    """Return normalized features (B, 4 T, 263) of latents (B, T, 64)."""
    h = _conv(w, "decoder.model.0.conv", _linear(w, "decode_proj", z).transpose(1, 2)).relu()
    for i in (2, 3):
        h = _resnet(w, f"decoder.model.{i}.0", h).repeat_interleave(2, dim=2)
        h = _conv(w, f"decoder.model.{i}.2.conv", h)
    h = _conv(w, "decoder.model.4.conv", h).relu()
    return _conv(w, "decoder.model.6.conv", h).transpose(1, 2)


def _rms(x: Tensor, weight: Tensor) -> Tensor:
    return x * (x.pow(2).mean(-1, keepdim=True) + 1e-6).rsqrt() * weight


def _turned(x: Tensor) -> Tensor:
    """Rotate (B, L, H, K) by rotary positions 0 .. L - 1; neighbors are a pair."""
    pairs = x.shape[-1] // 2
    speed = 1e4 ** (-torch.arange(pairs, dtype=x.dtype) / pairs)
    angle = (torch.arange(x.shape[1], dtype=x.dtype)[:, None] * speed)[:, None]
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = [even * angle.cos() - odd * angle.sin(), even * angle.sin() + odd * angle.cos()]
    return torch.stack(turned, dim=-1).flatten(-2)


def _attention(
    w: Weights, name: str, x: Tensor, y: Tensor, heads: int, seen: Tensor | None
) -> Tensor:
    """Attend from x to y; with `seen` (L, L) by position, too."""
    q = _rms(_linear(w, f"{name}.q", x), w[f"{name}.norm_q.weight"]).unflatten(-1, (heads, -1))
    k = _rms(_linear(w, f"{name}.k", y), w[f"{name}.norm_k.weight"]).unflatten(-1, (heads, -1))
    v = _linear(w, f"{name}.v", y).unflatten(-1, (heads, -1))
    if seen is not None:
        q, k = _turned(q), _turned(k)
    scores = torch.einsum("bqhk,bshk->bhqs", q, k) / math.sqrt(q.shape[-1])
    if seen is not None:
        scores = scores.masked_fill(~seen, -torch.inf)
    return _linear(
        w, f"{name}.o", torch.einsum("bhqs,bshk->bqhk", scores.softmax(-1), v).flatten(2)
    )


def _normal(x: Tensor) -> Tensor:
    x = x - x.mean(-1, keepdim=True)
    return x * (x.pow(2).mean(-1, keepdim=True) + 1e-6).rsqrt()


def velocity(w: Weights, x: Tensor, t: Tensor, text: Tensor, *, heads: int, block: int) -> Tensor:
    """Return the velocity of latents x (B, L, 64) at t (B, L), told token states (B, S, C)."""
    angle = t[..., None] * 1e4 ** (-torch.arange(128, dtype=x.dtype) / 128)
    e = _linear(w, "t_embedder.mlp.0", torch.cat([angle.cos(), angle.sin()], dim=-1))
    e = _linear(w, "t_embedder.mlp.2", F.silu(e))
    at = torch.arange(x.shape[1]) // block
    h, text = _linear(w, "x_embedder", x), _linear(w, "y_embedder", text)
    for i in range(1 + max(int(name.split(".")[1]) for name in w if name.startswith("blocks."))):
        b = {
            n.removeprefix(f"blocks.{i}."): p for n, p in w.items() if n.startswith(f"blocks.{i}.")
        }
        m = _linear(b, "adaLN_modulation.1", F.silu(e)).chunk(6, dim=-1)
        y = _normal(h) * (1 + m[1]) + m[0]
        h = h + m[2] * _attention(b, "self_attn", y, y, heads, at[:, None] >= at)
        y = _normal(h) * b["norm3.weight"] + b["norm3.bias"]
        h = h + _attention(b, "cross_attn", y, text, heads, None)
        y = _linear(b, "ffn.0", _normal(h) * (1 + m[4]) + m[3])
        h = h + m[5] * _linear(b, "ffn.2", F.gelu(y, approximate="tanh"))
    return _linear(w, "final_layer", h)


def guided(
    w: Weights, x: Tensor, t: Tensor, text: Tensor, scale: float, *, heads: int, block: int
) -> Tensor:
    """Return the velocity under guidance; without text, states are zero."""
    told, not_told = (
        velocity(w, x, t, states, heads=heads, block=block)
        for states in (text, torch.zeros_like(text))
    )
    return not_told + scale * (told - not_told)


def sample(
    w: Weights,
    noise: Tensor,
    text: Tensor,
    *,
    steps: int,
    stagger: int,
    guidance: float,
    heads: int,
    block: int,
    clean: int = 0,
) -> Tensor:
    """Return latents (B, L, 64) of noise; the first `clean` blocks are clean from the start."""
    x = noise
    order = (torch.arange(x.shape[1]) // block - clean).to(x.dtype)
    for tick in range(steps + stagger * int(order.max())):
        levels = [(tick + more - stagger * order).clamp(0, steps) / steps for more in (0, 1)]
        now, after = (torch.where(order < 0, 1.0, level)[None] for level in levels)
        v = guided(w, x, now.expand(len(x), -1), text, guidance, heads=heads, block=block)
        x = x + (after - now)[..., None] * v
    return x


def random_vae(width: int, latent: int = 64, seed: int = 0) -> Weights:
    """Return weights of the release's layout, random, of any width."""
    draw = _Draw(seed)
    draw.layer("encoder.proj", 2 * latent, width)
    draw.layer("decode_proj", width, latent)
    draw.layer("linear_proj_z", 256, latent)
    draw.layer("encoder.model.0.conv", width, 263, 3)
    draw.layer("encoder.model.4.conv", width, width, 3)
    for i in (2, 3):
        draw.layer(f"encoder.model.{i}.0.conv", width, width, 4)
        draw.layer(f"decoder.model.{i}.2.conv", width, width, 3)
        for j in range(3):
            for ahead in (f"encoder.model.{i}.1.model.{j}", f"decoder.model.{i}.0.model.{j}"):
                draw.layer(f"{ahead}.conv1", width, width, 3)
                draw.layer(f"{ahead}.conv2", width, width, 1)
    draw.layer("decoder.model.0.conv", width, width, 3)
    draw.layer("decoder.model.4.conv", width, width, 3)
    draw.layer("decoder.model.6.conv", 263, width, 3)
    return draw.weights


def random_dit(width: int, depth: int, text: int, latent: int = 64, seed: int = 0) -> Weights:
    """Return weights of the release's layout, random, of any width and depth."""
    draw = _Draw(seed)
    draw.layer("x_embedder", width, latent)
    draw.layer("y_embedder", width, text)
    draw.layer("final_layer", latent, width)
    draw.layer("t_embedder.mlp.0", width, 256)
    draw.layer("t_embedder.mlp.2", width, width)
    for i in range(depth):
        for kind in ("self_attn", "cross_attn"):
            for part in "qkvo":
                draw.layer(f"blocks.{i}.{kind}.{part}", width, width)
            for part in "qk":
                draw.scale(f"blocks.{i}.{kind}.norm_{part}", width)
        draw.scale(f"blocks.{i}.norm3", width)
        draw.weights[f"blocks.{i}.norm3.bias"] = draw.numbers(width) * 0.1
        draw.layer(f"blocks.{i}.ffn.0", 2 * width, width)
        draw.layer(f"blocks.{i}.ffn.2", width, 2 * width)
        draw.layer(f"blocks.{i}.adaLN_modulation.1", 6 * width, width)
    return draw.weights


class _Draw:
    """Draw weights that keep a signal's size."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self.weights: Weights = {}

    def numbers(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self._generator)

    def layer(self, name: str, *shape: int) -> None:
        self.weights[f"{name}.weight"] = self.numbers(*shape) * math.prod(shape[1:]) ** -0.5
        self.weights[f"{name}.bias"] = self.numbers(shape[0]) * 0.1

    def scale(self, name: str, width: int) -> None:
        self.weights[f"{name}.weight"] = 1 + 0.1 * self.numbers(width)
