"""What training should look like: `python -m benchmarks.curves --add "one core=runs"`.

Every script of `train/` writes a line into the `log.jsonl` of its run whenever it is judged. Lines
of runs are kept in `benchmarks/training.json` by machine and script, and drawn against minutes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.reporting import rounded, told_errors

SHOWN = {
    "vae": ("mpjpe_mm", "joints off (mm)"),
    "motion": ("score", "error of velocities"),
    "student": ("score", "share of velocities missed"),
    "tokenizer": ("psnr", "PSNR (dB)"),
    "video": ("score", "error of velocities"),
    "distill": ("score", "off its teacher's frame"),
}
"""The held-out figure of each script's log that is drawn, and what it is."""

Curve = list[tuple[float, int, float]]
"""Seconds, step, figure."""


def read(runs: Path) -> dict[str, Curve]:
    """Return the curves below a folder of runs; raise ValueError where there is none."""
    found: dict[str, Curve] = {}
    for script, (figure, _) in SHOWN.items():
        path = runs / script / "log.jsonl"
        if path.is_file():
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            found[script] = [(x["seconds"], x["step"], x[figure]) for x in lines]
    if not found:
        raise ValueError(f"{runs} holds no log of {', '.join(SHOWN)}, such as vae/log.jsonl")
    return found


def draw(curves: dict[str, dict[str, Curve]], path: Path) -> None:
    """Draw the curves of every script that has been run, machines by color."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(10, 5.6), sharex=True, layout="constrained")
    shown = [script for script in SHOWN if any(found.get(script) for found in curves.values())]
    for axis, script in zip(axes.flat, shown, strict=False):
        for number, (machine, found) in enumerate(curves.items()):
            if found.get(script):
                seconds, _, values = zip(*found[script], strict=True)
                minutes = [x / 60 for x in seconds]
                axis.plot(minutes, values, f"C{number}.-", markersize=4, label=machine)
        axis.set(title=f"train.{script}", xlabel="minutes", ylabel=SHOWN[script][1], xscale="log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.tick_params(labelbottom=True)
        axis.grid(alpha=0.3)
        axis.legend(frameon=False, fontsize="small")
    for axis in axes.flat[len(shown) :]:
        axis.set_axis_off()
    figure.savefig(path, dpi=110, metadata={"Software": None})


def main(
    add: Annotated[list[str], typer.Option(help="MACHINE=FOLDER of runs, by script.")] = [],  # noqa: B006
    kept: Annotated[Path, typer.Option(help="Where curves are kept.")] = Path(
        "benchmarks/training.json"
    ),
    out: Annotated[Path, typer.Option(help="The picture.")] = Path("docs/training.png"),
) -> None:
    """Draw what training looks like on machines."""
    with told_errors():
        curves = json.loads(kept.read_text()) if kept.is_file() else {}
        for machine, _, runs in (named.partition("=") for named in add):
            curves[machine] = {**curves.get(machine, {}), **rounded(read(Path(runs)))}
        if not curves:
            raise ValueError(f"{kept} holds no curves; --add MACHINE=FOLDER")
        kept.write_text(json.dumps(curves) + "\n")
        draw(curves, out)


if __name__ == "__main__":
    typer.run(main)
