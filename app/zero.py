"""ZeroGPU: GPUs of the Hub that are lent by the call, here for files of large models alone.

What a GPU is lent for runs in a process forked from this one, which shares no lock, stream or
visitor with it: it opens the checkpoints anew, and answers with what it made. Live pages stay on
the CPU.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import gradio as gr

from app.live.loader import EngineLike
from app.live.replies import sentence

P = ParamSpec("P")
T = TypeVar("T")

ON_ZERO = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")
DEVICE = "cuda"
LARGE = 2**26
"""Bytes of weights from which a GPU is worth the visitor's share of it: the published sizes."""


def lent(make: Callable[P, T]) -> Callable[P, T]:
    """Have a GPU lent for every call; without ZeroGPU, return the function as it is."""
    if not ON_ZERO:
        return make
    import spaces

    @wraps(make)
    def tell(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return make(*args, **kwargs)
        except ValueError as error:  # of others no more than the class is told
            raise gr.Error(sentence(error), print_exception=False) from error

    return spaces.GPU(tell)


def worth_it(engine: EngineLike, name: str) -> bool:
    """Say whether to borrow a GPU for a checkpoint; False for unknown ones."""
    return ON_ZERO and name in (*engine.names, *engine.worlds) and weights(engine, name) >= LARGE


def weights(engine: EngineLike, name: str) -> int:
    """Return the bytes of a checkpoint's weights."""
    files = (engine.checkpoints / name).glob("*.safetensors")
    return sum(file.stat().st_size for file in files)


@lru_cache(maxsize=1)
def lent_engine(checkpoints: Path) -> Any:
    """Open checkpoints on the GPU, in the process that it is lent to."""
    from core.engine import Engine

    return Engine(checkpoints, device=DEVICE)
