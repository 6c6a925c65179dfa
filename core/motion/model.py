"""MotionDiT: CMDM's causal diffusion transformer over MAC-VAE latents (section 3.2).

A frame of the engine is a block of 1-3 latents that share one flow time; attention is causal
between blocks and full inside. Text enters by cross-attention to its token states after a small
refiner. Clean history carries no text: what is committed to the cache does not depend on the prompt
of its day, so a prompt can change at any block and guidance's two branches share one history.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import Config
from core.diffusion import schedule
from core.diffusion.attention import Cache, KVCache, Rotary
from core.diffusion.flow import CLEAN, with_clean
from core.diffusion.layers import TimeEmbedding
from core.diffusion.static import Runner, StaticCache, StreamCache
from core.diffusion.transformer import (
    Adaln,
    CausalTransformer,
    Context,
    Modulations,
    TransformerConfig,
)
from core.diffusion.window import WindowCache
from core.settings import MotionSettings, Precision

LEVELS = 64
"""Windows of flow times whose modulations are kept: a stream comes by few, again and again."""
WIDE = 512
"""Width from which on keys and values may be kept in bf16: the few tokens of a smaller model attend
faster by the fused kernel in fp32."""
WINDOW, TEXT = 6, 32
"""Where shapes are fixed, the blocks of a call and the tokens of a prompt come in multiples."""


class MotionConfig(Config):
    """Size of the transformer, and how it is sampled where nobody says otherwise."""

    vae: str = "motion-vae"
    """Checkpoint of the VAE whose latents these are."""
    text_encoder: str = "minilm"
    text_dim: int = 384
    """Width of the text encoder's token states."""
    latent_dim: int = 64
    block: int = 2
    """Latents a frame of the engine (1-3); CMDM publishes 3."""
    width: int = 256
    depth: int = 6
    heads: int = 4
    hidden: int = 512
    """Width inside the feed-forward layers."""
    adaln: Adaln = "shared"
    refiner_depth: int = 1
    """Transformer layers that refine the text before cross-attention; 0 = a projection only."""
    traits: int = 0
    """Traits that are told beside the text, see `core.motion.traits`; CMDM has none."""
    whole_norm: bool = False
    """Whether queries and keys are normed over all heads at once; CMDM's are."""
    final_norm: bool = True
    """Whether a layer norm stands before the last projection; CMDM has none."""
    fastest: float = 1e3
    """Highest frequency that flow time is embedded with; CMDM's is 1."""
    text_in_history: bool = False
    """Whether clean blocks attend to text, too, as CMDM's do: history then is another under another
    prompt, and in each half of guidance."""
    told_guidance: bool = False
    """Whether the guidance scale is an input (arXiv 2210.03142), so that no batch is doubled."""
    context: int = 20
    """Clean blocks a stream looks back on."""
    max_blocks: int = 34
    """Rotary positions in blocks: the context and the longest window."""
    steps: int = 10
    """Default number of sampling steps."""
    stagger: int = 2
    """Default ticks between blocks."""
    guidance: float = 2.0
    """Default scale of classifier-free guidance."""
    multistep: bool = True
    """Whether a step follows how the velocity changed since the last one, too; CMDM's do not."""
    steered_steps: int = 5
    """Default number of steps of blocks that are steered, which are made one by one."""

    def pace(self, settings: MotionSettings) -> tuple[int, int]:
        """Return steps and stagger to sample with; raise ValueError where they cannot be."""
        steps = self.steps if settings.steps is None else settings.steps
        stagger = min(self.stagger, steps) if settings.stagger is None else settings.stagger
        if self.told_guidance and steps != self.steps:
            raise ValueError(
                f"this checkpoint was taught to take {self.steps} steps, got {steps}; leave them"
                " out, or choose its teacher, which takes any number"
            )
        schedule.check(steps, stagger)
        room = self.max_blocks - self.context - 1
        if math.ceil(steps / stagger) > room:
            raise ValueError(
                f"{steps} steps with stagger {stagger} keep more than {room} blocks in the window;"
                " raise the stagger or lower the steps"
            )
        return steps, stagger


