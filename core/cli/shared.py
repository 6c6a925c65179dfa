"""What all commands share: options, the engine, files to write, and how they fail."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.settings import CHECKPOINTS, ExportSettings

if TYPE_CHECKING:
    from core.body.mesh import Body
    from core.body.take import Take
    from core.character.character import Character
    from core.engine import Engine

Out = Annotated[
    list[Path] | None,
    typer.Option(help="File to write: .bvh .glb .fbx .vrma .npz .mp4 .webp; repeatable."),
]
Checkpoint = Annotated[str | None, typer.Option(help="Which model; see `list`.")]
Checkpoints = Annotated[Path, typer.Option(help="Folder of checkpoints.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, or cpu:fp32, cpu:bf16, cpu:int8.")]
BODY = "neutral, male, female, or an SMPL or SMPL-X file."
BodyName = Annotated[str, typer.Option(help=BODY)]
CharacterFile = Annotated[
    Path | None,
    typer.Option("--character", help="Who moves: bolt, stilt, or your .glb, .gltf, .vrm or .fbx."),
]
CharacterMap = Annotated[
    str | None, typer.Option(help="Which of its joints are ours, as a joint map's file or name.")
]
Fps = Annotated[int | None, typer.Option(help="20 (native), 24, 30 or 60.")]
Convention = Annotated[
    str, typer.Option(help="NPZ: livestep; for readers of AMASS amass (SMPL-H) or smplx.")
]
Root = Annotated[
    str,
    typer.Option(help="hips, in-place, or FBX, BVH, GLB: floor (a root bone carries the path)."),
]
Takes = Annotated[
    str, typer.Option(help="FBX, GLB: one animation, or prompts for one of each prompt.")
]
BvhOffset = Annotated[
    str, typer.Option(help="BVH: hips at rest standing on the floor, or zero, in the origin.")
]
From = Annotated[float, typer.Option("--from", help="Where the part to write begins, seconds.")]
To = Annotated[float | None, typer.Option("--to", help="Where it ends. [the end]")]
Loop = Annotated[bool, typer.Option("--loop", help="Cut that part so that it can be repeated.")]
Timings = Annotated[bool, typer.Option("--json", help="Print timings as JSON.")]


@contextmanager
def sentences() -> Iterator[None]:
    """End a command with a sentence and exit code 2 where it is the caller's mistake."""
    try:
        yield
    except (ValueError, OSError) as error:
        text = str(error).strip() or type(error).__name__
        typer.echo(f"error: {text}", err=True)
        raise typer.Exit(2) from error


def open_engine(checkpoints: Path, device: str | None) -> Engine:
    """Load an engine; torch comes with it, so this is late."""
    from core.engine import Engine

    return Engine.load(checkpoints, device=device)


def read_take(path: Path, checkpoints: Path = CHECKPOINTS) -> Take:
    """Return our own take as it was written, or the motion of any other file."""
    from core.capture.follow import follow
    from core.capture.track import networks_in
    from core.export.npz import read_npz

    if not path.is_file():
        raise ValueError(f"there is no file {path.name}")
    take = read_npz(path) if path.suffix.lower() == ".npz" else None
    return follow(path, networks=networks_in(checkpoints)).take if take is None else take


def ms_since(start: float) -> float:
    """Milliseconds since a `time.perf_counter()`, as `--json` prints them."""
    return round(1000 * (time.perf_counter() - start), 1)


def load_body(name: str) -> Body:
    """Return a bundled body, or one from a user's SMPL or SMPL-X file."""
    from core.body.mesh import BODIES, Body

    if name not in BODIES and Path(name).suffix:
        if not Path(name).is_file():
            raise ValueError(f"there is no body file {name}")
        return Body.from_smpl(name)
    return Body.load(name)


def load_mover(
    body: str,
    character: Path | None,
    joint_map: str | None,
    out: Sequence[Path],
    settings: ExportSettings,
) -> Body | Character:
    """Return who moves: a body, or a user's own character; tell what that says of itself.

    Raises ValueError for files to write that it cannot be in.
    """
    if character is None:
        return load_body(body)
    from core.character.character import read_character
    from core.character.export import check_character

    found = read_character(character, joint_map)
    for path in out:
        check_character(path, found, settings=settings)
    tell([f"{found.name}: {found.credit}"] if found.credit else [])
    tell(found.notes)
    return found


def check_out(out: Sequence[Path], fps: int | None, as_json: bool, otherwise: str) -> None:
    """Raise ValueError where there is nothing to do, or a file that could not be written."""
    from core.export import check

    if not out and not as_json:
        raise ValueError(f"nothing to do: give --out FILE, or --json {otherwise}")
    for path in out:
        check(path, fps=fps)


def write_out(
    take: Take,
    out: Sequence[Path],
    body: Body | Character,
    fps: int | None,
    settings: ExportSettings,
    *,
    licence: str = "",
) -> dict[str, Any]:
    """Write a take to files; return what `--json` says of it."""
    from core.body.mesh import Body
    from core.character.export import write_character
    from core.export import write

    spent: dict[str, float] = {}
    for path in out:
        start = time.perf_counter()
        if isinstance(body, Body):
            held = write(take, path, body=body, fps=fps, settings=settings)
        else:
            held = write_character(take, path, body, fps=fps, settings=settings)
        spent[str(path)] = ms_since(start)
        typer.echo(f"{path}: {round(held.seconds, 2):g} s{licence and f', {licence}'}", err=True)
        if settings.loop:
            typer.echo(f"loop: {held.info['loop']}", err=True)
    return {"export_ms": spent} if spent else {}


def tell(notes: Iterable[str]) -> None:
    """Say what somebody should know, apart from what was asked for."""
    for note in notes:
        typer.echo(note, err=True)


def print_json(figures: dict[str, Any]) -> None:
    """Print figures to stdout."""
    typer.echo(json.dumps(figures, indent=2))
