"""Key poses: pinned from what is shown, dragged by hand or foot, and how far they are missed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from core.body.features import facing
from core.body.legs import reach
from core.body.rotations import about_y, quat_rotate
from core.body.skeleton import ANKLES, BONE_LENGTHS, FPS, INDEX, TOES, WRISTS
from core.body.take import Poses
from core.steering.limbs import ARMS, LEGS
from core.steering.wishes import PARTS, KeyPose, Met

ENDS = {
    "left_hand": WRISTS[0],
    "right_hand": WRISTS[1],
    "left_foot": ANKLES[0],
    "right_foot": ANKLES[1],
    "head": INDEX["head"],
}
"""The joint by which each part of PARTS but the body is held."""
_LIMBS = {"left_hand": (ARMS, 0), "right_hand": (ARMS, 1)} | {
    "left_foot": (LEGS, 0),
    "right_foot": (LEGS, 1),
}
_ON_FLOOR = np.array([1.0, 0, 1])


def key_from_pose(
    poses: Poses, number: int, parts: tuple[str, ...] = ("body",), *, there: bool = False
) -> KeyPose:
    """Return a shown pose as a key for its own time; `there`, also where it stands and looks.

    Raises ValueError for a pose that is not there.
    """
    if not 0 <= number < len(poses):
        raise ValueError(f"there is no pose {number}; the take has {len(poses)}")
    return key_of(poses.joints[number].astype(np.float64), number / FPS, parts, there=there)


def key_of(
    joints: np.ndarray, at: float, parts: tuple[str, ...] = ("body",), *, there: bool = False
) -> KeyPose:
    """Return joints (22, 3) in the world as a key for a time; see `key_from_pose`."""
    floor, angle = joints[0] * _ON_FLOOR, facing(joints[None])[0]
    own = quat_rotate(about_y(-angle), joints - floor)
    where = {"place": (floor[0], floor[2]), "facing": np.degrees(angle)} if there else {}
    return KeyPose(at=at, joints=_told(own), parts=parts, **where)


def dragged(key: KeyPose, part: str, place: tuple[float, float, float]) -> KeyPose:
    """Return a key with a hand or a foot at `place` (as seen from its root, meters).

    Elbow or knee bend as they do; what is out of reach is approached as far as the limb goes.
    Raises ValueError for other parts and for a place that is none.
    """
    if part not in _LIMBS:
        raise ValueError(f"what is dragged must be one of {', '.join(_LIMBS)}, got {part!r}")
    joints = np.array(key.joints, np.float64)
    (upper, middle, end), side = _LIMBS[part]
    ends = joints[end]
    ends[side] = np.clip(place, -10, 10)  # NaN stays and is refused
    starts, bends = joints[upper], np.array([[0.0, 0, 1 if upper is LEGS[0] else -1]] * 2)
    lengths = BONE_LENGTHS[middle].astype(np.float64), BONE_LENGTHS[end].astype(np.float64)
    first, second = (
        x[0, side]
        for x in reach(
            starts[None], ends[None], (joints[middle] - starts)[None], bends[None], *lengths
        )
    )
    before = joints[end[side]].copy()
    joints[middle[side]] = starts[side] + first * lengths[0][side]
    joints[end[side]] = joints[middle[side]] + second * lengths[1][side]
    if end[side] in ANKLES:  # a foot keeps pointing where it did
        joints[TOES[side]] += joints[end[side]] - before
    return key.changed(joints=_told(joints))


def seen(key: KeyPose, floor: np.ndarray, angle: float) -> np.ndarray:
    """Return a key's joints (22, 3), its root over `floor` (3,), looking along `angle` (rad)."""
    return quat_rotate(about_y(angle), _ahead(key)) + floor * _ON_FLOOR


@lru_cache(maxsize=256)
def _ahead(key: KeyPose) -> np.ndarray:
    joints = np.array(key.joints)
    # told to look along Z, it need not quite
    return quat_rotate(about_y(-facing(joints[None])[0]), joints)


def placed(key: KeyPose, floor: np.ndarray, angle: float) -> np.ndarray:
    """Return what `seen` does, but where the key says and looking as it says, if it does."""
    if key.place is not None:
        floor = np.array([key.place[0], 0, key.place[1]])
    return seen(key, floor, angle if key.facing is None else np.radians(key.facing))


def met(key: KeyPose, joints: np.ndarray) -> Met:
    """Return how nearly a key is met by a pose (22, 3); where it has no place or facing of its own,
    its parts are those of the pose's."""
    look = facing(joints[None])[0]
    apart = np.linalg.norm(joints - placed(key, joints[0], look), axis=-1)
    far = None if key.place is None else float(np.hypot(*(joints[0, [0, 2]] - key.place)))
    turned = (
        None if key.facing is None else float((np.degrees(look) - key.facing + 180) % 360 - 180)
    )
    parts = {p: float(apart.mean() if p == "body" else apart[ENDS[p]]) for p in key.parts}
    return Met(wish=key, at=key.at, missed=far, turned=turned, parts=parts)


def _told(joints: np.ndarray) -> tuple[tuple[float, float, float], ...]:
    return tuple((x, y, z) for x, y, z in joints.tolist())


assert {*ENDS, "body"} == {*PARTS}
