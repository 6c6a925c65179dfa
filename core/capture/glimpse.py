"""Who is in a film, so that one of them can be chosen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.capture.detector import Detector, Person, closer
from core.capture.video import VideoInfo, frames
from core.settings import CHECKPOINTS, POSE_THREADS

NETWORKS = CHECKPOINTS / "blazepose"


@dataclass(frozen=True)
class Candidates:
    """A frame early in a film with as many people as come into view, numbered from the left."""

    index: int
    frame: np.ndarray
    """The picture, (H, W, 3) uint8 RGB."""
    people: tuple[Person, ...]


def networks_in(checkpoints: Path) -> Path:
    """Return the folder of the pose networks in a folder of checkpoints, or that which is shipped
    where it has none."""
    networks = checkpoints / NETWORKS.name
    return networks if networks.is_dir() else NETWORKS


def find_candidates(
    film: VideoInfo, threads: int = POSE_THREADS, networks: Path = NETWORKS
) -> Candidates:
    """Find the people between whom one may choose; raise ValueError where there is nobody."""
    detector = Detector(networks / "detector.onnx.gz", threads)
    best: Candidates | None = None
    until, every = np.inf, max(1, round(film.rate / 5))
    for index, frame in enumerate(frames(film)):
        if index > until:
            break
        if best is None or index % every == 0:
            people = sorted(detector.find(frame, closer(frame)), key=lambda p: p.region.x)
            if people and (best is None or len(people) > len(best.people)):
                until = min(until, index + film.rate)  # others may come into view within a second
                best = Candidates(index, frame, tuple(people))
    if best is None:
        raise ValueError(nobody(film.path.name))
    return best


def nobody(name: str) -> str:
    """What is said where nobody was found."""
    return f"no person was found in {name}; one who is seen from head to foot works best"
