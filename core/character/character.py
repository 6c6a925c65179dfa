"""Reading a rigged character: GLB, glTF with what lies beside it, VRM 0 and VRM 1.

The pose in which its skin was bound is its rest pose, or else the one in which it stands in the
file. Textures are never decoded.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.body.legs import leg_lengths
from core.body.rotations import matrix_to_quat, quat_inverse, quat_multiply, quat_to_matrix
from core.body.skeleton import ANKLES, HIPS, JOINTS, KNEES, REST_JOINTS, REST_TOE_HEIGHT, TOES
from core.capture.gltf_file import Document, Json
from core.capture.gltf_pose import Transform, after, at_bind, humanoid, local, placed
from core.capture.gltf_tree import Tree, above, skeleton
from core.capture.joint_maps import check_name
from core.capture.matching import match
from core.capture.retarget import stance
from core.capture.source import Match, MatchError, Source
from core.capture.standing import rest_frame
from core.character.licence import Licence, licence
from core.character.rig import Rig, drive, path_up, top
from core.character.soles import foot_vertices, outline

SUFFIXES = (".glb", ".gltf", ".vrm")
MOST_FILE = 64_000_000
"""Bytes."""
_LEG = float(leg_lengths(REST_JOINTS[HIPS], REST_JOINTS[KNEES], REST_JOINTS[ANKLES]).mean())
_ABROAD = {
    ".fbx": "is FBX, which is not read here; open it in Blender (File > Import > FBX) and export"
    " it as glTF 2.0 (.glb)",
    ".blend": "is a Blender file; open it in Blender and export it as glTF 2.0 (.glb)",
}
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Character:
    """A rigged character as its file tells it."""

    path: Path
    rig: Rig
    match: Match
    """Which of its nodes are our joints, by their number among `names`."""
    names: tuple[str, ...]
    """Of the nodes of its skeleton, as the file has them."""
    parents: tuple[int, ...]
    """Of each of these, -1 for roots; parents stand before their children."""
    nodes: tuple[int, ...]
    """Their numbers in the file."""
    places: np.ndarray
    """Where they are at rest, (K, 3), in the rig's axes and meters."""
    licence: Licence | None
    """None for what is no VRM."""

    @property
    def name(self) -> str:
        """Its file's name."""
        return self.path.name

    @property
    def credit(self) -> str:
        """Whose it is, as far as its file says."""
        return str(self.licence or "")

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the visitor."""
        return self.match.notes


def read_character(path: str | Path, joint_map: str | dict[str, Any] | None = None) -> Character:
    """Read a file; `joint_map` says which nodes are our joints where that is not found out.

    Raises ValueError with the file's name where it is no character, MatchError (one of these, with
    the skeleton) where joints are not found.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        what = _ABROAD.get(suffix, f"is no character; those are {', '.join(SUFFIXES)}")
        raise ValueError(f"{path.name} {what}")
    if not path.is_file():
        raise ValueError(f"there is no file {path.name}")
    if path.stat().st_size > MOST_FILE:
        raise ValueError(
            f"{path.name} has more than {MOST_FILE // 10**6} MB; make its textures smaller"
        )
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what is no number is found where used
            return _read(Document(path), path, joint_map)
    except MatchError as error:
        raise MatchError(f"{path.name} cannot be moved: {error}", error.skeleton) from error
    except (AttributeError, LookupError, TypeError, OverflowError, struct.error) as error:
        raise ValueError(f"{path.name} is not a readable glTF file") from error
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be moved: {error}") from error


