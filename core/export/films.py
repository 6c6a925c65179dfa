"""Films, MP4 or looping WebP: a take, the body on a checker floor with a camera that follows, and
dreamt frames, few pixels made larger, so that players show them as the page does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from core.body.mesh import Body
from core.body.take import Take
from core.export.metadata import describe
from core.export.render import make_renderer
from core.export.render.media import Mp4Writer, WebpWriter, caption, check_webp, prompt_at
from core.export.render.scene import Camera, follow
from core.settings import FILM_SCALES

_BATCH = 16
"""Poses skinned at once; more would only take more memory."""
_SIDES = {".mp4": 512, ".webp": 384}
"""Pixels, where nobody says otherwise; a looping picture is for messages."""
_DRAWING = {".mp4": 1.0, ".webp": 0.7}
"""Share of the time in which a take is drawn; a looping picture is encoded after that."""


def open_film(
    path: Path, *, encoded: Callable[[float], None] | None = None, **how: Any
) -> Mp4Writer | WebpWriter:
    """Return what writes the kind of film that the suffix names; `how` are its sides, fps and
    metadata."""
    if path.suffix.lower() == ".webp":
        return WebpWriter(path, encoded=encoded, **how)
    return Mp4Writer(path, **how)


def film_take(
    take: Take,
    path: Path,
    *,
    body: Body,
    width: int | None = None,
    height: int | None = None,
    renderer: str = "auto",
    captions: bool = True,
    camera: Camera | None = None,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Film the take; `renderer` is "auto", "gl" or "software" (see core.export.render).

    `progress` is told the share that is done; what it raises ends the film.
    """
    suffix = path.suffix.lower()
    side, drawing, count = _SIDES[suffix], _DRAWING[suffix], len(take)
    width, height = width or side, height or side
    if suffix == ".webp":
        count -= "loop" in take.info  # its last pose is the first once more
        check_webp(count, width=width, height=height, fps=take.fps)
    root, rotations = body.fit(take.root[:count], take.rotations[:count])
    targets = follow(body.place(root), take.fps)
    how = {"width": width, "height": height, "fps": take.fps, "metadata": describe(take, body)}
    encoded = progress and (lambda share: progress(drawing + (1 - drawing) * share))
    painter = make_renderer(body, kind=renderer, width=width, height=height, camera=camera)
    try:
        with open_film(path, encoded=encoded, **how) as film:
            for start in range(0, count, _BATCH):
                batch = slice(start, start + _BATCH)
                meshes = body.skin(root[batch], rotations[batch])
                for pose, vertices in enumerate(meshes, start):
                    if progress:
                        progress(drawing * pose / count)
                    frame = painter.draw(vertices, targets[pose])
                    film.add(caption(frame, prompt_at(take, pose) if captions else ""))
    finally:
        painter.close()


def check_scale(scale: int) -> None:
    """Raise ValueError for a scale that films do not come in."""
    if scale not in FILM_SCALES:
        raise ValueError(f"scale must be in {FILM_SCALES[0]}..{FILM_SCALES[-1]}, got {scale}")


def enlarge(frame: np.ndarray, scale: int) -> np.ndarray:
    """Return a frame (H, W, 3) uint8 `scale` times as large, smoothly."""
    if scale == 1:
        return frame
    import cv2

    height, width = frame.shape[:2]
    # cubic keeps edges of blocks crisp; nearest would show every pixel the decoder is unsure of
    return cv2.resize(frame, (scale * width, scale * height), interpolation=cv2.INTER_CUBIC)


def write_film(
    frames: Iterable[np.ndarray],
    path: str | Path,
    *,
    fps: float,
    scale: int = 1,
    metadata: dict[str, str] | None = None,
    encoded: Callable[[float], None] | None = None,
) -> int:
    """Write frames (H, W, 3) uint8 as they come; return how many there were.

    A looping WebP is encoded after them all: `encoded` is told the share of that.

    Raises ValueError for no frame at all, a scale out of range, sides that would be odd or too many
    frames for a looping WebP.
    """
    check_scale(scale)
    source = iter(frames)
    first = next(source, None)
    if first is None:
        raise ValueError("there is no frame to film")
    height, width = (scale * side for side in first.shape[:2])
    count = 0
    how = {"width": width, "height": height, "fps": fps, "metadata": metadata}
    with open_film(Path(path), encoded=encoded, **how) as film:
        for frame in chain([first], source):
            film.add(enlarge(frame, scale))
            count += 1
    return count
