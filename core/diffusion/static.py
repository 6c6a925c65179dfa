"""A cache of fixed size, for CUDA graphs: calls of a shape do the same at the same addresses.

Frames of the past lie in a ring, at the place that their number tells; a call's new ones lie behind
it, so that a frame sees one piece of memory. Keys are rotated once, by their number in the stream:
only differences count, so no window has to be rotated anew. What stays in view for ever is turned
along. Positions, fill and slots are numbers on the device, and rows may stand at different ones.

All streams of a model compute in one place (`Stage`), whose addresses the graphs know. A stream's
memory is there while it is that stream's turn, and is put aside when another's begins.
The modules are the plain ones, and so is what they compute: see `tests/core/diffusion`.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from core.diffusion import kernels
from core.diffusion.attention import KVCache, Rotary
from core.diffusion.graphs import Graphs
from core.diffusion.transformer import CausalTransformer
from core.diffusion.window import Size, WindowCache

Pair = Callable[[Tensor, Tensor], Tensor]
Triple = Callable[[Tensor, Tensor, Tensor], Tensor]
Network = Callable[..., Tensor]
Call = Callable[[Network, Sequence[Tensor], int], Tensor]
"""Calls a network with inputs, and keeps so many of the first frames; see `StaticCache.call`."""

FEW = 2
"""Frames of a call that attend one by one, without a mask, which kernels are fastest at."""


class Memory:
    """What a stream remembers, as (depth, B, tokens, H, K)."""

    def __init__(self, size: Size, dtype: torch.dtype, device: torch.device) -> None:
        def frames(count: int) -> Tensor:
            shape = size.depth, size.rows, count * size.tokens, size.heads, size.head_size
            return torch.zeros(shape, dtype=dtype, device=device)

        self.size = size
        self.keys, self.values = frames(size.view + size.most), frames(size.view + size.most)
        self.pinned = frames(size.prefix + 1) if size.prefix else frames(0)
        """Keys of the prefix as they came, and room for one that is none."""
        self.old_keys, self.old_values = frames(size.slack), frames(size.slack)
        """What newer frames were written over."""
        self.count = torch.zeros(size.rows, dtype=torch.long, device=device)
        """Frames that were committed."""

    @property
    def parts(self) -> list[Tensor]:
        """All that a stream needs to go on."""
        seen = self.size.view * self.size.tokens
        return [
            *(self.keys[:, :, :seen], self.values[:, :, :seen], self.pinned),
            *(self.old_keys, self.old_values, self.count),
        ]

    @torch.inference_mode()
    def load(self, other: Memory) -> None:
        """Take over what another one of the same size remembers."""
        for mine, theirs in zip(self.parts, other.parts, strict=True):
            mine.copy_(theirs)

    def slots(self, number: Tensor) -> Tensor:
        """Return where frames of these numbers lie."""
        size = self.size
        ring = size.prefix + (number - size.prefix) % max(size.context, 1)
        return torch.where(number < size.prefix, number, ring)

    def tokens(self, slot: Tensor) -> Tensor:
        """Return the tokens (B, P) of slots (B,)."""
        within = torch.arange(self.size.tokens, device=slot.device)
        return slot[:, None] * self.size.tokens + within

    @torch.inference_mode()
    def commit(self, frames: int, wanted: Tensor) -> None:
        """Keep the first new frames, in the rows (B,) where it is wanted."""
        size, rows = self.size, torch.arange(self.size.rows, device=self.count.device)[:, None]
        keep = wanted.bool()[None, :, None, None, None]
        for i in range(frames):
            at = self.tokens(self.slots(self.count))
            new = slice((size.view + i) * size.tokens, (size.view + i + 1) * size.tokens)
            pairs = [(self.keys, self.old_keys), (self.values, self.old_values)]
            for part, old in pairs:
                before = part[:, rows, at]
                if size.slack:
                    spare = self.tokens(self.count % size.slack)
                    old[:, rows, spare] = torch.where(keep, before, old[:, rows, spare])
                part[:, rows, at] = torch.where(keep, part[:, :, new], before)
            if size.prefix:
                place = self.tokens(self.count.clamp(max=size.prefix))
                was = self.pinned[:, rows, place]
                self.pinned[:, rows, place] = torch.where(keep, self.keys[:, :, new], was)
            self.count += wanted

    @torch.inference_mode()
    def rollback(self, frames: int) -> None:
        """Forget the newest frames of every row."""
        rows = torch.arange(self.size.rows, device=self.count.device)[:, None]
        for _ in range(frames):
            self.count -= 1
            at = self.tokens(self.slots(self.count))
            spare = self.tokens(self.count % self.size.slack)
            self.keys[:, rows, at] = self.old_keys[:, rows, spare]
            self.values[:, rows, at] = self.old_values[:, rows, spare]


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate pairs of numbers of x (..., K) by angles (..., K / 2), in fp32."""
    x = x.float()
    a, b = x[..., ::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


class StaticLayer:
    """One layer's part of a stage; see `Layer` in `attention`."""

    def __init__(self, stage: Stage, number: int) -> None:
        self._stage, self._number = stage, number

    def attend(
        self, qk: Tensor, v: Tensor, rotary: Rotary, mask: Tensor | None, commit: int
    ) -> Tensor:
        """Attend to what is in view and to the new frames; the stage commits."""
        stage, memory, tokens = self._stage, self._stage.memory, self._stage.memory.size.tokens
        keys, values = memory.keys[self._number], memory.values[self._number]
        past, new = memory.size.view * tokens, v.shape[2]
        q, k = stage.rotate(qk, stage.cos, stage.sin)
        keys[:, past : past + new] = k.transpose(1, 2)
        values[:, past : past + new] = v.transpose(1, 2)
        q, keys, values = q.to(keys.dtype), keys.transpose(1, 2), values.transpose(1, 2)
        if mask is not None:
            seen = slice(0, past + new)
            return F.scaled_dot_product_attention(q, keys[:, :, seen], values[:, :, seen], mask)
        parts: list[Tensor] = []
        for end in range(tokens, new + 1, tokens):
            seen = slice(0, past + end)
            own = q[:, :, end - tokens : end]
            parts.append(kernels.attend(own, keys[:, :, seen], values[:, :, seen], stage.join))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)


