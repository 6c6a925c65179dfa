"""An engine in a cluster's actors: how much it makes, what a call costs, how long a loss lasts.

    python -m benchmarks.cluster --actors 1,2,4 --json

Needs requirements-cluster.txt. Starts a cluster of its own on this machine for each number.
"""

from __future__ import annotations

import os
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from itertools import repeat
from pathlib import Path
from threading import Barrier, Lock, Thread
from typing import Annotated, Any

import typer

from app.cluster.engine import ClusterEngine
from app.cluster.pool import Actor, Pool
from benchmarks.reporting import (
    AsJson,
    Checkpoints,
    OneSize,
    Out,
    Row,
    columns_table,
    emit,
    in_process,
    machine,
    peak_rss_mb,
    rounded,
    told_errors,
)
from core.engine import Engine
from core.settings import CHECKPOINTS, MotionSettings, WorldSettings

PROMPT, HELD = "a person walks", 1
VISITORS = 2
"""For each actor."""
BLOCKS, FRAMES = 40, 60
"""Of which the cost of one is the median."""

Make = Callable[[int], Callable[[], int]]
"""Begins what a visitor with this seed watches: a call makes some more, and says how many."""


def bodies(engine: Any) -> Make:
    def begin(seed: int) -> Callable[[], int]:
        settings = MotionSettings(seed=seed)
        stream: Iterator[Any] = engine.motion(
            repeat(PROMPT), checkpoint=engine.names[0], settings=settings
        )
        return lambda: len(next(stream))

    return begin


def worlds(engine: Any) -> Make:
    def begin(seed: int) -> Callable[[], int]:
        settings = WorldSettings(seed=seed, ahead=0)
        dream = engine.play(engine.worlds[0], start=0, settings=settings, pause=lambda: None)
        return lambda: len([dream.step(HELD)])

    return begin


def in_sum(make: Make, visitors: int, seconds: float, *, turns: bool = False) -> Row:
    """Return how many visitors get in a second, all together; in turns, as on one machine.

    And the milliseconds of a core that this process spends on a hundred of them.
    """
    made, start, one = [0] * visitors, Barrier(visitors + 1), Lock()

    def watch(who: int) -> None:
        more = make(who)
        more()
        start.wait()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            if turns:
                with one:
                    made[who] += more()
            else:
                made[who] += more()

    threads = [Thread(target=watch, args=(who,)) for who in range(visitors)]
    for thread in threads:
        thread.start()
    start.wait()
    began, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.join()
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {"per_s": sum(made) / wall, "front_ms_per_100": 100_000 * cpu / sum(made)}


def milliseconds_each(makes: dict[str, Make], count: int) -> dict[str, float]:
    """Return the median cost of a call to each, called in turn so that they share the weather."""
    spent: dict[str, list[float]] = {name: [] for name in makes}
    mores = {name: make(0) for name, make in makes.items()}
    for _ in range(count):
        for name, more in mores.items():
            began = time.perf_counter()
            more()
            spent[name].append(1000 * (time.perf_counter() - began))
    return {name: statistics.median(row) for name, row in spent.items()}


def process_of(actor: Actor) -> int:
    return actor.do("state").value[0]


def seconds_lost(pool: Pool, make: Make) -> float:
    """Kill the actor in the middle of play; return the seconds until there is more."""
    while not all(actor.ready and not actor.load for actor in pool.actors):
        time.sleep(0.2)
    more = make(0)
    more()
    actor = max(pool.actors, key=lambda actor: actor.load)
    process = process_of(actor)
    began = time.perf_counter()
    os.kill(process, signal.SIGKILL)
    more()
    return time.perf_counter() - began


def memory(pool: Pool) -> Row:
    """Return the peak megabytes of this process, of each actor and of Ray's own processes."""
    ours = {process_of(actor) for actor in pool.actors}
    parents = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        parents[int(status.parent.name)] = int(lines["PPid"])
    family = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return {
        "front_mb": peak_rss_mb(),
        "actors_mb": [peak_rss_mb(process) for process in sorted(ours)],
        "ray_mb": sum(peak_rss_mb(process) for process in family - ours - {os.getpid()}),
    }


def measure(actors: int, checkpoints: Path, seconds: float) -> Row:
    """Return the figures of so many actors; of 0, those of an engine in this process."""
    import torch

    torch.set_num_threads(1)
    if not actors:
        engine = Engine.load(checkpoints)
        return {
            "poses": in_sum(bodies(engine), VISITORS, seconds, turns=True),
            "frames": in_sum(worlds(engine), VISITORS, seconds, turns=True),
            "memory": {"front_mb": peak_rss_mb()},
        }
    began = time.perf_counter()
    pool = Pool("local", checkpoints, actors=actors)
    far = ClusterEngine(pool, checkpoints)
    while not all(actor.ready for actor in pool.actors):
        time.sleep(0.2)
    row: Row = {"start_s": time.perf_counter() - began}
    visitors = VISITORS * actors
    row["poses"] = in_sum(bodies(far), visitors, seconds)
    row["frames"] = in_sum(worlds(far), visitors, seconds)
    row["memory"] = memory(pool)
    near = Engine.load(checkpoints)
    blocks = milliseconds_each({"here": bodies(near), "there": bodies(far)}, BLOCKS)
    frames = milliseconds_each({"here": worlds(near), "there": worlds(far)}, FRAMES)
    row["block_ms"] = blocks | {"more": blocks["there"] - blocks["here"]}
    row["frame_ms"] = frames | {"more": frames["there"] - frames["here"]}
    row["killed"] = {
        "next_poses_s": seconds_lost(pool, bodies(far)),
        "next_frame_s": seconds_lost(pool, worlds(far)),
    }
    return row


def main(
    actors: Annotated[str, typer.Option(help="How many, separated by commas.")] = "1,2,4",
    seconds: Annotated[float, typer.Option(help="For which each rate is measured.")] = 10.0,
    checkpoints: Checkpoints = CHECKPOINTS,
    only: OneSize = "",
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Measure an engine here, and one in a cluster of each size."""
    with told_errors():
        if only:
            with redirect_stdout(sys.stderr):  # Ray speaks of what was killed
                result = rounded(measure(int(only), checkpoints, seconds))
        else:
            flags = ["--seconds", str(seconds), "--checkpoints", str(checkpoints)]
            sizes = ["0", *actors.split(",")]
            result = {
                f"{size} actors" if size != "0" else "here": in_process(
                    "benchmarks.cluster", ["--only", size, *flags], 1
                )
                for size in sizes
            }
            result["machine"] = machine()
        emit(result, table, as_json=as_json or bool(only), out=out)


def table(result: Row) -> str:
    return columns_table(result, result.keys() - {"machine"})


if __name__ == "__main__":
    typer.run(main)
