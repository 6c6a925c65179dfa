"""What streaming would cost without a cache: the same samples from full recomputation."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from copy import copy
from itertools import islice, repeat
from typing import Any

import torch
from torch import Tensor

from core.body.skeleton import FPS
from core.diffusion.flow import CLEAN
from core.diffusion.sampler import StreamSampler
from core.motion.generate import MotionModel
from core.motion.model import MotionDiT, Prompt
from core.motion.vae import STRIDE
from core.video.model import Action, FrameDiT


class Recompute:
    """A denoiser that keeps no keys: it feeds all clean frames again at every call."""

    def __init__(self, model: MotionDiT) -> None:
        self.model = model
        self.history: list[Tensor] = []

    def __call__(
        self, x: Tensor, t: Tensor, conditions: Sequence[Any], cache: object = None, commit: int = 0
    ) -> Tensor:
        past = [frame.expand(len(x), *frame.shape[1:]) for frame in self.history]
        full = torch.cat([*past, x], dim=1)
        times = torch.cat([t.new_full((len(x), len(past)), CLEAN), t], dim=1)
        v = self.model(full, times, conditions)
        self.history += [x[:1, i : i + 1] for i in range(commit)]
        return v[:, len(past) :]


def remembering_all(model: MotionDiT, frames: int, window: int) -> MotionDiT:
    """Return the same model with a context that no stream of `frames` frames outgrows.

    A bounded window forgets, recomputation would not: only so are both samples the same.
    """
    cfg = model.cfg.model_copy(
        update={"context": frames, "max_blocks": max(frames + window + 1, model.cfg.max_blocks)}
    )
    longer, transformer = copy(model), copy(model.transformer)  # of the same weights, as they lie
    rotary = MotionDiT(cfg).transformer.rotary
    transformer._modules = {**model.transformer._modules, "rotary": rotary}
    longer._modules = {**model._modules, "transformer": transformer}
    longer.cfg = cfg
    return longer


def cache_speedup(
    model: MotionModel, prompt: Prompt, *, history: float, seconds: float
) -> dict[str, float]:
    """Time full recomputation against the cache, on the same samples at the checkpoint's settings.

    `history` seconds of motion lie behind the stream when the next `seconds` are timed. Only the
    sampler is timed; what comes after it costs the same either way.
    """
    cfg = model.dit.cfg
    per_second = FPS / (STRIDE * cfg.block)
    past, new = math.ceil(history * per_second), math.ceil(seconds * per_second)
    window = math.ceil(cfg.steps / cfg.stagger)
    dit = remembering_all(model.dit, past + new + window, window)
    clean = torch.randn(1, past, *dit.frame_shape, generator=torch.Generator().manual_seed(1))
    times, samples = [], []
    rows = 1 if cfg.guidance == 1 else 2
    for denoiser, cache in ((dit, dit.new_cache(rows=rows)), (Recompute(dit), None)):
        sampler = StreamSampler(
            denoiser,
            (1, *dit.frame_shape),
            cache,
            steps=cfg.steps,
            stagger=cfg.stagger,
            guidance=cfg.guidance,
            generator=torch.Generator().manual_seed(0),
        )
        sampler.commit(clean, [prompt] * clean.shape[1])
        start = time.perf_counter()
        samples.append(torch.cat([s.x for s in islice(sampler.stream(repeat(prompt)), new)]))
        times.append(time.perf_counter() - start)
    return {
        "cache_speedup": times[1] / times[0],
        "cache_history_s": history,
        "cache_difference": float((samples[0] - samples[1]).abs().max()),
    }


class RecomputeWindow:
    """A frame transformer without a cache: it computes the frames in view again at every call."""

    def __init__(self, model: FrameDiT) -> None:
        self.model = model
        self.past: list[tuple[Tensor, Tensor, Action]] = []

    def __call__(
        self, x: Tensor, t: Tensor, conditions: Sequence[Any], cache: object = None, commit: int = 0
    ) -> Tensor:
        past_x, past_t = ([frame[i] for frame in self.past] for i in (0, 1))
        full, times = torch.cat([*past_x, x], dim=1), torch.cat([*past_t, t], dim=1)
        v = self.model(full, times, [*(c for _, _, c in self.past), *conditions])
        for i in range(commit):
            self.past.append((x[:, i : i + 1], t[:, i : i + 1], conditions[i]))
        pinned, kept = self.model.cfg.prefix, self.model.cfg.context
        self.past = self.past[:pinned] + self.past[pinned:][-kept:]
        return v[:, full.shape[1] - x.shape[1] :]


def window_speedup(
    model: FrameDiT, actions: Sequence[Action], *, steps: int, context_noise: float, seconds: float
) -> dict[str, float]:
    """Time recomputation of the window in view against the cache, frame by frame in turns.

    One frame per action, until the seconds run out; only those whose window is full are timed, and
    only the sampler. While it fills, both make the same frames, and `cache_difference` is their
    largest difference; afterwards cached frames still know what they saw before it left the view.
    """
    cfg = model.cfg
    samplers = [
        StreamSampler(
            denoiser,
            (1, *model.frame_shape),
            cache,
            steps=steps,
            stagger=steps,
            generator=torch.Generator().manual_seed(0),
            context_noise=context_noise,
        )
        for denoiser, cache in ((model, model.new_cache()), (RecomputeWindow(model), None))
    ]
    first = torch.randn(1, 1, *model.frame_shape, generator=torch.Generator().manual_seed(1))
    for sampler in samplers:
        sampler.commit(first, actions[:1])
    spent, difference = [0.0, 0.0], 0.0
    end = time.perf_counter() + seconds
    for number, action in enumerate(actions):
        made = []
        for i, sampler in enumerate(samplers):
            start = time.perf_counter()
            made.append(sampler.sample([action])[0].x)
            spent[i] += time.perf_counter() - start
        if number < cfg.prefix + cfg.context - 1:
            difference = max(difference, float((made[0] - made[1]).abs().max()))
            spent = [0.0, 0.0]
        elif time.perf_counter() > end:
            break
    return {"cache_speedup": spent[1] / spent[0], "cache_difference": difference}
