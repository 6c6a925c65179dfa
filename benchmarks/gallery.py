"""Record the moving pictures at the top of the page: python -m benchmarks.gallery.

Every motion is written as a project first, every world as an action log; the pictures show what
these make again. Names given as arguments are recorded alone. Takes two minutes on two cores.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import torch
import typer

from benchmarks.gallery_items import ITEMS, Item, Motion, World
from benchmarks.glb_player import Player
from benchmarks.reporting import told_errors
from core.body.mesh import Body
from core.body.take import Take
from core.cli.motion import motion
from core.cli.performing import perform
from core.cli.video import begin, video
from core.engine import Engine
from core.export.metadata import describe
from core.export.npz import read_npz
from core.export.render.media import WebpWriter
from core.export.render.scene import Camera
from core.export.render.software import SoftwareRenderer
from core.settings import CHECKPOINTS
from core.steering.keys import key_of
from core.steering.project import SUFFIX
from core.video.actions import parse_script
from core.video.log import describe as describe_play
from core.video.log import read_log

FOLDER = Path(__file__).parents[1] / "app/static/gallery"
WIDTH, HEIGHT = 200, 150
MOST_BYTES = 60_000
QUALITIES = (60, 50, 40, 30, 20)
EVERY = 2
"""Of a motion's 20 poses a second."""
FROM_ABOVE = np.radians(18)
TITLE = 0.2
"""Of half a picture's height, at its lower end: the title covers it."""


@dataclass(frozen=True, kw_only=True)
class Moving:
    """What is drawn of a motion."""

    points: np.ndarray
    """(T, V, 3)."""
    body: Body
    """Its triangles and colors."""


def record_motion(item: Motion, folder: Path, scratch: Path) -> None:
    """Write a motion's project, make its motion again and draw that."""
    project = folder / f"{item.name}{SUFFIX}"
    (first, *rest), seconds = zip(*item.prompts, strict=True)
    how: dict[str, Any] = {}
    if item.path:
        how["path"] = scratch / "path.json"
        how["path"].write_text(json.dumps(item.path))
    if item.drive:
        how["drive"] = scratch / "drive.txt"
        how["drive"].write_text(item.drive)
    if item.key:
        how["keys"] = scratch / "keys.json"
        prompt, second, at = item.key
        motion(prompt, seconds=[second + 1], seed=item.seed, out=[scratch / "pose.npz"])
        pose = _read(scratch / "pose.npz").joints[round(20 * second)].astype(np.float64)
        how["keys"].write_text(json.dumps([json.loads(key_of(pose, at).model_dump_json())]))
    motion(first, seconds=list(seconds), then=rest, seed=item.seed, save=project, **how)
    made = [scratch / f"{item.name}.npz"]
    motion(str(project), out=made)
    take = _read(made[0])
    moving = on_body(take)
    credit: dict[str, str] = describe(take, moving.body)
    if item.character:
        file = scratch / f"{item.name}.glb"
        motion(str(project), character=Path(Path(item.character).stem), out=[file])
        moving = on_character(file)
    write_pictures(item, folder, draw(moving, item.yaw), fps=take.fps / EVERY, metadata=credit)


def _read(path: Path) -> Take:
    take = read_npz(path)
    assert take is not None
    return take


def on_body(take: Take) -> Moving:
    """Put a take on our body."""
    body = Body.load()
    root, rotations = body.fit(take.root, take.rotations)
    return Moving(points=body.skin(root[::EVERY], rotations[::EVERY]), body=body)


def on_character(file: Path) -> Moving:
    """Return a character's animated GLB as what is drawn."""
    player = Player(file)
    parts = list(player.skins(player.world()[::EVERY]))
    starts = np.cumsum([0, *(part.points.shape[1] for part in parts)])
    colors = [
        np.tile((255 * part.color ** (1 / 2.2)).astype(np.uint8), (part.points.shape[1], 1))
        for part in parts
    ]
    points = np.concatenate([part.points for part in parts], axis=1)
    faces = [p.faces.astype(np.int32) + s for p, s in zip(parts, starts[:-1], strict=True)]
    body = replace(
        Body.load(), vertices=points[0], faces=np.concatenate(faces), colors=np.concatenate(colors)
    )
    return Moving(points=points, body=body)


