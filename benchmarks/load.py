"""Many visitors at once: `python -m benchmarks.load --visitors 50 --minutes 25 --json`.

The app is started as users start it; one in six visitors plays a world, the others move bodies,
change prompts, export, leave and come back. Visitors run in processes of their own, whose CPU time
is counted apart. `--capacity` measures instead what one visitor of each tab takes.
"""

from __future__ import annotations

import multiprocessing
import time
import urllib.request
from functools import partial
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.app_start import serving
from benchmarks.load_visitors import Diary, Mover, Player, gather, probe
from benchmarks.reporting import (
    AsJson,
    Checkpoints,
    Out,
    emit,
    machine,
    quality_table,
    rounded,
    told_errors,
)
from core.settings import CHECKPOINTS

PLAYERS = 1 / 6
PROCESSES = 2
TOKEN = "load"
"""For the server's own figures."""
POSE_BYTES = 4 * (3 + 22 * 4 + 2 * 22 * 3 + 263)
"""Of a pose of a take: root, rotations, joints before and after the skeleton, features."""
EARLY, WHILE = 5, 5
"""Minute from which on memory is to be flat, and the minutes whose mean counts: worlds, which weigh
most, come and go."""
TIDY = 45
"""Seconds after which all that is to be forgotten is forgotten, and memory given back."""


def server_state(pid: int, port: int) -> dict[str, float]:
    """Return memory (MB), all and that of takes, threads and CPU seconds of a server so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    lines = dict(line.split(":", 1) for line in status.splitlines())
    clock = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return {
        "mb": int(lines["VmRSS"].split()[0]) / 1000,
        "takes_mb": kept_poses(port) * POSE_BYTES / 1e6,
        "threads": int(lines["Threads"]),
        "cpu_s": (int(clock[11]) + int(clock[12])) / 100,
    }


def kept_poses(port: int) -> float:
    """Return how many poses a server keeps."""
    address = f"http://127.0.0.1:{port}/livestep/metrics"
    request = urllib.request.Request(address, headers={"authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        told = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines())
    return float(told["livestep_kept_poses"])


def visitors(port: int, share: slice, total: int, seed: int, until: float) -> list[Any]:
    """Make a share of all visitors."""
    players = round(total * PLAYERS)
    kinds = [Player] * players + [Mover] * (total - players)
    numbered = list(enumerate(kinds))[share]
    return [kind(port, 1000 * seed + number, until).stay() for number, kind in numbered]


def crowd(port: int, pid: int, total: int, seconds: float, seed: int) -> dict[str, Any]:
    """Let visitors come, stay, and go; return their diaries and what the server did meanwhile."""
    spawn = multiprocessing.get_context("spawn")
    makers = [
        partial(visitors, port, slice(i, None, PROCESSES), total, seed) for i in range(PROCESSES)
    ]
    makers.append(partial(probing, port))
    pipes, running = [], []
    for make in makers:
        ours, theirs = spawn.Pipe(duplex=False)
        pipes.append(ours)
        running.append(spawn.Process(target=gather, args=(make, seconds, theirs)))
        running[-1].start()
    states = []
    for minute in count():
        states.append(server_state(pid, port))
        left = seconds - 60 * minute
        time.sleep(max(min(left, 60), 0))
        if left <= 60:
            break
    states.append(server_state(pid, port))
    *diaries, delays = [pipe.recv() for pipe in pipes]
    for process in running:
        process.join()
    return {
        "diaries": [diary for some, _ in diaries for diary in some],
        "delays": delays[0][0],
        "load_cpu_s": sum(cpu for _, cpu in (*diaries, delays)),
        "states": states,
    }


def probing(port: int, until: float) -> list[Any]:
    return [probe(port, until)]


def spread(values: list[float], scale: float = 1.0) -> dict[str, float]:
    """Return median, 95th percentile and largest."""
    if not values:
        return {}
    p50, p95, most = np.percentile(np.array(values) * scale, (50, 95, 100))
    return {"p50": float(p50), "p95": float(p95), "max": float(most)}


def report(told: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Put what visitors and server noted into figures."""
    diaries: list[Diary] = told["diaries"]
    movers = [diary for diary in diaries if diary.kind == "live"]
    players = [diary for diary in diaries if diary.kind == "play"]
    served = [diary for diary in diaries if diary.waits]
    errors = [error for diary in diaries for error in diary.errors]
    first, last = told["states"][0], told["states"][-1]
    moved = [diary.poses for diary in movers if diary.waits]
    played = [diary.frames for diary in players if diary.waits]
    return {
        "visitors": len(diaries),
        "served": len(served),
        "first_wait_s": spread([diary.waits[0] for diary in served]),
        "wait_s": spread([wait for diary in diaries for wait in diary.waits]),
        "waits": sum(len(diary.waits) for diary in diaries),
        "poses": {"mean": float(np.mean(moved)) if moved else 0, "all": sum(moved)},
        "frames": {"mean": float(np.mean(played)) if played else 0, "all": sum(played)},
        "late_poses_s": spread([lag for diary in movers for lag in diary.lags]),
        "key_to_picture_ms": spread([key for diary in players for key in diary.keys], 1000),
        "loop_delay_ms": spread(told["delays"], 1000),
        "exports": sum(diary.exports for diary in diaries),
        "threads": {"most": max(state["threads"] for state in told["states"])},
        "server_cores": (last["cpu_s"] - first["cpu_s"]) / seconds,
        "load_cores": told["load_cpu_s"] / seconds,
        "errors": {"count": len(errors), "kinds": sorted(set(errors))[:10]},
    }


