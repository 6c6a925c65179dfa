"""Batches on a GPU before they are asked for.

Where cutting windows takes a CPU longer than learning from them takes a GPU, a process of its own
cuts them, a thread brings them over, and those that are there already are learnt from once more
instead of waiting.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from queue import Empty, Queue
from threading import Thread
from typing import TypeVar

import torch
from torch.utils.data import DataLoader, IterableDataset

T = TypeVar("T")
KEPT = 64
"""Batches that stay on the GPU."""


class _Drawn(IterableDataset):
    """What an iterator yields, for a process that goes on with it."""

    def __init__(self, batches: Iterator) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator:
        return self.batches


def feed(batches: Iterator[T], device: str, *, seed: int = 0, kept: int = KEPT) -> Iterator[T]:
    """Yield batches on a device for ever: on a GPU new ones as they come, and between them some of
    the last `kept` ones."""
    if device == "cpu":
        yield from batches
    from accelerate.utils import send_to_device

    drawn: Queue[T | Exception] = Queue(maxsize=2)
    # a forked process goes on with the iterator as it stands; it never touches the GPU
    loader = DataLoader(
        _Drawn(batches),
        batch_size=None,
        num_workers=1,
        pin_memory=torch.cuda.is_available(),
        prefetch_factor=4,
        multiprocessing_context="fork",
    )

    def bring() -> None:
        try:
            for batch in loader:
                drawn.put(send_to_device(batch, device, non_blocking=True))
        except Exception as error:
            drawn.put(error)

    def take(*, wait: bool) -> T:
        batch = drawn.get(wait)
        if isinstance(batch, Exception):
            raise batch
        return batch

    Thread(target=bring, daemon=True).start()
    pool: deque[T] = deque([take(wait=True)], maxlen=kept)
    yield pool[-1]
    chance = random.Random(seed)
    while True:
        try:
            pool.append(take(wait=False))
            yield pool[-1]
        except Empty:
            yield chance.choice(pool)
