"""Pelvis, spine and chest, and how far joints settle which way they face.

Hips and spine are a rigid fan that tells all about the pelvis, as long as the hips are apart. The
chest points at neck and collars; how it is turned about that is told by the line of the collars or,
where they lie so close together that it is noise, by the line of the shoulders. Neither tells
anything where it is short, or where it says that the chest looks back over the pelvis.
"""

from __future__ import annotations

import numpy as np

from core.body.feet import holding
from core.body.rotations import normalize, quat_between, quat_rotate
from core.body.skeleton import AIMS, COLLARS, HIPS, INDEX, REST_JOINTS, SHOULDERS
from core.body.twists import Told, Twists, angle_to, dot

TORSO = [INDEX[name] for name in ("pelvis", "spine1", "spine2", "spine3")]
PELVIS, CHEST = TORSO[0], TORSO[3]
_REST = REST_JOINTS.astype(np.float64)


def _bones(joints: np.ndarray) -> np.ndarray:
    """Where pelvis, spine and chest of (..., 22, 3) point, (..., 4, 3)."""
    bones = joints[..., [AIMS[joint] for joint in TORSO], :] - joints[..., TORSO, :]
    # all of the chest, not only its neck: rigs have their collars at many heights
    bones[..., 3, :] += (joints[..., COLLARS, :] - joints[..., [CHEST], :]).sum(axis=-2)
    return normalize(bones)


_BONES = _bones(_REST)

_SPINE_LIMIT = 0.25
"""Largest twist that each joint of the spine adds in a pose (rad)."""
_SURE, _NOISE = 0.5, 0.2
"""A line across the body that is as long, of its length at rest, tells everything; nothing."""
_COLLARS_SURE, _COLLARS_NOISE = 0.7, 0.3
"""Collars tell better than shoulders, which arms move, where their line is as long as this."""
_TURNED, _BACKWARDS = np.cos(np.radians([100, 140]))
"""No chest turns further against its pelvis; one that seems to is told by joints that cross."""


def _line(joints: np.ndarray, pair: list[int], axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lines (..., 3) from the right to the left joint of a pair, at right angles to `axis`, and
    their lengths (..., 1)."""
    line = joints[..., pair[0], :] - joints[..., pair[1], :]
    line = line - dot(line, axis)[..., None] * axis
    return line, np.sqrt(dot(line, line))[..., None]


_FAN = _REST[[*HIPS, AIMS[PELVIS]]] - _REST[PELVIS]
_HIPS = _line(_REST, HIPS, _BONES[0])
_COLLARS, _SHOULDERS = (_line(_REST, pair, _BONES[3]) for pair in (COLLARS, SHOULDERS))


class TorsoSolver:
    """Solve a stream of torsos; the state carries over from chunk to chunk."""

    def __init__(self) -> None:
        # no heading is that of rest, so a pelvis that is not told where it faces stays as it is
        self._pelvis = Twists(_BONES[:1], relax=0)
        self._spine = [Twists(bone[None], limit=_SPINE_LIMIT) for bone in _BONES[1:]]

    def stand(self, local: np.ndarray) -> None:
        """Go on as if `push` had just made the local rotations (22, 4)."""
        for joint, twists in zip(TORSO, (self._pelvis, *self._spine), strict=True):
            twists.stand(local[[joint]])

    def push(self, joints: np.ndarray) -> np.ndarray:
        """Return rotations of TORSO in the world, (T, 4, 4), for joints (T, 22, 3)."""
        points = _bones(joints)
        _, width = _line(joints, HIPS, points[:, 0])
        points[:, 0], hips = _fit_pelvis(joints)
        chest, told = _chest_line(joints, points[:, 3])
        chest = quat_rotate(quat_between(points[:, 3:], points[:, 1:]), chest[:, None])

        def tell_pelvis(swung: np.ndarray) -> Told:
            twist = angle_to(swung, _HIPS[0], hips[:, None], points[:, :1])
            return twist, holding(width / _HIPS[1], _SURE, _NOISE)

        upright = np.broadcast_to([1.0, 0, 0, 0], (len(joints), 1, 4))
        world = [self._pelvis.push(upright, points[:, :1], tell_pelvis)]
        for k, twists in enumerate(self._spine):

            def tell(swung: np.ndarray, k: int = k) -> Told:
                left = angle_to(swung, _COLLARS[0], chest[:, [k]], points[:, [k + 1]])
                # each takes its share of the twist that is left: a third of it all
                return left / (3 - k), told * holding(np.cos(left), _TURNED, _BACKWARDS)

            world.append(twists.push(world[-1], points[:, [k + 1]], tell))
        return np.concatenate(world, axis=1)


def _fit_pelvis(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the pelvis points and the line of its hips, (T, 3) each, by Kabsch's method (1976)."""
    fans = joints[:, [*HIPS, AIMS[PELVIS]]] - joints[:, [PELVIS]]
    u, _, vt = np.linalg.svd(np.einsum("tki,kj->tij", fans, _FAN))
    u[..., 2] *= (np.linalg.det(u) * np.linalg.det(vt))[..., None]
    turned = u @ (vt @ np.stack([_BONES[0], _HIPS[0]], axis=-1))
    return turned[..., 0], turned[..., 1]


def _chest_line(joints: np.ndarray, up: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lines (T, 3) across chests that point `up` (T, 3), and how settled they are, (T, 1)."""
    (collars, long), (shoulders, wide) = (_line(joints, pair, up) for pair in (COLLARS, SHOULDERS))
    by_collars = holding(long / _COLLARS[1], _COLLARS_SURE, _COLLARS_NOISE)
    by_shoulders = (1 - by_collars) * holding(wide / _SHOULDERS[1], _SURE, _NOISE)
    line = by_collars * collars / np.maximum(long, 1e-9)
    return line + by_shoulders * shoulders / np.maximum(wide, 1e-9), by_collars + by_shoulders
