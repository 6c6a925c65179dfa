"""Poses of ours -> what the nodes of a character do, a few at a time.

Each node turns from its rest pose as ours turns from the stance in which our skeleton lies along
it, so limbs point where ours point, whatever the pose at rest. Feet stand where ours stand, as high
as ours above the floor with soles of their own, and as much further out as hips are wider; hips go
along, and legs reach by two-bone kinematics. Twists are spread over the nodes that share them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.body.feet import holding
from core.body.legs import reach
from core.body.rotations import (
    normalize,
    quat_from_axis_angle,
    quat_inverse,
    quat_multiply,
    quat_rotate,
    quat_slerp,
    swing,
)
from core.body.skeleton import ANKLES, HIPS, INDEX, KNEES, TOES, forward
from core.body.soles import heights
from core.character.rig import Rig

SOFT = 0.03
"""Difference (m) in height within which both feet say how high the hips are."""
CARRIES, FREE = 0.02, 0.1
"""Heights (m) of a sole below which a foot is where ours is, and above which its leg is as ours."""
UPRIGHT, SLANTED = 0.9, 0.6
"""Legs that point down like this, as a sine, tell how high a body stands; tell nothing."""
FLAT, LYING = 0.5, 0.2
"""Cosines of tilts of feet that stand, and of those that lie."""
MOST = 0.12
"""Largest rise or drop of the hips (m) for legs' sake."""
STEP = 0.1
"""Meters that a foot of ours steps while one of theirs gets to where it stands aside of it."""
_UP, _FLAT = np.array([[0.0, 1, 0], [1, 0, 1]])


@dataclass(frozen=True, eq=False)
class Moved:
    """T poses of a rig's N nodes, in its own axes and meters (see core.character.rig)."""

    places: np.ndarray
    """(T, N, 3)."""
    turns: np.ndarray
    """Since rest, relative to the world, (T, N, 4)."""


class Retargeter:
    """Moves one character; the state carries over from chunk to chunk."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._toes: np.ndarray | None = None
        self._out = np.zeros((2, 3))

    def push(self, root: np.ndarray, rotations: np.ndarray) -> Moved:
        """Move it by poses of ours: `root` (T, 3), local `rotations` (T, 22, 4)."""
        joints, world = forward(root.astype(np.float64), rotations.astype(np.float64))
        turned = quat_multiply(world, quat_inverse(self.rig.stance))
        middle = self._stand(joints, world, turned)
        return _moved(self.rig, turned, middle)

    def _stand(self, joints: np.ndarray, world: np.ndarray, turned: np.ndarray) -> np.ndarray:
        """Point legs, in `turned`, at where feet are to be; return the hips' middle (T, 3)."""
        rig = self.rig
        soles = np.maximum(heights(joints[:, ANKLES], world[:, ANKLES]), 0)
        carries = holding(soles, CARRIES, FREE)
        feet = turned[:, ANKLES] = _levelled(turned[:, ANKLES], carries * (1 - rig.tilts))
        lowest = -quat_rotate(feet[:, :, None], rig.soles)[..., 1].min(axis=-1)
        ankles = joints[:, TOES] - quat_rotate(feet, rig.balls)
        ankles[..., 1] = soles + lowest
        offsets = rig.legs[0] - rig.legs[0].mean(axis=0)
        offsets = quat_rotate(turned[:, [INDEX["pelvis"]]], offsets)
        ours = joints[:, HIPS] - joints[:, HIPS].mean(axis=1, keepdims=True)
        ankles += self._aside((offsets - ours) * _FLAT, joints[:, TOES], 1 - carries)
        shifts = ankles - joints[:, ANKLES]
        near = np.exp((soles.min(axis=1, keepdims=True) - soles) / SOFT)
        near = near / near.sum(axis=1, keepdims=True)
        shift = shifts.mean(axis=1)
        shift[:, 1] = (near * shifts[..., 1]).sum(axis=1)
        middle = joints[:, HIPS].mean(axis=1) + shift

        bones = np.diff(rig.legs, axis=0)  # (2, 2, 3): thighs, shins
        thighs, shins = lengths = np.linalg.norm(bones, axis=-1)
        upper, lower = (
            normalize(joints[:, ends] - joints[:, begins])
            for begins, ends in ((HIPS, KNEES), (KNEES, ANKLES))
        )
        as_bent = thighs**2 + shins**2 + 2 * thighs * shins * np.vecdot(upper, lower)
        hips = middle[:, None] + offsets
        # stand as high as legs do that are bent like ours, and as those that carry can reach
        lines = ankles - hips
        flat = lines[..., 0] ** 2 + lines[..., 2] ** 2
        upright = holding(-normalize(lines)[..., 1], UPRIGHT, SLANTED)
        bent, straight = (
            lines[..., 1] + np.sqrt(np.maximum(square - flat, 0))
            for square in (as_bent, (0.9999 * lengths.sum(axis=0)) ** 2)
        )
        rise = (near * upright * np.clip(bent, -MOST, MOST)).sum(axis=1)
        over = carries * np.maximum(rise[:, None] - straight, 0)
        rise -= np.minimum(over.max(axis=1), MOST)
        middle[:, 1] += rise
        hips[..., 1] += rise[:, None]
        free = hips + upper * thighs[:, None] + lower * shins[:, None]
        free[..., 1] = np.maximum(free[..., 1], lowest)
        ankles = free + carries[..., None] * (ankles - free)
        knees, ahead = joints[:, KNEES] - joints[:, HIPS], joints[:, TOES] - joints[:, ANKLES]
        for group, bone, points in zip(
            (HIPS, KNEES), bones, reach(hips, ankles, knees, ahead, thighs, shins), strict=True
        ):
            turned[:, group] = swing(turned[:, group], bone, points)
        return middle

    def _aside(self, wanted: np.ndarray, toes: np.ndarray, free: np.ndarray) -> np.ndarray:
        """How far beside ours feet stand (T, 2, 3): as `wanted`, but they only get there as they
        step, or are `free` (T, 2)."""
        before = toes[:1] if self._toes is None else self._toes[None]
        steps = np.linalg.norm(np.diff(toes, axis=0, prepend=before), axis=-1)
        shares = np.minimum(np.maximum(steps / STEP, free), 1)[..., None]
        if self._toes is None:
            self._out = wanted[0]
        self._toes = toes[-1]
        out = np.empty_like(wanted)
        for t in range(len(out)):
            self._out = out[t] = self._out + shares[t] * (wanted[t] - self._out)
        return out


