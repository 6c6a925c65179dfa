"""Twelve prompts drawn to be judged by eye: `python -m benchmarks.contact_sheets --out DIR`."""

from __future__ import annotations

from itertools import repeat
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from benchmarks.reporting import Checkpoints, WhichMotion
from core.settings import CHECKPOINTS

PROMPTS = (
    "a person walks forward",
    "a person runs",
    "a person jumps",
    "a person kicks",
    "a person waves with the right hand",
    "a person sits down",
    "a person dances",
    "a person walks and turns left",
    "a person walks and turns right",
    "a person walks backwards",
    "a person balances on one leg",
    "a person climbs a ladder",
)


def main(
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")],
    checkpoint: WhichMotion = "motion",
    checkpoints: Checkpoints = CHECKPOINTS,
    seconds: float = 6.0,
    seed: int = 1,
    guidance: Annotated[float | None, typer.Option(help="Default: the checkpoint's.")] = None,
) -> None:
    """Generate twelve prompts and draw each as a strip of poses."""
    from core.body.skeleton import FPS
    from core.body.take import Take
    from core.engine import Engine
    from core.export.render.media import contact_sheet

    engine = Engine.load(checkpoints)
    out.mkdir(parents=True, exist_ok=True)
    for prompt in tqdm(PROMPTS, unit="prompt", disable=None):
        chunks, poses = [], 0
        for chunk in engine.motion(
            repeat(prompt), checkpoint=checkpoint, seed=seed, guidance=guidance
        ):
            chunks.append(chunk)
            poses += len(chunk)
            if poses >= seconds * FPS:
                break
        name = prompt.removeprefix("a person ").replace(" ", "-")
        contact_sheet(Take.from_chunks(chunks), out / f"{name}.png", columns=12)


if __name__ == "__main__":
    typer.run(main)
