"""Which reading of each frame to believe, where left and right, or front and back, are unclear."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.capture.landmarks import SWAP
from core.capture.track import Track

UNCLEAR, SHIFTED = 0.25, 0.03
"""Mean distance of two readings of a frame beyond which one of them must be wrong: in meters, and
in the picture, of the region's side. A reading half way between left and right is near in space."""
TURNED = 9.0
"""What a second of it costs to say that both readings are wrong and the body is the other way
round: so much that a body whose readings turn for longer than a second has turned."""
MOVE = 0.2
"""Mean distance (m) from one frame to the next that costs 1; twice as much costs 4."""


@dataclass(frozen=True)
class Resolved:
    """One reading for each frame."""

    pixels: np.ndarray
    """(N, 33, 2)"""
    world: np.ndarray
    """(N, 33, 3)"""
    visible: np.ndarray
    """(N, 33)"""
    flipped: int
    """How many frames were not simply the mean of both readings."""


def resolve_flips(track: Track) -> Resolved:
    """Take the mean of readings that agree; where they do not, the likeliest of four (Viterbi).

    The four are: as seen, as read from the mirror picture, and each of these turned front to back.
    """
    readings = [frame.landmarks for frame in track.tracked]
    pixels, world, visible = (
        np.stack([getattr(r, name) for r in readings]) for name in ("pixels", "world", "visible")
    )
    apart, shifted = (
        np.linalg.norm(points[:, 0] - points[:, 1], axis=-1).mean(axis=1)
        for points in (world, pixels)
    )
    sides = np.array([frame.region.side for frame in track.tracked])
    ways = _ways(world)
    ways[:, 3:] *= [1, 1, -1]
    unclear = (apart > UNCLEAR) | (shifted > SHIFTED * sides)
    cost = np.zeros(ways.shape[:2])
    cost[unclear, 0] = np.inf
    cost[~unclear, 1:3] = np.inf
    cost[:, 3:] = TURNED / track.rate
    path = cheapest(ways, cost, np.array([frame.index for frame in track.tracked]))
    rows = np.arange(len(path))
    flat, sure = _ways(pixels)[rows, path], _ways(visible)[rows, path]
    return Resolved(flat, ways[rows, path], sure, int((path > 0).sum()))


def _ways(both: np.ndarray) -> np.ndarray:
    """Five of both readings (N, 2, 33, ...): their mean, either, and either with sides swapped."""
    one, other = both[:, 0], both[:, 1]
    return np.stack([both.mean(axis=1), one, other, one[:, SWAP], other[:, SWAP]], axis=1)


def turn(resolved: Resolved) -> Resolved:
    """The same pictures, read as a body that faces the other way."""
    return replace(
        resolved,
        pixels=resolved.pixels[:, SWAP],
        world=resolved.world[:, SWAP] * [1, 1, -1],
        visible=resolved.visible[:, SWAP],
    )


def cheapest(ways: np.ndarray, cost: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """The way (N,) through states (N, K, P, 3) that costs least, states and steps (Viterbi)."""
    total, back = cost[0], []
    for i in range(1, len(ways)):
        step = np.linalg.norm(ways[i - 1][:, None] - ways[i][None], axis=-1).mean(-1)
        whole = total[:, None] + (step / MOVE) ** 2 / (frames[i] - frames[i - 1])
        back.append(np.argmin(whole, axis=0))
        total = whole.min(axis=0) + cost[i]
    path = [int(np.argmin(total))]
    for choices in reversed(back):
        path.append(int(choices[path[-1]]))
    return np.array(path[::-1])