class Stage:
    """Where streams of one kind compute; what the transformer takes for its cache."""

    def __init__(
        self,
        size: Size,
        rotary: Rotary,
        dtype: torch.dtype,
        device: torch.device,
        fuse: bool = False,
    ) -> None:
        self.memory, self.graphs = Memory(size, dtype, device), Graphs(device)
        self.layers = [StaticLayer(self, i) for i in range(size.depth)]
        self.length = 0  # masks are its own
        self.wanted = torch.ones(size.rows, dtype=torch.long, device=device)
        """Rows whose frames are kept, as 0 and 1."""
        self.asked = [True] * size.rows
        """The same, where the host can see it."""
        self.rotate: Triple = rotated
        self.join: Pair = kernels.merge
        if fuse:
            self.rotate, self.join = kernels.compiled(rotated), kernels.compiled(kernels.merge)
        self._within, self._per_frame = (
            angle.to(device) for angle in (rotary.within, rotary.per_frame)
        )
        self._frame_of = torch.arange(size.most, device=device).repeat_interleave(size.tokens)
        self._slot_of = torch.arange(size.view, device=device).repeat_interleave(size.tokens)
        self._mask: Tensor | None = None
        self._owner: Callable[[], StaticCache | None] = lambda: None
        self.cos = self.sin = self._within
        self.ready: tuple[int, bool] | None = None
        """Frames, and whether masked, of the calls that `begin` has prepared."""

    def weigh(self, mask: Tensor | None, new: int) -> Tensor | None:
        """Return which tokens see which: some rows may not be full yet."""
        return self._mask

    def begin(self, frames: int, masked: bool) -> None:
        """Get ready for a call: where its frames stand, and what they see."""
        if self.ready == (frames, masked):
            return
        memory, size = self.memory, self.memory.size
        number = memory.count[:, None] + torch.arange(frames, device=memory.count.device)
        angle = self._within + number[:, :, None, None] * self._per_frame
        self.cos, self.sin = (f.flatten(1, 2)[:, None].float() for f in (angle.cos(), angle.sin()))
        if size.prefix:  # the window moves on, and the prefix stays in front of it
            moved = (memory.count - size.view).clamp(min=0)
            angle = (moved[:, None] * self._per_frame)[:, None, None]
            pinned = memory.pinned[:, :, : size.prefix * size.tokens]
            turned = rotated(pinned, angle.cos().float(), angle.sin().float())
            memory.keys[:, :, : size.prefix * size.tokens] = turned
        self._mask = None
        if masked:
            frame = self._frame_of[: frames * size.tokens]
            known = (self._slot_of < memory.count[:, None])[:, None].expand(-1, len(frame), -1)
            new = (frame[:, None] >= frame).expand(size.rows, -1, -1)
            self._mask = torch.cat([known, new], dim=2)[:, None]
        self.ready = frames, masked

    def call(self, young: bool, network: Network, inputs: Sequence[Tensor], commit: int) -> Tensor:
        """Return a network's answer, as `StaticCache.call`; `young`: not all rows are full yet."""
        frames = inputs[0].shape[1]
        self.begin(frames, young or frames > FEW)
        out = network(*inputs, cache=self, commit=commit)
        if commit:
            self.memory.commit(commit, self.wanted)
            self.ready = None
        return out

    def enter(self, cache: StaticCache) -> None:
        """Make it a stream's turn."""
        owner = self._owner()
        if owner is cache:
            return
        if owner is not None:
            owner.put_aside(self.memory)
        self.memory.load(cache.memory)
        cache.memory, self._owner = self.memory, weakref.ref(cache)


