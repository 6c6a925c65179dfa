"""A stream's memory on a CPU: one piece of memory, in which nothing is moved or rotated again.

A call's new frames lie in front of the prefix and of a ring of past ones, so that all that is in
view is one piece. Keys are rotated once, by their frame's number in the stream: only differences
count. The prefix, which stays in view for ever, is turned along with the window.
"""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from core.diffusion.attention import HIDDEN, Rotary, turn


@dataclass(frozen=True, kw_only=True)
class Size:
    """What a cache holds, in frames, and the model that fills it."""

    rows: int
    depth: int
    heads: int
    head_size: int
    tokens: int
    """A frame's."""
    prefix: int
    context: int
    slack: int
    """Frames that can be rolled back."""
    most: int
    """Frames a call."""

    @property
    def view(self) -> int:
        """Frames in view."""
        return self.prefix + self.context


class WindowLayer:
    """One layer's part of a window; see `Layer` in `attention`."""

    def __init__(self, window: WindowCache, number: int) -> None:
        # else they would hold each other, and memory would wait for the garbage collector
        self._window, self._number = weakref.ref(window), number

    def attend(
        self, qk: Tensor, v: Tensor, rotary: Rotary, mask: Tensor | None, commit: int
    ) -> Tensor:
        """Attend to the new frames and to what is in view; the last layer commits for all."""
        window, rows = self._window(), len(v)
        assert window is not None
        q, k = turn(qk, window.turns)
        keys, values, new_keys, new_values = window.at[self._number]
        # both halves of guidance look back on what is committed once
        new_keys.view(-1, *k.shape).copy_(k)
        new_values.view(-1, *v.shape).copy_(v)
        last = self._number == window.size.depth - 1
        if last and commit:
            q, mask = q[:, :, commit:], None if mask is None else mask[commit:]
        y = attend(q, keys[:rows], values[:rows], mask)
        if last:
            window.commit(commit // window.size.tokens)
        return y


class WindowCache:
    """What a stream remembers; goes wherever a `KVCache` goes, for inference."""

    def __init__(
        self, size: Size, rotary: Rotary, dtype: torch.dtype, *, weight: float = 1.0
    ) -> None:
        """The prefix is attended to as if it were there `weight` times."""

        def frames(count: int, kind: torch.dtype = dtype) -> Tensor:
            shape = size.depth, size.rows, size.heads, count * size.tokens, size.head_size
            return torch.empty(shape, dtype=kind)  # takes memory only where it is written to

        self.size, self.weight, self.committed = size, weight, 0
        self._whole = size  # of copies to compute with
        self.layers = [WindowLayer(self, i) for i in range(size.depth)]
        self.ahead = size.most * size.tokens
        """Tokens that lie in front of what is in view."""
        self.keys, self.values = frames(size.most + size.view), frames(size.most + size.view)
        self._spare = frames(size.slack), frames(size.slack)  # what gave way to newer frames
        self._exact = torch.complex128 if dtype == torch.float64 else torch.complex64
        self._rotary, self._dtype = rotary, dtype
        self._new, self._past = 0, -1  # of the newest call
        self._scores: Tensor | None = None
        self.turns = torch.empty(0, dtype=self._exact)
        """Of the tokens of the present call: of queries, which they also scale, and of keys."""
        self.at: list[tuple[Tensor, ...]] = []
        """Keys and values that each layer's new tokens see, and among them their own."""
        self._pinned = frames(size.prefix, self._exact.to_real())

    @property
    def length(self) -> int:
        """Number of tokens in view."""
        return min(self.committed, self.size.view) * self.size.tokens

    def weigh(self, mask: Tensor | None, new: int) -> Tensor | None:
        """Begin a call of `new` tokens: return scores (N, S) to add, None where there are none.

        Calls of one size are taken to see alike.
        """
        size, past = self.size, self.length
        turns = self._rotary.turned(self.committed, new // size.tokens, self._exact)
        self.turns = torch.stack([turns * size.head_size**-0.5, turns])[:, None, None]
        prefix, moved = size.prefix * size.tokens, max(self.committed - size.view, 0)
        if prefix:
            phase = self._rotary.phase(moved, self._exact)
            self.keys[..., self.ahead : self.ahead + prefix, :] = turn(self._pinned, phase)
        if (new, past) == (self._new, self._past):  # as in every call, once the window is full
            return self._scores
        self._new, self._past = new, past
        seen, came = (slice(self.ahead - new, end) for end in (self.ahead + past, self.ahead))
        parts = [part[..., where, :] for where in (seen, came) for part in (self.keys, self.values)]
        self.at = list(zip(*parts, strict=True))
        weighed = min(prefix, past) if self.weight != 1 else 0
        self._scores = None
        if mask is None and not weighed:
            return None
        scores = torch.zeros(new, new + past, dtype=self._dtype)
        if mask is not None:  # past tokens come first in it
            scores[:, :new].masked_fill_(~mask[:, -new:], HIDDEN)
        scores[:, new : new + weighed] += math.log(self.weight)
        if self._dtype == torch.bfloat16 and not weighed:  # all that `attend` has to add to
            scores = scores[: new - size.tokens, :new].contiguous()
        self._scores = scores
        return self._scores

    def _slot(self, number: int) -> slice:
        """Return where the frame of a number lies."""
        size = self.size
        past = number - size.prefix
        slot = number if past < 0 else size.prefix + past % max(size.context, 1)
        return slice(self.ahead + slot * size.tokens, self.ahead + (slot + 1) * size.tokens)

    def _spared(self, number: int) -> slice:
        first = number % self.size.slack * self.size.tokens
        return slice(first, first + self.size.tokens)

    def commit(self, frames: int) -> None:
        """Keep the first frames of this call."""
        size = self.size
        for i in range(frames):
            first = self.ahead - self._new + i * size.tokens
            came, slot = slice(first, first + size.tokens), self._slot(self.committed)
            for part, spare in zip((self.keys, self.values), self._spare, strict=True):
                if size.slack:
                    spare[..., self._spared(self.committed), :] = part[..., slot, :]
                part[..., slot, :] = part[..., came, :]
            if self.committed < size.prefix:
                pinned = slice(slot.start - self.ahead, slot.stop - self.ahead)
                self._pinned[..., pinned, :] = self.keys[..., came, :]
            self.committed += 1

    def rollback(self, frames: int) -> None:
        """Forget the newest frames; raise ValueError for more than the slack allows."""
        if frames > self.size.slack:
            raise ValueError(
                f"this cache can roll back {self.size.slack} frames, asked for {frames}"
            )
        for _ in range(frames):
            self.committed -= 1
            for part, spare in zip((self.keys, self.values), self._spare, strict=True):
                slot, spared = self._slot(self.committed), self._spared(self.committed)
                part[..., slot, :] = spare[..., spared, :]

    def copy(self, forget: int = 0, *, still: bool = False) -> WindowCache:
        """Return a cache that sees what this one saw before the newest `forget` frames.

        A `still` one takes memory for what is in view alone; it is there to be copied.
        """
        other = self._new_copy(self._whole, forget)
        if not still:
            return other
        return other._new_copy(replace(self._whole, most=0, slack=0), 0)

    def _new_copy(self, size: Size, forget: int) -> WindowCache:
        other = WindowCache(size, self._rotary, self._dtype, weight=self.weight)
        other._whole = self._whole
        if forget < self.committed:
            other.committed = self.committed
            for mine, theirs in zip(self._parts(forget), other._parts(forget), strict=True):
                theirs.copy_(mine)
            other.rollback(forget)
        return other

    def _parts(self, forget: int) -> list[Tensor]:
        """Return what a copy that forgets so many frames needs."""
        seen = slice(self.ahead, self.ahead + self.length)
        spare = self._spare if forget else ()
        return [self.keys[..., seen, :], self.values[..., seen, :], self._pinned, *spare]


def attend(q: Tensor, k: Tensor, v: Tensor, scores: Tensor | None) -> Tensor:
    """Return softmax(q k) v, (B, H, N, K), in the precision of keys, for queries that are scaled;
    `scores` (N, S) are added.

    In bf16, where products are worth more than what the fused kernel saves, they may be those of
    the first rows and columns alone.
    """
    q = q.to(k.dtype)
    if k.dtype != torch.bfloat16:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=scores, scale=1.0)
    seen = q.contiguous() @ k.contiguous().mT
    if scores is not None and len(scores):
        rows, columns = scores.shape
        seen[..., :rows, :columns].add_(scores)
    return seen.softmax(-1) @ v
