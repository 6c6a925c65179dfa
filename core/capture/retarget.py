"""A file's skeleton in motion -> the same motion of ours.

Motion is told in leg lengths, so that units do not matter. The middle of the hips and the ankles go
where the file's go, and legs bend as its legs do, wherever it has its hips. A file's own rotations
are used: what a joint turns by from its rest pose is what ours turns by, once limbs are laid along
its limbs at rest (T-pose, A-pose, hanging arms). Where that pose is none that a body can take, as
with exporters that lay all bones along one axis, the pose solver says how a joint and ours stand to
each other on average. Files of positions alone are solved by it throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.body.ik import PoseSolver
from core.body.legs import AGAIN, leg_lengths, to_stand
from core.body.rotations import (
    cross,
    matrix_to_quat,
    normalize,
    quat_between,
    quat_inverse,
    quat_multiply,
    quat_rotate,
    quat_slerp,
    swing,
)
from core.body.skeleton import (
    ANKLES,
    ELBOWS,
    HIPS,
    JOINTS,
    KNEES,
    PARENTS,
    REST_JOINTS,
    SHOULDERS,
    TOES,
    WRISTS,
    global_rotations,
)
from core.body.soles import heights
from core.capture.positions import to_skeleton
from core.capture.resample import at_our_rate
from core.capture.source import Match, Source, astray
from core.capture.standing import from_axis, rest_frame, upright

_REST = REST_JOINTS.astype(np.float64)
_HIP_MIDDLE = _REST[HIPS].mean(axis=0) - _REST[0]
_LEG = float(leg_lengths(_REST[HIPS], _REST[KNEES], _REST[ANKLES]).mean())
_LIMBS = tuple(
    zip((*HIPS, *KNEES, *SHOULDERS, *ELBOWS), (*KNEES, *ANKLES, *ELBOWS, *WRISTS), strict=True)
)
"""Bones whose direction a file tells, parents first."""
_SAME_WAY = np.cos(np.radians(20) / 2)
"""Feet at rest that differ by a smaller angle point the same way."""
MOST_LEGS = 100
"""Leg lengths that a joint may be away from the pelvis. How far a body gets is bounded by its size,
see `source.astray`, and so by this."""


@dataclass(frozen=True, kw_only=True)
class Motion:
    """A motion of our skeleton, 20 poses a second, Y up; not yet put on the floor."""

    root: np.ndarray
    """(T, 3) float64, meters."""
    world: np.ndarray
    """Rotations relative to the world, (T, 22, 4) float64."""
    floor: float | None
    """Height (m) of the floor that the file's rest pose stands on; None if it has none."""
    scale: float
    """Meters of ours in one unit of the file."""
    turn: np.ndarray
    """Rotation (4,) from the file's axes to ours."""
    frame: np.ndarray | None
    """Left, up and ahead of the file's rest pose as columns (3, 3); None if it has none."""
    notes: tuple[str, ...] = ()


def retarget(source: Source, match: Match, *, up: str | None = None) -> Motion:
    """Let our skeleton do what a file's does; `up`, x, y or z, replaces what its posture says.

    Raises ValueError for legs without length, another axis, and bodies that are nowhere or none.
    """
    source, match = _reduced(source, match)
    if (far := astray(source.positions)) is not None:
        raise ValueError(f"pose {far + 1} lies far off all others, so its numbers must be wrong")
    source = at_our_rate(source)
    frame = rest_frame(source.rest, match)
    turn, note = upright(source, match, frame) if up is None else (from_axis(up), "")
    scale = _LEG / _leg(source.positions, match)
    places = quat_rotate(turn, source.positions * scale)
    _check(places, match)
    if source.rotations is None:
        root, world = _solved(places, match)
    else:
        turns = quat_multiply(turn, source.rotations)
        world = _turned(source, match, turns, places, frame)
        root = _stand(match, places, world)
    return Motion(
        root=root,
        world=world,
        floor=None if frame is None else _floor(source, match, frame, scale),
        scale=scale,
        turn=turn,
        frame=frame,
        notes=(*source.notes, *filter(None, [note])),
    )


def _check(places: np.ndarray, match: Match) -> None:
    """Raise ValueError where places (T, N, 3) in meters are none of a body."""
    pelvis = places[:, match.joints["pelvis"]]
    if not np.abs(places - pelvis[:, None]).max() <= MOST_LEGS * _LEG:
        raise ValueError(f"a joint is more than {MOST_LEGS} leg lengths away from the pelvis")


