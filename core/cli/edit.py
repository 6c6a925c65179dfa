"""`python -m core edit walk.npz "a person limps" --from 2 --to 4`: a part of a motion made anew.

With `--then other.npz` what is made leads from one motion to the other, with `--loop` back to its
beginning.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import shared
from core.settings import CANDIDATES, CHECKPOINTS, ExportSettings, MotionSettings
from core.words.reading import read

if TYPE_CHECKING:
    from core.body.take import Take
    from core.motion.sections import Edited

SECONDS = 2.0
"""How long what is made lasts where nothing is said."""


def report(edited: Edited, take: Take, took: float) -> dict[str, Any]:
    """Say as `--json` does what was made."""
    return {
        "seconds": take.seconds,
        "made": [edited.start / take.fps, edited.end / take.fps],
        "bent": round(edited.bent, 3),
        "turned": round(edited.turned, 1),
        "slide": round(edited.slide, 3),
        "edit_ms": took,
        "info": take.info,
    }


@shared.sentences()
def edit(
    file: Annotated[Path, typer.Argument(help="A motion: our .npz, or any file `follow` reads.")],
    prompt: Annotated[str, typer.Argument(help="What the body does in what is made.")],
    start: Annotated[
        float | None, typer.Option("--from", help="Where the part made anew begins, seconds.")
    ] = None,
    end: Annotated[float | None, typer.Option("--to", help="Where it ends. [the end]")] = None,
    then: Annotated[Path | None, typer.Option(help="A motion to lead over to.")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Lead back to the beginning.")] = False,
    seconds: Annotated[
        float, typer.Option(help="How long what leads over or back lasts.")
    ] = SECONDS,
    stay: Annotated[
        bool | None,
        typer.Option(
            "--stay/--move",
            help="Whether what comes after stays where it is, or stands where what is made leads,"
            " up to .4 s earlier or later. [--stay with --from and --to]",
        ),
    ] = None,
    candidates: Annotated[int, typer.Option(help="Of so many the best is kept.")] = CANDIDATES,
    out: shared.Out = None,
    seed: Annotated[int, typer.Option(help="Same seed, same motion.")] = 0,
    checkpoint: shared.Checkpoint = None,
    checkpoints: shared.Checkpoints = CHECKPOINTS,
    device: shared.Device = None,
    body: shared.BodyName = "neutral",
    character: shared.CharacterFile = None,
    character_map: shared.CharacterMap = None,
    fps: shared.Fps = None,
    convention: shared.Convention = "livestep",
    root: shared.Root = "hips",
    takes: shared.Takes = "one",
    bvh_offset: shared.BvhOffset = "standing",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made.")] = False,
) -> None:
    """Make a part of a motion anew, lead over to another one or back to its beginning."""
    from core.export.metadata import provenance, remade

    shared.check_out(out or [], fps, as_json, "to see what is made")
    if sum((start is not None or end is not None, then is not None, loop)) != 1:
        raise ValueError("say which part to make anew with --from and --to, or --then, or --loop")
    how = ExportSettings(convention=convention, root=root, takes=takes, offset=bvh_offset)
    shape = shared.load_mover(body, character, character_map, out or [], how)
    engine = shared.open_engine(checkpoints, device)
    name, settings = engine.motion_models.pick(checkpoint), MotionSettings(seed=seed)
    take, notes = shared.read_take(file, checkpoints), read(prompt).notes
    if notes:  # else it is followed as it was typed
        shared.tell(notes)
        prompt = ", then ".join(step.text for step in read(prompt).steps)
    began, options = time.perf_counter(), {"candidates": candidates, "checkpoint": name}
    if then is not None:
        after = shared.read_take(then, checkpoints)
        edited = engine.between(
            take, after, prompt, seconds, stay=bool(stay), settings=settings, **options
        )
        sides = [take, after]
    elif loop:
        edited = engine.bridge(take, prompt, seconds, stay=bool(stay), settings=settings, **options)
        sides = [take]
    else:
        last = take.seconds if end is None else end
        edited = engine.redo(
            take, start or 0.0, last, prompt, stay=stay is not False, settings=settings, **options
        )
        sides = [take]
    took = shared.ms_since(began)
    info = provenance(name, engine.card(name), settings)
    if notes:
        info["prompt_notes"] = " ".join(notes)
    made = remade(edited.take, sides, info)
    if edited.bent > 0.3:
        typer.echo(
            f"what is made misses what comes after by {edited.bent:.1f} m and was bent onto it;"
            " --move moves what comes after instead",
            err=True,
        )
    figures = report(edited, made, took)
    figures |= shared.write_out(made, out or [], shape, fps, how, licence=made.info["licence"])
    if as_json:
        shared.print_json(figures)
