"""`python -m core follow clip.mp4 --out dance.bvh`: the motion of a person in a video.

With `--then "a person jumps"` it goes on as the prompt says, with `--similar 5` it is told who
moved alike.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import shared
from core.cli.motion import SECONDS, Script, Segment, direct, pair, perform
from core.settings import (
    CHECKPOINTS,
    LENS,
    MOST_SIMILAR,
    POSE_THREADS,
    CaptureSettings,
    ExportSettings,
    MotionSettings,
    whole,
)

if TYPE_CHECKING:
    from core.body.take import Take
    from core.capture.follow import Capture
    from core.engine import Engine
    from core.retrieval.search import Match

MAP_HELP = (
    "Its skeleton: cmu, mixamo, smpl, unreal, humanoid, or a file that says which joint is which,"
    ' like {"joints": {"pelvis": "Hips", "left_hip": "LeftUpLeg", ...}}. [found out]'
)


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What was asked for beyond the motion itself."""

    segments: list[Segment]
    manner: float | None
    similar: int
    settings: MotionSettings
    checkpoint: str | None

    def fulfill(self, engine: Engine, take: Take) -> tuple[Take, dict[str, Any]]:
        """Return the take, gone on with, and what `--json` says of it."""
        found: dict[str, Any] = {}
        if self.similar:
            matches = engine.similar(take, self.similar, checkpoint=self.checkpoint)
            found["similar"] = [describe(match) for match in matches]
        if self.segments:
            take, found["continued"] = self._go_on(engine, take)
        return take, found

    def _go_on(self, engine: Engine, take: Take) -> tuple[Take, dict[str, Any]]:
        from core.export.metadata import continued, provenance

        name = engine.motion_models.pick(self.checkpoint)
        script = Script(self.segments)
        director = direct(script)
        manner = None
        if self.manner:
            manner = engine.manner(take, self.segments[0].text, weight=self.manner, checkpoint=name)
        stream = engine.motion(
            director, checkpoint=name, settings=self.settings, after=take, manner=manner
        )
        chunks, times = perform(director.watch(stream), script)
        shared.tell(director.said)
        info = provenance(name, engine.card(name), self.settings) | director.info()
        longer = continued(take, chunks, info, manner).slice(0, len(take) + script.ends[-1])
        return longer, {
            "from_seconds": take.seconds,
            "first_chunk_ms": round(1000 * times[0], 1),
            "notes": director.said,
            "manner": self.manner or 0.0,
            "manner_matches": [describe(match) for match in (manner.matches if manner else ())],
        }


def read_wishes(
    then: list[str],
    seconds: list[float],
    manner: float | None,
    similar: int,
    seed: int,
    checkpoint: str | None,
) -> Wishes:
    """Check what was asked for; raise ValueError with a sentence where it cannot be."""
    from core.retrieval.manner import check_weight

    if not then and (seconds or manner is not None):
        raise ValueError(
            "--seconds and --manner are about what comes after the motion: give --then PROMPT"
        )
    if not 0 <= similar <= MOST_SIMILAR:
        raise ValueError(f"--similar must be in 0..{MOST_SIMILAR}, got {similar}")
    check_weight(manner or 0.0)
    return Wishes(
        segments=pair([whole(prompt) for prompt in then], seconds) if then else [],
        manner=manner,
        similar=similar,
        settings=MotionSettings(seed=seed),
        checkpoint=checkpoint,
    )


def describe(match: Match) -> dict[str, Any]:
    """Return what `--json` says of a real motion."""
    names = ("id", "label", "caption", "licence", "pack", "score", "seconds", "mirrored")
    return {name: getattr(match, name) for name in names}


def report(capture: Capture, take: Take) -> dict[str, Any]:
    """Say as `--json` does what was made of a file; `take` may go on after it."""
    found: dict[str, Any] = {
        "seconds": take.seconds,
        "poses": len(take),
        "kept": list(capture.kept),
        "of_seconds": capture.seconds,
        "gaps": [list(gap) for gap in capture.gaps],
        "notes": list(capture.notes),
        "info": take.info,
    }
    if capture.track is not None:
        found["pictures"] = capture.track.frames
        found["pictures_with_person"] = len(capture.track.tracked)
    if capture.reading is not None:
        reading = capture.reading
        found |= {"rate": reading.rate, "clips": list(reading.clips), "clip": reading.clip + 1}
        found["joints"] = joints_of(capture)["joints"]
        found["joints_by"] = reading.skeleton.how
    return found


