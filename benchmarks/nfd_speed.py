"""Speed of a size that NFD publishes: random weights, no tokenizer, a full context of 31 frames.

A frame is `steps` calls of the transformer. The first of them takes the finished frame along, whose
keys and values are kept from it, so it works on two. Calls are timed one by one and added up, since
one frame takes many seconds on a CPU. The context is filled with random keys and values.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from benchmarks.play_speed import recorded_masks
from benchmarks.reporting import peak_rss_mb, timed
from core.device import fast_precision, native_bf16
from core.diffusion.attention import KVCache
from core.video.actions import Key
from core.video.model import PRESETS, Action, FrameConfig, FrameDiT, published

HISTORY = 3
"""Frames in view where the cache is held against recomputing them."""
ROUNDS = 5
QUICK_SECONDS = 6.0
"""After which no further frame is begun."""
KEYS = tuple(Key(name=name, codes=()) for name in "WSADLR")
"""The world that the recorded keys are of."""


def untrained(cfg: FrameConfig) -> FrameDiT:
    """Return a transformer with random weights, whose output is not zero as it is at birth."""
    torch.manual_seed(0)
    model = FrameDiT(cfg).eval().requires_grad_(False)
    torch.nn.init.normal_(model.project.weight, std=0.02)
    return model


def filled_cache(model: FrameDiT, frames: int, dtype: torch.dtype) -> KVCache:
    """Return a cache as if so many frames had been played."""
    cfg, cache = model.cfg, model.new_cache()
    shape = 2, 1, cfg.heads, frames * model.frame_shape[0], cfg.width // cfg.heads
    for layer in cache.layers:
        layer.append(*torch.randn(shape, dtype=dtype), model.transformer.rotary)
    return cache


def pairs_shown(masks: list[int]) -> tuple[float, float]:
    """Return frames shown per joint pass over two, and the share of second frames accepted."""
    passes, frame = 0, 0
    while frame < len(masks):
        frame += 1 + (frame + 1 < len(masks) and masks[frame + 1] == masks[frame])
        passes += 1
    return len(masks) / passes, len(masks) / passes - 1


@torch.inference_mode()
def measure(preset: str, quick: bool, cfg: FrameConfig | None = None) -> dict[str, Any]:
    """Return the figures of a preset, measured in this process; `cfg` replaces it in tests."""
    cfg = cfg or published(*PRESETS[preset])
    dtype = torch.bfloat16 if native_bf16("cpu") else torch.float32
    model = untrained(cfg)
    cache = filled_cache(model, cfg.context, dtype)
    action = Action(torch.zeros(1, len(cfg.keys)))

    def call(frames: int, cache: KVCache | None) -> float:
        x, t = torch.randn(1, frames, *model.frame_shape), torch.zeros(1, frames)
        with fast_precision("cpu"):
            return timed(lambda: model(x, t, [action] * frames, cache)).wall

    start = time.perf_counter()
    rounds: list[tuple[float, float]] = []
    while len(rounds) < ROUNDS and (not quick or time.perf_counter() - start < QUICK_SECONDS):
        rounds.append((call(1, cache), call(2, cache)))
    frames_ms = [1000 * (two + (cfg.steps - 1) * one) for one, two in rounds]
    one, two = (float(np.median(times)) for times in zip(*rounds, strict=True))
    # a pass over two frames takes two finished ones along: four frames in its first call
    four = 2 * two if quick else call(4, cache)
    shown, accepted = pairs_shown(recorded_masks(KEYS, 18000))
    rss = peak_rss_mb()
    short = filled_cache(model, HISTORY, dtype)
    return {
        "fps": 1000 / float(np.mean(frames_ms)),
        "frame_ms_p50": float(np.percentile(frames_ms, 50)),
        "frame_ms_p95": float(np.percentile(frames_ms, 95)),
        "late_over_early": frames_ms[-1] / frames_ms[0],
        "late_over_early_frames": len(frames_ms),
        "peak_rss_mb": rss,
        "steps": cfg.steps,
        "accept_rate": accepted,
        "speculation_gain": (
            shown * (two + (cfg.steps - 1) * one) / (four + (cfg.steps - 1) * two)
        ),
        "cache_speedup": call(HISTORY + 1, None) / call(1, short),
        "cache_history_frames": HISTORY,
        "context_frames": cfg.context,
        "precision": "bf16" if native_bf16("cpu") else "fp32",
        "million_weights": sum(p.numel() for p in model.parameters()) / 1e6,
        "threads": torch.get_num_threads(),
        "seconds": time.perf_counter() - start,
    }
