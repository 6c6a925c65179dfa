"""Joint positions -> joint rotations on the source skeleton, a few poses at a time.

The hips and the shoulder girdle are rigid fans fitted by Kabsch's method; every bone that ends in
one joint is swung onto its direction; what a swing leaves open, the twist of thigh and upper arm,
follows from the hinge below: a knee bends about one axis only, an elbow likewise. A straight leg
takes its twist from the foot, a straight arm keeps the twist it had. Legs are solved as two-bone
chains, so that ankles end where they should even when bone lengths of the input differ a little.
"""

from __future__ import annotations

import numpy as np

from core.body.feet import FootPins, reach
from core.body.rotations import (
    cross,
    matrix_to_quat,
    normalize,
    quat_continuous,
    quat_from_axis_angle,
    quat_inverse,
    quat_multiply,
    quat_rotate,
    swing,
)
from core.body.skeleton import (
    ANKLES,
    BONE_LENGTHS,
    COLLARS,
    ELBOWS,
    HIPS,
    INDEX,
    JOINTS,
    KNEES,
    PARENTS,
    REST_JOINTS,
    SHOULDERS,
    TOES,
    WRISTS,
    local_rotations,
)

_REST = REST_JOINTS.astype(np.float64)


def _rest_bones(joints: list[int], children: list[int]) -> np.ndarray:
    return _REST[children] - _REST[joints]


PELVIS, SPINE1, SPINE2, SPINE3, NECK, HEAD = (
    INDEX[name] for name in ("pelvis", "spine1", "spine2", "spine3", "neck", "head")
)
_PELVIS_FAN, _CHEST_FAN = [*HIPS, SPINE1], [NECK, *COLLARS]
_FANS = np.stack([_REST[_PELVIS_FAN] - _REST[PELVIS], _REST[_CHEST_FAN] - _REST[SPINE3]])

# The four limbs in this order everywhere below: left leg, right leg, left arm, right arm.
_UPPER, _MIDDLE, _END = [*HIPS, *SHOULDERS], [*KNEES, *ELBOWS], [*ANKLES, *WRISTS]
_UPPER_BONES = _rest_bones(_UPPER, _MIDDLE)
_LOWER_BONES = normalize(_rest_bones(_MIDDLE, _END))
_FOOT_BONES = normalize(_rest_bones(ANKLES, TOES))
_HINGES = np.array([[1.0, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0]])
"""Axes at rest about which knees and elbows bend by positive angles."""
_THIGHS, _SHINS = BONE_LENGTHS[KNEES].astype(np.float64), BONE_LENGTHS[ANKLES].astype(np.float64)

_STRAIGHT, _BENT = np.radians(10), np.radians(25)
"""A hinge bent less than this says nothing about the twist; bent more, everything."""
_LEG_TWIST_LIMIT = np.radians(100)
"""No hip turns further; a knee that claims so is overstretched, not turned."""
_TWIST_STEP = 0.6
"""Largest change of a twist (rad) between two poses, against pops in noisy input."""
_RELAX = 0.02
"""Share of its twist which a straight arm gives up in each pose."""


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("...i,...i->...", a, b)


def _wrap(angle: np.ndarray) -> np.ndarray:
    return (angle + np.pi) % (2 * np.pi) - np.pi


def _fit_fans(joints: np.ndarray) -> np.ndarray:
    """Best rotations of pelvis and chest, (T, 22, 3) -> (T, 2, 4); Kabsch 1976."""
    fans = np.stack(
        [
            joints[:, _PELVIS_FAN] - joints[:, PELVIS, None],
            joints[:, _CHEST_FAN] - joints[:, SPINE3, None],
        ],
        axis=1,
    )
    u, _, vt = np.linalg.svd(np.einsum("tfki,fkj->tfij", fans, _FANS))
    u[..., 2] *= (np.linalg.det(u) * np.linalg.det(vt))[..., None]
    return matrix_to_quat(u @ vt)


def _hinge_twist(
    swung: np.ndarray,
    axis: np.ndarray,
    hinge: np.ndarray,
    bone: np.ndarray,
    seen: np.ndarray,
    side: int,
) -> np.ndarray:
    """Twist about `axis` after which a bone on a hinge can point where it was seen.

    A hinge keeps the bone's component along itself: hinge . seen = hinge . bone, which reads
    A cos t + B sin t = C in the twist t. Of its two solutions `side` (+1 or -1) takes one.
    """
    h = quat_rotate(swung, hinge)
    along = _dot(h, axis)
    flat = h - along[..., None] * axis
    a, b = _dot(flat, seen), _dot(cross(axis, flat), seen)
    c = _dot(hinge, bone) - along * _dot(axis, seen)
    size = np.maximum(np.hypot(a, b), 1e-9)
    return _wrap(np.arctan2(b, a) + side * np.arccos(np.clip(c / size, -1, 1)))


