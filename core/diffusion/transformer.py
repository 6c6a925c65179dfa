"""The causal transformer both worlds share: adaLN per frame, RoPE, QK-norm, cross-attention.

Every frame carries its own flow time, so scale, shift and gate differ from frame to frame (DiT's
adaLN-zero, arXiv 2212.09748, applied per frame). `adaln="shared"` computes them once for all blocks
and adds a learned table per block (PixArt-alpha, arXiv 2310.00426): a third of the weights for the
same job; `"layer"` gives each block its own projection, as CMDM publishes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import Config
from core.device import native_bf16
from core.diffusion import kernels
from core.diffusion.attention import Cache, Rotary, SelfAttention, attend, block_causal_mask
from core.diffusion.layers import FeedForward, plain_norm, rms_norm
from core.diffusion.packed import pack
from core.diffusion.window import Size
from core.settings import Precision

Adaln = Literal["shared", "layer"]
NUM_MODULATIONS = 6
Modulations = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
"""Shift, scale, gate of attention, then of the feed-forward, each (B, T, 1, D)."""


class TransformerConfig(Config):
    """Size and kind of a transformer."""

    width: int
    """Size D of a token."""
    depth: int
    """Number of blocks."""
    heads: int
    """Number of attention heads."""
    hidden: int
    """Width inside the feed-forward layers."""
    adaln: Adaln = "shared"
    """Where scale, shift and gate come from."""
    cross: bool = False
    """Whether blocks attend to a context (text)."""
    whole_norm: bool = False
    """Whether queries and keys are normed over all heads at once, as CMDM publishes it."""


@dataclass(frozen=True)
class Context:
    """What cross-attention looks at, prepared once per prompt.

    `keys` and `values` hold one (B, H, L, K) tensor per block, `mask` (B, 1, 1, L) is false on
    padding. Where `guided`, x has twice as many rows and the second half is unconditional.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    mask: Tensor
    guided: bool = False


