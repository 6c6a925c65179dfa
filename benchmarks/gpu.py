"""Speed on a GPU, and whether it computes the same: `python -m benchmarks.gpu --json --out FILE`.

Takes less than four minutes. What matters most comes first, each figure is written as soon as it is
known, and one that fails says so and stops no other. The base of every ratio is the plain modules,
without graphs and with a growing cache, in the same run. `--rehearse` runs all of it on a CPU with
sizes that mean nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from benchmarks import reporting
from benchmarks.gpu_bench import Bench
from core.settings import CHECKPOINTS

if TYPE_CHECKING:
    from core.motion.generate import MotionModel


def main(
    as_json: reporting.AsJson = False,
    rehearse: Annotated[bool, typer.Option(help="On a CPU, with small sizes.")] = False,
    seconds: Annotated[float, typer.Option(help="For each figure, after its warm-up.")] = 1.0,
    only: Annotated[str, typer.Option(help="Only figures whose names hold this.")] = "",
    checkpoints: reporting.Checkpoints = CHECKPOINTS,
    out: reporting.Out = None,
) -> None:
    """Measure all that a GPU is for."""
    import torch

    if not rehearse and not torch.cuda.is_available():
        typer.echo("error: PyTorch sees no GPU here; --rehearse runs on a CPU", err=True)
        raise typer.Exit(2)
    from benchmarks.gpu_motion import motion, published_motion, shipped_motion
    from benchmarks.gpu_parity import parity
    from benchmarks.gpu_worlds import fleet, nfd_figures, world

    device = "cpu" if rehearse else "cuda"
    bench = Bench(device, rehearse, seconds, checkpoints, out)
    about = {"torch": torch.__version__, "device": device}
    if device == "cuda":
        about |= {"gpu": torch.cuda.get_device_name(), "cudnn": torch.backends.cudnn.version()}
    bench.found["machine"] = reporting.machine() | about

    def nfd_all(preset: str, **ways: tuple[int, ...]) -> Callable[[], None]:
        return lambda: nfd_figures(bench, preset, ways)

    def cmdm(steps: int, stagger: int) -> Callable[[], MotionModel]:
        return partial(published_motion, bench, steps, stagger)

    def motion_all(name: str, make: Callable[[], MotionModel]) -> Callable[[], None]:
        return lambda: bench.note(name, partial(motion, bench, name, make, 32))

    parts: list[tuple[str, Callable[[], None]]] = [
        ("parity", lambda: bench.note("parity", partial(parity, device))),
        ("nfd-310m", nfd_all("nfd-310m", graphs=(4, 1), plain=(4, 1))),
        ("world-blocks", lambda: bench.note("world-blocks", partial(world, bench))),
        ("fleet", lambda: bench.note("fleet", partial(fleet, bench))),
        ("published K 50", motion_all("published K 50 L 5", cmdm(50, 5))),
        ("nfd-310m fused", nfd_all("nfd-310m", fused=(4, 2, 1))),
        ("motion", motion_all("motion", partial(shipped_motion, bench))),
        ("nfd-130m", nfd_all("nfd-130m", plain=(4, 1), fused=(4, 2, 1))),
        ("published K 10", motion_all("published K 10 L 1", cmdm(10, 1))),
    ]
    for name, part in parts:
        if only in name and not bench.late:
            part()
    for name, work in bench.later.items():
        if not bench.late:
            bench.note(f"profile: {name}", partial(bench.profile, work))
    if as_json:
        typer.echo(json.dumps(bench.found, indent=1))


if __name__ == "__main__":
    typer.run(main)
