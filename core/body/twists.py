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
_OPEN, _FOLDED = 1 + np.cos(np.radians([120, 160]))
"""Bones whose swings have a larger first number are open, with a smaller one folded."""
_ASIDE = 1e-6 * np.array([3.0, 2.0, 1.0])
"""Keeps bones off the one direction, opposite to their rest, that no smallest rotation leads to."""
_ONE = np.array([1.0, 0, 0, 0])

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
        # (K, 4, 3), which takes points to their dot and cross products with the bones
        across = cross(bones[:, None], np.eye(3)).swapaxes(1, 2)
        self._crosses = np.concatenate([bones[:, None], across], axis=1)
        self._points: np.ndarray | None = None  # (K, 3), as their parents see them
        self._angles = [0.0] * len(bones)

    def stand(self, local: np.ndarray) -> None:
        """Go on as if `push` had just made these rotations (K, 4) relative to the parents."""
        self._points = quat_rotate(local, self._bones) + _ASIDE
        swings = normalize(self._swings(self._points))
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
        swings = self._swings(points)
        swung = quat_multiply(parents, normalize(swings))
        if tell is None:
            settled = holding(swings[..., 0], _OPEN, _FOLDED)
            told = np.zeros_like(settled), settled
        else:
            told = tell(swung)
        hops = self._hops(points, swings)
        limit = inf if self._points is None else self._limit
        self._points = points[-1]
        bones = zip(self._angles, *(each.T.tolist() for each in (hops, *told)), strict=True)
        twists = [self._follow(*bone, limit) for bone in bones]
        self._angles = [angles[-1] for angles in twists]
        half = np.array(twists).T[..., None] / 2
        turns = np.concatenate([np.cos(half), np.sin(half) * self._bones], axis=-1)
        return quat_multiply(swung, turns)

    def _swings(self, points: np.ndarray) -> np.ndarray:
        """Smallest rotations (..., 4) from rest to `points`, not normalized: one more than the
        cosine, and the cross product."""
        return np.vecdot(self._crosses, points[..., None, :]) + _ONE

    def _hops(self, points: np.ndarray, swings: np.ndarray) -> np.ndarray:
        """What carrying bones on to `points` (T, K, 3) adds to their twists: the areas (T, K) of
        the triangles on the sphere from rest to before to now (Van Oosterom and Strackee 1983)."""
        before = points[:1] if self._points is None else self._points[None]
        before = np.concatenate([before, points[:-1]])
        beside = swings[..., 0] + dot(before, points + self._bones)
        return 2 * np.arctan2(-dot(before, swings[..., 1:]), beside)

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
