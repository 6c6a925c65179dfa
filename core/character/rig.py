"""What the solver knows of a character: which nodes move, and how they stand at rest.

Everything is told in our axes and in meters in which its legs are as long as ours, so that a pose
of ours says where its feet go without another thought; `per` brings that back to its file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.body.skeleton import INDEX, JOINTS
from core.capture.source import Match

TWIST = re.compile("twist|roll|捩", re.IGNORECASE)
"""Names of nodes that share the twist of the limb they hang from."""
_NEAR = 0.25
"""Legs' lengths within which a node above pelvis and spine is taken for what carries both."""
_TRUNK = [INDEX[name] for name in ("pelvis", "spine1", "spine2", "spine3")]
_LIMBS = (
    ("collar", "shoulder", "elbow"),
    ("shoulder", "elbow", "wrist"),
    ("pelvis", "hip", "knee"),
    ("hip", "knee", "ankle"),
)
"""What carries a limb's bone, the joint at which that begins, and the one at which it ends."""


@dataclass(frozen=True)
class Row:
    """A node that moves."""

    column: int
    """Which node of the skeleton."""
    parent: int
    """Row that carries it, -1 for the first."""
    low: int
    high: int
    share: float
    """It turns like one of our joints, or a share of the way from one to another."""
    loose: bool = False
    """Whether it hangs from elsewhere in its file, so that it has to be put where it belongs."""


@dataclass(frozen=True)
class Twist:
    """How a row differs from the joint it turns like: about its bone, by a share of a twist."""

    row: int
    joints: tuple[int, int]
    """Of the second of our joints against the first."""
    bone: tuple[int, int]
    """Rows at which it begins and ends."""
    share: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Rig:
    """N nodes that move, each behind what carries it; the first carries all."""

    rows: tuple[Row, ...]
    rest: np.ndarray
    """Where they are at rest, (N, 3)."""
    turns: np.ndarray
    """How they are turned there, (N, 4)."""
    above: np.ndarray
    """How the nodes are turned that they hang from in the file, (N, 4)."""
    hung: np.ndarray
    """Where those are (N, 3), relative to the row that carries them, or to nothing."""
    holders: tuple[int, ...]
    """Those rows, -1 for none."""
    into: np.ndarray
    """What brings places to those nodes' own axes and units, (N, 3, 3)."""
    stance: np.ndarray
    """Rotations (22, 4) in which our skeleton stands as it does at rest."""
    twists: tuple[Twist, ...]
    legs: np.ndarray
    """Hips, knees and ankles at rest, (3, 2, 3), the left one first here and below."""
    balls: np.ndarray
    """Balls of the feet from the ankles, (2, 3)."""
    soles: np.ndarray
    """Outlines of both soles from the ankles, (2, P, 3)."""
    tilts: np.ndarray
    """Shares (2,) of our feet's tilt that theirs take while they stand: longer feet, less of it, so
    that heels get as high as ours."""
    floor: float
    """Height on which it stands at rest."""
    per: float
    """Units of its file in a meter of these."""


def path_up(column: int, parents: Sequence[int]) -> list[int]:
    """Return a node and all that it hangs from."""
    path = []
    while column >= 0:
        path.append(column)
        column = parents[column]
    return path


def top(match: Match, parents: Sequence[int], places: np.ndarray) -> int:
    """Return the node that carries legs and trunk: the pelvis, or one above that lies close to it.

    `places` (K, 3) are in our meters. DAZ and Character Creator hang pelvis and spine from a third
    node; where limbs hang loose there is none.
    """
    found = match.joints
    limbs = [found["left_hip"], found["right_hip"], found["left_shoulder"], *match.spine[:1]]
    paths = [path_up(column, parents) for column in limbs]
    shared = [c for c in paths[0] if all(c in path for path in paths[1:])]
    pelvis = found["pelvis"]
    if shared and shared[0] in path_up(pelvis, parents):
        apart = np.linalg.norm(places[shared[0]] - places[pelvis])
        return shared[0] if apart < _NEAR else pelvis
    return pelvis


def drive(
    match: Match, parents: Sequence[int], names: Sequence[str], root: int
) -> tuple[tuple[Row, ...], tuple[Twist, ...]]:
    """Return the rows of a skeleton, `root` (see `top`) the first, and what shares twists."""
    rows: list[Row] = []
    at: dict[int, int] = {}  # row of each column
    twists: list[tuple[int, tuple[int, int], tuple[int, int], float]] = []

    def add(column: int, carrier: int, low: int, high: int = -1, share: float = 0.0) -> None:
        if column in at:
            return
        up = path_up(column, parents)[1:]
        loose = carrier >= 0 and carrier not in up
        parent = at[carrier] if loose else next((at[c] for c in up if c in at), -1)
        at[column] = len(rows)
        rows.append(Row(column, parent, low, low if high < 0 else high, share, loose))

    found = match.joints
    add(root, -1, INDEX["pelvis"])
    chest = root
    spine, neck = ([c for c in part if c != root] for part in (match.spine, match.neck))
    for k, column in enumerate(spine, start=1):
        place = 3 * k / len(spine)
        low = min(int(place), 2)
        add(column, chest, _TRUNK[low], _TRUNK[low + 1], place - low)
        chest = column
    throat = chest
    for k, column in enumerate(neck):
        add(column, throat, INDEX["neck"], INDEX["head"], k / len(neck))
        throat = column
    if "head" in found:
        add(found["head"], throat, INDEX["head"])
    for side in ("left", "right"):
        joints = {name.removeprefix(f"{side}_"): i for name, i in INDEX.items()}
        mine = {name: found[JOINTS[i]] for name, i in joints.items() if JOINTS[i] in found}
        mine["pelvis"] = root
        if "collar" in mine:
            add(mine["collar"], chest, joints["collar"])
        for before, first, last in _LIMBS:
            column, end = mine[first], mine.get(last)
            add(column, mine.get(before, chest), joints[first])
            if end is None:
                continue
            up = path_up(end, parents)[1:]
            within = up[: up.index(column)][::-1] if column in up else []
            beside = [] if within else _beside(column, parents, names)
            for helper in (*within, *beside):
                add(helper, column, joints[first])
            if last in ("wrist", "ankle"):
                add(end, column, joints[last])
            lower = first in ("elbow", "knee")
            pair = (joints[first], joints[last]) if lower else (joints[before], joints[first])
            for sharer, share in _shares(column, within, beside, lower):
                twists.append((at[sharer], pair, (column, end), share))
    return tuple(rows), tuple(
        Twist(row, pair, (at[begin], at[end]), share) for row, pair, (begin, end), share in twists
    )


def _beside(column: int, parents: Sequence[int], names: Sequence[str]) -> list[int]:
    """Nodes that hang from a limb to share its twist."""
    return [c for c, up in enumerate(parents) if up == column and TWIST.search(names[c])]


def _shares(
    column: int, within: Sequence[int], beside: Sequence[int], lower: bool
) -> list[tuple[int, float]]:
    """Nodes of a limb, and what share of its twist each has more or less than its joint turns.

    A lower limb's joint has nothing of what its end is twisted by. An upper limb's has all of it,
    since it carries the next hinge, unless nodes lie between of which the last one has.
    """
    less = 0 if lower else 1
    chain = [(c, (k + less) / (len(within) + 1) - less) for k, c in enumerate((column, *within))]
    aside = [(c, (k + 1) / (len(beside) + 1) - less) for k, c in enumerate(beside)]
    return [(c, share) for c, share in (*chain, *aside) if share]
