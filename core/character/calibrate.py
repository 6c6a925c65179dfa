"""From a file's nodes at rest to a rig: axes, size, stance, legs and soles."""

from __future__ import annotations

import numpy as np

from core.body.legs import leg_lengths
from core.body.rotations import matrix_to_quat, quat_inverse, quat_multiply, quat_to_matrix
from core.body.skeleton import ANKLES, HIPS, JOINTS, KNEES, REST_JOINTS, REST_TOE_HEIGHT, TOES
from core.body.soles import TIP
from core.capture.gltf_file import Document, Json
from core.capture.gltf_pose import Transform, after, local
from core.capture.gltf_tree import Tree
from core.capture.retarget import stance
from core.capture.source import Match
from core.capture.standing import rest_frame
from core.character.rig import Rig, drive, path_up, top
from core.character.soles import foot_vertices, outline

_LEG = float(leg_lengths(REST_JOINTS[HIPS], REST_JOINTS[KNEES], REST_JOINTS[ANKLES]).mean())
EVEN = 0.1
"""Share by which a joint's scale may differ from axis to axis."""
_LEGS = HIPS, KNEES, ANKLES
_BALLS = (REST_JOINTS[TOES] - REST_JOINTS[ANKLES]).astype(np.float64)
_TALLEST = 0.4
"""Meters of ours from a sole to its ankle at most."""
_TREAD = -0.3, 1, 1.5
"""Heel, ball and tip of a foot that no mesh tells, in shares of the way from ankle to ball."""

Pose = dict[int, Transform]
"""Of the file's nodes."""


def spots(pose: Pose, nodes: list[int]) -> np.ndarray:
    """Return where some nodes are in a pose, (K, 3)."""
    return np.concatenate([pose[i][0] for i in nodes])


def calibrated(
    document: Document,
    tree: Tree,
    found: Match,
    parents: tuple[int, ...],
    names: tuple[str, ...],
    pose: Pose,
) -> tuple[Rig, Transform] | None:
    """Return the rig of a skeleton that rests in `pose`, and how its K nodes stand there, in the
    rig's axes and meters; None where that is no stance.

    Raises ValueError for joints that are scaled to nothing, mirrored or stretched.
    """
    nodes, kept = document.json["nodes"], tree.kept
    scale = _leg(spots(pose, kept), found)
    root = top(found, parents, spots(pose, kept) / scale)
    rows, twists = drive(found, parents, names, root)
    moving = {kept[row.column] for row in rows}
    rest = _mixed(nodes, tree, pose, moving)
    frame = rest_frame(spots(rest, kept), found)
    if frame is None:
        return None
    per = _leg(spots(rest, kept), found)
    ours = frame.T / per

    def seen(node: int) -> Transform:
        place, linear, turn = rest[node]
        return (ours @ place[0])[None], (ours @ linear[0])[None], quat_multiply(facing, turn)

    facing = matrix_to_quat(frame.T)
    world = {node: seen(node) for node in tree.order}
    places = spots(world, kept)
    at = {row.column: i for i, row in enumerate(rows)}
    holders = tuple(
        next((at[c] for c in path_up(row.column, parents)[1:] if c in at), -1) for row in rows
    )
    origin = np.zeros((1, 3)), (frame.T / per)[None], facing[None]
    held = [world.get(tree.parents[kept[row.column]], origin) for row in rows]
    carriers = np.stack([places[rows[h].column] if h >= 0 else np.zeros(3) for h in holders])
    linear = np.concatenate([linear for _, linear, _ in held])
    if not np.abs(np.linalg.det(linear)).min() > 0:
        raise ValueError("a node above its joints is scaled to nothing")
    linears, turned = (np.concatenate([world[node][part] for node in kept]) for part in (1, 2))
    legs, balls, soles = _feet(document, parents, kept, found, world)
    return Rig(
        rows=rows,
        rest=places[[row.column for row in rows]],
        turns=np.concatenate([world[kept[row.column]][2] for row in rows]),
        above=np.concatenate([turn for _, _, turn in held]),
        hung=np.concatenate([place for place, _, _ in held]) - carriers,
        holders=holders,
        into=np.linalg.inv(linear),
        stance=stance(places, found, np.eye(3)),
        twists=twists,
        legs=legs,
        balls=balls,
        soles=soles,
        tilts=np.minimum(TIP / np.maximum(soles[..., 2].max(axis=1), TIP), 1),
        floor=float((legs[2][:, None] + soles)[..., 1].min()),
        per=per,
    ), (places, linears, turned)


def _leg(places: np.ndarray, found: Match) -> float:
    """How many of a file's units are a meter of ours."""
    legs = [
        leg_lengths(*(places[found.joints[f"{side}_{n}"]] for n in ("hip", "knee", "ankle")))
        for side in ("left", "right")
    ]
    if not min(legs) > 1e-9:
        raise ValueError("its legs have no length")
    return float(np.mean(legs)) / _LEG


def _mixed(nodes: list[Json], tree: Tree, pose: Pose, moving: set[int]) -> Pose:
    """Nodes that move turned as in `pose`, all others on them as they stand in the file."""
    rest: Pose = {}
    for i in tree.order:
        own, up = local(nodes[i], {}), tree.parents[i]
        place, linear, turn = own if up < 0 else after(rest[up], own)
        if i in moving:
            again = quat_multiply(pose[i][2], quat_inverse(turn))
            linear, turn = quat_to_matrix(again) @ linear, pose[i][2]
            sizes = np.linalg.svd(linear[0], compute_uv=False)
            if not (np.linalg.det(linear[0]) > 0 and sizes[0] < (1 + EVEN) * sizes[-1]):
                raise ValueError("its joints are mirrored or stretched; apply their scale first")
        rest[i] = place, linear, turn
    return rest


def _feet(
    document: Document, parents: tuple[int, ...], nodes: list[int], found: Match, world: Pose
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Legs, balls and soles of a Rig."""
    places = spots(world, nodes)
    legs = np.stack([[places[found.joints[JOINTS[i]]] for i in pair] for pair in _LEGS])
    ankles = [found.joints[JOINTS[i]] for i in ANKLES]
    below = [
        {node for c, node in enumerate(nodes) if ankle in path_up(c, parents)} for ankle in ankles
    ]
    balls, soles = [], []
    for ankle, toe, hung in zip(ankles, TOES, foot_vertices(document, below, world), strict=True):
        ball = found.joints.get(JOINTS[toe])
        away = _BALLS[len(balls)] if ball is None else places[ball] - places[ankle]
        points = hung - places[ankle]
        if not (len(points) and -_TALLEST < points[:, 1].min() < 0):  # none, or no foot's
            floor = away[1] - REST_TOE_HEIGHT
            points = np.array([away * [1, 0, 1] * k + [0, floor, 0] for k in _TREAD])
        balls.append(away)
        soles.append(outline(points))
    return legs, np.stack(balls), np.stack(soles)
