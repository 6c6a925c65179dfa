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
from core.body.twists import dot

LEGS, ARMS = (HIPS, KNEES, ANKLES), (SHOULDERS, ELBOWS, WRISTS)
SPINE = [INDEX[name] for name in ("spine1", "spine2", "spine3", "neck")]
HEAD, CHEST = INDEX["head"], INDEX["spine3"]
_MOST_LEAN = np.radians(60)
_ROUNDS = 3
"""A spine that leans has its head on another arc than a rod; this often it is led back."""
_BENT = 0.06, 0.02
"""How far (m) off the line of its limb a hinge tells which way it bends; does not tell."""
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
    # a knee bends to the front, an elbow to the back
    front = np.array([0.0, 0, 1 if limbs is LEGS else -1])
    ahead = quat_rotate(world[:, upper], front)
    first, second = (BONE_LENGTHS[part].astype(np.float64) for part in (middle, end))
    starts = joints[:, upper]
    ends = starts + _softly(ends - starts, joints[:, end] - starts, first + second)
    hinges = _hinges(joints[:, middle] - starts, joints[:, end] - starts, ahead)
    points = reach(starts, ends, hinges, ahead, first, second)
    for group, below, point in zip((upper, middle), (middle, end), points, strict=True):
        world[:, group] = swing(world[:, group], normalize(_REST[below] - _REST[group]), point)


def _hinges(hinges: np.ndarray, lines: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Return where knees or elbows (T, 2, 3) bend out of the `lines` of their limbs: where they do,
    but nearly straight ones, which may be overstretched, the way they would."""
    lines = normalize(lines)
    off, front = (x - dot(x, lines)[..., None] * lines for x in (hinges, ahead))
    far = np.linalg.norm(off, axis=-1)
    sure = (holding(far, *_BENT) * (dot(off, front) > 0))[..., None]
    return sure * normalize(off) + (1 - sure) * normalize(front)


def _softly(lines: np.ndarray, own: np.ndarray, longest: np.ndarray) -> np.ndarray:
    """Return lines (T, 2, 3) that leave a limb some bend where they are longer than its `own`."""
    far, was = (np.linalg.norm(x, axis=-1) for x in (lines, own))
    room, over = np.maximum(longest - was, 1e-3), np.maximum(far - was, 0)
    soft = np.minimum(far, was) + room * (1 - np.exp(-over / room))
    return lines * (soft / np.maximum(far, 1e-6))[..., None]


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
        drop = _sinks(joints, ends, normalize(toes - ankles))
        root, joints = root.copy(), joints.copy()
        root[:, 1] -= drop
        joints[..., 1] -= drop[:, None]
        bend(joints, world, LEGS, ends)
        return root, local_rotations(world)


def _sinks(joints: np.ndarray, ankles: np.ndarray, feet: np.ndarray) -> np.ndarray:
    """Return by how much (T,) bodies sink whose feet, on the floor, are further off than legs bent
    as they are reach."""
    hips = joints[:, HIPS]
    own, line = hips - joints[:, ANKLES], hips - ankles
    square = (own**2).sum(axis=-1) - line[..., 0] ** 2 - line[..., 2] ** 2
    over = line[..., 1] - np.sqrt(np.maximum(square, 0.1))
    stands = holding(flat_heights(ankles, feet), *_STANDING)
    return np.maximum(over * stands, 0).max(axis=1)