class PoseSolver:
    """Solve a stream of joint positions; the state carries over from chunk to chunk.

    With `foot_contacts` planted feet are kept from sliding (see core.body.feet).
    """

    def __init__(self, foot_contacts: bool = True) -> None:
        self._pins = FootPins() if foot_contacts else None
        self._twists = np.zeros(4)
        self._before: np.ndarray | None = None

    def prime(self, joints: np.ndarray, contacts: np.ndarray, rotations: np.ndarray) -> None:
        """Go on as if `push` had just made the rotations (T, 22, 4) of these joints."""
        self.push(joints, contacts)
        self._before = rotations[-1].astype(np.float64)

    def push(
        self, joints: np.ndarray, contacts: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Root positions (T, 3) and local rotations (T, 22, 4), w x y z, float32.

        `joints` is (T, 22, 3) in meters; `contacts` (T, 4) holds HumanML3D's bits for left ankle,
        left foot, right ankle, right foot. Without it feet are left alone. Raises ValueError when
        a position is not finite or the shape is another.
        """
        joints = np.asarray(joints, dtype=np.float64)
        if joints.ndim != 3 or joints.shape[1:] != (len(JOINTS), 3) or not len(joints):
            raise ValueError(f"joints must be (T, {len(JOINTS)}, 3), got {joints.shape}")
        if not np.isfinite(joints).all():
            raise ValueError("joint positions hold values that are not finite")
        world = np.empty((*joints.shape[:2], 4))
        world[:, [PELVIS, SPINE3]] = _fit_fans(joints)
        self._solve_torso(world, joints)
        self._solve_limbs(world, joints, self._foot_offsets(joints, contacts))
        world[:, [HEAD, *TOES, *WRISTS]] = world[:, [NECK, *ANKLES, *ELBOWS]]
        local = quat_continuous(local_rotations(world), self._before)
        self._before = local[-1]
        return joints[:, PELVIS].astype(np.float32), local.astype(np.float32)

    def _foot_offsets(self, joints: np.ndarray, contacts: np.ndarray | None) -> np.ndarray | float:
        if self._pins is None or contacts is None:
            return 0.0
        bits = np.asarray(contacts, dtype=np.float64).reshape(len(joints), 2, 2)
        return self._pins.push(joints[:, ANKLES], joints[:, TOES], bits)

    @staticmethod
    def _solve_torso(world: np.ndarray, joints: np.ndarray) -> None:
        """Bend the spine, spreading the twist between pelvis and chest over its three joints."""
        lower, upper = _REST[SPINE2] - _REST[SPINE1], _REST[SPINE3] - _REST[SPINE2]
        to_spine2 = joints[:, SPINE2] - joints[:, SPINE1]
        to_spine3 = joints[:, SPINE3] - joints[:, SPINE2]
        spine1 = swing(world[:, PELVIS], lower, to_spine2)
        spine2 = swing(spine1, upper, to_spine3)
        left_open = quat_multiply(quat_inverse(spine2), world[:, SPINE3])
        twist = _wrap(2 * np.arctan2(left_open[:, 1:] @ normalize(upper), left_open[:, 0]))
        third = twist[:, None] / 3
        spine1 = quat_multiply(spine1, quat_from_axis_angle(third * normalize(lower)))
        spine2 = swing(spine1, upper, to_spine3)
        world[:, SPINE1] = spine1
        world[:, SPINE2] = quat_multiply(spine2, quat_from_axis_angle(third * normalize(upper)))
        children = [HEAD, *SHOULDERS]
        world[:, _CHEST_FAN] = swing(
            world[:, SPINE3, None],
            _rest_bones(_CHEST_FAN, children),
            joints[:, children] - joints[:, _CHEST_FAN],
        )

    def _solve_limbs(
        self, world: np.ndarray, joints: np.ndarray, offsets: np.ndarray | float
    ) -> None:
        upper = normalize(joints[:, _MIDDLE] - joints[:, _UPPER])
        lower = normalize(joints[:, _END] - joints[:, _MIDDLE])
        foot = normalize(joints[:, TOES] - joints[:, ANKLES])
        upper[:, :2], lower[:, :2] = reach(
            joints[:, PELVIS, None] + quat_rotate(world[:, PELVIS, None], _FANS[0, :2]),
            joints[:, ANKLES] + offsets,
            joints[:, KNEES] - joints[:, HIPS],
            foot,
            _THIGHS,
            _SHINS,
        )
        parents = world[:, [PARENTS[i] for i in _UPPER]]
        swung = swing(parents, _UPPER_BONES, upper)
        twists = self._limb_twists(swung, upper, lower, foot)
        thigh = quat_multiply(quat_from_axis_angle(upper * twists[..., None]), swung)
        shin = swing(thigh, _LOWER_BONES, lower)
        world[:, _UPPER], world[:, _MIDDLE] = thigh, shin
        world[:, ANKLES] = swing(shin[:, :2], _FOOT_BONES, foot)

    def _limb_twists(
        self, swung: np.ndarray, upper: np.ndarray, lower: np.ndarray, foot: np.ndarray
    ) -> np.ndarray:
        """Twists (T, 4) of thighs and upper arms about their own direction."""
        bend = np.arccos(np.clip(_dot(upper, lower), -1, 1))
        weight = np.clip((bend - _STRAIGHT) / (_BENT - _STRAIGHT), 0, 1)
        wanted = _hinge_twist(swung, upper, _HINGES, _LOWER_BONES, lower, +1)
        weight[:, :2] *= np.abs(wanted[:, :2]) < _LEG_TWIST_LIMIT
        by_foot = _hinge_twist(swung[:, :2], upper[:, :2], _HINGES[:2], _FOOT_BONES, foot, -1)
        by_foot *= np.abs(by_foot) < _LEG_TWIST_LIMIT
        wanted[:, :2] = by_foot + weight[:, :2] * _wrap(wanted[:, :2] - by_foot)
        weight[:, :2] = 1  # between knee and foot a leg always knows
        twists = np.empty_like(wanted)
        for t in range(len(twists)):
            step = weight[t] * _wrap(wanted[t] - self._twists)
            step -= _RELAX * (1 - weight[t]) * self._twists
            self._twists = _wrap(self._twists + np.clip(step, -_TWIST_STEP, _TWIST_STEP))
            twists[t] = self._twists
        return twists


def solve(
    joints: np.ndarray, contacts: np.ndarray | None = None, foot_contacts: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Solve a whole motion at once; see `PoseSolver.push`."""
    return PoseSolver(foot_contacts).push(joints, contacts)
