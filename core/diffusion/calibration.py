"""Which precision this machine multiplies fastest in: measured at the first start, then remembered.

It is remembered because another precision makes other bytes of the same seed.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from functools import lru_cache
from pathlib import Path
from timeit import timeit
from typing import get_args

import torch
from torch import nn

from core.device import native_bf16
from core.diffusion.layers import FeedForward
from core.diffusion.packed import pack
from core.processor import processor
from core.settings import Precision

Known = dict[str, dict[str, Precision]]
"""Precisions by machine and kind."""
ROWS = {"motion": 6, "world": 96}
"""Tokens of a call: three blocks of motion, two frames of a world."""
WIDTH = 256
ROUNDS = 40
MOST = 2**16
"""Bytes of what is remembered."""
WORTH = 1.25
"""How much faster than what is usual another precision has to be."""


@lru_cache
def best_precision(kind: str) -> Precision:
    """Return in what to compute motion or worlds, which are as good in any of them."""
    known = _read(memory())
    before = known.get(machine(), {}).get(kind)
    if before is not None and before in get_args(Precision):
        return before
    usual, times = usual_precision(kind), seconds(ROWS[kind])
    fastest = min(times, key=lambda name: times[name])
    chosen = fastest if times[fastest] * WORTH < times[usual] else usual
    with contextlib.suppress(OSError):  # where nothing can be kept it is measured at every start
        remember({**known, machine(): {**known.get(machine(), {}), kind: chosen}})
    return chosen


def usual_precision(kind: str) -> Precision:
    """Return what to take where nothing is faster by much."""
    return "bf16" if kind == "world" and native_bf16("cpu") else "fp32"


def memory() -> Path | None:
    """Return the file in which it is remembered; None where the system has no place for it."""
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    except RuntimeError:  # nobody's home
        return None
    return folder / "livestep/speed.json" if folder.is_absolute() else None


def remember(known: Known) -> None:
    """Write what is known of machines; raise OSError where it cannot be kept."""
    if file := memory():
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(f".{os.getpid()}")  # never half of it
        new.write_text(json.dumps(known))
        new.replace(file)


def seconds(rows: int, width: int = WIDTH) -> dict[Precision, float]:
    """Return how long one thread takes for feed-forward layers (width, 4 width), by precision."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the page has it: whoever makes it again gets the same
    layers = dict[Precision, nn.Module]()
    state = torch.get_rng_state()
    x = torch.randn(rows, width)
    for name in get_args(Precision):
        layer = nn.Sequential(FeedForward(width, 4 * width)).requires_grad_(False)
        with contextlib.suppress(RuntimeError):  # not all builds of PyTorch have all of them
            pack(layer, name)
            layer(x)
            layers[name] = layer
    torch.set_rng_state(state)  # draws are the caller's
    times: dict[Precision, float] = dict.fromkeys(layers, math.inf)
    for _ in range(ROUNDS):  # in turns, and the least of all: who else computes is not to decide
        for name, layer in layers.items():
            times[name] = min(times[name], timeit(lambda f=layer: f(x), number=4) / 4)
    torch.set_num_threads(threads)
    return times


def _read(file: Path | None) -> Known:
    """Return what was remembered; nothing where there is no such file, or it is broken."""
    try:
        if file is None or not file.is_file() or file.stat().st_size > MOST:
            return {}
        return {name: {**found} for name, found in json.loads(file.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def machine() -> str:
    """Return by what this machine is known: what it is, and what computes on it."""
    return f"{processor()}, torch {torch.__version__}"
