"""Who is in a video, so that one of them can be chosen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.capture.detector import Detector, Person, closer
from core.capture.video import VideoInfo, frames

NETWORKS = Path(__file__).parents[2] / "checkpoints" / "blazepose"
THREADS = 2


@dataclass(frozen=True)
class Candidates:
    """A frame early in a video with as many people as come into view, numbered from the left."""

    index: int
    frame: np.ndarray
    """The picture, (H, W, 3) uint8 RGB."""
    people: tuple[Person, ...]


def find_candidates(video: VideoInfo, threads: int = THREADS) -> Candidates:
    """Find the people between whom one may choose; raise ValueError where there is nobody."""
    detector = Detector(NETWORKS / "detector.onnx.gz", threads)
    best: Candidates | None = None
    until, every = np.inf, max(1, round(video.rate / 5))
    for index, frame in enumerate(frames(video)):
        if index > until:
            break
        if best is None or index % every == 0:
            people = sorted(detector.find(frame, closer(frame)), key=lambda p: p.region.x)
            if people and (best is None or len(people) > len(best.people)):
                until = min(until, index + video.rate)  # others may come into view within a second
                best = Candidates(index, frame, tuple(people))
    if best is None:
        raise ValueError(nobody(video.path.name))
    return best


def nobody(name: str) -> str:
    """What is said where nobody was found."""
    return f"no person was found in {name}; one who is seen from head to foot works best"