def measure(
    checkpoints: Path, total: int, seconds: float, forget: float, seed: int
) -> dict[str, Any]:
    """Serve many visitors; return all figures."""
    flags = "--forget-minutes", str(forget), "--metrics-token", TOKEN
    with serving(checkpoints, *flags) as (port, app):
        time.sleep(5)  # worlds are loaded after the first model, and measured
        start = server_state(app["pid"], port)
        told = crowd(port, app["pid"], total, seconds, seed)
        states = told["states"]
        time.sleep(60 * forget + TIDY)
        after = server_state(app["pid"], port)
    memory = {
        "start": start["mb"],
        "after": after["mb"],
        "by minute": [state["mb"] for state in states],
        "takes by minute": [state["takes_mb"] for state in states],
    }
    if len(states) > 2 * WHILE + EARLY:
        early, late = states[EARLY : EARLY + WHILE], states[-WHILE:]
        memory["growth_percent"] = growth(early, late)
    figures = report(told, seconds)
    figures["threads"] |= {"start": start["threads"], "after": after["threads"]}
    return {**figures, "memory_mb": memory}


def growth(early: list[dict[str, float]], late: list[dict[str, float]]) -> float:
    """Return by how many percent more memory is taken later on, in the mean."""
    before, then = (float(np.mean([state["mb"] for state in some])) for some in (early, late))
    return 100 * (then / before - 1)


def capacity(checkpoints: Path) -> dict[str, Any]:
    """Measure what one visitor takes of a core, and how many one, two and four cores hold."""
    import torch

    from app.live.calibrate import frames, measure, poses
    from app.live.sharing import Turnstile
    from core.engine import Engine

    torch.set_num_threads(1)  # as app.py has it
    engine = Engine.load(checkpoints, device="cpu")
    rows = {}
    for tab, things in (("motion", poses(engine)), ("world", frames(engine))):
        cores = measure(things, Turnstile())
        rows[tab] = {"cores": cores} | {f"on {n} cores": int(n / cores) for n in (1, 2, 4)}
    return rows


def main(
    visitors: Annotated[int, typer.Option(min=1, help="Visitors in all.")] = 50,
    minutes: Annotated[float, typer.Option(min=0.2, help="How long they come and go.")] = 25,
    quick: Annotated[bool, typer.Option(help="24 visitors for a minute.")] = False,
    capacity_only: Annotated[
        bool, typer.Option("--capacity", help="What one visitor of each tab takes.")
    ] = False,
    seed: Annotated[int, typer.Option(help="What visitors do.")] = 1,
    checkpoints: Checkpoints = CHECKPOINTS,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Measure many visitors of one server."""
    if quick:
        visitors, minutes = 24, 0.8
    with told_errors():
        if capacity_only:
            figures = capacity(checkpoints)
        else:
            forget = 0.2 if quick else 2
            figures = {"load": measure(checkpoints, visitors, 60 * minutes, forget, seed)}
    emit({**rounded(figures), "about": machine()}, quality_table, as_json=as_json, out=out)


if __name__ == "__main__":
    typer.run(main)
