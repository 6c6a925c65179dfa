"""What recorded play holds: `python -m benchmarks.recorded_keys --json --seeds 3`.

Records our own worlds as `train.worlds` does (ViZDoom is needed), in frames that nobody keeps, and
prints for each the shares of frames in which nothing and each key is held, of the rarest pair of
keys, and of those in which somebody pushes in vain: keys say to walk, and hardly a step is made.
Seeds are those of recordings; with several, shares are means, and `spread` has their standard
deviations. Without --json it prints a table; progress shows on stderr.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer

from benchmarks import reporting
from benchmarks.reporting import Row, emit, over_seeds, quality_table, rounded, told_errors
from train.worlds.doom import MAPS
from train.worlds.recording import coverage, load, record
from train.worlds.world import BLOCKS_KEYS, DrawnWorld

SIZE = (60, 80)
"""Height and width of frames: as small as the engine draws; what is held does not depend on it."""
HARDLY = 2.0
"""Units; a step has 8.5 or 10.7."""


def in_vain(actions: np.ndarray, states: np.ndarray, starts: np.ndarray) -> float:
    """Return the share of frames whose keys say to walk, and whose place hardly changes.

    actions (N, 6) and states (N, 3) as recorded; starts are the first frames of episodes.
    """
    forward, back, left, right = actions.T[:4].astype(bool)
    wanted = (forward != back) | (left != right)
    moved = np.hypot(*np.diff(states[:, :2], axis=0, prepend=np.inf).T)
    moved[starts] = np.inf  # where somebody else stood before
    return float((wanted & (moved < HARDLY)).mean())


def measure(land: str, frames: int, seed: int) -> Row:
    """Record a world and count."""
    with TemporaryDirectory(prefix="keys-") as name:
        make = partial(DrawnWorld, land, SIZE, seed)
        meta = record(Path(name), make, frames=frames, seed=seed, licence="CC0-1.0")
        arrays = load(Path(name))
        shares = coverage(arrays.actions, [key.name for key in BLOCKS_KEYS])
        starts = np.array([episode.start for episode in meta.episodes])
        vain = in_vain(np.array(arrays.actions), np.array(arrays.states), starts)
    single = {name: share for name, share in shares.items() if len(name) == 1}
    pairs = [share for name, share in shares.items() if len(name) == 2]
    return {**single, "least_pair": min(pairs), "in_vain": vain}


def main(
    worlds: Annotated[str, typer.Option(help=f"Of {', '.join(MAPS)}.")] = ",".join(MAPS),
    frames: int = 300_000,
    seed: int = 7,
    seeds: reporting.Seeds = 1,
    as_json: reporting.AsJson = False,
    out: reporting.Out = None,
) -> None:
    """Count the keys of recorded play."""
    found = []
    with told_errors():
        if unknown := set(worlds.split(",")) - {*MAPS}:
            raise ValueError(f"worlds are {', '.join(MAPS)}; got {', '.join(sorted(unknown))}")
        for number in range(seed, seed + seeds):
            start = time.monotonic()
            rows = {land: measure(land, frames, number) for land in worlds.split(",")}
            about = {"frames": frames, "seed": number, "seconds": time.monotonic() - start}
            found.append(rows | {"about": about})
    emit(rounded(over_seeds(found)), quality_table, as_json=as_json, out=out)


if __name__ == "__main__":
    typer.run(main)
