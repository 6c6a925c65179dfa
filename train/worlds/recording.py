"""A recorded set: meta.json beside three plain arrays that `np.load(mmap_mode="r")` opens.

frames.npy (N, H, W, 3) uint8, actions.npy (N, K) uint8 and states.npy (N, S) float32. actions[i]
was held while frame i came out of frame i - 1; zeros at the first frame of an episode. meta.json is
written last: where it lies, the set is whole.

Slots of frames are shared out among workers, each slot with a seed of its own: what it holds
depends on the set's seed and its number alone, so one worker or eight write the same bytes. A slot
is one episode, or several where the world ends one early.
"""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from tqdm import tqdm

from core.config import Config
from core.video.actions import Key
from train.worlds.maps import CELL, RADIUS
from train.worlds.textures import TEXEL
from train.worlds.world import World

VAL_SHARE = 0.05
LENGTH = 300
"""Frames of a slot."""
PORTION = 4
"""Slots a worker plays before it hands back and the bar moves."""
MARGIN = RADIUS + CELL
"""Units beyond all places: to the wall, and as deep as a wall's picture is wide."""
Maker = Callable[[], World]


class Episode(Config):
    """A run of frames without a cut."""

    start: int
    frames: int
    split: str


class Ground(Config):
    """Where places lie and how the world is seen from them, for a model that knows places."""

    low: tuple[float, float]
    """x, y in units: what is looked at lies between here"""
    high: tuple[float, float]
    """and here, the walls round all places with it."""
    fov: float
    """Degrees between the left and the right edge of a picture."""
    texel: float = TEXEL
    """Units from one feature of a learnt map to the next."""


def ground(states: np.ndarray, fov: float) -> Ground:
    """Measure the ground under all places (N, 3: x, y, ...), in whole texels."""
    places = states[:, :2]
    corners = places.min(0) - MARGIN, places.max(0) + MARGIN
    low, high = ((float(x), float(y)) for x, y in (np.round(c / TEXEL) * TEXEL for c in corners))
    return Ground(low=low, high=high, fov=fov)


class Meta(Config):
    """What meta.json says."""

    env: str
    size: tuple[int, int]
    keys: tuple[Key, ...]
    fps: int
    seed: int
    licence: str
    states: tuple[str, ...]
    episodes: tuple[Episode, ...]
    ground: Ground | None = None
    """None where the states are no places."""


class Arrays(NamedTuple):
    """The arrays of a set, mapped from disk."""

    frames: np.ndarray
    actions: np.ndarray
    states: np.ndarray


def split_of(slot: int) -> str:
    """Put a slot of frames into "train" or "val" by a hash of its number, whatever it holds."""
    digest = hashlib.sha256(f"episode {slot}".encode()).digest()
    return "val" if int.from_bytes(digest[:4], "big") < VAL_SHARE * 2**32 else "train"


def create(folder: Path, frames: int, size: tuple[int, int], keys: int, states: int) -> None:
    """Make the arrays of a set, still empty."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "meta.json").unlink(missing_ok=True)
    shapes = {
        "frames": (np.uint8, (frames, *size, 3)),
        "actions": (np.uint8, (frames, keys)),
        "states": (np.float32, (frames, states)),
    }
    for name, (kind, shape) in shapes.items():
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype=kind, shape=shape).flush()


def load(folder: Path, mode: Literal["r", "r+"] = "r") -> Arrays:
    """Map the arrays; mode "r+" writes through to the files."""
    return Arrays(*(np.load(folder / f"{name}.npy", mmap_mode=mode) for name in Arrays._fields))


def write_meta(folder: Path, meta: Meta) -> None:
    """Finish a set."""
    (folder / "meta.json").write_text(meta.model_dump_json(indent=1) + "\n")


def read_meta(folder: Path) -> Meta:
    """Read meta.json."""
    path = folder / "meta.json"
    if not path.is_file():
        raise ValueError(f"{folder} holds no recorded set: there is no meta.json")
    return Meta.model_validate_json(path.read_text())


def coverage(actions: np.ndarray, names: list[str]) -> dict[str, float]:
    """Return the share of frames in which nothing ("-"), each key, and each pair was held."""
    shares = {"-": float((actions.sum(1) == 0).mean())}
    shares |= {name: float(actions[:, i].mean()) for i, name in enumerate(names)}
    for i, j in combinations(range(len(names)), 2):
        shares[names[i] + names[j]] = float((actions[:, i] & actions[:, j]).mean())
    return shares


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
    world = make()  # open until all is recorded: what it leaves behind is for it to clear away
    create(folder, frames, world.size, len(world.keys), len(world.states))
    slots = range(-(-frames // LENGTH))
    portions = [slots[i : i + PORTION] for i in slots[::PORTION]]
    job = partial(play_slots, make, folder, seed, frames)
    bar = partial(tqdm, total=len(portions), unit_scale=PORTION * LENGTH, unit=" frames")
    if workers == 1:
        episodes = [e for portion in bar(map(job, portions)) for e in portion]
    else:
        spawn = multiprocessing.get_context("spawn")
        # unlike a Pool, which would wait for ever, this ends where a game's process dies
        with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
            episodes = [e for portion in bar(pool.map(job, portions)) for e in portion]
    world.close()
    meta = Meta(
        env=world.name,
        size=world.size,
        keys=world.keys,
        fps=world.fps,
        seed=seed,
        licence=licence,
        states=world.states,
        episodes=tuple(episodes),
        ground=ground(load(folder).states, world.fov) if world.fov else None,
    )
    write_meta(folder, meta)
    return meta