def _read(document: Document, path: Path, joint_map: str | dict[str, Any] | None) -> Character:
    nodes, skins = document.json["nodes"], document.json.get("skins", ())
    if not skins:
        raise ValueError("it has no skin, a mesh that bones move; export it with its armature")
    joints = [*dict.fromkeys(joint for skin in skins for joint in skin["joints"])]
    whole = {**document.json, "skins": [{"joints": joints}]}
    tree = skeleton(whole, {*range(len(nodes))})
    column = {node: i for i, node in enumerate(tree.kept)}
    parents = tuple(column.get(above(i, tree.parents, column), -1) for i in tree.kept)
    names = tuple(check_name(str(nodes[i].get("name") or f"node{i}")) for i in tree.kept)
    still = placed(nodes, tree, {})
    told = {node: str(bone) for bone, node in humanoid(document.json)}
    source = Source(
        names=tuple(told.get(i) or name for i, name in zip(tree.kept, names, strict=True)),
        parents=parents,
        positions=_places(still, tree.kept)[None],
        rate=1.0,
    )
    if not np.isfinite(source.positions).all():
        raise ValueError("it has joints at places that are no numbers")
    found = match(source, joint_map or ("humanoid" if told else None))
    ours = {tree.kept[i] for i in found.joints.values()}
    skin = max(skins, key=lambda skin: len(ours & {*skin["joints"]}))
    bound = at_bind(document, replace(tree, skin=skin))
    for pose in (bound, still):
        found_rig = _calibrated(document, tree, found, parents, names, pose)
        if found_rig is not None:
            rig, places = found_rig
            return Character(
                path=path,
                rig=rig,
                match=found,
                names=names,
                parents=parents,
                nodes=tuple(tree.kept),
                places=places,
                licence=licence(document.json),
            )
    raise ValueError("it does not stand upright at rest; export it standing, arms out or down")


def _places(pose: Pose, nodes: list[int]) -> np.ndarray:
    return np.concatenate([pose[i][0] for i in nodes])


def _calibrated(
    document: Document,
    tree: Tree,
    found: Match,
    parents: tuple[int, ...],
    names: tuple[str, ...],
    pose: Pose,
) -> tuple[Rig, np.ndarray] | None:
    """Rig and places (K, 3) of a skeleton that rests in `pose`; None where that is no stance."""
    nodes, kept = document.json["nodes"], tree.kept
    # two looks: what moves is known only once it is known how large it is
    scale = _leg(_places(pose, kept), found)
    root = top(found, parents, _places(pose, kept) / scale)
    rows, twists = drive(found, parents, names, root)
    moving = {kept[row.column] for row in rows}
    rest = _mixed(nodes, tree, pose, moving)
    frame = rest_frame(_places(rest, kept), found)
    if frame is None:
        return None
    per = _leg(_places(rest, kept), found)
    ours = frame.T / per

    def seen(node: int) -> Transform:
        place, linear, turn = rest[node]
        return (ours @ place[0])[None], (ours @ linear[0])[None], quat_multiply(facing, turn)

    facing = matrix_to_quat(frame.T)
    world = {node: seen(node) for node in tree.order}
    places = _places(world, kept)
    at = {row.column: i for i, row in enumerate(rows)}
    holders = tuple(
        next((at[c] for c in path_up(row.column, parents)[1:] if c in at), -1) for row in rows
    )
    origin = np.zeros((1, 3)), (frame.T / per)[None], facing[None]
    held = [world.get(tree.parents[kept[row.column]], origin) for row in rows]
    carriers = np.stack([places[rows[h].column] if h >= 0 else np.zeros(3) for h in holders])
    legs, balls, soles = _feet(document, parents, kept, found, world)
    return Rig(
        rows=rows,
        rest=places[[row.column for row in rows]],
        turns=np.concatenate([world[kept[row.column]][2] for row in rows]),
        above=np.concatenate([turn for _, _, turn in held]),
        hung=np.concatenate([place for place, _, _ in held]) - carriers,
        holders=holders,
        linear=np.concatenate([linear for _, linear, _ in held]),
        stance=stance(places, found, np.eye(3)),
        twists=twists,
        legs=legs,
        balls=balls,
        soles=soles,
        floor=float((legs[2][:, None] + soles)[..., 1].min()),
        per=per,
    ), places


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
    places = _places(world, nodes)
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