def joints_of(capture: Capture) -> dict[str, Any]:
    """Return a motion file's joints as a map; raise ValueError for a video, which has none."""
    from core.capture.joint_maps import to_map

    if capture.reading is None:
        raise ValueError("--save-map is for motion files; a video has no joints to map")
    return to_map(capture.reading.skeleton, f"Joints of {capture.take.info['reference']}.")


def watched(engine: Engine, path: Path, settings: CaptureSettings, threads: int) -> Capture:
    """Follow a file and show how far it is."""
    from tqdm import tqdm

    with tqdm(total=100, unit="%", leave=False, disable=None) as bar:

        def progress(share: float, _: str) -> None:
            bar.update(int(100 * share) - bar.n)

        return engine.follow(path, settings=settings, threads=threads, progress=progress)


@shared.sentences()
def follow(
    file: Annotated[Path, typer.Argument(help="A video, or a motion: .bvh .glb .fbx .npz ...")],
    out: shared.Out = None,
    tilt: Annotated[
        float, typer.Option(help="Degrees by which the camera looks down more than it seems.")
    ] = 0.0,
    lens: Annotated[
        float | None, typer.Option(help="Focal length over the picture's longer side. [0.9]")
    ] = None,
    turned: Annotated[bool, typer.Option(help="Exchange front and back.")] = False,
    person: Annotated[
        int | None, typer.Option(help="Which person, counted from the left. [the largest]")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Frames a second of a motion file. [as it says]")
    ] = None,
    animation: Annotated[
        int | None, typer.Option("--clip", help="Which of its animations, from 1. [the longest]")
    ] = None,
    joint_map: Annotated[str | None, typer.Option("--map", help=MAP_HELP)] = None,
    save_map: Annotated[
        Path | None, typer.Option(help="Write which joint is which as such a file.")
    ] = None,
    then: Annotated[
        list[str] | None, typer.Option(help="What the body does next; repeatable.")
    ] = None,
    seconds: Annotated[
        list[float] | None,
        typer.Option(help=f"Length: once for every --then, or once for each. [{SECONDS:g}]"),
    ] = None,
    manner: Annotated[
        float | None, typer.Option(help="How much of the motion's manner goes on, 0 to 1. [0]")
    ] = None,
    similar: Annotated[int, typer.Option(help="Find so many real motions like it.")] = 0,
    seed: Annotated[int, typer.Option(help="Same seed, same continuation.")] = 0,
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
    start: shared.From = 0.0,
    end: shared.To = None,
    loop: shared.Loop = False,
    threads: Annotated[int, typer.Option(help="Threads of the pose network.")] = POSE_THREADS,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found.")] = False,
) -> None:
    """Take the motion out of a video, or of a motion file, and write it to files."""
    from core.engine import Engine

    shared.check_out(out or [], fps, as_json or save_map is not None, "to see what is found")
    how = ExportSettings(
        convention=convention,
        root=root,
        takes=takes,
        offset=bvh_offset,
        start=start,
        end=end,
        loop=loop,
    )
    shape = shared.load_mover(body, character, character_map, out or [], how)
    wishes = read_wishes(then or [], seconds or [], manner, similar, seed, checkpoint)
    settings = CaptureSettings(
        person=person,
        joint_map=joint_map,
        rate=rate,
        clip=animation,
        tilt=tilt,
        lens=LENS if lens is None else lens,
        turned=turned,
    )
    engine = Engine(checkpoints, device)
    began = time.perf_counter()
    capture = watched(engine, file, settings, threads)
    follow_ms = shared.ms_since(began)
    shared.tell(capture.notes)
    if save_map:
        save_map.write_text(json.dumps(joints_of(capture), indent=2) + "\n", encoding="utf-8")
    take, more = capture.take, {}
    if wishes.segments or wishes.similar:
        take, more = wishes.fulfill(engine, take)
    figures = report(capture, take) | {"follow_ms": follow_ms} | more
    for match in more.get("similar", ()):
        typer.echo(f"{match['score']:.2f} {match['caption']} ({match['licence']})", err=True)
    figures |= shared.write_out(take, out or [], shape, fps, how)
    if as_json:
        shared.print_json(figures)
