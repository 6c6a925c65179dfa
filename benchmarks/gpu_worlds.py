"""Worlds on a GPU: NFD's published sizes, the shipped world, many of its streams in one call."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.gpu_bench import Bench, Row
from core.device import fast_precision, native_bf16, settle
from core.diffusion import kernels
from core.diffusion.sampler import StreamSampler
from core.diffusion.static import StaticCache
from core.engine import Engine
from core.settings import WorldSettings
from core.video.dream import Dream
from core.video.fleet import Fleet
from core.video.model import PRESETS, Action, FrameDiT, published
from core.video.world import VideoModel

STREAMS = (1, 8, 32, 128)
WALK = [1] * 20 + [1 | 32] * 10 + [4] * 10
"""Keys: forward, forward and turning, aside."""


def frame_dit(bench: Bench, preset: str) -> FrameDiT:
    """Return a published size with random weights, small in a rehearsal."""

    cfg = published(*PRESETS[preset])
    if bench.rehearse:
        small = {"width": 32, "depth": 2, "heads": 2, "hidden": 64, "grid": (2, 3), "context": 4}
        cfg = cfg.model_copy(update=small)
    torch.manual_seed(0)
    with torch.device(bench.device):
        model = FrameDiT(cfg).eval().requires_grad_(False)
    for weights in model.parameters():
        if not weights.any():  # zero at birth
            torch.nn.init.normal_(weights, std=0.02)
    settle(model, bench.device)
    return model


def nfd(
    bench: Bench, model: FrameDiT, steps: int, *, by_call: bool = False
) -> Callable[[], object]:
    """Return what makes the next frame of an endless stream whose context is full."""

    cfg = model.cfg
    sampler = model.new_sampler(1, 0, steps=steps)
    size = 2, 1, cfg.heads, cfg.context * model.frame_shape[0], cfg.width // cfg.heads
    cache = sampler.cache
    if isinstance(cache, StaticCache):
        fill(cache)
    elif cache is not None:
        kind = torch.bfloat16 if native_bf16(bench.device) else torch.float32
        for layer in cache.layers:
            keys = torch.randn(size, device=bench.device, dtype=kind)
            layer.append(*keys, model.transformer.rotary)
    action = Action(torch.zeros(1, len(cfg.keys), device=bench.device))

    def frame() -> object:
        with fast_precision(bench.device):
            return sampler.sample([action])

    if by_call:
        call_by_call(sampler)
    return frame


def call_by_call(sampler: StreamSampler[Action]) -> None:
    """Have a graph for each network call instead of one for the whole frame."""
    sampler.denoiser = partial(sampler.denoiser)  # of this it can be told only how it is called


def fill(cache: StaticCache) -> None:
    """Make a cache as if its context had been played."""

    with torch.inference_mode():
        for part in (cache.memory.keys, cache.memory.values):
            part.normal_()
        cache.memory.count.fill_(cache.memory.size.view)
    cache.counts = [cache.memory.size.view] * cache.rows


def nfd_speed(bench: Bench, model: FrameDiT, way: str, steps: int) -> Row:
    """Return frames a second of one way to compute: plain, graphs, or fused ones.

    Graphs are of whole frames; beside it stands what a graph for each network call makes.
    """

    dtype = torch.bfloat16 if native_bf16(bench.device) else torch.float32
    if way == "plain":
        model.runner = None
    elif model.runner is None or model.runner.fuse != (way == "fused"):
        model.run_static(dtype, fuse=way == "fused" and bench.device == "cuda")
    start = time.perf_counter()
    frame = nfd(bench, model, steps)
    for _ in range(4):
        frame()
    bench.sync()
    row = {"ready_s": round(time.perf_counter() - start, 2), **bench.rate(frame)}
    if steps == model.cfg.steps:
        bench.later[f"{model.cfg.depth} blocks, {way}, {steps} steps"] = frame
    if way != "plain":
        row["by_call"] = bench.rate(nfd(bench, model, steps, by_call=True))
        row["times_by_call"] = round(row["per_s"] / row["by_call"]["per_s"], 2)
        row["attention"] = kernels.report()
    return row


def nfd_figures(bench: Bench, preset: str, ways: dict[str, tuple[int, ...]]) -> None:
    """Note a published size's figures, and their ratios to the plain modules."""

    model = frame_dit(bench, preset)
    for way, all_steps in ways.items():
        for steps in all_steps:
            if not bench.late:
                name = f"{preset} {way} {steps} steps"
                bench.note(name, partial(nfd_speed, bench, model, way, steps))
    del model
    if bench.device == "cuda":
        torch.cuda.empty_cache()