def retarget(rig: Rig, root: np.ndarray, rotations: np.ndarray) -> Moved:
    """Move a rig by a whole motion at once; see `Retargeter.push`."""
    return Retargeter(rig).push(root, rotations)


def _moved(rig: Rig, turned: np.ndarray, middle: np.ndarray) -> Moved:
    """All nodes, by how our joints (T, 22, 4) are turned since rest and the middle of the hips."""
    low, high = ([getattr(row, end) for row in rig.rows] for end in ("low", "high"))
    shares = np.array([row.share for row in rig.rows])
    turns = quat_slerp(turned[:, low], turned[:, high], np.tile(shares, (len(turned), 1)))
    for twist in rig.twists:
        begin, end = twist.bone
        axis = normalize(rig.rest[end] - rig.rest[begin])
        against, joint = twist.joints
        angle = _twist(quat_multiply(quat_inverse(turned[:, against]), turned[:, joint]), axis)
        more = quat_from_axis_angle(twist.share * angle[:, None] * axis)
        turns[:, twist.row] = quat_multiply(turns[:, twist.row], more)
    places = np.empty((*turns.shape[:2], 3))
    places[:, 0] = middle - quat_rotate(turns[:, 0], rig.legs[0].mean(axis=0) - rig.rest[0])
    for i, row in enumerate(rig.rows[1:], start=1):
        bone = rig.rest[i] - rig.rest[row.parent]
        places[:, i] = places[:, row.parent] + quat_rotate(turns[:, row.parent], bone)
    return Moved(places, turns)


def _levelled(feet: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Turn feet (T, 2, 4) by a share (T, 2) of the way to where they lie flat, if not far off."""
    level = swing(feet, _UP, _UP)
    share = share * holding(quat_rotate(feet, _UP)[..., 1], FLAT, LYING)
    return quat_slerp(feet, level, share)


def _twist(turns: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Return the angles (T,), -pi to pi, by which rotations (T, 4) turn about `axis` (3,)."""
    along = turns[:, 1:] @ axis
    return 2 * np.arctan2(np.where(turns[:, 0] < 0, -along, along), np.abs(turns[:, 0]))


def local_turns(rig: Rig, turns: np.ndarray) -> np.ndarray:
    """Rotations (T, N, 4) of nodes relative to those that they hang from in their file."""
    return quat_multiply(quat_inverse(rig.above), quat_multiply(_against(rig, turns), rig.turns))


def local_places(rig: Rig, moved: Moved, row: int) -> np.ndarray:
    """Places (T, 3) of one row relative to the node it hangs from, in that one's axes and units."""
    place, holder = moved.places[:, row], rig.holders[row]
    if holder >= 0:
        place = place - moved.places[:, holder]
        place = quat_rotate(quat_inverse(moved.turns[:, holder]), place)
    return (place - rig.hung[row]) @ rig.into[row].T


def _against(rig: Rig, turns: np.ndarray) -> np.ndarray:
    """Turns (T, N, 4) since rest relative to the rows that the nodes hang from in their file."""
    out = turns.copy()
    for i, holder in enumerate(rig.holders):
        if holder >= 0:
            out[:, i] = quat_multiply(quat_inverse(turns[:, holder]), turns[:, i])
    return out
