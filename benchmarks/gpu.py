"""Speed on a GPU, and whether it computes the same: `python -m benchmarks.gpu --json --out FILE`.

Takes less than four minutes. What matters most comes first, each figure is written as soon as it is
known, and one that fails says so and stops no other. The base of every ratio is the plain modules,
without graphs and with a growing cache, in the same run. Worlds are graphs of whole frames;
`by_call` is a graph for each network call. `--rehearse` runs all of it on a CPU with sizes that
mean nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from benchmarks import reporting
from benchmarks.gpu_bench import Bench, Row
from core.settings import CHECKPOINTS


def main(
    as_json: reporting.AsJson = False,
    rehearse: Annotated[bool, typer.Option(help="On a CPU, with small sizes.")] = False,
    seconds: Annotated[float, typer.Option(help="For each figure, after its warm-up.")] = 1.0,
    first: Annotated[int, typer.Option(help="Only so many of the rows.")] = 99,
    limit: Annotated[float, typer.Option(help="Seconds after which no figure is begun.")] = 230,
    checkpoints: reporting.Checkpoints = CHECKPOINTS,
    out: reporting.Out = None,
) -> None:
    """Measure all that a GPU is for."""
    import torch

    if not rehearse and not torch.cuda.is_available():
        typer.echo("error: PyTorch sees no GPU here; --rehearse runs on a CPU", err=True)
        raise typer.Exit(2)
    from benchmarks.gpu_motion import (
        fused_motion,
        motion,
        off_cpu,
        plain_motion,
        published_motion,
        shipped_motion,
    )
    from benchmarks.gpu_parity import parity
    from benchmarks.gpu_worlds import STREAMS, fleet, nfd_figures, world

    device = "cpu" if rehearse else "cuda"
    bench = Bench(device, rehearse, seconds, checkpoints, out, limit)
    about = {"torch": torch.__version__, "device": device}
    if device == "cuda":
        about |= {"gpu": torch.cuda.get_device_name(), "cudnn": torch.backends.cudnn.version()}
    bench.found["machine"] = reporting.machine() | about

    def nfd_all(preset: str, way: str, *steps: int) -> Callable[[], None]:
        return lambda: nfd_figures(bench, preset, {way: steps})

    def note(name: str, figure: Callable[..., Row], *told: object) -> Callable[[], None]:
        return lambda: bench.note(name, partial(figure, bench, *told))

    def moved(name: str, figure: Callable[..., Row], *told: object) -> Callable[[], None]:
        make = shipped_motion
        if name.startswith("published"):
            steps, stagger = map(int, name.split()[2:5:2])
            make = partial(published_motion, steps=steps, stagger=stagger)
        return note(name, figure, name, partial(make, bench), *told)

    parts: list[Callable[[], None]] = [
        lambda: bench.note("parity", partial(parity, device)),
        nfd_all("nfd-310m", "fused", 4, 2, 1),
        moved("published K 50 L 5", motion, 32),
        moved("published K 50 L 5 fused", fused_motion),
        note("motion off cpu", off_cpu),
        note("fleet fused", fleet, (1, 32), True),
        moved("motion", motion, 32),
        note("fleet", fleet, STREAMS),
        note("world-blocks", world),
        nfd_all("nfd-130m", "fused", 4, 1),
        moved("published K 10 L 1", motion, 32),
        nfd_all("nfd-310m", "graphs", 4, 1),
        nfd_all("nfd-310m", "plain", 4, 1),
        nfd_all("nfd-130m", "plain", 4, 1),
        moved("published K 50 L 5 plain", plain_motion),
        moved("motion plain", plain_motion),
    ]
    for part in parts[:first]:
        if not bench.late:
            part()
    for name, work in bench.later.items():
        if not bench.late:
            bench.note(f"profile: {name}", partial(bench.profile, work))
    if as_json:
        typer.echo(json.dumps(bench.found, indent=1))


if __name__ == "__main__":
    typer.run(main)