def plainly(model: Any) -> Any:
    """Make all that a model computes be computed without graphs."""
    model.dit.runner = None
    model._graphs.record = False
    return model


def world_of(bench: Bench) -> VideoModel:

    model = Engine(bench.checkpoints, bench.device).world("world-blocks")
    if bench.device == "cpu":
        model.dit.run_static(torch.bfloat16 if native_bf16("cpu") else torch.float32)
    return model


def playing(model: VideoModel, *, by_call: bool = False) -> Callable[[], Any]:
    """Return what plays the next frame of a world."""

    dream, n = Dream(model, model.moment(0), WorldSettings(seed=0, ahead=0)), [0]
    if by_call:
        call_by_call(dream._sampler)

    def frame() -> Any:
        n[0] += 1
        return dream.step(WALK[n[0] % len(WALK)]).frame

    return frame


def world(bench: Bench) -> Row:
    """Return frames a second of the shipped world from keys to pictures, and how far off it is."""

    model = world_of(bench)
    frame = playing(model)
    row = {"graphs": bench.rate(frame, warm=12)}
    row["by_call"] = bench.rate(playing(model, by_call=True), warm=12)
    bench.later["world-blocks, graphs"] = frame
    count = 2 if bench.rehearse else 10
    theirs = playing(Engine(bench.checkpoints, "cpu").world("world-blocks"))
    mine, pairs = playing(model), []
    for _ in range(count):
        pairs.append((mine().astype(float), theirs().astype(float)))
    off = [float(np.abs(a - b).mean()) for a, b in pairs]
    row["levels_off_cpu"] = {"first": round(off[0], 3), "last": round(off[-1], 3)}
    frame = playing(plainly(world_of(bench)))
    row["plain"] = bench.rate(frame)
    bench.later["world-blocks, plain"] = frame
    row["ratio"] = round(row["graphs"]["per_s"] / row["plain"]["per_s"], 2)
    row["times_by_call"] = round(row["graphs"]["per_s"] / row["by_call"]["per_s"], 2)
    return row


def fleet(bench: Bench, sizes: tuple[int, ...], fuse: bool = False) -> Row:
    """Return frames a second of many streams of the shipped world, all in one graph."""

    model, row = world_of(bench), {}
    if fuse and bench.device == "cuda":
        model.dit.run_static(torch.bfloat16, fuse=True)
    alone = 0.0
    for streams in (1, 3) if bench.rehearse else sizes:
        ships = Fleet(model, streams, torch.Generator(bench.device).manual_seed(0))
        rows = [ships.join(model.moment(i % len(model.seeds))) for i in range(streams)]
        n, coming = [0], [None]

        def frame(ships=ships, rows=rows, n=n, coming=coming) -> object:
            n[0] += 1
            keys = {row: WALK[(n[0] + 3 * row) % len(WALK)] for row in rows}
            before, coming[0] = coming[0], ships.step(keys)
            return None if before is None else before.get()

        found = bench.rate(frame, warm=12)
        total = streams * found["per_s"]
        alone = alone or total
        row[f"{streams} streams"] = {
            "frames_per_s": round(total, 1),
            "times_one": round(total / alone, 2),
            "round_ms": found["alone_ms"],
        }
        bench.later[f"fleet of {streams}{', fused' * fuse}"] = frame
    return row
