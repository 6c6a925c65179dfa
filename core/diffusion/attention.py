"""Block-causal attention with a KV cache: bidirectional inside a frame, causal between frames.

Suffixes name axes: B batch, H heads, N new tokens, S all tokens seen, K head size. The cache is the
caller's object. It keeps keys *before* rotation and rotates what is in view at each commit, with
the oldest frame in view at position 0: rotary positions stay in the trained range however long a
stream runs, and a pinned prefix simply stays in front.
"""

from __future__ import annotations

import math
from copy import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HIDDEN = -1e4
"""Score of what is not to be seen; fits half precision."""


class Rotary(nn.Module):
    """Rotary position table (arXiv 2104.09864) over any number of axes; axis 0 is the frame.

    `grid` gives the positions of the tokens inside a frame as rows of (offset along each axis);
    motion has one axis and offsets 0..P-1 with `frame_stride` P, video has (frame, row, column).
    """

    turns: Tensor

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
        turns = torch.polar(torch.ones_like(angle), angle).to(torch.complex64)
        self.register_buffer("turns", turns, persistent=False)

    def forward(self, x: Tensor, start: int) -> Tensor:
        """Rotate tokens (..., N, K) whose first one stands at position `start`."""
        end = start + x.shape[-2]
        if end > len(self.turns):
            raise ValueError(f"{end} tokens exceed the {len(self.turns)} positions of this model")
        pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2).contiguous())
        return torch.view_as_real(pairs * self.turns[start:end]).flatten(-2).to(x.dtype)


class LayerCache:
    """Keys and values that one attention layer has committed."""

    def __init__(self, prefix: int, context: int, slack: int) -> None:
        self.prefix, self.context, self.slack = prefix, context, slack  # in tokens
        self.keys: Tensor | None = None  # not rotated
        self.values: Tensor | None = None
        self.view: tuple[Tensor, Tensor] | None = None  # rotated keys and values in view
        self._rotary: Rotary | None = None

    def _newest(self, x_BHSK: Tensor, context: int) -> Tensor:
        if x_BHSK.shape[2] <= self.prefix + context:
            return x_BHSK
        head = x_BHSK[:, :, : self.prefix]
        return torch.cat([head, x_BHSK[:, :, x_BHSK.shape[2] - context :]], dim=2)

    def _look(self) -> None:
        if self.keys is None or self.values is None or self._rotary is None:
            self.view = None
        else:
            keys = self._newest(self.keys, self.context)
            self.view = self._rotary(keys, 0), self._newest(self.values, self.context)

    def append(self, keys: Tensor, values: Tensor, rotary: Rotary) -> None:
        """Keep the keys and values of new tokens, and as much of the old ones as is remembered."""
        if self.keys is not None and self.values is not None:
            keys = torch.cat([self.keys, keys], dim=2)
            values = torch.cat([self.values, values], dim=2)
        self.keys = self._newest(keys, self.context + self.slack)
        self.values = self._newest(values, self.context + self.slack)
        self._rotary = rotary
        self._look()

    def detach(self) -> None:
        """Stop gradients at what is kept."""
        if self.keys is not None and self.values is not None:
            self.keys, self.values = self.keys.detach(), self.values.detach()
            self._look()

    def copy(self, forget: int = 0) -> LayerCache:
        """Return a cache with what was in view before the newest `forget` tokens, no slack."""
        other = LayerCache(self.prefix, self.context, self.slack)
        if self.keys is None or self.values is None or forget == self.keys.shape[2]:
            return other
        keep = self.keys.shape[2] - forget
        other.keys = self._newest(self.keys[:, :, :keep], self.context).clone()
        other.values = self._newest(self.values[:, :, :keep], self.context).clone()
        other._rotary = self._rotary
        other._look()
        return other

    def drop(self, tokens: int) -> None:
        """Forget the newest tokens; raise ValueError where fewer are kept."""
        if self.keys is None or self.values is None or tokens > self.keys.shape[2]:
            raise ValueError(f"cannot roll back {tokens} tokens: fewer are kept")
        keep = self.keys.shape[2] - tokens
        self.keys = self.keys[:, :, :keep] if keep else None
        self.values = self.values[:, :, :keep] if keep else None
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

    def copy(self, forget: int = 0) -> KVCache:
        """Return a cache that sees what this one saw before the newest `forget` frames."""
        other = copy(self)
        other.layers = [layer.copy(forget * self.tokens) for layer in self.layers]
        return other

    def rollback(self, frames: int) -> None:
        """Forget the newest frames; raise ValueError for more than the slack allows."""
        if frames > self.slack:
            raise ValueError(f"this cache can roll back {self.slack} frames, asked for {frames}")
        for layer in self.layers:
            layer.drop(frames * self.tokens)


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
    if mask is None or v_BHSK.is_cuda:
        return F.scaled_dot_product_attention(q_BHNK, k_BHSK, v_BHSK, attn_mask=mask)
    kind = v_BHSK.dtype
    bias = mask
    if mask.dtype == torch.bool:
        bias = torch.zeros(mask.shape, dtype=kind).masked_fill_(~mask, HIDDEN)
    scores = (q_BHNK * q_BHNK.shape[-1] ** -0.5).to(kind) @ k_BHSK.to(kind).transpose(-1, -2)
    return (scores + bias).softmax(-1, dtype=kind) @ v_BHSK


class SelfAttention(nn.Module):
    """Multi-head attention with RMS-normed queries and keys and rotary positions."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.qk_scale = nn.Parameter(torch.ones(2, 1, 1, 1, width // heads))

    def forward(
        self,
        x: Tensor,
        rotary: Rotary | None = None,
        mask: Tensor | None = None,
        cache: LayerCache | None = None,
        commit: int = 0,
    ) -> Tensor:
        """Attend from (B, N, D) to the cache and to x itself; keep the first `commit` tokens."""
        qkv = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        # queries and keys go together through norm and rotation: (2, B, H, N, K)
        qk = F.rms_norm(qkv[:2], qkv.shape[-1:], eps=1e-6) * self.qk_scale.to(qkv.dtype)
        raw_k, v = qk[1], qkv[2]
        past = 0 if cache is None or cache.view is None else cache.view[0].shape[2]
        q, k = (qk if rotary is None else rotary(qk, past)).unbind(0)
        seen_v = v
        if past and cache is not None and cache.view is not None:
            repeats = len(x) // len(cache.view[0])  # guidance stacks two batches over one history
            old_k, old_v = (c.repeat(repeats, 1, 1, 1) if repeats > 1 else c for c in cache.view)
            k, seen_v = torch.cat([old_k, k], dim=2), torch.cat([old_v, v], dim=2)
        y = attend(q, k, seen_v, mask)
        if commit and cache is not None and rotary is not None:
            rows = len(x) if cache.keys is None else len(cache.keys)
            cache.append(raw_k[:rows, :, :commit], v[:rows, :, :commit], rotary)
        return self.out(y.transpose(1, 2).flatten(2))
