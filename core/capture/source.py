"""What readers make of a motion file: its own skeleton in its own words, units, axes and rate.

A reader knows its format and nothing of ours; which of the joints are ours is `matching`'s to say,
and what our skeleton does for it `retarget`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Source:
    """A skeleton in motion as its file tells it."""

    names: tuple[str, ...]
    """Of its nodes as the file writes them; empty for an end site, which says where a bone ends."""
    parents: tuple[int, ...]
    """Of each node, -1 for roots; parents stand before their children."""
    positions: np.ndarray
    """Of all nodes in the file's world, (T, N, 3) float64."""
    rotations: np.ndarray | None = None
    """Relative to the world, (T, N, 4) w x y z float64; None where a file tells positions only. An
    end site turns like its parent."""
    rest: np.ndarray | None = None
    """Nodes (N, 3) in the pose that the file calls rest; None where it knows none."""
    rest_rotations: np.ndarray | None = None
    """Rotations (N, 4) in that pose, relative to the world."""
    rate: float
    """Poses a second."""
    stored_rate: float | None = None
    """Poses a second in the file, where it was sampled at another rate."""
    up: Literal["y", "rest"] | None = None
    """What is up where the format says so: Y, or as the rest pose stands; None to find out."""
    told: dict[str, int] = field(default_factory=dict)
    """Node of each of our joints of which the file itself says which it is."""
    clips: tuple[str, ...] = ()
    """Animations that the file holds, by name, where it can hold several."""
    clip: int = 0
    """Which of them this is."""
    notes: tuple[str, ...] = ()
    """Sentences for the visitor."""


@dataclass(frozen=True, kw_only=True)
class Match:
    """Which nodes of a skeleton are our joints."""

    joints: dict[str, int]
    """Node of each of core.body.skeleton.JOINTS that is there. Pelvis, hips, knees, ankles,
    shoulders and elbows always are; all others may be missing. Feet and wrists may be end sites."""
    spine: tuple[int, ...]
    """Nodes above the pelvis up to the one that the arms hang from, from below; however many."""
    neck: tuple[int, ...] = ()
    """Nodes above that one up to the head's, which is not among them."""
    how: str
    """What told: "map" (one that was given), "tree" or "names"."""
    notes: tuple[str, ...] = ()
    """Sentences for the visitor."""


@dataclass(frozen=True, kw_only=True)
class Skeleton:
    """A file's skeleton as a picture: one of its poses, and what was taken for what."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    places: np.ndarray
    """Nodes (N, 3) float32, finite, for a picture: around the pelvis in meters, Y up; where that is
    not known around their middle, in the file's axes and no unit."""
    joints: dict[str, int] = field(default_factory=dict)
    """Node of each of our joints that was found."""
    how: str = ""
    """What told, as in Match."""


class MatchError(ValueError):
    """Joints that were not found; brings the skeleton, so that a visitor can say which they are."""

    def __init__(self, sentence: str, skeleton: Skeleton) -> None:
        super().__init__(sentence)
        self.skeleton = skeleton

    def __reduce__(self) -> tuple[type, tuple[str, Skeleton]]:
        return type(self), (str(self), self.skeleton)


def drawn(places: np.ndarray, middle: np.ndarray, most: float) -> np.ndarray:
    """Return places (N, 3) float32 from `middle`, none further off along an axis than `most`.

    A node of no body may be anywhere, and where it is must not be what a picture cannot show.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return np.clip(np.nan_to_num(places - middle), -most, most).astype(np.float32)


MOST_STRAY = 1000
"""How many times its own size a body may be away from where it mostly is: two kilometers."""


def astray(positions: np.ndarray) -> int | None:
    """Return the first pose of (T, N, 3) that is no number or far off all others; None if all fit.

    Recordings that lose their subject for a moment write such poses.
    """
    finite = np.isfinite(positions).all(axis=(1, 2))
    if not finite.all():
        return int(finite.argmin())
    centers = positions.mean(axis=1)
    sizes = np.abs(positions - centers[:, None]).max(axis=(1, 2))
    away = np.abs(centers - np.median(centers, axis=0)).max(axis=1)
    # a skeleton without any size is for others to refuse
    fits = np.maximum(sizes, away) <= (MOST_STRAY * np.median(sizes) or np.inf)
    return None if fits.all() else int(fits.argmin())
