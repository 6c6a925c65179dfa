"""Video to motion, measured: `python -m benchmarks.capture_motion --json`.

`views` are films of our own body doing what was held out from training, seen from four sides, whose
truth is exact. `clips` are real videos, from the folder that --clips or the environment names or
from ../shared/pose; nobody knows their truth, so only how steadily they are followed is told.
`speed` follows 20 s of 1920 x 1080 in a process of its own; memory is what comes on top of the idle
process, the decoder's included.
`continuation` is of benchmarks.capture_seam. A seed settles which motions are filmed, where real
motion is cut and what noise goes on; with `--seeds 3` rows of these are means, and `spread` has
their standard deviations.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from benchmarks import reporting
from benchmarks.capture_figures import compare, jitter, own_slide
from benchmarks.capture_films import VIEWS, film, long_film, make_take, usable
from benchmarks.reporting import (
    Row,
    emit,
    in_process,
    machine,
    over_seeds,
    peak_rss_mb,
    quality_table,
    rounded,
    told_errors,
)
from core.body.skeleton import FPS

if TYPE_CHECKING:
    from core.body.take import Take
    from core.capture.follow import Capture

DATA = Path("data/free")
VARIABLE = "LIVESTEP_CLIPS"
"""Environment variable that names the folder of real videos where --clips does not."""
SHARED = Path(__file__).parents[2] / "shared" / "pose"
"""Where they are looked for otherwise."""
POSES, QUICK_POSES = 80, 40
CLIPS, QUICK_CLIPS = 6, 2
FLIP_FREE = 0.02
"""A view with no larger share of flipped poses counts as free of flips."""


def motions(
    data: Path, packs: tuple[str, ...], count: int, poses: int, seed: int
) -> dict[str, Take]:
    """Takes out of held-out clips, one out of every equal part of the set, drawn by a seed."""
    from benchmarks.motion_items import MotionItems

    clips = MotionItems(data, only=packs).clips
    fit = [(r, j) for r, j in clips if len(j) > poses + 1 and usable(j)]
    if not fit:
        raise ValueError(f"{data} has no held-out clip of {poses} poses on the floor")
    rng = np.random.default_rng(seed)
    parts = np.array_split(np.arange(len(fit)), min(count, len(fit)))
    chosen = [fit[rng.choice(part)] for part in parts]
    return {r.id: make_take(j, int(rng.integers(len(j) - poses)), poses) for r, j in chosen}


def views(takes: dict[str, Take], threads: int) -> Row:
    """Film every take from every side, follow the films and compare."""
    from tqdm import tqdm

    from core.capture.follow import follow

    rows: dict[str, list[Row]] = {view.name: [] for view in VIEWS}
    with (
        tempfile.TemporaryDirectory() as folder,
        tqdm(total=len(takes) * len(VIEWS), unit="film", leave=False, disable=None) as bar,
    ):
        for take in takes.values():
            for view in VIEWS:
                path = Path(folder) / "film.mp4"
                film(take, path, view)
                found = follow(path, threads=threads)
                skip = round(found.kept[0] * FPS)
                row = compare(found.joints, take.joints[skip:])
                rows[view.name].append(row | {"detected": _detected(found)})
                bar.update()
    means = {name: _mean(of_view) for name, of_view in rows.items()}
    every = [row for of_view in rows.values() for row in of_view]
    free = [row for row in every if row["flipped"] <= FLIP_FREE]
    return means | {
        "all": _mean(every),
        "flip_free": {"films": len(free), "of": len(every), **_mean(free)},
    }


def real(folder: Path, threads: int) -> Row:
    """Follow every video of a folder."""
    from core.capture.follow import follow

    found: Row = {}
    for path in sorted(folder.glob("*.mp4")):
        start = time.perf_counter()
        capture = follow(path, threads=threads)
        seconds = time.perf_counter() - start
        assert capture.track is not None
        found[path.stem] = {
            "detected": _detected(capture),
            "jitter_m_s2": jitter(capture.joints),
            "slide_m_s": own_slide(capture.joints),
            "frames_per_s": capture.track.frames / seconds,
            "notes": " ".join(capture.notes),
        }
    return found


def go_on(
    data: Path, packs: tuple[str, ...], folder: Path, threads: int, *, seed: int, quick: bool
) -> Row:
    """Go on after held-out motion and after the videos of a folder, where there is one."""
    from benchmarks.capture_seam import continuation
    from core.capture.follow import follow
    from core.engine import Engine

    takes = {p.stem: follow(p, threads=threads).take for p in sorted(folder.glob("*.mp4"))}
    return continuation(Engine.load(), data, packs, takes, seed=seed, quick=quick)


def drawn(
    data: Path, packs: str, folder: Path, threads: int, *, seed: int, quick: bool, only: str
) -> Row:
    """Return the rows that a seed has a part in: views, continuation or both."""
    start, found, about = time.monotonic(), {}, {}
    chosen = tuple(p for p in packs.split(",") if p)
    if only != "continuation":
        size = (QUICK_CLIPS, QUICK_POSES) if quick else (CLIPS, POSES)
        takes = motions(data, chosen, *size, seed)
        found |= views(takes, threads)
        about = {"motions": list(takes), "poses": size[1], "threads": threads}
    if only != "views":
        found["continuation"] = go_on(data, chosen, folder, threads, seed=seed, quick=quick)
    return found | {"about": {**about, "seed": seed, "seconds": time.monotonic() - start}}


def speed(threads: int) -> Row:
    """Follow a long, large film; tell what each stage costs in CPU time a frame."""
    from core.capture.follow import adjust, follow
    from core.capture.video import frames, open_video

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.mp4"
        # drawing it takes more memory than following it, so that is another process's
        artist = get_context("spawn").Process(target=long_film, args=(path,))
        artist.start()
        artist.join()
        idle, decoder = peak_rss_mb(), [0.0]

        def progress(share: float, _: str) -> None:
            if len(decoder) < 100 * share:
                decoder.append(children_mb())

        wall, cpu, decoding = time.perf_counter(), time.process_time(), children_seconds()
        capture = follow(path, threads=threads, progress=progress)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        decoding = children_seconds() - decoding
        start = time.perf_counter()
        for _ in frames(open_video(path)):
            pass
        decode = time.perf_counter() - start
        start = time.perf_counter()
        adjust(capture, tilt=1.0)
        lifting = time.perf_counter() - start
    assert capture.track is not None
    count = capture.track.frames
    return {
        "frames": count,
        "frames_per_s": count / wall,
        "cpu_ms_per_frame": 1000 * cpu / count,
        "decoder_cpu_ms_per_frame": 1000 * decoding / count,
        "decode_alone_ms_per_frame": 1000 * decode / count,
        "lift_ms": 1000 * lifting,
        "idle_mb": idle,
        "memory_mb": peak_rss_mb() - idle + max(decoder),
        "of_it_decoder_mb": max(decoder),
        "threads": threads,
    }


def children_seconds() -> float:
    """CPU time of the processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def children_mb() -> float:
    """Largest resident memory (MB) so far of the processes that this one has started."""
    found = Path("/proc/self/task").glob("*/children")  # Linux only; elsewhere there is none
    pids = [pid for path in found for pid in path.read_text().split()]
    return sum(peak_rss_mb(pid) for pid in pids)


