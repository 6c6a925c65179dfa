"""`python -m core follow clip.mp4 --out dance.bvh`: the motion of a person in a video.

With `--then "a person jumps"` it goes on as the prompt says, with `--similar 5` it is told who
moved alike.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.after import Wishes
from core.cli.motion import SECONDS, load_body
from core.cli.shared import fail, ms_since
from core.settings import CHECKPOINTS, LENS

if TYPE_CHECKING:
    from core.body.take import Take
    from core.capture.follow import Capture


def report(reference: Capture, take: Take) -> dict[str, Any]:
    """Say as `--json` does what was made of a file; `take` may go on after it."""
    found: dict[str, Any] = {
        "seconds": take.seconds,
        "poses": len(take),
        "kept": list(reference.kept),
        "of_seconds": reference.seconds,
        "gaps": [list(gap) for gap in reference.gaps],
        "notes": list(reference.notes),
        "info": take.info,
    }
    if reference.stretch is not None:
        found["pictures"] = reference.stretch.frames
        found["pictures_with_person"] = len(reference.stretch.sights)
    return found


def watched(path: Path, **options: Any) -> Capture:
    """Follow a file and show how far it is."""
    from tqdm import tqdm

    from core.capture.follow import follow as follow_file

    with tqdm(total=100, unit="%", leave=False, disable=None) as bar:

        def progress(share: float, _: str) -> None:
            bar.update(int(100 * share) - bar.n)

        return follow_file(path, progress=progress, **options)


def follow(
    clip: Annotated[Path, typer.Argument(help="A video, or a .bvh, .npz or .glb file.")],
    out: Annotated[
        list[Path] | None,
        typer.Option(help="File to write: .bvh .glb .npz or .mp4; repeatable."),
    ] = None,
    tilt: Annotated[
        float, typer.Option(help="Degrees by which the camera looks down more than it seems.")
    ] = 0.0,
    lens: Annotated[
        float | None, typer.Option(help="Focal length over the picture's longer side. [0.9]")
    ] = None,
    turned: Annotated[bool, typer.Option(help="Exchange front and back.")] = False,
    person: Annotated[
        int | None, typer.Option(help="Whom to follow, counted from the left. [the largest]")
    ] = None,
    joint_map: Annotated[
        str | None, typer.Option("--map", help="Skeleton of a motion file, or a map's .json.")
    ] = None,
    then: Annotated[
        list[str] | None, typer.Option(help="What the body does next; repeatable.")
    ] = None,
    seconds: Annotated[
        list[float] | None,
        typer.Option(help=f"Length: once for every --then, or once for each. [{SECONDS:g}]"),
    ] = None,
    manner: Annotated[
        float | None,
        typer.Option(help="How much of the motion's manner goes on, 0 to 1. [0]"),
    ] = None,
    similar: Annotated[int, typer.Option(help="Find so many real motions like it.")] = 0,
    seed: Annotated[int, typer.Option(help="Same seed, same continuation.")] = 0,
    checkpoint: Annotated[str | None, typer.Option(help="Which model; see `list`.")] = None,
    checkpoints: Annotated[Path, typer.Option(help="Folder of checkpoints.")] = CHECKPOINTS,
    device: Annotated[str | None, typer.Option(help="cpu or cuda.")] = None,
    body: Annotated[
        str, typer.Option(help="neutral, male, female, or an SMPL or SMPL-X file.")
    ] = "neutral",
    fps: Annotated[int | None, typer.Option(help="20 (native), 30 or 60.")] = None,
    threads: Annotated[int, typer.Option(help="Threads of the pose network.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found.")] = False,
) -> None:
    """Take the motion out of a video, or of a motion file, and write it to files."""
    from core.export import check, write

    try:
        if not out and not as_json:
            raise ValueError("nothing to do: give --out FILE, or --json to see what is found")
        for path in out or []:
            check(path, fps=fps)
        shape = load_body(body)
        wishes = Wishes.read(then or [], seconds or [], manner, similar, seed, checkpoint)
        start = time.perf_counter()
        reference = watched(
            clip, tilt=tilt, lens=LENS if lens is None else lens, turned=turned, person=person,
            joint_map=joint_map, threads=threads,
        )  # fmt: skip
        follow_ms = ms_since(start)
        for note in reference.notes:
            typer.echo(note, err=True)
        take, more = wishes.fulfil(reference.take, checkpoints, device)
        figures = report(reference, take) | {"follow_ms": follow_ms} | more
        for match in more.get("similar", ()):
            typer.echo(f"{match['score']:.2f} {match['caption']} ({match['licence']})", err=True)
        for path in out or []:
            start = time.perf_counter()
            write(take, path, body=shape, fps=fps)
            figures.setdefault("export_ms", {})[str(path)] = ms_since(start)
            typer.echo(f"{path}: {take.seconds:g} s", err=True)
    except (ValueError, OSError) as error:
        fail(error)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
