"""Joint positions -> joint rotations on the source skeleton, a few poses at a time.

From the pelvis outwards every bone is swung from its parent to where it points; what that leaves
open, its twist, is told by hips, shoulders and hinges (core.body.torso, core.body.limbs) as far as
they settle it, and goes on from the pose before where they do not (core.body.twists). Legs hang
where the hips of the input are and are solved as two-bone chains, so that ankles end where they
should; the body stands as high as our legs carry it (core.body.legs), so that straight ones stay
straight.
"""

from __future__ import annotations

import numpy as np

from core.body.feet import FootPins, holding
from core.body.legs import Stature, reach
from core.body.limbs import MIDDLE, UPPER, foot_twists, limb_twists
from core.body.rotations import normalize, quat_continuous, quat_rotate
from core.body.skeleton import (
    AIMS,
    ANKLES,
    BONE_LENGTHS,
    COLLARS,
    ELBOWS,
    HIPS,
    INDEX,
    JOINTS,
    KNEES,
    MOST_AWAY,
    PARENTS,
    REST_JOINTS,
    TOES,
    WRISTS,
    local_rotations,
)
from core.body.soles import flat_heights, heights
from core.body.torso import PELVIS, TORSO, TorsoSolver
from core.body.twists import Twists, dot

_GIRDLE = [INDEX["neck"], *COLLARS]
_GROUPS = _GIRDLE, UPPER, MIDDLE, ANKLES
_BONES = normalize(REST_JOINTS[list(AIMS)].astype(np.float64) - REST_JOINTS)
_HIPS = REST_JOINTS[HIPS].astype(np.float64) - REST_JOINTS[PELVIS]
_THIGHS, _SHINS = BONE_LENGTHS[KNEES].astype(np.float64), BONE_LENGTHS[ANKLES].astype(np.float64)
LYING, LIFTED = 0.03, 0.15
"""Heights (m) of a sole below which its foot lies flat and above which it is free."""


class PoseSolver:
    """Solve a stream of joint positions; the state carries over from chunk to chunk.

    With `foot_contacts` planted feet are kept from sliding (see core.body.feet).
    """

    def __init__(self, foot_contacts: bool = True) -> None:
        self._pins = FootPins() if foot_contacts else None
        self._stature = Stature()
        self._torso = TorsoSolver()
        self._girdle, self._upper, self._lower, self._feet = self._bones = [
            Twists(_BONES[joints]) for joints in _GROUPS
        ]
        self._before: np.ndarray | None = None

    def prime(self, joints: np.ndarray, contacts: np.ndarray, rotations: np.ndarray) -> None:
        """Go on as if `push` had just made the rotations (T, 22, 4) of these joints."""
        self.push(joints, contacts)
        self._before = local = rotations[-1].astype(np.float64)
        self._torso.stand(local)
        for group, bones in zip(_GROUPS, self._bones, strict=True):
            bones.stand(local[group])

    def push(
        self, joints: np.ndarray, contacts: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Root positions (T, 3) and local rotations (T, 22, 4), w x y z, float32.

        `joints` is (T, 22, 3) in meters; `contacts` (T, 4) holds HumanML3D's bits for left ankle,
        left foot, right ankle, right foot. Without it feet are left alone. Raises ValueError when
        a number is not finite, a position beyond MOST_AWAY or the shape is another.
        """
        joints = np.asarray(joints, dtype=np.float64)
        if joints.ndim != 3 or joints.shape[1:] != (len(JOINTS), 3) or not len(joints):
            raise ValueError(f"joints must be (T, {len(JOINTS)}, 3), got {joints.shape}")
        if not (np.abs(joints) <= MOST_AWAY).all():
            raise ValueError(f"joint positions must be finite and within {MOST_AWAY:,.0f} m")
        offsets = self._foot_offsets(joints, contacts)
        world = np.empty((*joints.shape[:2], 4))
        world[:, TORSO] = self._torso.push(joints)
        points = normalize(joints[:, AIMS] - joints)  # where main bones point
        world[:, _GIRDLE] = self._girdle.push(_parents(world, _GIRDLE), points[:, _GIRDLE])
        # hips are where legs hang, so they, and not the pelvis, are where they were
        root = joints[:, HIPS].mean(axis=1) - quat_rotate(world[:, PELVIS], _HIPS.mean(axis=0))
        ankles = self._push_limbs(world, root, joints, points, offsets)
        world[:, [INDEX["head"], *TOES, *WRISTS]] = world[:, [_GIRDLE[0], *ANKLES, *ELBOWS]]
        local = quat_continuous(local_rotations(world), self._before)
        self._before = local[-1]
        if self._pins is not None and contacts is not None:
            # a foot that could not roll or reach in time lifts the whole body
            root[:, 1] -= np.minimum(heights(ankles, world[:, ANKLES]).min(axis=1), 0)
        return root.astype(np.float32), local.astype(np.float32)

    def _foot_offsets(self, joints: np.ndarray, contacts: np.ndarray | None) -> np.ndarray | float:
        if self._pins is None or contacts is None:
            return 0.0
        bits = np.asarray(contacts, dtype=np.float64).reshape(len(joints), 2, 2)
        if not np.isfinite(bits).all():
            raise ValueError("contacts of joints must be finite")
        return self._pins.push(joints[:, ANKLES], joints[:, TOES], bits)

    def _push_limbs(
        self,
        world: np.ndarray,
        root: np.ndarray,
        joints: np.ndarray,
        points: np.ndarray,
        offsets: np.ndarray | float,
    ) -> np.ndarray:
        """Set `world` of arms, legs and feet, and raise `root` to the height at which legs stand;
        return where the ankles are then, (T, 2, 3)."""
        upper, lower, feet = (points[:, group] for group in (UPPER, MIDDLE, ANKLES))
        knees = joints[:, KNEES] - joints[:, HIPS]
        ankles = joints[:, ANKLES] + offsets
        hips = root[:, None] + quat_rotate(world[:, [PELVIS]], _HIPS)
        bends = dot(upper[:, :2], lower[:, :2])
        rise = self._stature.push(ankles - hips, bends, _THIGHS, _SHINS)
        root[:, 1] += rise
        hips[..., 1] += rise[:, None]
        upper[:, :2], lower[:, :2] = reach(hips, ankles, knees, feet, _THIGHS, _SHINS)
        world[:, UPPER] = self._upper.push(
            _parents(world, UPPER), upper, lambda swung: limb_twists(swung, upper, lower, feet)
        )
        world[:, MIDDLE] = self._lower.push(world[:, UPPER], lower)
        near = holding(flat_heights(ankles, feet), LYING, LIFTED)
        world[:, ANKLES] = self._feet.push(
            world[:, KNEES], feet, lambda swung: foot_twists(swung, lower[:, :2], feet, near)
        )
        return hips + upper[:, :2] * _THIGHS[:, None] + lower[:, :2] * _SHINS[:, None]


def _parents(world: np.ndarray, group: list[int]) -> np.ndarray:
    return world[:, [PARENTS[i] for i in group]]


def solve(
    joints: np.ndarray, contacts: np.ndarray | None = None, foot_contacts: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Solve a whole motion at once; see `PoseSolver.push`."""
    return PoseSolver(foot_contacts).push(joints, contacts)