def draw(moving: Moving, yaw: float) -> list[np.ndarray]:
    """Draw a motion by a camera that stands still and sees all of it: still pixels cost nothing."""
    camera = Camera(yaw=np.radians(yaw), pitch=FROM_ABOVE)
    seen = moving.points.reshape(-1, 3) @ camera.axes.T
    middle = (seen.min(axis=0) + seen.max(axis=0)) / 2
    x, y, z = (seen - middle).T
    tall = np.tan(camera.field / 2)
    wide = tall * WIDTH / HEIGHT
    away = max((np.abs(x) / wide - z).max(), (np.abs(y) / (tall * (1 - TITLE)) - z).max())
    middle[1] -= away * tall * TITLE
    target = middle @ camera.axes
    camera = replace(camera, distance=float(away))
    renderer = SoftwareRenderer(moving.body, width=WIDTH, height=HEIGHT, camera=camera)
    return [renderer.draw(points, target) for points in moving.points]


def record_world(item: World, folder: Path) -> None:
    """Write a world's action log, play it again and keep what is seen."""
    log = folder / f"{item.name}.json"
    video(item.keys, out=[log], seed=item.seed, start=item.start, checkpoint=item.checkpoint)
    play, dream = begin(engine := Engine(CHECKPOINTS), read_log(log), None)
    masks = parse_script(play.script, dream.keys)
    about = describe_play(play, engine.world_card(play.checkpoint))
    frames = [_fit(f) for f in islice(perform(dream, masks, play.changes), 0, None, item.every)]
    write_pictures(item, folder, frames, fps=dream.fps / item.every, metadata=about)


def _fit(frame: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.resize(frame, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def write_pictures(
    item: Item, folder: Path, frames: Sequence[np.ndarray], *, fps: float, metadata: dict[str, str]
) -> None:
    """Write the moving picture, as good as its bytes allow, and a still one of its middle."""
    size: dict[str, Any] = {"width": WIDTH, "height": HEIGHT, "fps": fps, "metadata": metadata}
    for name, shown in ((item.name, frames), (f"{item.name}-still", [frames[len(frames) // 2]])):
        path = folder / f"{name}.webp"
        for quality in QUALITIES:
            with WebpWriter(path, quality=quality, **size) as film:
                for frame in shown:
                    film.add(frame)
            if path.stat().st_size <= MOST_BYTES:
                break
        else:
            raise ValueError(f"{path.name} has {path.stat().st_size:,} bytes; make it shorter")
        typer.echo(f"{path.name}: {len(shown)} frames, {path.stat().st_size:,} bytes, q{quality}")


def listing() -> list[dict[str, Any]]:
    """What the page is told of all pictures."""
    return [
        {
            "name": item.name,
            "title": item.title,
            "tab": "motion" if isinstance(item, Motion) else "world",
            "opens": f"{item.name}{SUFFIX if isinstance(item, Motion) else '.json'}",
            "character": item.character if isinstance(item, Motion) else "",
        }
        for item in ITEMS
    ]


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Which ones; all without.")] = None,
    folder: Annotated[Path, typer.Option(help="Where to.")] = FOLDER,
) -> None:
    """Record the gallery."""
    torch.set_num_threads(1)  # as the page computes
    with told_errors(), TemporaryDirectory() as scratch:
        folder.mkdir(parents=True, exist_ok=True)
        for item in ITEMS:
            if names and item.name not in names:
                continue
            if isinstance(item, Motion):
                record_motion(item, folder, Path(scratch))
            else:
                record_world(item, folder)
        (folder / "gallery.json").write_text(json.dumps(listing(), indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
