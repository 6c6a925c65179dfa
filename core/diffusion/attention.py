"""Block-causal attention with a KV cache: bidirectional inside a frame, causal between frames.

Suffixes name axes: B batch, H heads, N new tokens, S all tokens seen, K head size. The cache is the
caller's object. It keeps keys *before* rotation and rotates what is in view at each commit, with
the oldest frame in view at position 0: rotary positions stay in the trained range however long a
stream runs, and a pinned prefix simply stays in front.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.diffusion.layers import rms_norm

HIDDEN = -1e4
"""Score of what is not to be seen; fits half precision."""


class Rotary(nn.Module):
    """Rotary position table (arXiv 2104.09864) over any number of axes; axis 0 is the frame.

    `grid` gives the positions of the tokens inside a frame as rows of (offset along each axis);
    motion has one axis and offsets 0..P-1 with `frame_stride` P, video has (frame, row, column).
    """

    turns: Tensor
    exact: Tensor

    def __init__(self, head_size: int, grid: Tensor, *, frame_stride: int, max_frames: int) -> None:
        super().__init__()
        tokens, axes = grid.shape
        frames = torch.arange(max_frames, dtype=torch.float64)
        position = grid.to(torch.float64).expand(max_frames, tokens, axes).clone()
        position[..., 0] += frame_stride * frames[:, None]
        pairs = [head_size // 2 // axes] * axes
        pairs[0] += head_size // 2 - sum(pairs)
        angles = [
            position[..., a : a + 1] * 1e4 ** (-torch.arange(n, dtype=torch.float64) / n)
            for a, n in enumerate(pairs)
        ]
        angle = torch.cat(angles, dim=-1).flatten(0, 1)  # (max_frames * P, K / 2)
        # a rotation is one complex product: a third of the small operations of the usual form
        exact = turns_by(angle)
        self.register_buffer("exact", exact, persistent=False)  # for who computes in float64
        self.register_buffer("turns", exact.to(torch.complex64), persistent=False)
        self.within = angle[:tokens]
        self._first = turns_by(self.within)
        self.per_frame = (angle[-tokens] - angle[0]) / max(max_frames - 1, 1)
        """Angles of the tokens of frame 0, (P, K / 2), and of a frame's step, (K / 2,)."""

    def turned(self, first: int, frames: int, kind: torch.dtype = torch.complex64) -> Tensor:
        """Return the turns (N, K / 2) of so many frames, whichever in a stream is the first."""
        number = torch.arange(first, first + frames, dtype=torch.float64)
        steps = turns_by(number[:, None, None] * self.per_frame)
        return (self._first * steps).flatten(0, 1).to(kind)

    def phase(self, frames: int, kind: torch.dtype = torch.complex64) -> Tensor:
        """Return what turns a token as if it stood so many frames later, (K / 2,)."""
        return turns_by(frames * self.per_frame).to(kind)

    def forward(self, x: Tensor, start: int) -> Tensor:
        """Rotate tokens (..., N, K) whose first one stands at position `start`."""
        end = start + x.shape[-2]
        if end > len(self.turns):
            raise ValueError(f"{end} tokens exceed the {len(self.turns)} positions of this model")
        turns = self.exact if x.dtype == torch.float64 else self.turns
        return turn(x, turns[start:end]).to(x.dtype)


def turns_by(angle: Tensor) -> Tensor:
    """Return the complex numbers whose product turns by angles (radians)."""
    return torch.polar(torch.ones_like(angle), angle)