def _reduced(source: Source, match: Match) -> tuple[Source, Match]:
    """Only the nodes that are some joint of ours."""
    kept = sorted({*match.joints.values(), *match.spine, *match.neck})
    new = {node: i for i, node in enumerate(kept)}

    def part(array: np.ndarray | None, axis: int) -> np.ndarray | None:
        return None if array is None else np.take(array, kept, axis)

    smaller = replace(
        source,
        names=tuple(source.names[i] for i in kept),
        parents=(),
        positions=np.take(source.positions, kept, 1),
        rotations=part(source.rotations, 1),
        rest=part(source.rest, 0),
        rest_rotations=part(source.rest_rotations, 0),
    )
    return smaller, replace(
        match,
        joints={joint: new[node] for joint, node in match.joints.items()},
        spine=tuple(new[node] for node in match.spine),
        neck=tuple(new[node] for node in match.neck),
    )


def _leg(positions: np.ndarray, match: Match) -> float:
    """Mean length of the legs in the file's units."""
    legs = [
        leg_lengths(*(positions[:, match.joints[f"{side}_{n}"]] for n in ("hip", "knee", "ankle")))
        for side in ("left", "right")
    ]
    lengths = np.median(legs, axis=1)
    if not lengths.min() > 1e-9:
        raise ValueError("the legs have no length; the skeleton's offsets are all zero")
    return float(lengths.mean())


