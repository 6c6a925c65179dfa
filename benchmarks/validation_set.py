"""Write the validation split of a training set small enough to ship: assets/validation.

python -m benchmarks.validation_set data/free
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from train.data import read_records

GRID = 2.0**-13
"""Joints are rounded to this (0.12 mm), which compresses them well and leaves jerk as it is."""


def write(data: Path, out: Path) -> int:
    """Copy the clips of the split "val" to `out` in the same form; return how many there are."""
    records = [r for r in read_records(data) if r.split == "val"]
    if not records:
        raise ValueError(f"{data} has no clip in the split 'val'")
    out.mkdir(parents=True, exist_ok=True)
    with np.load(data / "joints.npz") as joints:
        rounded = {r.id: (np.round(joints[r.id] / GRID) * GRID).astype(np.float32) for r in records}
    np.savez_compressed(out / "joints.npz", **rounded)
    (out / "clips.jsonl").write_text("".join(r.model_dump_json() + "\n" for r in records))
    return len(records)


def main(
    data: Annotated[Path, typer.Argument(help="A training set made by train.data.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("assets/validation"),
) -> None:
    """Write the validation split of a training set small enough to ship."""
    try:
        count = write(data, out)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(f"{count} clips in {out}")


if __name__ == "__main__":
    typer.run(main)
