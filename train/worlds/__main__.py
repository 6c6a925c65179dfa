"""`python -m train.worlds blocks --frames 300000 --out DIR` records play with its keys.

`rooms` is a second world of ours; others by --env: a ViZDoom .cfg or .wad, or the name of a
Gymnasium environment with --keys.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from train.worlds.doom import MAPS
from train.worlds.gym import GymWorld, read_keymap
from train.worlds.recording import Maker, coverage, load, record
from train.worlds.world import DoomWorld, DrawnWorld

app = typer.Typer(add_completion=False, rich_markup_mode=None)
UNKNOWN = "unknown: ask the authors of the environment"


def parse_size(text: str) -> tuple[int, int]:
    """Read "256x192", width first; return height and width."""
    parts = text.split("x")
    if len(parts) != 2 or not all(part.isdigit() and int(part) for part in parts):
        raise ValueError(f"--size is WIDTHxHEIGHT, such as 256x192, got {text!r}")
    return int(parts[1]), int(parts[0])


def maker(world: str | None, env: str | None, keys: Path | None, size: str, seed: int) -> Maker:
    """Choose the world to record."""
    if env is None:
        if world not in MAPS:
            raise ValueError(f"say which world: {', '.join(MAPS)}, or --env for another one")
        return partial(DrawnWorld, world, parse_size(size), seed)
    if world is not None:
        raise ValueError(f"say either {world} or --env, not both")
    if Path(env).suffix in (".cfg", ".wad"):
        return partial(DoomWorld, Path(env), parse_size(size), seed)
    if keys is None:
        raise ValueError(f"{env} needs a key map: --keys FILE (docs/worlds.md shows one)")
    return partial(GymWorld, env, read_keymap(keys), parse_size(size))


@app.command()
def main(
    out: Annotated[Path, typer.Option(help="Folder of the recorded set.")],
    world: Annotated[str | None, typer.Argument(help="blocks or rooms, our own worlds.")] = None,
    env: Annotated[
        str | None, typer.Option(help="A ViZDoom .cfg or .wad, or a Gymnasium environment.")
    ] = None,
    keys: Annotated[Path | None, typer.Option(help="Key map (JSON) of an environment.")] = None,
    size: Annotated[str, typer.Option(help="Frames, WIDTHxHEIGHT.")] = "256x192",
    frames: int = 300_000,
    seed: int = 0,
    workers: int = 1,
    licence: Annotated[str | None, typer.Option(help="Licence of the pictures.")] = None,
) -> None:
    """Record frames, keys and states of a world that someone plays."""
    try:
        make = maker(world, env, keys, size, seed)
        licence = licence or (UNKNOWN if env else "CC0-1.0")
        meta = record(out, make, frames=frames, seed=seed, licence=licence, workers=workers)
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    shares = coverage(load(out).actions, [key.name for key in meta.keys])
    typer.echo("  ".join(f"{name} {share:.1%}" for name, share in shares.items()))


if __name__ == "__main__":
    app()
