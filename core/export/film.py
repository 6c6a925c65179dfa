"""MP4 of dreamt frames: few pixels made larger, so that players show them as the page does."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np

from core.export.render.media import Mp4Writer
from core.settings import FILM_SCALES


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
    frames: Iterable[np.ndarray], path: str | Path, *, fps: float, scale: int = 1,
    metadata: dict[str, str] | None = None,
) -> int:  # fmt: skip
    """Write frames (H, W, 3) uint8 as they come; return how many there were.

    Raises ValueError for no frame at all, a scale out of range or sides that would be odd.
    """
    check_scale(scale)
    source = iter(frames)
    first = next(source, None)
    if first is None:
        raise ValueError("there is no frame to film")
    height, width = (scale * side for side in first.shape[:2])
    count = 0
    with Mp4Writer(path, width=width, height=height, fps=fps, metadata=metadata) as film:
        for frame in chain([first], source):
            film.add(enlarge(frame, scale))
            count += 1
    return count
