"""Where people are: BlazePose's detector, and the turned squares that networks look at.

The detector finds whoever takes a good part of what it is shown, so small people are looked for in
parts of the picture. It gives 2,254 guesses, each relative to its anchor: two a cell on a grid of
28, two on one of 14, six on one of 7. Guesses of one person are averaged by their scores (weighted
non-maximum suppression), as the network was trained to be read.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.onnx import open_network

SIZE = 224
GRIDS = ((28, 2), (14, 2), (7, 6))
"""Cells a side, and anchors in each cell."""
SURE = 0.5
"""Lowest score of a person."""
OVERLAP = 0.3
"""Boxes that share more than this (intersection over union) are one person."""

BESIDE = 0.15
"""Two people whose hips are closer than this share of the region's side are one."""
PART, SMALLEST = 0.6, 0.25
"""Side of the smallest parts that are looked at, of the picture's shorter side, and of the smallest
people in them, of the part's."""


@dataclass(frozen=True)
class Region:
    """A square in a picture: center and side in pixels, and the angle (rad) it is turned by."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    @classmethod
    def around(cls, center: np.ndarray, extent: np.ndarray, margin: float = 1.25) -> Region:
        """The region of a person from the middle of the hips and a point above on their circle.

        It is turned so that the person stands upright in it.
        """
        dx, dy = (float(v) for v in extent - center)
        angle = np.arctan2(dx, -dy)
        side = 2 * margin * float(np.hypot(dx, dy))
        return cls(float(center[0]), float(center[1]), side, float(angle))

    @property
    def turn(self) -> np.ndarray:
        """Rotation (2, 2) from the region's axes to the picture's, y down."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.array([[cos, -sin], [sin, cos]])

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Pixels (..., 2) of points (..., 2) in the region, where 0..1 spans its side."""
        return (points - 0.5) * self.side @ self.turn.T + [self.x, self.y]

    def crop(self, frame: np.ndarray, size: int) -> np.ndarray:
        """The region as a picture (size, size, 3) uint8, black where the frame ends."""
        import cv2

        # pixel centers are at halves: the crop's first lies half a crop pixel inside the region
        scale = self.side / size
        turn = self.turn * scale
        corner = self.to_picture(np.array([0.5 / size, 0.5 / size])) - 0.5
        back = np.concatenate([turn, corner[:, None]], axis=1)
        return cv2.warpAffine(
            frame, back, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )


def whole(frame: np.ndarray) -> Region:
    """The smallest upright square that holds all of a frame (H, W, 3)."""
    height, width = frame.shape[:2]
    return Region(width / 2, height / 2, float(max(width, height)))


@dataclass(frozen=True)
class Person:
    """Somebody that the detector saw, in pixels of the picture."""

    score: float
    box: np.ndarray
    """Left, top, right, bottom: of the head and shoulders, not of the whole body."""
    region: Region
    """What the landmark network should look at."""

    @property
    def place(self) -> np.ndarray:
        """Middle of the hips, (2,)."""
        return np.array([self.region.x, self.region.y])


def anchors() -> np.ndarray:
    """Centers (2254, 2) of the anchors, in shares of the picture."""
    found = []
    for cells, repeats in GRIDS:
        middle = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(middle, middle, indexing="ij")
        found.append(np.stack([x.ravel(), y.ravel()], axis=-1).repeat(repeats, axis=0))
    return np.concatenate(found)


def session(path: Path, threads: int) -> Any:
    """Open a network, .onnx or .onnx.gz; raise ValueError for a missing or damaged file."""
    if not path.is_file():
        raise ValueError(f"the pose network {path.name} is missing in {path.parent}")
    try:
        network = path.read_bytes()
        if path.suffix == ".gz":
            network = gzip.decompress(network)
        return open_network(network, threads)
    except Exception as error:  # onnxruntime has a class of its own for every fault
        raise ValueError(f"the pose network {path} is damaged") from error


class Detector:
    """Find people in a picture, whoever is largest first."""

    def __init__(self, path: Path, threads: int) -> None:
        self._session = session(path, threads)
        self._anchors = anchors()

    def find(self, frame: np.ndarray, parts: Sequence[Region] = ()) -> list[Person]:
        """People in a frame (H, W, 3) uint8 RGB; `parts` of it are looked at by themselves, too."""
        found = self._look(frame, whole(frame))
        for part in parts:
            found += [
                person
                for person in self._look(frame, part)
                if _fits(person.region, part) and not any(_same(person, other) for other in found)
            ]
        return sorted(found, key=lambda person: -person.region.side)

    def _look(self, frame: np.ndarray, square: Region) -> list[Person]:
        seen = square.crop(frame, SIZE).astype(np.float32) / 127.5 - 1
        guesses, scores = self._session.run(["out0", "out1"], {"input": seen[None]})
        scores = 1 / (1 + np.exp(-np.clip(scores[0, :, 0].astype(np.float64), -100, 100)))
        keep = scores > SURE
        points = guesses[0, keep].astype(np.float64).reshape(-1, 6, 2) / SIZE
        points[:, [0, 2, 3, 4, 5]] += self._anchors[keep][:, None]  # all but the box's size
        return [_person(square, score, p) for score, p in merge(scores[keep], points)]


def closer(frame: np.ndarray) -> list[Region]:
    """Squares that overlap by half: first as high as a wide frame (H, W, 3), then smaller ones."""
    height, width = frame.shape[:2]
    short = min(height, width)
    parts = []
    for side in (short, PART * short):
        across, down = (
            np.linspace(
                side / 2, length - side / 2, int(np.ceil(2 * (length / side - 1) - 0.1)) + 1
            )
            for length in (width, height)
        )
        squares = [Region(float(x), float(y), side) for y in down for x in across]
        parts += squares if len(squares) > 1 else []
    return parts


def _fits(region: Region, part: Region) -> bool:
    """Whether most of a body is inside the part that it was found in."""
    off = max(abs(region.x - part.x), abs(region.y - part.y))
    return off < part.side / 2 and SMALLEST < region.side / part.side < 1.25


def _same(a: Person, b: Person) -> bool:
    near = np.hypot(*(a.place - b.place)) < BESIDE * max(a.region.side, b.region.side)
    boxes = [np.array([(p.box[:2] + p.box[2:]) / 2, p.box[2:] - p.box[:2]]) for p in (a, b)]
    return bool(near or overlap(boxes[0], boxes[1][None])[0] > OVERLAP)


def _person(square: Region, score: float, points: np.ndarray) -> Person:
    half = points[1] / 2
    corners = square.to_picture(np.stack([points[0] - half, points[0] + half]))
    hips, extent = square.to_picture(points[2:4])
    return Person(score, corners.ravel(), Region.around(hips, extent))


def merge(scores: np.ndarray, points: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Average guesses (N, 6, 2) of the same person by their scores, best first."""
    left = np.argsort(-scores)
    found = []
    while len(left):
        same = overlap(points[left[0]], points[left]) > OVERLAP
        same[0] = True
        weight = scores[left[same]]
        mean = np.einsum("n,nki->ki", weight, points[left[same]]) / weight.sum()
        found.append((float(scores[left[0]]), mean))
        left = left[~same]
    return found


def overlap(one: np.ndarray, many: np.ndarray) -> np.ndarray:
    """Intersection over union (N,) of a box (6, 2) with boxes (N, 6, 2): center, size, ..."""
    low = np.maximum(one[0] - one[1] / 2, many[:, 0] - many[:, 1] / 2)
    high = np.minimum(one[0] + one[1] / 2, many[:, 0] + many[:, 1] / 2)
    shared = np.clip(high - low, 0, None).prod(axis=1)
    return shared / np.maximum(one[1].prod() + many[:, 1].prod(axis=1) - shared, 1e-9)
