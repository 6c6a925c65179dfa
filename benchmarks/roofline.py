"""How fast models are prepared for a CPU, and how near products alone: `--json`.

`python -m benchmarks.roofline --json` makes blocks of motion and frames of worlds by the plain
modules and by prepared ones, in turns, so that a busy machine slows both. For each it prints the
ratio; and for one block or frame the products' arithmetic a second, of all of it and of the same
products called one after the other with nothing in between (`gemm`). Streams look back on as much
as they ever do, and worlds are played by recorded keys. `published` is CMDM's size with random
weights, in calls of K steps and stagger L; its ratios are to the plain K 50 L 2.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from itertools import cycle, repeat
from pathlib import Path
from typing import Annotated, Any
from unittest import mock

import torch
import typer
from torch import Tensor, nn

from benchmarks.motion_speed import PROMPTS, untrained
from benchmarks.play_speed import recorded_masks
from benchmarks.reporting import (
    AsJson,
    Out,
    Quick,
    TheirFolder,
    emit,
    machine,
    quality_table,
    rounded,
    told_errors,
)
from core.diffusion.packed import Packed
from core.motion.generate import MotionModel
from core.settings import CHECKPOINTS, MotionSettings, Precision, WorldSettings
from core.video.dream import Dream
from core.video.world import VideoModel

PRECISIONS: tuple[Precision, ...] = "fp32", "bf16", "int8"
PACES = (50, 2), (10, 1)
"""Steps and stagger that CMDM names, and that our reading of its equation 13 gives for a stream."""
FILLED = 24
"""Blocks or frames after which every history here is full."""
SPELL = 0.3
"""Seconds, and the call in which they end, that a way has in its turn."""
Make = Callable[[], object]
Product = tuple[Packed | nn.Linear, Tensor]
"""A layer, and what it multiplied."""


def body(model: MotionModel, pace: tuple[int, int] | None = None) -> Make:
    """Return what makes the next block of a stream."""
    steps, stagger = pace or (None, None)
    settings = MotionSettings(seed=1, steps=steps, stagger=stagger)
    stream = model.stream(repeat(PROMPTS[0]), settings)
    return lambda: next(stream)


def world(folder: Path, precision: Precision | None) -> tuple[Make, nn.Module]:
    """Return what makes the next frame of a world, and its network; None is the plain one."""
    if precision is None:
        model = VideoModel.read(folder, "cpu")
        model.settle()
    else:
        model = VideoModel.load(folder, "cpu", precision=precision)
    dream = Dream(model, model.moment(0), WorldSettings(ahead=0))
    masks = cycle(recorded_masks(model.dit.cfg.keys, 1000))
    return lambda: dream.step(next(masks)), model.dit


def products(make: Make, networks: list[nn.Module]) -> list[Product]:
    """Return the products of one block or frame, with what was multiplied."""
    layers = {
        m
        for network in networks
        for m in network.modules()
        if isinstance(m, Packed)
        or (isinstance(m, nn.Linear) and m.weight.dtype == torch.float32)  # bf16 is the world's own
    }
    found: list[Product] = []

    def noted(multiply: Callable[..., Tensor]) -> Callable[[Any, Tensor], Tensor]:
        def multiply_and_note(layer: Packed | nn.Linear, x: Tensor) -> Tensor:
            if layer in layers:
                found.append((layer, x.clone()))
            return multiply(layer, x)

        return multiply_and_note

    packed, linear = noted(Packed.forward), noted(nn.Linear.forward)
    with (
        mock.patch.object(Packed, "__call__", packed),
        mock.patch.object(nn.Linear, "forward", linear),
    ):
        make()
    return found


def operations(found: list[Product]) -> float:
    """Return how many multiplications and additions products are."""
    return sum(
        2.0 * x.numel() * (layer.shape[0] if isinstance(layer, Packed) else layer.out_features)
        for layer, x in found
    )


def in_turns(ways: dict[str, Make], rounds: int) -> dict[str, float]:
    """Return the milliseconds that one call of each takes: the median of rounds of SPELL each."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, make in ways.items():
            make()  # caches are another's yet
            calls, start = 0, time.perf_counter()
            while (spent := time.perf_counter() - start) < SPELL:
                make()
                calls += 1
            times[name].append(1000 * spent / calls)
    return {name: statistics.median(found) for name, found in times.items()}


def rows(
    ways: dict[str, Make], alone: dict[str, list[Product]], rounds: int
) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the figures of each way; the first one is what ratios are to."""

    def multiply(found: list[Product]) -> Make:
        return lambda: [layer(x) for layer, x in found]

    gemm = {f"{name} gemm": multiply(found) for name, found in alone.items()}
    with torch.inference_mode():
        ms = in_turns({**ways, **gemm}, rounds)
    first = next(iter(ways))
    for name in ways:
        figures = {"ms": ms[name], "ratio": ms[first] / ms[name]}
        if name in alone:
            work, only = operations(alone[name]) / 1e6, ms[f"{name} gemm"]
            figures |= {"gflops": work / ms[name], "gemm_gflops": work / only}
            figures["share"] = only / ms[name]
        yield name, figures


def motion_rows(folder: Path, rounds: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the figures of blocks of a motion checkpoint."""
    models = {"plain": MotionModel.read(folder, "cpu")}
    models |= {p: MotionModel.load(folder, "cpu", precision=p) for p in PRECISIONS}
    yield from measured({n: (body(m), [m.dit, m.vae]) for n, m in models.items()}, rounds)


def published_rows(rounds: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the figures of blocks of CMDM's size."""
    ways = {"plain": (body(untrained(), PACES[0]), [])}
    for precision in ("fp32", "int8"):
        model = untrained()
        model.prepare(precision)
        for steps, stagger in PACES:
            made = body(model, (steps, stagger)), [model.dit, model.vae]
            ways[f"{precision} K {steps} L {stagger}"] = made
    yield from measured(ways, rounds)


def measured(
    ways: dict[str, tuple[Make, list[nn.Module]]], rounds: int
) -> Iterator[tuple[str, dict[str, float]]]:
    """Fill the histories, note the products, and yield the figures."""
    for make, _ in ways.values():
        for _ in range(FILLED):
            make()
    alone = {name: products(make, networks) for name, (make, networks) in ways.items()}
    makes = {name: make for name, (make, _) in ways.items()}
    yield from rows(makes, {name: found for name, found in alone.items() if found}, rounds)


def main(
    as_json: AsJson = False,
    quick: Quick = False,
    checkpoints: TheirFolder = CHECKPOINTS,
    threads: Annotated[int, typer.Option(min=1, help="Threads of PyTorch.")] = 1,
    out: Out = None,
) -> None:
    """Measure what a CPU makes of models that are prepared for it."""
    torch.set_num_threads(threads)
    rounds = 1 if quick else 8
    with told_errors():
        result: dict[str, Any] = {}
        for name, found in motion_rows(checkpoints / "motion", rounds):
            result[f"motion {name}"] = found
        for which in ("world-blocks", "video"):
            made = {p or "plain": world(checkpoints / which, p) for p in (None, *PRECISIONS)}
            ways = {name: (make, [network]) for name, (make, network) in made.items()}
            for name, found in measured(ways, rounds):
                result[f"{which} {name}"] = found
        for name, found in published_rows(rounds):
            result[f"published {name}"] = found
        result = {**rounded(result), "about": {**machine(), "threads": threads}}
    emit(result, quality_table, as_json=as_json, out=out)


if __name__ == "__main__":
    typer.run(main)