@dataclass(frozen=True)
class _Drivers:
    """Which nodes turn each of our joints, (22,): from `low` a `share` of the way to `high`."""

    low: np.ndarray
    high: np.ndarray
    share: np.ndarray

    @classmethod
    def of(cls, match: Match) -> _Drivers:
        """Spread the spine's nodes over our three; what is missing goes with its neighbors."""
        found = match.joints
        trunk = (found["pelvis"], *match.spine)
        chest = trunk[-1]
        head = found.get("head", found.get("neck", chest))
        rows: dict[str, tuple[int, int, float]] = {"head": (head, head, 0.0)}
        for i in (1, 2, 3):
            at = i * (len(trunk) - 1) / 3
            low = min(int(at), len(trunk) - 1)
            rows[f"spine{i}"] = trunk[low], trunk[min(low + 1, len(trunk) - 1)], at - low
        rows["neck"] = (chest, head, 0.5)
        if match.neck:
            middle = match.neck[len(match.neck) // 2]
            rows["neck"] = middle, middle, 0.0
        for side in ("left", "right"):
            elbow, ankle = found[f"{side}_elbow"], found[f"{side}_ankle"]
            for name, instead in (("collar", chest), ("wrist", elbow), ("foot", ankle)):
                node = found.get(f"{side}_{name}", instead)
                rows[f"{side}_{name}"] = node, node, 0.0
        table = [rows.get(joint) or (found[joint], found[joint], 0.0) for joint in JOINTS]
        low, high, share = (np.array(column) for column in zip(*table, strict=True))
        return cls(low, high, share)

    def turn(self, turns: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Our rotations (T, 22, 4) by the nodes' `turns` (T, N, 4) and what ours are to each."""
        lower = quat_multiply(turns[:, self.low], low)
        upper = quat_multiply(turns[:, self.high], high)
        return quat_slerp(lower, upper, np.broadcast_to(self.share, lower.shape[:-1]))


def _turned(
    source: Source, match: Match, turns: np.ndarray, places: np.ndarray, frame: np.ndarray | None
) -> np.ndarray:
    """World rotations (T, 22, 4) by the file's own."""
    drivers = _Drivers.of(match)
    if frame is None or source.rest is None or source.rest_rotations is None:
        _, solved = _solved(places, match)
        low, high = (
            _mean(quat_multiply(quat_inverse(turns[:, nodes]), solved))
            for nodes in (drivers.low, drivers.high)
        )
    else:
        laid = stance(source.rest, match, frame)
        low, high = (
            quat_multiply(quat_inverse(source.rest_rotations[nodes]), laid)
            for nodes in (drivers.low, drivers.high)
        )
    world = drivers.turn(turns, low, high)
    for joint, child in _LIMBS:
        if JOINTS[child] in match.joints:
            bone = places[:, match.joints[JOINTS[child]]] - places[:, match.joints[JOINTS[joint]]]
            world[:, joint] = swing(world[:, joint], _REST[child] - _REST[joint], bone)
    return world


def _solved(places: np.ndarray, match: Match) -> tuple[np.ndarray, np.ndarray]:
    """Root (T, 3) and world rotations (T, 22, 4) by places alone."""
    joints = to_skeleton(places, match)
    begin = joints[0, 0] * [1, 0, 1]  # far from the origin float32 is coarse
    root, local = PoseSolver(foot_contacts=False).push(joints - begin)
    return root + begin, global_rotations(local.astype(np.float64))


def _mean(q: np.ndarray) -> np.ndarray:
    """Mean over time of rotations (T, J, 4): Markley's, the largest eigenvector."""
    _, vectors = np.linalg.eigh(np.einsum("tji,tjk->jik", q, q))
    return vectors[..., -1]


def stance(rest: np.ndarray, match: Match, frame: np.ndarray) -> np.ndarray:
    """Our rotations (22, 4) in a file's rest pose (N, 3), relative to the file's world.

    Trunk, collars and head are upright there; limbs lie along its limbs, feet point where its feet
    point, level as they are.
    """
    facing = matrix_to_quat(frame)
    out = np.tile(facing, (len(JOINTS), 1))

    def bone(joint: int, child: int) -> np.ndarray | None:
        a, b = match.joints.get(JOINTS[joint]), match.joints.get(JOINTS[child])
        return None if a is None or b is None else rest[b] - rest[a]

    for joint, child in _LIMBS:
        if joint in (*KNEES, *ELBOWS):
            out[joint] = out[PARENTS[joint]]
        if (direction := bone(joint, child)) is not None:
            out[joint] = swing(out[joint], _REST[child] - _REST[joint], direction)
    for joint in WRISTS:
        out[joint] = out[PARENTS[joint]]
    level = np.eye(3) - np.outer(frame[:, 1], frame[:, 1])
    for ankle, toe in zip(ANKLES, TOES, strict=True):
        if (direction := bone(ankle, toe)) is not None:
            ours = level @ quat_rotate(facing, _REST[toe] - _REST[ankle])
            turn = quat_between(ours, level @ direction)
            # less than that is where a rig has its joints, not where its feet point
            if turn[0] < _SAME_WAY:
                out[ankle] = quat_multiply(turn, facing)
        out[toe] = out[ankle]
    return out


def _stand(match: Match, places: np.ndarray, world: np.ndarray) -> np.ndarray:
    """Point legs along the file's, in place; return the root (T, 3). Undoes `Body.fit`.

    The middle of the hips is the file's. Each ankle lies on the line of its leg, as far from our
    hip as our leg reaches, and the lowest sole is as high as the file's.
    """

    def pair(name: str) -> np.ndarray:
        return np.stack([places[:, match.joints[f"{s}_{name}"]] for s in ("left", "right")], axis=1)

    root = pair("hip").mean(axis=1) - quat_rotate(world[:, 0], _HIP_MIDDLE)
    hips = root[:, None] + quat_rotate(world[:, :1], _REST[HIPS] - _REST[0])
    legs = quat_rotate(world[:, HIPS], _REST[KNEES] - _REST[HIPS])
    legs += quat_rotate(world[:, KNEES], _REST[ANKLES] - _REST[KNEES])
    along = normalize(pair("ankle") - pair("hip"))
    lift, ankles = np.zeros((len(root), 1, 3)), pair("ankle")
    for _ in range(AGAIN):
        away = pair("hip") - hips - lift
        near = (away * along).sum(-1)
        reach = near**2 - (away**2).sum(-1) + (legs**2).sum(-1)  # of a sphere cut by a line
        ankles = pair("hip") + (np.sqrt(np.maximum(reach, 0)) - near)[..., None] * along
        lift = lift - to_stand(heights(ankles, world[:, ANKLES]), ankles - pair("ankle"))
    # about an axis across the file's leg, so that nothing twists
    wanted = normalize(ankles - hips - lift)
    axis = normalize(cross(along, wanted - normalize(legs)))
    flat = (v - (v * axis).sum(-1, keepdims=True) * axis for v in (legs, wanted))
    turns = quat_between(*flat)
    for bones in (HIPS, KNEES):
        world[:, bones] = quat_multiply(turns, world[:, bones])
    return root + lift[:, 0]


def _floor(source: Source, match: Match, frame: np.ndarray, scale: float) -> float:
    """Height (m) of the floor that the ankles of a rest pose tell."""
    heights = source.rest @ frame[:, 1] * scale
    return float((heights[[match.joints[JOINTS[i]] for i in ANKLES]] - _REST[ANKLES, 1]).mean())