class CrossAttention(nn.Module):
    """Attend to text; a row or frame without text gets a learned vector instead."""

    def __init__(self, width: int, heads: int, whole: bool = False) -> None:
        super().__init__()
        self.heads, self.whole = heads, whole
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.q_norm = nn.RMSNorm(width if whole else width // heads, eps=1e-6)
        self.k_norm = nn.RMSNorm(width if whole else width // heads, eps=1e-6)
        self.null = nn.Parameter(torch.zeros(width))

    def prepare(self, text: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys and values, each (B, H, L, K), of text (B, L, D)."""
        k, v = self.kv(text).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self._normed(k, self.k_norm.weight), v

    def _normed(self, x: Tensor, scale: Tensor) -> Tensor:
        """Return queries or keys (B, H, L, K), normed by heads or over all of them."""
        if not self.whole:
            return rms_norm(x, scale)
        x = rms_norm(x.transpose(1, 2).flatten(2), scale)
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)

    def forward(
        self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor, absent: Tensor
    ) -> Tensor:
        """Return (B, N, D); tokens where absent (B, N) is true have no text."""
        rows = len(keys)  # under guidance the second half of x is unconditional and skipped
        q = self.q(x[:rows]).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        q = self._normed(q, self.q_norm.weight)
        y = F.scaled_dot_product_attention(q, keys, values, attn_mask=mask)
        y = self.out(y.transpose(1, 2).flatten(2))
        y = torch.where(absent[:rows, :, None], self.null.to(y.dtype), y)
        if len(x) > rows:
            y = torch.cat([y, self.null.to(y.dtype).expand_as(x[rows:])])
        return y


class Block(nn.Module):
    """One transformer block."""

    def __init__(self, cfg: TransformerConfig) -> None:
        super().__init__()
        self.norm_a, self.norm_f = plain_norm(cfg.width), plain_norm(cfg.width)
        self.attn = SelfAttention(cfg.width, cfg.heads, cfg.whole_norm)
        self.ffn = FeedForward(cfg.width, cfg.hidden)
        if cfg.cross:
            self.norm_c = nn.LayerNorm(cfg.width, eps=1e-6)
            self.cross = CrossAttention(cfg.width, cfg.heads, cfg.whole_norm)
        if cfg.adaln == "shared":
            self.modulation_table = nn.Parameter(torch.zeros(NUM_MODULATIONS, cfg.width))
        else:
            self.modulation = nn.Linear(cfg.width, NUM_MODULATIONS * cfg.width)

    def enter(self, x: Tensor, shift: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Return queries and keys, and values, of x (B, T, P, D); see `SelfAttention.heads_of`."""
        return self.attn.heads_of(shift.addcmul(self.norm_a(x), scale).flatten(1, 2))

    def leave(self, x: Tensor, y: Tensor, gate: Tensor) -> Tensor:
        """Return x with what the heads have seen, (B, H, T * P, K)."""
        return x.addcmul(gate, self.attn.join(y).reshape(x.shape))

    def look(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor, absent: Tensor) -> Tensor:
        """Return x with what its tokens find in a context; see `CrossAttention`."""
        h = self.cross(self.norm_c(x).flatten(1, 2), keys, values, mask, absent)
        return x + h.unflatten(1, x.shape[1:3])

    def feed(self, x: Tensor, shift: Tensor, scale: Tensor, gate: Tensor) -> Tensor:
        """Return x after the feed-forward layers."""
        return x.addcmul(gate, self.ffn(shift.addcmul(self.norm_f(x), scale)))


class CausalTransformer(nn.Module):
    """Blocks over frames of P tokens, causal between frames; see `attention` for the cache."""

    unit: Tensor

    def __init__(self, cfg: TransformerConfig, rotary: Rotary) -> None:
        super().__init__()
        self.cfg = cfg
        self.rotary = rotary
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.depth))
        if cfg.adaln == "shared":
            self.modulation = nn.Linear(cfg.width, NUM_MODULATIONS * cfg.width)
        unit = torch.tensor([0.0, 1, 0, 0, 1, 0])[:, None]  # so that nothing said scales by one
        self.register_buffer("unit", unit, persistent=False)
        self._initialize()

    def _blocks(self) -> Sequence[Block]:
        return cast("Sequence[Block]", self.blocks)  # a ModuleList does not say of what

    def _initialize(self) -> None:
        """Xavier for every matrix; adaLN starts at zero, so each block starts as the identity
        (but for the cross-attention, which has no gate)."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        owners = [self] if self.cfg.adaln == "shared" else list(self._blocks())
        for owner in owners:
            nn.init.zeros_(owner.modulation.weight)
            nn.init.zeros_(owner.modulation.bias)

    def fuse(self, *, dynamic: bool = False) -> None:
        """Compile what blocks do around attention: they are alike, so once is enough for all.

        `dynamic`: once for all shapes, but for what looks at a context, whose kernels ask for some.
        Copies made later would compute with these weights.
        """
        parts = "enter", "leave", "feed", *(() if dynamic else ("look",))
        for block in self._blocks():
            for part in parts:
                setattr(block, part, kernels.compiled(getattr(block, part), dynamic=dynamic))

    def prepare(self, precision: Precision) -> torch.dtype:
        """Lay out weights as a CPU reads them; from now on for inference only.

        Return in what streams had best keep keys and values.
        """
        own = self._blocks()[0].attn.qkv.weight.dtype
        pack(self, precision, spare="modulation")
        return torch.bfloat16 if precision != "fp32" and native_bf16("cpu") else own

    def size(
        self, rows: int, tokens: int, *, prefix: int, context: int, slack: int, most: int
    ) -> Size:
        """Return the size of a cache for streams of this model; see `Size`."""
        return Size(
            rows=rows,
            depth=self.cfg.depth,
            heads=self.cfg.heads,
            head_size=self.cfg.width // self.cfg.heads,
            tokens=tokens,
            prefix=prefix,
            context=context,
            slack=slack,
            most=most,
        )

    def modulations(self, e: Tensor) -> list[Modulations]:
        """Return what conditioning e (B, T, D), one of each frame, says to every block."""
        e, blocks = F.silu(e), self._blocks()
        if self.cfg.adaln == "shared":
            tables = torch.stack([block.modulation_table for block in blocks])
            said = self.modulation(e).unflatten(-1, (1, NUM_MODULATIONS, -1)) + tables
            each = (said + self.unit).unbind(2)
        else:
            said = (block.modulation(e).unflatten(-1, (NUM_MODULATIONS, -1)) for block in blocks)
            each = [six + self.unit for six in said]
        return [cast("Modulations", six[..., None, :].unbind(2)) for six in each]

    def context(self, text: Tensor, mask: Tensor) -> Context:
        """Prepare text (B, L, D) with mask (B, L) for every block, once per prompt."""
        pairs = [block.cross.prepare(text) for block in self._blocks()]
        keys, values = zip(*pairs, strict=True)
        return Context(keys=keys, values=values, mask=mask[:, None, None, :])

    def forward(
        self,
        x: Tensor,
        modulations: Sequence[Modulations],
        *,
        context: Context | None = None,
        absent: Tensor | None = None,
        cache: Cache | None = None,
        commit: int = 0,
        taps: Mapping[int, Tensor] | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Transform x (B, T, P, D) under the `modulations` of its frames.

        `absent` (B, T) marks frames without text. The first `commit` frames join the cache, and are
        not returned: their keys and values are all that is ever read. `taps` are added to x before
        the blocks of these numbers. `mask` replaces the block-causal one.
        """
        frames, tokens = x.shape[1:3]
        past = 0 if cache is None else cache.length
        if mask is None:
            mask = block_causal_mask(frames, tokens, past, x.device)
        if cache is not None:
            mask = cache.weigh(mask, frames * tokens)
        if absent is not None:
            absent = absent.repeat_interleave(tokens, dim=1)
        for i, block in enumerate(self._blocks()):
            if taps and i in taps:
                x = x + taps[i]
            shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = modulations[i]
            qk, v = block.enter(x, shift_a, scale_a)
            if cache is None:
                q, k = self.rotary(qk, 0)
                y = attend(q, k, v, mask)
            else:
                y = cache.layers[i].attend(qk, v, self.rotary, mask, commit * tokens)
            if commit and i == len(self.blocks) - 1:
                x = x[:, commit:]
                if commit == frames:
                    break
                y = y[:, :, -x.shape[1] * tokens :]
                gate_a, shift_f, scale_f, gate_f = (
                    part[:, commit:] for part in (gate_a, shift_f, scale_f, gate_f)
                )
                absent = None if absent is None else absent[:, commit * tokens :]
            x = block.leave(x, y, gate_a)
            if context is not None:
                assert absent is not None
                x = block.look(x, context.keys[i], context.values[i], context.mask, absent)
            x = block.feed(x, shift_f, scale_f, gate_f)
        return x