class StaticCache:
    """A stream's memory; goes wherever a `KVCache` goes."""

    def __init__(self, runner: Runner, stage: Stage, memory: Memory, counts: list[int]) -> None:
        self.runner, self.stage, self.memory = runner, stage, memory
        self.counts = counts
        """Frames that each row has committed."""

    @property
    def rows(self) -> int:
        """Streams at once."""
        return self.memory.size.rows

    def put_aside(self, stage: Memory) -> None:
        """Move out of the stage."""
        self.memory = self.runner.memory(stage.size)
        self.memory.load(stage)

    def copy(self, forget: int = 0, *, still: bool = False) -> StaticCache:
        """Return a cache that sees what this one saw before the newest `forget` frames.

        A `still` one is no smaller.
        """
        other = StaticCache(self.runner, self.stage, self.runner.memory(self.memory.size), [])
        other.counts = [max(n - forget, 0) for n in self.counts]
        if any(other.counts):
            with self.runner.lock:
                other.memory.load(self.memory)
            other.memory.rollback(forget)
        return other

    def rollback(self, frames: int) -> None:
        """Forget the newest frames; raise ValueError for more than the slack allows."""
        if frames > self.memory.size.slack:
            slack = self.memory.size.slack
            raise ValueError(f"this cache can roll back {slack} frames, asked for {frames}")
        with self.runner.lock:
            self.memory.rollback(frames)
        self.counts = [n - frames for n in self.counts]

    def clear(self, row: int) -> None:
        """Let a new stream begin in a row."""
        with self.runner.lock, torch.inference_mode():
            self.memory.count[row] = 0
        self.counts[row] = 0

    def call(
        self,
        network: Network,
        inputs: Sequence[Tensor],
        commit: int,
        wanted: Sequence[bool] | None = None,
    ) -> Tensor:
        """Return the network's answer to inputs, the first of which are frames x (B, T, P, D).

        It is called with them and, as `cache` and `commit`, what it hands on to its transformer;
        inputs of the same shapes are to mean the same. `wanted` says in which rows frames are kept;
        None is all.
        """

        def once(call: Call, *inputs: Tensor) -> tuple[Tensor]:
            return (call(network, inputs, commit),)

        (out,) = self.run("call", once, inputs, commit, wanted)
        return out

    def run(
        self,
        key: Hashable,
        function: Callable[..., tuple[Tensor, ...]],
        inputs: Sequence[Tensor],
        commit: int,
        wanted: Sequence[bool] | None = None,
    ) -> tuple[Tensor, ...]:
        """Return what a function does that calls networks as often as it likes, as one graph.

        It is called with a `Call` and the inputs, has `commit` frames kept in all, and depends on
        nothing but the inputs, their shapes and the key.
        """
        stage, size = self.stage, self.memory.size
        young = min(self.counts) < size.view
        wanted = [True] * size.rows if wanted is None else list(wanted)

        def compute(*tensors: Tensor) -> tuple[Tensor, ...]:
            with torch.autocast(
                self.runner.device.type,
                torch.bfloat16,
                enabled=self.runner.dtype == torch.bfloat16,
                cache_enabled=False,  # of weights, which a graph would read after it is freed
            ):
                stage.ready = None
                return function(partial(stage.call, young), *tensors)

        with self.runner.lock, torch.inference_mode():
            stage.enter(self)
            if commit and wanted != stage.asked:
                stage.wanted.copy_(torch.tensor(wanted), non_blocking=True)
                stage.asked = wanted
            made = stage.graphs((key, commit, young, *(x.shape for x in inputs)), compute, inputs)
            self.counts = [n + commit * kept for n, kept in zip(self.counts, wanted, strict=True)]
            return made


class Runner:
    """Makes the caches of one model, whose streams share its stages."""

    def __init__(
        self, transformer: CausalTransformer, tokens: int, dtype: torch.dtype, fuse: bool = False
    ) -> None:
        """`tokens` is a frame's number of them; products are computed in `dtype`.

        `fuse` compiles what lies between the products, which takes half a minute for every shape
        and gains a third where frames are large.
        """
        self.fuse = fuse
        if fuse:
            transformer.fuse()
        self._transformer, self._tokens, self.dtype = transformer, tokens, dtype
        self.device = next(transformer.parameters()).device
        self.lock = threading.RLock()
        self._stages: dict[Size, Stage] = {}

    def _new_stage(self, size: Size) -> Stage:
        return Stage(size, self._transformer.rotary, self.dtype, self.device, self.fuse)

    def memory(self, size: Size) -> Memory:
        """Return what a stream that has seen nothing keeps while others compute."""
        return Memory(replace(size, most=0), self.dtype, self.device)

    def new_cache(
        self, rows: int, *, prefix: int, context: int, slack: int, most: int
    ) -> StaticCache:
        """Return the cache of a new stream of so many rows, for calls of `most` frames."""
        size = self._transformer.size(
            rows, self._tokens, prefix=prefix, context=context, slack=slack, most=most
        )
        with self.lock:
            if size not in self._stages:
                self._stages[size] = self._new_stage(size)
            return StaticCache(self, self._stages[size], self.memory(size), [0] * rows)


StreamCache = KVCache | WindowCache | StaticCache
"""What a stream may remember by: as it is trained, on a CPU, at fixed addresses."""