PUBLISHED = MotionConfig(
    text_encoder="distilbert",
    text_dim=768,
    block=3,
    width=512,
    depth=8,
    heads=4,
    hidden=1024,
    adaln="layer",
    refiner_depth=0,
    context=16,
    max_blocks=66,
    steps=50,
    stagger=2,
    guidance=3.0,
    multistep=False,
    whole_norm=True,
    final_norm=False,
    fastest=1e4 ** (-127 / 128),
    text_in_history=True,
)
"""What CMDM publishes (115 M with its VAE of width 1024): the same function of the same weights."""


@dataclass(frozen=True)
class Prompt:
    """A prompt made ready for the model; None as context means unconditional."""

    context: Context | None
    text: str = ""

    def with_null(self) -> Prompt:
        """Return the condition of a doubled batch whose second half is unconditional."""
        if self.context is None:
            return self
        return replace(self, context=replace(self.context, guided=True))


UNASKED = Prompt(None)
"""The condition of what was not asked for, such as a take to go on after."""


class Refiner(nn.Module):
    """Project token states to the model's width and let them look at each other once more."""

    def __init__(self, cfg: MotionConfig) -> None:
        super().__init__()
        self.project = nn.Linear(cfg.text_dim, cfg.width)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                cfg.width, cfg.heads, cfg.hidden, 0.0, "gelu", batch_first=True, norm_first=True
            )
            for _ in range(cfg.refiner_depth)
        )

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return (B, L, D) of token states (B, L, C) with mask (B, L), true on tokens."""
        h = self.project(states)
        for layer in self.layers:
            h = layer(h, src_key_padding_mask=~mask)
        return h


class Traits(nn.Module):
    """One token for each trait that is told."""

    def __init__(self, cfg: MotionConfig) -> None:
        super().__init__()
        self.name = nn.Parameter(torch.randn(cfg.traits, cfg.width) * 0.1)
        self.value = nn.Parameter(torch.randn(cfg.traits, cfg.width))
        self.project = nn.Linear(cfg.width, cfg.width)

    def forward(self, values: Tensor) -> Tensor:
        """Return tokens (B, N, D) of values (B, N) in `core.motion.traits.SCALES`."""
        return self.project(F.silu(self.name + values[..., None] * self.value))


class MotionDiT(nn.Module):
    """Predict the velocity of latent blocks; see `Denoiser` in `core.diffusion.sampler`."""

    kind = "motion-dit"
    Config = MotionConfig
    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, cfg: MotionConfig) -> None:
        super().__init__()
        if not 1 <= cfg.block <= 3:
            raise ValueError(f"block must be 1, 2 or 3 latents, got {cfg.block}")
        self.cfg = cfg
        grid = torch.arange(cfg.block)[:, None]
        rotary = Rotary(
            cfg.width // cfg.heads, grid, frame_stride=cfg.block, max_frames=cfg.max_blocks
        )
        self.embed = nn.Linear(cfg.latent_dim, cfg.width)
        self.time = TimeEmbedding(cfg.width, fastest=cfg.fastest)
        if cfg.told_guidance:
            self.strength = TimeEmbedding(cfg.width, frequencies=16, fastest=4.0)
        self.refiner = Refiner(cfg)
        if cfg.traits:
            self.traits = Traits(cfg)
        self.transformer = CausalTransformer(
            TransformerConfig(
                width=cfg.width,
                depth=cfg.depth,
                heads=cfg.heads,
                hidden=cfg.hidden,
                adaln=cfg.adaln,
                cross=True,
                whole_norm=cfg.whole_norm,
            ),
            rotary,
        )
        self.norm = nn.LayerNorm(cfg.width, eps=1e-6) if cfg.final_norm else nn.Identity()
        self.project = nn.Linear(cfg.width, cfg.latent_dim)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)
        if cfg.told_guidance:  # begins as a model that is not told
            nn.init.zeros_(self.strength.mlp[2].weight)
            nn.init.zeros_(self.strength.mlp[2].bias)
        self.register_buffer("latent_mean", torch.zeros(cfg.latent_dim))
        self.register_buffer("latent_std", torch.ones(cfg.latent_dim))
        self.runner: Runner | None = None
        """Where streams compute at fixed addresses; None: wherever they are."""
        self.remembers: torch.dtype | None = None
        """In what a CPU's streams keep keys and values, once it is prepared."""

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Shape (P, D) of one frame."""
        return self.cfg.block, self.cfg.latent_dim

    def run_static(self, dtype: torch.dtype, fuse: bool = False) -> None:
        """Give streams caches of fixed size, which CUDA graphs ask for; see `Runner`."""
        self.runner = Runner(self.transformer, self.cfg.block, dtype, fuse)

    def prepare(self, precision: Precision = "fp32") -> None:
        """Compute as a CPU does fastest; from now on for inference only."""
        kept = self.transformer.prepare(precision)
        self.remembers = kept if self.cfg.width >= WIDE else self.embed.weight.dtype
        self._recent = lru_cache(LEVELS)(self._modulations_at)

    def new_cache(self, prefix: int = 0, weight: float = 1.0, *, rows: int = 1) -> StreamCache:
        """Return the memory of a new stream; a pinned prefix takes its blocks from the context.

        `rows` are those of a call, with guidance's.
        """
        context, most = self.cfg.context - prefix, self.cfg.max_blocks
        if self.runner is not None and not prefix:
            return self.runner.new_cache(
                rows, prefix=0, context=context, slack=0, most=most + WINDOW
            )
        if self.remembers is not None:
            size = self.transformer.size(
                rows, self.cfg.block, prefix=prefix, context=context, slack=0, most=most
            )
            return WindowCache(size, self.transformer.rotary, self.remembers, weight=weight)
        return KVCache(
            self.cfg.depth, self.cfg.block, context=context, prefix=prefix, weight=weight
        )

    def to_blocks(self, latents: Tensor) -> Tensor:
        """Return normalized blocks (B, T, P, D) of latents (B, T * P, D)."""
        x = (latents - self.latent_mean) / self.latent_std
        return x.unflatten(1, (-1, self.cfg.block))

    def to_latents(self, blocks: Tensor) -> Tensor:
        """Undo `to_blocks`."""
        return blocks.flatten(1, 2) * self.latent_std + self.latent_mean

    def prompt(
        self, states: Tensor, mask: Tensor, text: str = "", *, traits: Tensor | None = None
    ) -> Prompt:
        """Prepare token states (B, L, C) with mask (B, L), once per prompt.

        `traits` (B, N) are told beside them, NaN where nothing is said. Rows of `mask` that are
        false hide their text; a row with neither text nor traits must be dropped.
        """
        told = mask | ~mask.any(1, keepdim=True)  # softmax over nothing is no number
        tokens = self.refiner(states, told)
        if traits is not None and self.cfg.traits:
            said = ~traits.isnan()
            # what no row is told costs nothing; a GPU would have to be waited for
            kept = slice(None) if said.is_cuda else said.any(0)
            tokens = torch.cat([tokens, self.traits(traits.nan_to_num())[:, kept]], dim=1)
            mask = torch.cat([mask, said[:, kept]], dim=1)
        if self.runner is not None:  # calls of few shapes
            more = -tokens.shape[1] % TEXT
            tokens, mask = F.pad(tokens, (0, 0, 0, more)), F.pad(mask, (0, more))
        told = mask | ~mask.any(1, keepdim=True)
        return Prompt(self.transformer.context(tokens, told), text)

    def forward(
        self,
        x: Tensor,
        t: Tensor,
        prompts: Sequence[Prompt],
        cache: StreamCache | None = None,
        commit: int = 0,
        drop: Tensor | None = None,
        mask: Tensor | None = None,
        guidance: float | Tensor | None = None,
    ) -> Tensor:
        """Return the velocity of blocks x (B, T, P, D) at flow time t (B, T).

        All frames that are not clean share the last prompt: on a change the sampler starts its
        window over. `drop` (B,) hides the text of some rows (condition dropout in training), `mask`
        replaces the block-causal one. `guidance`, a scale or scales (B, 1), is for a model that is
        told.
        """
        context = prompts[-1].context
        if isinstance(cache, StaticCache):
            return self._static(x, t, context, cache, commit, guidance)
        return self.denoise(x, t, context, cache, commit, drop=drop, mask=mask, guidance=guidance)

    def _static(
        self,
        x: Tensor,
        t: Tensor,
        context: Context | None,
        cache: StaticCache,
        commit: int,
        guidance: float | Tensor | None,
    ) -> Tensor:
        """Return the same, computed at fixed addresses by calls of few shapes."""
        frames, rows = x.shape[1], len(x)
        more = -frames % WINDOW  # nobody sees what comes after
        x, t = F.pad(x, (0, 0, 0, 0, 0, more)), F.pad(t, (0, more))
        again = cache.rows // rows  # both halves of guidance look back on a take
        if isinstance(guidance, float):
            guidance = x.new_full((1, 1), guidance)
        scale = [] if guidance is None else [guidance]
        told = [] if context is None else [context.mask, *context.keys, *context.values]

        def network(x: Tensor, t: Tensor, *rest: Tensor, cache: Cache, commit: int) -> Tensor:
            known = None
            if context is not None:
                mask, *pairs = rest[len(scale) :]
                keys, values = pairs[: self.cfg.depth], pairs[self.cfg.depth :]
                known = Context(keys=tuple(keys), values=tuple(values), mask=mask)
            return self.denoise(x, t, known, cache, commit, guidance=rest[0] if scale else None)

        inputs = [x.repeat(again, 1, 1, 1), t.repeat(again, 1), *scale, *told]
        return cache.call(network, inputs, commit)[:rows, :frames]

    def denoise(
        self,
        x: Tensor,
        t: Tensor,
        context: Context | None,
        cache: Cache | None = None,
        commit: int = 0,
        *,
        drop: Tensor | None = None,
        mask: Tensor | None = None,
        guidance: float | Tensor | None = None,
    ) -> Tensor:
        """Return what `forward` does; a context of None is no text."""
        absent = torch.zeros_like(t, dtype=torch.bool) if self.cfg.text_in_history else t >= CLEAN
        if drop is not None:
            absent = absent | drop[:, None]
        if context is None:
            rows = x.new_zeros(len(x), 1, self.cfg.width)
            told = torch.ones(len(x), 1, dtype=torch.bool, device=x.device)
            context, absent = self.transformer.context(rows, told), torch.ones_like(absent)
        if self.remembers is not None and not isinstance(
            guidance, Tensor
        ):  # streams come by the same again
            rows = [tuple(row) for row in t.tolist()]
            modulations = self._recent(tuple(rows[:1] if len({*rows}) == 1 else rows), guidance)
        else:
            modulations = self._modulations(t, guidance)
        h = self.transformer(
            self.embed(x),
            modulations,
            context=context,
            absent=absent,
            cache=cache,
            commit=commit,
            mask=mask,
        )
        return with_clean(self.project(self.norm(h)), commit)

    def _modulations(self, t: Tensor, guidance: float | Tensor | None) -> list[Modulations]:
        """Return what flow time t (B, T) and the scale of guidance say to the blocks."""
        e = self.time(t)
        if guidance is not None:
            noisy = (t < CLEAN)[..., None]  # history does not depend on the scale of its day
            scale = torch.as_tensor(guidance, dtype=torch.float32, device=t.device)
            e = e + noisy * self.strength(scale.reshape(-1, 1))
        return self.transformer.modulations(e)

    def _modulations_at(
        self, t: tuple[tuple[float, ...], ...], guidance: float | None
    ) -> list[Modulations]:
        """Return the same for rows of flow times; a row is said to all."""
        return self._modulations(torch.tensor(t, dtype=self.embed.weight.dtype), guidance)
