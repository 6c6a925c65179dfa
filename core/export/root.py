"""Root motion: what of a take a root bone on the floor carries, and what stays in the hips.

Engines move a character by its root bone. It gets the path and the heading, both steadied, so that
the sway of each step stays in the hips; at the ends of a take it stands exactly below them. Files
without such a bone can leave the path out: the body then moves in place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.body.mesh import Body
from core.body.moved import moved
from core.body.rotations import about_y, quat_inverse, quat_multiply, quat_rotate
from core.body.take import Take

STEADY = 0.3
"""Seconds (one standard deviation) within which sway is not travel."""
_UPSIDE_DOWN = -0.5
"""Height of the pelvis' own up direction below which its heading means nothing."""


@dataclass(frozen=True)
class Root:
    """What a root bone on the floor does."""

    path: np.ndarray
    """Positions (T, 3), meters."""
    turns: np.ndarray
    """Rotations about the vertical, (T, 4)."""


@dataclass(frozen=True, kw_only=True)
class Tracks:
    """What the bones of a body do, as files tell it."""

    hips: np.ndarray
    """Positions (T, 3), meters; relative to the root bone where there is one."""
    rotations: np.ndarray
    """Of the 22 joints relative to the bone above each, (T, 22, 4)."""
    root: Root | None = None
    """None where the hips are the root."""


def tracks(take: Take, body: Body, root: str = "hips") -> Tracks:
    """Return a take's tracks on a body; `root` is "floor" for a bone that carries the path."""
    placed, rotations = body.fit(take.root, take.rotations)
    hips = body.place(placed)
    if root != "floor":
        return Tracks(hips=hips, rotations=rotations)
    carried = floor_root(hips, rotations[:, 0], take.fps)
    back = quat_inverse(carried.turns)
    local = rotations.copy()
    local[:, 0] = quat_multiply(back, rotations[:, 0].astype(np.float64))
    return Tracks(
        hips=quat_rotate(back, hips - carried.path).astype(np.float32),
        rotations=local,
        root=Root(carried.path.astype(np.float32), carried.turns.astype(np.float32)),
    )


def floor_root(hips: np.ndarray, turns: np.ndarray, fps: float) -> Root:
    """Return what a bone on the floor does below hips (T, 3) that turn like a pelvis, (T, 4)."""
    return Root(steady(hips * [1, 0, 1], fps), about_y(steady(headings(turns), fps)))


def in_place(take: Take) -> Take:
    """Return a take without its path; its features go on telling how fast it went."""
    stays = moved(take, -steady(take.root * [1, 0, 1], take.fps))
    return replace(stays, info=take.info | {"root": "in-place"})


def headings(turns: np.ndarray) -> np.ndarray:
    """Return the continuous angle (T,) about Y, radians, that is in rotations (T, 4) of the pelvis.

    It is that of the rotation's twist, which bows and somersaults leave alone; where the pelvis is
    upside down there is none, and the angle goes straight from before to after.
    """
    turns = turns.astype(np.float64)
    up = quat_rotate(turns, np.array([0.0, 1.0, 0.0]))[:, 1]
    told = np.flatnonzero(up > _UPSIDE_DOWN)
    if not len(told):
        told = np.arange(len(turns))
    angles = np.unwrap(2 * np.arctan2(turns[told, 2], turns[told, 0]))
    return np.interp(np.arange(len(turns)), told, angles)


def steady(values: np.ndarray, fps: float) -> np.ndarray:
    """Return values (T, ...) without what is faster than STEADY; the first and last stay."""
    from scipy.ndimage import gaussian_filter1d

    sigma = STEADY * fps
    pad = int(np.ceil(4 * sigma))
    around = [(pad, pad)] + [(0, 0)] * (values.ndim - 1)
    # turned about its ends, so that it goes on there as it came
    longer = np.pad(values.astype(np.float64), around, mode="reflect", reflect_type="odd")
    return gaussian_filter1d(longer, sigma, axis=0)[pad:-pad]
