"""Recording: slots of frames shared out among workers, each slot with a seed of its own.

What a slot holds depends on the set's seed and its number alone, so one worker or eight write the
same bytes. A slot is one episode, or several where the world ends one early.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from train.worlds.recording import Episode, Meta, create, load, split_of, write_meta
from train.worlds.world import World

LENGTH = 300
"""Frames of a slot."""
PORTION = 4
"""Slots a worker plays before it hands back and the bar moves."""
Maker = Callable[[], World]


def play_slot(world: World, folder: Path, slot: int, seed: int, frames: int) -> list[Episode]:
    """Fill one slot of a set's arrays."""
    arrays = load(folder, "r+")
    random = np.random.default_rng([seed, slot])
    starts: list[int] = []
    first, last = slot * LENGTH, min((slot + 1) * LENGTH, frames)
    for i in range(first, last):
        if not starts or world.ended:
            starts.append(i)
            arrays.frames[i] = world.reset(random)
        else:
            keys = world.choose()
            arrays.frames[i] = world.step(keys)
            arrays.actions[i] = keys
        arrays.states[i] = world.state()
    ends = [*starts[1:], last]
    return [
        Episode(start=start, frames=end - start, split=split_of(slot))
        for start, end in zip(starts, ends, strict=True)
    ]


def play_slots(make: Maker, folder: Path, seed: int, frames: int, slots: range) -> list[Episode]:
    """Fill some slots, in a world made for them: nothing of other slots is left in it."""
    world = make()
    try:
        return [e for slot in slots for e in play_slot(world, folder, slot, seed, frames)]
    finally:
        world.close()


def record(
    folder: Path, make: Maker, *, frames: int, seed: int, licence: str, workers: int = 1
) -> Meta:
    """Make a set of `frames` frames from the worlds that `make` makes, in as many processes."""
    if frames < 2:
        raise ValueError(f"frames must be at least 2, got {frames}")
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    world = make()
    world.close()
    create(folder, frames, world.size, len(world.keys), len(world.states))
    slots = range(-(-frames // LENGTH))
    portions = [slots[i : i + PORTION] for i in slots[::PORTION]]
    job = partial(play_slots, make, folder, seed, frames)
    bar = partial(tqdm, total=len(portions), unit_scale=PORTION * LENGTH, unit=" frames")
    if workers == 1:
        episodes = [e for portion in bar(map(job, portions)) for e in portion]
    else:
        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            episodes = [e for portion in bar(pool.imap(job, portions)) for e in portion]
    meta = Meta(
        env=world.name, size=world.size, keys=world.keys, fps=world.fps, seed=seed,
        licence=licence, states=world.states, episodes=tuple(episodes),
    )  # fmt: skip
    write_meta(folder, meta)
    return meta
