"""Films of our own body doing what somebody really did: the truth behind them is known exactly."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from core.body import features
from core.body.ik import solve
from core.body.mesh import Body
from core.body.rotations import quat_from_axis_angle
from core.body.skeleton import FPS, INDEX, JOINTS, REST_JOINTS, TOES, forward
from core.body.take import Take
from core.export import resample
from core.export.render.media import Mp4Writer
from core.export.render.scene import Camera
from core.export.render.software import SoftwareRenderer
from core.settings import LENS

RATE = 30
SIZE = (640, 480)
LONG = 20
"""Seconds of the film that speed is measured on."""
TALL, FILLS = 1.8, 0.62
"""Meters of a body, and the share of a picture's height that it takes where it does not walk."""
ON_FLOOR, OFTEN = 0.1, 0.8
"""Clips whose lower foot is within this height (m) less often than this climb on things that would
be missing in the picture."""


@dataclass(frozen=True)
class View:
    """From where a film is taken, in degrees: 0 is the front, 90 the person's left."""

    name: str
    yaw: float
    pitch: float


VIEWS = (View("front", 10, 4), View("left", 80, 8), View("back", 190, 8), View("right", 280, 15))


@cache
def actor() -> Body:
    """The bundled body with hair, brows and lips: a bare head looks alike from both sides."""
    body = Body.load()
    head = body.rest_joints[INDEX["head"]]
    x, y, z = (body.vertices - head).T
    colors = body.colors.copy()
    colors[(y > 0.13) | ((y > -0.02) & (z < 0.03))] = (58, 38, 28)  # hair
    face = z > 0.06
    colors[face & (np.abs(np.abs(x) - 0.033) < 0.018) & (np.abs(y - 0.085) < 0.006)] = (60, 42, 34)
    colors[face & (np.abs(x) < 0.024) & (np.abs(y + 0.005) < 0.009)] = (170, 80, 76)
    return dataclasses.replace(body, colors=colors)


def usable(joints: np.ndarray) -> bool:
    """Whether a motion stands on the floor most of the time."""
    feet = joints[:, TOES, 1].min(axis=1)
    return bool((feet < ON_FLOOR).mean() > OFTEN)


def make_take(joints: np.ndarray, start: int, poses: int) -> Take:
    """Poses start..start + poses - 1 of a motion, on the floor, facing Z at first."""
    joints = features.normalize_place(joints[start : start + poses + 1])
    found = features.encode(joints, "steady")
    root, rotations = solve(joints[:-1], features.contacts(found))
    return Take(root=root, rotations=rotations, joints=joints[:-1], features=found)


def shoot(
    take: Take,
    view: View,
    *,
    size: tuple[int, int] = SIZE,
    rate: int = RATE,
    body: Body | None = None,
) -> Iterator[np.ndarray]:
    """Yield pictures (H, W, 3) uint8 by a camera that stands still, with the way in view."""
    body = body or actor()
    take = resample(take, rate) if rate != FPS else take
    root, rotations = body.fit(take.root, take.rotations)
    path = body.place(root)
    target = (path.min(axis=0) + path.max(axis=0)) / 2
    target[1] = 0.95
    way = np.linalg.norm((path - target)[:, [0, 2]], axis=1).max()
    width, height = size
    focal = LENS * max(size)
    camera = Camera(
        yaw=np.radians(view.yaw),
        pitch=np.radians(view.pitch),
        distance=TALL * focal / (FILLS * height) + 1.2 * way,
        field=2 * float(np.arctan(height / 2 / focal)),
    )
    renderer = SoftwareRenderer(body, width=width, height=height, camera=camera)
    for pose in range(len(take)):
        batch = slice(pose, pose + 1)
        yield renderer.draw(body.skin(root[batch], rotations[batch])[0], target)


def film(
    take: Take, path: Path, view: View, *, size: tuple[int, int] = SIZE, rate: int = RATE
) -> None:
    """Write a take as an MP4 seen from a view."""
    with Mp4Writer(path, width=size[0], height=size[1], fps=rate) as writer:
        for frame in shoot(take, view, size=size, rate=rate):
            writer.add(frame)


def long_film(path: Path) -> None:
    """Write 20 s of 1920 x 1080 at 30 frames a second: somebody who steps from side to side."""
    import imageio_ffmpeg

    short = path.with_name("short.mp4")
    film(sidestep(), short, VIEWS[0], size=(960, 540))
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-v",
            "error",
            "-stream_loop",
            "-1",
            "-i",
            str(short),
            "-t",
            str(LONG),
            "-vf",
            "scale=1920:1080",
            "-pix_fmt",
            "yuv420p",
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            str(path),
        ],
        check=True,
    )


def sidestep() -> Take:
    """Two seconds that end where they began, made by formula."""
    phase = 2 * np.pi * np.arange(41) / 40
    angles = np.zeros((41, len(JOINTS), 3))
    for side, sign in (("left", 1), ("right", -1)):
        lift = 0.5 * np.maximum(sign * np.sin(phase), 0)
        angles[:, INDEX[f"{side}_hip"], 0] = -lift
        angles[:, INDEX[f"{side}_knee"], 0] = 2 * lift
        angles[:, INDEX[f"{side}_shoulder"], 2] = -sign * (0.9 + 0.4 * np.cos(phase))
    root = np.tile(REST_JOINTS[0], (41, 1)).astype(np.float64)
    root[:, 0] += 0.15 * np.sin(phase)
    joints, _ = forward(root, quat_from_axis_angle(angles))
    return make_take(joints, 0, 40)
