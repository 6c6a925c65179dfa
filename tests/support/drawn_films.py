"""Films for the tests of `core.capture`, drawn by the project itself: made once, kept small."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.capture_films import View, make_take, shoot
from core.body.rotations import quat_rotate
from core.body.take import Take
from core.capture.follow import Capture, follow
from tests.support.fake_capture import landmarks
from tests.support.synthetic import walk

RATE = 20
POSES = 36
SIZE = (320, 240)
FRONT = View("front", 20, 6)


@cache
def folder() -> Path:
    """Where the films of this run lie; gone with the process."""
    kept = tempfile.TemporaryDirectory(prefix="livestep-films-")
    _KEPT.append(kept)
    return Path(kept.name)


_KEPT: list[tempfile.TemporaryDirectory] = []


@cache
def walker() -> Take:
    """Who walks in the films."""
    return make_take(walk(POSES + 1, speed=0.6)[2], 0, POSES)


@cache
def pictures(view: View = FRONT) -> np.ndarray:
    """The walk as (36, 240, 320, 3) uint8, 20 a second."""
    return np.stack(list(shoot(walker(), view, size=SIZE, rate=RATE)))


def ffmpeg(*arguments: str | Path, frames: bytes | None = None) -> None:
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, input=frames, check=True)


H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-pix_fmt", "yuv420p")


def write(
    name: str, frames: Iterable[np.ndarray], *, rate: float = RATE, codec: tuple[str, ...] = H264
) -> Path:
    """Write pictures (H, W, 3) uint8 as a film."""
    pictures = np.stack(list(frames))
    height, width = pictures.shape[1:3]
    path = folder() / name
    shape = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{rate}")
    ffmpeg(*shape, "-i", "-", *codec, path, frames=pictures.tobytes())
    return path


@cache
def film() -> Path:
    """The walk seen from the front."""
    return write("walk.mp4", pictures())


@cache
def followed() -> Capture:
    """What is made of it."""
    return follow(film(), threads=1)


def side_by_side(count: int, frames: np.ndarray) -> np.ndarray:
    """So many walkers in one picture, in rows of at most five."""
    width = SIZE[0] // 2
    one = frames[:, :, width // 2 : width // 2 + width]
    rows = [np.concatenate([one] * min(5, count - i), axis=2) for i in range(0, count, 5)]
    return np.concatenate(rows, axis=1)


def person(turn: np.ndarray | None = None) -> np.ndarray:
    """Landmarks (36, 33, 3) of the walk as the network would see it: right, up, to the viewer."""
    marks = landmarks(walker().joints - walker().root[:, None].astype(float))
    return marks if turn is None else quat_rotate(turn, marks)
