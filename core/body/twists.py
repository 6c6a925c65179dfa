"""How bones are turned about themselves, carried on from pose to pose.

Joints tell where a bone points, but not its twist; that is told by what hangs on it, a hinge or a
line across, and told badly where the hinge is straight or the line short. So the rotation of the
pose before is carried along with its bone, by the smallest rotation that keeps up with it, and then
turned towards what is told, the less of the way the less that is settled, and no further than a
limit. No joint can therefore turn further than its bone makes it, plus that limit.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, remainder, tau

import numpy as np

from core.body.feet import holding
from core.body.rotations import cross, normalize, quat_inverse, quat_multiply, quat_rotate

TWIST_STEP = 0.6
"""Largest turn (rad) of a bone about itself from one pose to the next."""
RELAX = 0.02
"""Share of its twist which a bone gives up in each pose where nothing tells it."""
_OPEN, _FOLDED = np.cos(np.radians(120)), np.cos(np.radians(160))
_ASIDE = 1e-6 * np.array([3.0, 2.0, 1.0])
"""Keeps bones off the one direction, opposite to their rest, that no smallest rotation leads to."""

Told = tuple[np.ndarray, np.ndarray]
"""Twists (T, K) of bones beyond the smallest swings from rest, and how settled (T, K), 0 to 1."""


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Dot products (...) of vectors (..., 3)."""
    return np.vecdot(a, b)


def angle_to(
    rotations: np.ndarray, rest: np.ndarray, lines: np.ndarray, axes: np.ndarray
) -> np.ndarray:
    """Return the angles (...) about `axes` (..., 3) from where `rotations` (..., 4) take the lines
    `rest` to `lines`; both (..., 3) lie at right angles to the axes."""
    now = quat_rotate(rotations, rest)
    return np.arctan2(dot(cross(now, lines), axes), dot(now, lines))


class Twists:
    """Some bones of one skeleton; the state carries over from chunk to chunk."""

    def __init__(
        self, bones: np.ndarray, *, limit: float = TWIST_STEP, relax: float = RELAX
    ) -> None:
        """`bones` (K, 3) are unit vectors at rest; `relax` is 0 where no twist is that of rest."""
        self._bones, self._limit, self._relax = bones, limit, relax
        self._points: np.ndarray | None = None  # (K, 3), as their parents see them
        self._angles = [0.0] * len(bones)

    def stand(self, local: np.ndarray) -> None:
        """Go on as if `push` had just made these rotations (K, 4) relative to the parents."""
        self._points = quat_rotate(local, self._bones) + _ASIDE
        swings, _ = self._swings(self._points)
        open_ = quat_multiply(quat_inverse(swings), local)
        self._angles = (2 * np.arctan2(dot(open_[:, 1:], self._bones), open_[:, 0])).tolist()

    def push(
        self,
        parents: np.ndarray,
        points: np.ndarray,
        tell: Callable[[np.ndarray], Told] | None = None,
    ) -> np.ndarray:
        """Return rotations in the world (T, K, 4) of bones that point along `points` (T, K, 3).

        `parents` (T, K, 4) are the rotations of their parents; `tell` gets those with the swings
        added that let the bones point there. Without it bones want no twist, unless they are
        folded, where the axis of a swing from rest is not certain. The first pose of all takes
        what it is told at once.
        """
        points = normalize(quat_rotate(quat_inverse(parents), points) + _ASIDE)
        swings, along = self._swings(points)
        swung = quat_multiply(parents, swings)
        if tell is None:
            settled = holding(along, _OPEN, _FOLDED)
            told = np.zeros_like(settled), settled
        else:
            told = tell(swung)
        hops = self._hops(points)
        limit = inf if self._points is None else self._limit
        self._points = points[-1]
        twists = np.empty_like(hops)
        for k in range(len(self._bones)):
            hop, want, sure = (column[:, k].tolist() for column in (hops, *told))
            twists[:, k] = angles = self._follow(self._angles[k], hop, want, sure, limit)
            self._angles[k] = angles[-1]
        half = twists[..., None] / 2
        turns = np.concatenate([np.cos(half), np.sin(half) * self._bones], axis=-1)
        return quat_multiply(swung, turns)

    def _swings(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Smallest rotations (..., 4) from rest to `points`, cosines (...) of their angles."""
        along = dot(points, self._bones)
        q = np.concatenate([1 + along[..., None], cross(self._bones, points)], axis=-1)
        return normalize(q), along

    def _hops(self, points: np.ndarray) -> np.ndarray:
        """What carrying bones on to `points` (T, K, 3) adds to their twists: the areas (T, K) of
        the triangles on the sphere from rest to before to now (Van Oosterom and Strackee 1983)."""
        before = points[:1] if self._points is None else self._points[None]
        before = np.concatenate([before, points[:-1]])
        volume = dot(cross(before, points), self._bones)
        beside = 1 + dot(before, points) + dot(before, self._bones) + dot(points, self._bones)
        return 2 * np.arctan2(volume, beside)

    def _follow(
        self,
        angle: float,
        hops: list[float],
        wanted: list[float],
        settled: list[float],
        limit: float,
    ) -> list[float]:
        """Return the angle after each pose; `limit` holds for the first one."""
        relax, out = self._relax, []
        for hop, want, sure in zip(hops, wanted, settled, strict=True):
            angle += hop
            step = sure * remainder(want - angle, tau) - (1 - sure) * relax * remainder(angle, tau)
            angle = remainder(angle + max(min(step, limit), -limit), tau)
            limit = self._limit
            out.append(angle)
        return out
