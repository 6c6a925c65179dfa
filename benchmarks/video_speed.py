"""Speed of the keyboard world: `python -m benchmarks.video_speed --json`.

`blocks` is the shipped world with its shipped settings, decoding included, under keys as they were
held in recorded play; `blocks-fp32` are its frames on two threads, as where a CPU does not multiply
bf16 numbers. `nfd-130m` is NFD's smallest size with random weights. Each is measured in a process
of its own, so that memory is its own. JSON goes to stdout, progress to stderr.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from unittest import mock

import typer

from benchmarks import reporting
from benchmarks.reporting import by_size, emit, machine, peak_rss_mb, speed_table, told_errors
from core.settings import CHECKPOINTS

SIZES = ("blocks", "blocks-fp32", "nfd-130m")
THREADS = 1
"""As the app computes: visitors share the cores, and the page needs one."""
MINUTES = 10
SECONDS = {
    "full": {"stream": 900.0, "paced": 60.0, "together": 60.0, "cache": 20.0},
    "quick": {"stream": 10.0, "paced": 4.0, "together": 5.0, "cache": 1.5},
}
"""Longest that each part may take."""
TOGETHER = (2, 3)
WITHOUT_BF16 = 2
"""Threads where bf16 is not native."""


def measure_world(checkpoints: Path, checkpoint: str, quick: bool) -> dict[str, Any]:
    """Return the figures of a shipped world, measured in this process."""
    import torch

    from benchmarks.play_speed import frame_figures, paced, recorded_masks, speculation, stream
    from benchmarks.recompute import window_speedup
    from benchmarks.reporting import late_over_early
    from core.device import fast_precision
    from core.diffusion.packed import count
    from core.engine import Engine

    seconds = SECONDS["quick" if quick else "full"]
    start = time.perf_counter()
    engine = Engine(checkpoints, "cpu")
    play = partial(engine.play, checkpoint, seed=1)
    dream = play(ahead=0)
    load = time.perf_counter() - start
    minute = round(60 * dream.fps)
    masks = recorded_masks(dream.keys, MINUTES * minute)
    steps = stream(dream, masks, seconds["stream"])
    rss = peak_rss_mb()
    model = engine.world(checkpoint)
    cfg = model.dit.cfg
    # a pass takes as many finished frames along as it makes, and all need rotary positions
    numbers = [n for n in TOGETHER if cfg.prefix + cfg.context + 2 * n <= cfg.max_frames]
    actions = [model.action(mask) for mask in masks]
    settings = dream.settings
    with fast_precision("cpu"):  # as it is played
        speedup = window_speedup(
            model.dit,
            actions,
            steps=int(settings["steps"]),
            context_noise=settings["context_noise"],
            seconds=seconds["cache"],
        )
    return {
        **frame_figures(steps),
        **late_over_early(steps, context=len(dream.context()), minute=minute),
        "peak_rss_mb": rss,
        "steps": settings["steps"],
        **paced(play(), masks, seconds["paced"]),
        **speculation(
            lambda together: play(ahead=0, together=together), masks, numbers, seconds["together"]
        ),
        **speedup,
        "context_noise": settings["context_noise"],
        "frames": len(steps),
        "load_s": load,
        "million_weights": (count(model.dit) + count(model.tokenizer)) / 1e6,
        "threads": torch.get_num_threads(),
    }


def measure_fp32(checkpoints: Path, checkpoint: str, quick: bool) -> dict[str, Any]:
    """Return what frames of a shipped world take where bf16 is not native, in this process."""
    import torch

    from benchmarks.play_speed import frame_figures, recorded_masks, stream
    from core.engine import Engine

    threads, seconds = torch.get_num_threads(), SECONDS["quick" if quick else "full"]["paced"]
    torch.set_num_threads(WITHOUT_BF16)
    with mock.patch("core.device.native_bf16", return_value=False):
        dream = Engine(checkpoints, "cpu:fp32").play(checkpoint, seed=1, ahead=0)
        masks = recorded_masks(dream.keys, round(60 * MINUTES * dream.fps))
        steps = stream(dream, masks, seconds)
    torch.set_num_threads(threads)
    return {**frame_figures(steps), "frames": len(steps), "threads": WITHOUT_BF16}


def measure(size: str, checkpoints: Path, checkpoint: str, quick: bool) -> dict[str, Any]:
    """Return the figures of one size."""
    if size == "blocks":
        return measure_world(checkpoints, checkpoint, quick)
    if size == "blocks-fp32":
        return measure_fp32(checkpoints, checkpoint, quick)
    from benchmarks import nfd_speed

    return nfd_speed.measure(size, quick)


def main(
    as_json: reporting.AsJson = False,
    quick: reporting.Quick = False,
    checkpoint: reporting.WhichWorld = "world-blocks",
    checkpoints: reporting.Checkpoints = CHECKPOINTS,
    threads: Annotated[int, typer.Option(help="Threads of PyTorch.")] = THREADS,
    only: reporting.OneSize = "",
    out: reporting.Out = None,
) -> None:
    """Measure the speed and memory of playing a world."""
    with told_errors():
        result = by_size(
            "benchmarks.video_speed", SIZES, measure, only, quick, checkpoint, checkpoints, threads
        )
        if not only:
            result["machine"] = machine()
    emit(result, partial(speed_table, rate="fps"), as_json=as_json or bool(only), out=out)


if __name__ == "__main__":
    typer.run(main)
