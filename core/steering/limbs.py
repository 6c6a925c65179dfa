"""Hands, feet and heads of solved poses put elsewhere: two bones bend, a spine leans.

Rotations are turned by as little as does it, so that a limb keeps its twist and its hinge its side;
what is out of reach is approached as far as the limb goes.
"""

from __future__ import annotations

import numpy as np

from core.body.feet import FootPins, holding
from core.body.legs import reach
from core.body.rotations import (
    normalize,
    quat_between,
    quat_from_axis_angle,
    quat_multiply,
    quat_rotate,
    quat_to_axis_angle,
    swing,
)
from core.body.skeleton import (
    ANKLES,
    BONE_LENGTHS,
    COLLARS,
    ELBOWS,
    HIPS,
    INDEX,
    KNEES,
    REST_JOINTS,
    SHOULDERS,
    TOES,
    WRISTS,
    forward,
    local_rotations,
)
from core.body.soles import flat_heights

LEGS, ARMS = (HIPS, KNEES, ANKLES), (SHOULDERS, ELBOWS, WRISTS)
SPINE = [INDEX[name] for name in ("spine1", "spine2", "spine3", "neck")]
HEAD, CHEST = INDEX["head"], INDEX["spine3"]
_MOST_LEAN = np.radians(60)
_ROUNDS = 3
"""A spine that leans has its head on another arc than a rod; this often it is led back."""
_STANDING = 0.01, 0.04
"""Heights (m) of a sole below which a body sinks to let it stand, above which it does not."""
_REST = REST_JOINTS.astype(np.float64)


def bend(
    joints: np.ndarray, world: np.ndarray, limbs: tuple[list[int], ...], ends: np.ndarray
) -> None:
    """Bend both arms or both legs so that they end at `ends` (T, 2, 3); changes `world` only.

    `joints` (T, 22, 3) and `world`, rotations in the world (T, 22, 4), are of the same poses.
    """
    upper, middle, end = limbs
    if limbs is LEGS:
        ahead = joints[:, TOES] - joints[:, ANKLES]
    else:  # straight arms bend with their elbows back
        ahead = np.repeat(quat_rotate(world[:, [CHEST]], np.array([0.0, 0, -1])), 2, axis=1)
    lengths = [BONE_LENGTHS[part].astype(np.float64) for part in (middle, end)]
    starts = joints[:, upper]
    points = reach(starts, ends, joints[:, middle] - starts, ahead, *lengths)
    for group, below, point in zip((upper, middle), (middle, end), points, strict=True):
        world[:, group] = swing(world[:, group], normalize(_REST[below] - _REST[group]), point)


def lean(root: np.ndarray, local: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """Return rotations (T, 22, 4) of poses whose spines lean until their heads are at `heads`."""
    shares = np.zeros(len(_REST))
    shares[SPINE] = np.arange(1, 5) / 4
    shares[HEAD] = 1
    shares[[*COLLARS, *SHOULDERS, *ELBOWS, *WRISTS]] = shares[CHEST]
    for _ in range(_ROUNDS):
        joints, world = forward(root, local)
        base = joints[:, SPINE[0]]
        turn = quat_to_axis_angle(quat_between(joints[:, HEAD] - base, heads - base))
        angle = np.linalg.norm(turn, axis=-1, keepdims=True)
        turn = turn * np.minimum(1, _MOST_LEAN / np.maximum(angle, _MOST_LEAN))
        turns = quat_from_axis_angle(turn[:, None] * shares[:, None])
        local = local_rotations(quat_multiply(turns, world))
    return local


class Stance:
    """Keep feet that stand where they are while the body over them is moved.

    As in solving a body for the first time (core.body.feet), but on solved poses; a body whose
    standing feet come out of reach sinks. The state carries over from chunk to chunk.
    """

    def __init__(self) -> None:
        self._pins = FootPins()

    def push(
        self, root: np.ndarray, local: np.ndarray, contacts: np.ndarray, ankles: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return roots (T, 3) and rotations (T, 22, 4) of bodies whose legs lead to `ankles`
        (T, 2, 3), or to where they stand; `contacts` are (T, 4)."""
        joints, world = forward(root, local)
        toes = ankles + joints[:, TOES] - joints[:, ANKLES]
        bits = contacts.reshape(-1, 2, 2).astype(np.float64)
        offsets = self._pins.push(ankles, toes, bits)
        ends = ankles + offsets
        drop = _out_of_reach(joints[:, HIPS], ends, normalize(toes - ankles))
        root, joints = root.copy(), joints.copy()
        root[:, 1] -= drop
        joints[..., 1] -= drop[:, None]
        bend(joints, world, LEGS, ends)
        return root, local_rotations(world)


def _out_of_reach(hips: np.ndarray, ankles: np.ndarray, feet: np.ndarray) -> np.ndarray:
    """Return by how much (T,) hips have to sink for legs to reach ankles of feet on the floor."""
    longest = (BONE_LENGTHS[KNEES] + BONE_LENGTHS[ANKLES]).astype(np.float64) * (1 - 1e-4)
    line = hips - ankles
    flat = line[..., 0] ** 2 + line[..., 2] ** 2
    over = line[..., 1] - np.sqrt(np.maximum(longest**2 - flat, 0.25 * longest**2))
    stands = holding(flat_heights(ankles, feet), *_STANDING)
    return np.maximum(over * stands, 0).max(axis=1)
