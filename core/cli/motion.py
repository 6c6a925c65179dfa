"""`python -m core motion "a person walks" --seconds 6 --out walk.bvh`: motion from prompts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import shared, steering
from core.cli.steering import Steering
from core.settings import CHECKPOINTS, DELAY, ExportSettings, MotionSettings, check_prompt
from core.steering.project import SUFFIX, Asked, Project, fitted
from core.words.director import Director

if TYPE_CHECKING:
    from core.body.take import PoseChunk, Take

SECONDS = 6.0
"""How long a prompt lasts where nothing is said."""
MOST_SECONDS = 3600.0


@dataclass(frozen=True)
class Segment:
    """A prompt and the number of poses it holds for."""

    text: str
    poses: int
    planned: bool = True
    """Whether its steps share these poses."""


@dataclass
class Script:
    """Prompts in time, told to the engine by how far the take has come.

    The engine asks for a prompt ahead of time, but starts its unfinished blocks over when another
    one comes. So the prompt to answer with is the one for the first pose that is not made yet.
    """

    segments: list[Segment]
    steering: Steering | None = None
    made: int = 0
    """Poses handed out so far."""
    begins: Callable[[], None] | None = None
    """Called ahead of every segment but the first."""
    now: Segment = field(init=False)
    """The segment that was told last."""
    ends: list[int] = field(init=False)

    def __post_init__(self) -> None:
        total, self.ends, self.now = 0, [], self.segments[0]
        for segment in self.segments:
            total += segment.poses
            self.ends.append(total)

    def __iter__(self) -> Iterator[str]:
        while True:
            if self.steering is not None:
                self.steering.at(self.made + DELAY)
            here = sum(self.made + DELAY >= end for end in self.ends[:-1])
            if self.begins and self.segments[here] is not self.now:
                self.begins()
            self.now = self.segments[here]
            yield self.now.text


def pair(prompts: list[str], seconds: list[float]) -> list[Segment]:
    """Give every prompt its length: one for all, or one for each in order.

    Raises ValueError where the numbers do not match or a length is out of range.
    """
    from core.body.skeleton import FPS

    if len(seconds) <= 1:
        seconds = (seconds or [SECONDS]) * len(prompts)
    if len(seconds) != len(prompts):
        raise ValueError(
            f"{len(prompts)} prompts and {len(seconds)} times --seconds: give --seconds once for"
            " all prompts, or once after each"
        )
    for value in seconds:
        if not 1 / FPS <= value <= MOST_SECONDS:
            raise ValueError(f"seconds must be in 0.05..{MOST_SECONDS:g}, got {value:g}")
    return [
        Segment(check_prompt(text), round(value * FPS))
        for text, value in zip(prompts, seconds, strict=True)
    ]


def perform(stream: Iterator[PoseChunk], script: Script) -> tuple[list[PoseChunk], list[float]]:
    """Pull a stream to the end of its script; return its chunks and when each one came (s)."""
    from tqdm import tqdm

    chunks: list[PoseChunk] = []
    times: list[float] = []
    start, total = time.perf_counter(), script.ends[-1]
    with tqdm(total=total, unit="pose", leave=False, disable=None) as bar:
        while script.made < total:
            chunk = next(stream)
            times.append(time.perf_counter() - start)
            chunks.append(chunk)
            script.made += len(chunk)
            bar.update(len(chunk))
    return chunks, times


def direct(script: Script) -> Director:
    """Return who tells the engine in words that it knows what is in a script."""
    director = Director(script, lambda: script.now.poses if script.now.planned else None)
    script.begins = director.forget  # one that reads like the last is begun anew, too
    return director


def report(take: Take, chunks: list[PoseChunk], times: list[float], load: float) -> dict[str, Any]:
    """Timings as `--json` prints them."""
    poses = sum(map(len, chunks))
    return {
        "seconds": take.seconds,
        "poses": len(take),
        "load_ms": round(1000 * load, 1),
        "first_pose_ms": round(1000 * times[0], 1),
        "poses_per_s": round(poses / times[-1], 1),
        "prompts": [{"start": mark.start / take.fps, "text": mark.text} for mark in take.prompts],
        "info": take.info,
    }


@shared.sentences()
def motion(
    prompt: Annotated[
        str, typer.Argument(help="What the body does first; or a saved project, to make it again.")
    ],
    seconds: Annotated[
        list[float] | None,
        typer.Option(help=f"Length: once for all prompts, or once for each. [{SECONDS:g}]"),
    ] = None,
    then: Annotated[list[str] | None, typer.Option(help="What it does next; repeatable.")] = None,
    out: shared.Out = None,
    seed: Annotated[int, typer.Option(help="Same seed, same motion.")] = 0,
    checkpoint: shared.Checkpoint = None,
    checkpoints: shared.Checkpoints = CHECKPOINTS,
    body: Annotated[str | None, typer.Option(help=f"{shared.BODY} [neutral]")] = None,
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
    path: steering.PathFile = None,
    keys: steering.KeysFile = None,
    drive: steering.DriveFile = None,
    save: steering.Save = None,
    steps: Annotated[int | None, typer.Option(help="Sampling steps.")] = None,
    stagger: Annotated[
        int | None, typer.Option(help="1..steps; small is smooth, large answers fast.")
    ] = None,
    guidance: Annotated[float | None, typer.Option(help="How literally text is taken.")] = None,
    foot_contacts: Annotated[bool, typer.Option(help="Hold planted feet still.")] = True,
    device: shared.Device = None,
    as_json: shared.Timings = False,
) -> None:
    """Generate motion from prompts and write it to files."""
    from core.body.take import Take
    from core.export.metadata import describe_steer, provenance

    shared.check_out(out or [], fps, as_json or save is not None, "for timings")
    steering.check_save(save)
    how = ExportSettings(
        convention=convention,
        root=root,
        takes=takes,
        offset=bvh_offset,
        start=start,
        end=end,
        loop=loop,
    )
    settings = MotionSettings(
        seed=seed, steps=steps, stagger=stagger, guidance=guidance, foot_contacts=foot_contacts
    )
    if prompt.endswith(SUFFIX):
        if then or seconds or path or keys or drive:
            raise ValueError("a project says all of its prompts, lengths and wishes itself")
        project = steering.open_project(Path(prompt))
        script, checkpoint, settings = again(project), project.checkpoint, project.settings
        body = body or project.body
    else:
        segments = pair([prompt, *(then or [])], seconds or [])
        script = Script(segments, steering.read_steering(path, keys, drive))
    body = body or "neutral"
    shape = shared.load_mover(body, character, character_map, out or [], how)
    began = time.perf_counter()
    engine = shared.open_engine(checkpoints, device)
    load = time.perf_counter() - began
    name, director = engine.motion_models.pick(checkpoint), direct(script)
    if prompt.endswith(SUFFIX):
        settings = fitted(settings, engine.card(name)["steps"])
    steer = None if script.steering is None else script.steering.steer
    stream = engine.motion(director, checkpoint=name, settings=settings, steer=steer)
    chunks, times = perform(director.watch(stream), script)
    shared.tell(director.said)
    info = provenance(name, engine.card(name), settings)
    info |= director.info() | describe_steer(steer)
    take = Take.from_chunks(chunks, info).slice(0, script.ends[-1])
    figures = report(take, chunks, times, load) | {"notes": director.said}
    if steer is not None:
        figures["met"] = [steering.figures(met) for met in steer.report]
        for met in steer.report:
            typer.echo(steering.sentence(met), err=True)
    figures |= shared.write_out(take, out or [], shape, fps, how, licence=info["licence"])
    if save is not None:
        prompts = [
            Asked(start=start, text=s.text, poses=s.poses if s.planned else None)
            for start, s in zip([0, *script.ends], script.segments, strict=False)
        ]
        steering.save_project(save, name, settings, body, prompts, script.ends[-1], steer)
    if as_json:
        shared.print_json(figures)


def again(project: Project) -> Script:
    """Return what makes a project's motion once more."""
    ends = [*(asked.start for asked in project.prompts[1:]), project.poses]
    segments = [
        Segment(asked.text, end - asked.start, asked.poses is not None)
        for asked, end in zip(project.prompts, ends, strict=True)
    ]
    return Script(segments, Steering(project.steer) if project.wishes else None)
