"""Rows of files that earlier code wrote, which every later one has to read: `tests/fixtures`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np

from tests.golden import doors
from tests.golden.files import in_folder
from tests.golden.record import Numbers, row
from tests.golden.rows import JUMP, WALK, WAVE, Parts
from tests.golden.said import of_checkpoint

CHECKPOINTS = doors.FIXTURES / "checkpoints"
TRAINED = 2e-2
"""How far weights that were trained elsewhere may be off: two steps of an optimizer."""


for folder in sorted(CHECKPOINTS.iterdir()):

    @row(f"kept/{folder.name}")
    def _(folder: Path = folder) -> Parts:
        yield from of_checkpoint(folder)


for name in ("motion", "motion-styles"):

    @row(f"kept/{name}: poses")
    def _(name: str = name) -> Parts:
        chunks = list(doors.engine(CHECKPOINTS).motion([WALK, JUMP] * 3, checkpoint=name, seed=2))
        yield from doors.arrays(doors.join(chunks)).items()


@row("kept/motion-index: found")
def _() -> Parts:
    for kind, what in (("words", WAVE), ("motion", doors.take())):
        found = doors.engine(CHECKPOINTS).similar(what, 2)
        yield kind, sorted(match.id for match in found)
        yield f"{kind}: scores", np.array([match.score for match in found])


for name in ("motion-aligner", "motion-evaluator"):

    @row(f"kept/{name}: embeddings")
    def _(name: str = name) -> Parts:
        features = doors.take().features
        yield from doors.embeddings(name, CHECKPOINTS, features, WALK).items()


@row("kept/video-tokenizer: tokens")
def _() -> Parts:
    engine = doors.engine(CHECKPOINTS)
    yield "title", engine.world_card("video")["seeds"]
    frames = np.stack([engine.seed_picture("video", i) for i in range(2)])
    yield "pictures", frames
    yield from doors.tokens(CHECKPOINTS / "video-tokenizer", frames).items()


for name in ("video", "video-teacher"):

    @row(f"kept/{name}: frames")
    def _(name: str = name) -> Parts:
        made = doors.engine(CHECKPOINTS).video([0, 1, 2, 3, 1], checkpoint=name, seed=6)
        yield "frames", np.stack([frame.frame for frame in made])


def replay(log: dict) -> Parts:
    """Yield the frames of a log, as the page would show them, and as its film shows them."""
    names = ("seed", "start", "steps", "context_noise", "ahead", "together")
    dream = doors.engine().play(log["checkpoint"], **{name: log[name] for name in names})
    frames = []
    for index, mask in enumerate(doors.parse_script(log["script"], dream.keys)):
        for change in log["changes"]:
            if change["frame"] == index:
                dream.tune(**{name: v for name, v in change.items() if name != "frame"})
        frames.append(dream.step(mask).frame)
    yield "frames", np.stack(frames)


@row("kept/play.json")
@in_folder
def _(folder: Path) -> Parts:
    log = doors.FIXTURES / "play.json"
    yield from replay(json.loads(log.read_text()))
    film, again = folder / "again.mp4", folder / "again.json"
    yield "json", doors.run_json("video", "--log", log, "--scale", 1, "--out", film, "--out", again)
    assert again.read_bytes() == log.read_bytes()
    yield "film", doors.film(film)


@row("kept/picture.json")
@in_folder
def _(folder: Path) -> Parts:
    log, film = doors.FIXTURES / "picture.json", folder / "again.mp4"
    yield "json", doors.run_json("video", "--log", log, "--scale", 1, "--out", film)
    yield "film", doors.film(film)


@row("train/all", slow=True)
def _() -> Parts:
    """What the training scripts make now of the data that the fixtures were made of."""
    from safetensors.numpy import load_file

    from tests.golden.training import write

    with tempfile.TemporaryDirectory() as place:
        for folder in sorted(write(Path(place)).iterdir()):
            weights = load_file(folder / "model.safetensors")
            yield f"{folder.name}: names", sorted(weights)
            flat = [weights[name].astype(np.float32).ravel() for name in sorted(weights)]
            yield folder.name, Numbers(np.concatenate(flat), TRAINED)
            entry = json.loads((folder / "config.json").read_text())
            entry.get("about", {}).pop("figures", None)
            entry.pop("base_weights", None)
            yield f"{folder.name}: config", entry
