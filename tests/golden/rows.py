"""Rows of what the engine makes: motion, worlds, and motion out of files."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.golden import doors
from tests.golden.record import SEEN, Numbers, Part, row

Parts = Iterator[tuple[str, Part]]
WALK, JUMP, WAVE = "a person walks", "a person jumps", "someone waves with the left hand"
SWITCH = [WALK] * 8 + [JUMP] * 4
"""A prompt is pulled for each block of eight poses, a few blocks ahead of what is clean."""
KEYS = [1] * 4 + [9] * 3 + [0] * 2 + [16] * 3


def stream(prompts: list[str], **options: Any) -> Parts:
    """Yield the arrays of a stream of motion, how it is cut, and which prompts are told."""
    chunks = list(doors.engine().motion(prompts, **options))
    yield from doors.arrays(doors.join(chunks)).items()
    yield "chunks", [[chunk.first, len(chunk), chunk.prompt] for chunk in chunks]


for name in ("motion", "motion-teacher", "motion-styles"):

    @row(f"motion/{name}")
    def _(name: str = name) -> Parts:
        yield from stream(SWITCH, checkpoint=name, seed=3)


@row("motion/settings")
def _() -> Parts:
    yield from stream(
        [WAVE] * 8,
        checkpoint="motion-teacher",
        seed=4,
        steps=8,
        stagger=3,
        guidance=3.5,
        foot_contacts=False,
    )


@row("motion/after")
def _() -> Parts:
    yield from stream([JUMP] * 7, checkpoint="motion", seed=5, after=doors.take())


@row("motion/manner")
def _() -> Parts:
    manner = doors.engine().manner(doors.take(), WAVE, weight=0.6, count=2, checkpoint="motion")
    yield "matches", [match.id for match in manner.matches]
    yield from stream([WAVE] * 7, seed=6, after=doors.take(), manner=manner)


@row("motion/manner-of-words")
def _() -> Parts:
    manner = doors.engine().manner(None, WAVE, count=2)
    yield from stream([WALK] * 7, seed=7, manner=manner)


@row("motion/sample")
def _() -> Parts:
    engine = doors.engine()
    for number, features in enumerate(engine.sample([WALK, WAVE], 20, seed=8)):
        yield f"prompt {number}", features
    rows = [[(WALK, 16), (JUMP, 10)], [(WAVE, 16), (WALK, 10)]]
    options = {"checkpoint": "motion-styles", "steps": 6, "guidance": 1.5, "foot_contacts": False}
    for number, features in enumerate(engine.sample(rows, seed=9, stagger=2, **options)):
        yield f"segments {number}", features


@row("motion/reconstruct")
def _() -> Parts:
    yield "features", doors.engine().reconstruct(doors.take().features)


@row("motion/similar")
def _() -> Parts:
    for kind, what in (("words", WAVE), ("motion", doors.take())):
        found = doors.engine().similar(what, 3, checkpoint="motion")
        names = ("id", "label", "caption", "licence", "pack", "seconds", "mirrored")
        yield kind, [[getattr(match, name) for name in names] for match in found]
        yield f"{kind}: scores", np.array([match.score for match in found])
        yield f"{kind}: features", np.concatenate([match.features for match in found])
        yield f"{kind}: joints", found[0].take().joints


def play(masks: list[int], change: dict[str, Any], **options: Any) -> Parts:
    """Yield what is seen in a world whose settings change half-way, with drafts in idle time."""
    dream = doors.engine().play(**options)
    made = []
    for index, mask in enumerate(masks):
        if index == len(masks) // 2:
            dream.tune(**change)
        made.append(dream.step(mask))
        if index % 3 == 0:
            dream.draft()
    yield "frames", np.stack([frame.frame for frame in made])
    yield "context", dream.context()
    yield "drafted", [[frame.index, frame.mask, frame.drafted] for frame in made]
    yield "settings", dream.settings


@row("world/play")
def _() -> Parts:
    options = {"checkpoint": "video", "seed": 3, "start": 1, "ahead": 4}
    yield from play(KEYS, {"steps": 3, "context_noise": 0.05}, **options)


@row("world/together")
def _() -> Parts:
    options = {"checkpoint": "video", "seed": 4, "start": 2, "ahead": 2, "together": 2}
    yield from play(KEYS + KEYS, {"together": 1, "ahead": 0}, **options)


@row("world/teacher")
def _() -> Parts:
    ramp = np.arange(60 * 50 * 3, dtype=np.int64).reshape(60, 50, 3) % 251
    options = {"checkpoint": "video-teacher", "steps": 3, "context_noise": 0.15, "together": 1}
    video = doors.engine().video(KEYS[:6], seed=5, start=ramp.astype(np.uint8), **options)
    yield "frames", np.stack([made.frame for made in video])


@row("world/place")
def _() -> Parts:
    """A world that knows where it is: carried, set, and gone back to."""
    dream = doors.engine().play("world-blocks", seed=6, start=1, ahead=2)
    made = []
    for index, mask in enumerate(KEYS):
        if index == 5:
            dream.stand(320, 220, 90)
        made.append(dream.step(mask))
        dream.draft()
    branch = dream.branch(8)
    made += [branch.step(16) for _ in range(2)]
    yield "frames", np.stack([frame.frame for frame in made])
    yield "places", np.array([dataclasses.astuple(frame.place) for frame in made])


@row("world/cards")
def _() -> Parts:
    engine = doors.engine()
    yield "names", [engine.names, engine.worlds]
    for name in engine.names:
        yield name, engine.card(name)
    for name in engine.worlds:
        card = engine.world_card(name)
        yield name, card | {"keys": [key.model_dump(mode="json") for key in card["keys"]]}
    pictures = [engine.seed_picture(name, i) for i in range(len(card["seeds"]))]
    yield "pictures", np.stack(pictures)


def followed(path: Path, **options: Any) -> Parts:
    """Yield the motion of a file and what is said of it."""
    reference = doors.engine().follow(path, threads=1, **options)
    for name, values in doors.arrays(reference.take).items():
        yield name, Numbers(values, SEEN)
    times = [round(value, 6) for value in (*reference.kept, reference.seconds)]
    yield "said", [times, reference.gaps, reference.notes, reference.take.info]


@row("follow/film")
def _() -> Parts:
    shares: list[float] = []

    def progress(share: float, _: str) -> None:
        shares.append(round(share, 6))

    yield from followed(doors.FIXTURES / "walk.mp4", progress=progress)
    yield "progress", shares


@row("follow/film-corrected", slow=True)
def _() -> Parts:
    path = doors.FIXTURES / "walk.mp4"
    yield from followed(path, tilt=8.0, lens=1.2, turned=True, person=1)


def of_file(suffix: str, **options: Any) -> Callable[[], Parts]:
    def make() -> Parts:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"take{suffix}"
            doors.export(path, fps=30)
            yield from followed(path, **options)

    return make


row("follow/bvh")(of_file(".bvh", joint_map="mixamo"))
row("follow/glb")(of_file(".glb"))
row("follow/npz")(of_file(".npz"))