def _detected(capture: Capture) -> float:
    assert capture.track is not None
    track = capture.track
    return (len(track.tracked) + track.trimmed) / track.frames


def _mean(rows: list[Row]) -> Row:
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]} if rows else {}


def main(
    data: reporting.MotionData = DATA,
    packs: reporting.Packs = "",
    clips: Annotated[
        Path | None,
        typer.Option(help=f"A folder of real videos; else ${VARIABLE} or ../shared/pose."),
    ] = None,
    as_json: reporting.AsJson = False,
    quick: Annotated[bool, typer.Option(help="Two motions of two seconds.")] = False,
    threads: Annotated[int, typer.Option(help="Threads of the pose network.")] = 2,
    only: Annotated[str, typer.Option(help="Only views, clips, speed or continuation.")] = "",
    seed: int = 0,
    seeds: reporting.Seeds = 1,
    out: reporting.Out = None,
) -> None:
    """Measure motions out of videos: error, steadiness, speed and memory."""
    folder = clips or Path(os.environ.get(VARIABLE, SHARED))
    result: dict[str, Any] = {}
    with told_errors():
        if only not in ("", "views", "clips", "speed", "continuation"):
            raise ValueError(f"--only must be views, clips, speed or continuation, got {only!r}")
        if only in ("", "views", "continuation"):
            options: dict[str, Any] = {"quick": quick, "only": only}
            by_seed = partial(drawn, data, packs, folder, threads, **options)
            result |= over_seeds([by_seed(seed=number) for number in range(seed, seed + seeds)])
        if only in ("", "clips"):
            if folder.is_dir():
                result |= real(folder, threads)
            else:
                typer.echo(f"real videos skipped: {folder} is no folder", err=True)
        if only == "speed":
            result |= speed(threads)
        elif not only:
            flags = ["--only", "speed", "--threads", str(threads), "--json"]
            result["speed"] = in_process("benchmarks.capture_motion", flags, None)
        if not only:
            result["machine"] = machine()
    emit(rounded(result), quality_table, as_json=as_json or only == "speed", out=out)


if __name__ == "__main__":
    typer.run(main)