def turn(x: Tensor, turns: Tensor) -> Tensor:
    """Rotate pairs of numbers of x (..., K) by complex `turns` (..., K / 2), in their precision."""
    pairs = torch.view_as_complex(x.to(turns.dtype.to_real()).view(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * turns).flatten(-2)


class Layer(Protocol):
    """What an attention layer asks of a cache."""

    def attend(
        self, qk: Tensor, v: Tensor, rotary: Rotary, mask: Tensor | None, commit: int
    ) -> Tensor:
        """Return (B, H, N, K) for queries and keys (2, B, H, N, K), not rotated yet, and values;
        keep the first `commit` tokens, which the last layer's answer may lack."""
        ...


class LayerCache:
    """Keys and values that one attention layer has committed.

    They are kept in pieces as they came, which are never written to: what is in view is put
    together at each commit, what lies beyond it costs nothing, and copies share the pieces.
    """

    def __init__(self, prefix: int, context: int, slack: int) -> None:
        self.prefix, self.context, self.slack = prefix, context, slack  # in tokens
        self._view: tuple[Tensor, Tensor] | None = None
        self._pieces: list[tuple[Tensor, Tensor]] = []  # keys, not rotated, and values
        self._rotary: Rotary | None = None

    @property
    def view(self) -> tuple[Tensor, Tensor] | None:
        """Rotated keys and values in view; None before the first commit."""
        if self._view is None:  # of a copy, which often nobody looks at
            self._look()
        return self._view

    @property
    def length(self) -> int:
        """Number of tokens that are kept."""
        return sum(keys.shape[2] for keys, _ in self._pieces)

    @property
    def rows(self) -> int:
        """Streams at once; 0 before the first commit."""
        return len(self._pieces[0][0]) if self._pieces else 0

    def _between(self, start: int, end: int) -> list[tuple[Tensor, Tensor]]:
        """Return the pieces of tokens `start` to `end`, that one excluded."""
        found: list[tuple[Tensor, Tensor]] = []
        for keys, values in self._pieces:
            size = keys.shape[2]
            low, high = max(start, 0), min(end, size)
            if (low, high) == (0, size):
                found.append((keys, values))
            elif low < high:
                found.append((keys[:, :, low:high], values[:, :, low:high]))
            start, end = start - size, end - size
        return found

    def _newest(self, context: int, length: int) -> list[tuple[Tensor, Tensor]]:
        """Return the prefix and the newest `context` tokens of the first `length`."""
        if length <= self.prefix + context:
            return self._between(0, length)
        return self._between(0, self.prefix) + self._between(length - context, length)

    def _look(self) -> None:
        pieces = self._newest(self.context, self.length)
        if not pieces or self._rotary is None:
            self._view = None
            return
        keys, values = (torch.cat(parts, dim=2) for parts in zip(*pieces, strict=True))
        self._view = self._rotary(keys, 0), values

    def append(self, keys: Tensor, values: Tensor, rotary: Rotary) -> None:
        """Keep the keys and values of new tokens, and as much of the old ones as is remembered."""
        # clones: what comes is a part of something larger, which need not stay
        self._pieces.append((keys.clone(), values.clone()))
        self._pieces = self._newest(self.context + self.slack, self.length)
        self._rotary = rotary
        self._look()

    def attend(
        self, qk: Tensor, v: Tensor, rotary: Rotary, mask: Tensor | None, commit: int
    ) -> Tensor:
        """Attend as `Layer` says; guidance stacks two batches over one history."""
        raw_k, seen_v, view = qk[1], v, self.view
        q, k = rotary(qk, 0 if view is None else view[0].shape[2])
        if view is not None:
            repeats = len(v) // len(view[0])
            old_k, old_v = (c.repeat(repeats, 1, 1, 1) if repeats > 1 else c for c in view)
            k, seen_v = torch.cat([old_k, k], dim=2), torch.cat([old_v, v], dim=2)
        y = attend(q, k, seen_v, mask)
        if commit:
            rows = self.rows or len(v)
            self.append(raw_k[:rows, :, :commit], v[:rows, :, :commit], rotary)
        return y

    def detach(self) -> None:
        """Stop gradients at what is kept."""
        self._pieces = [(keys.detach(), values.detach()) for keys, values in self._pieces]
        self._look()

    def copy(self, forget: int = 0) -> LayerCache:
        """Return a cache of what was in view before the newest `forget` tokens, no more."""
        other = LayerCache(self.prefix, self.context, self.slack)
        other._pieces = self._newest(self.context, self.length - forget)
        other._rotary = self._rotary
        return other

    def drop(self, tokens: int) -> None:
        """Forget the newest tokens; raise ValueError where fewer are kept."""
        if tokens > self.length:
            raise ValueError(f"cannot roll back {tokens} tokens: fewer are kept")
        self._pieces = self._between(0, self.length - tokens)
        self._look()


class KVCache:
    """What a stream remembers: the newest `context` frames and, in front, a pinned prefix.

    `slack` frames beyond the context are kept unseen, so that a rollback of up to that many
    restores exactly the view there was before they were committed. The prefix is attended to as if
    it were there `weight` times.
    """

    def __init__(
        self,
        depth: int,
        tokens: int,
        *,
        context: int,
        prefix: int = 0,
        slack: int = 0,
        weight: float = 1.0,
    ) -> None:
        self.tokens, self.weight = tokens, weight
        self.slack = slack
        self.layers = [
            LayerCache(prefix * tokens, context * tokens, slack * tokens) for _ in range(depth)
        ]

    @property
    def length(self) -> int:
        """Number of tokens in view."""
        view = self.layers[0].view
        return 0 if view is None else view[0].shape[2]

    def weigh(self, mask: Tensor | None, new: int) -> Tensor | None:
        """Turn a mask of `new` tokens into scores (N, S) to add, where the prefix has a weight."""
        prefix = min(self.layers[0].prefix, self.length)
        if self.weight == 1 or not prefix or self.layers[0].view is None:
            return mask
        keys = self.layers[0].view[0]
        scores = keys.new_zeros(new, self.length + new)
        if mask is not None:
            scores = scores.masked_fill(~mask, HIDDEN)
        scores[:, :prefix] += math.log(self.weight)
        return scores

    def detach(self) -> None:
        """Cut what is kept off from the graph it was computed in; training of long streams."""
        for layer in self.layers:
            layer.detach()

    def copy(self, forget: int = 0, *, still: bool = False) -> KVCache:
        """Return a cache that sees what this one saw before the newest `forget` frames.

        Pieces are shared, so a `still` one is no smaller.
        """
        other = copy(self)
        other.layers = [layer.copy(forget * self.tokens) for layer in self.layers]
        return other

    def rollback(self, frames: int) -> None:
        """Forget the newest frames; raise ValueError for more than the slack allows."""
        if frames > self.slack:
            raise ValueError(f"this cache can roll back {self.slack} frames, asked for {frames}")
        for layer in self.layers:
            layer.drop(frames * self.tokens)


class Cache(Protocol):
    """What the transformer asks of a cache."""

    @property
    def layers(self) -> Sequence[Layer]:
        """One for each block."""
        ...

    @property
    def length(self) -> int:
        """Number of tokens in view, as far as masks are to know of them."""
        ...

    def weigh(self, mask: Tensor | None, new: int) -> Tensor | None:
        """Return the mask or scores for `new` tokens, given which of them see which."""
        ...


def block_causal_mask(frames: int, tokens: int, past: int, device: torch.device) -> Tensor | None:
    """Return which of `past` + new tokens each new token sees, (N, S) bool; None = everything."""
    if frames == 1:
        return None
    frame = torch.arange(frames, device=device).repeat_interleave(tokens)
    new = frame[:, None] >= frame[None, :]
    return F.pad(new, (past, 0), value=True)


def attend(q_BHNK: Tensor, k_BHSK: Tensor, v_BHSK: Tensor, mask: Tensor | None) -> Tensor:
    """Return softmax(q k) v, (B, H, N, K).

    With a mask on a CPU it is written out: twice as fast in training as the fused kernels, which
    also have no forward-mode derivative.
    """
    if mask is None or v_BHSK.device.type != "cpu":
        return F.scaled_dot_product_attention(q_BHNK, k_BHSK, v_BHSK, attn_mask=mask)
    kind = v_BHSK.dtype
    bias = mask
    if mask.dtype == torch.bool:
        bias = torch.zeros(mask.shape, dtype=kind).masked_fill_(~mask, HIDDEN)
    scores = (q_BHNK * q_BHNK.shape[-1] ** -0.5).to(kind) @ k_BHSK.to(kind).transpose(-1, -2)
    return (scores + bias).softmax(-1, dtype=kind) @ v_BHSK


class SelfAttention(nn.Module):
    """Multi-head attention with RMS-normed queries and keys and rotary positions.

    They are normed head by head, or, where `whole`, over all heads at once.
    """

    def __init__(self, width: int, heads: int, whole: bool = False) -> None:
        super().__init__()
        self.heads, self.whole = heads, whole
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.qk_scale = nn.Parameter(torch.ones(2, 1, heads if whole else 1, 1, width // heads))

    def heads_of(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return queries and keys (2, B, H, N, K), normed but not rotated, and values of x."""
        qkv = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        # queries and keys go together through norm and rotation
        if not self.whole:
            return rms_norm(qkv[:2], self.qk_scale), qkv[2]
        qk = qkv[:2] * qkv[:2].square().mean((2, 4), keepdim=True).add(1e-6).rsqrt()
        return qk * self.qk_scale.to(qkv.dtype), qkv[2]

    def join(self, y: Tensor) -> Tensor:
        """Return (B, N, D) of what heads have seen (B, H, N, K)."""
        return self.out(y.transpose(1, 2).flatten(2))
