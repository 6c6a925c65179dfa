"""Skeletons of FBX files: bones at rest, and the curves that move them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.body.rotations import quat_inverse, quat_multiply, quat_rotate, quat_to_matrix
from core.export.bvh import euler_zyx
from core.export.fbx_file import Node, node
from core.export.fbx_scene import Scene, properties, times

_UNTURNED = (1.0, 0.0, 0.0, 0.0)
_AXES = tuple(enumerate("XYZ"))
BEHIND = 0.01
"""How far (cm) a bone rests behind where it would, if one travels that hangs from it: did it end in
that one, Blender would lock that to its end."""
_STRAIGHT = 0x6104
"""Flags of a key from which a straight line leads to the next."""


@dataclass(frozen=True, kw_only=True)
class Rig:
    """A skeleton at rest, relative to the world; parents stand before their children."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    places: np.ndarray
    """(N, 3), centimeters."""
    frames: np.ndarray
    """(N, 4)."""

    def local(self, turns: np.ndarray) -> np.ndarray:
        """Rotations (..., N, 4) of bones, framed as those above, of ones that know no frames."""
        above = self._above(self.frames, _UNTURNED)
        return quat_multiply(quat_inverse(above), quat_multiply(turns, self.frames))

    def offsets(self) -> np.ndarray:
        """Places (N, 3) relative to the bones above."""
        above = self._above(self.frames, _UNTURNED)
        return quat_rotate(quat_inverse(above), self.places - self._above(self.places, (0, 0, 0)))

    def matrices(self) -> np.ndarray:
        """Matrices (N, 4, 4) from bones to the world, transposed, as the format has them."""
        matrices = np.tile(np.eye(4), (len(self.names), 1, 1))
        matrices[:, :3, :3] = quat_to_matrix(self.frames).transpose(0, 2, 1)
        matrices[:, 3, :3] = self.places
        return matrices

    def _above(self, values: np.ndarray, world: tuple[float, ...]) -> np.ndarray:
        return np.concatenate([values, [world]])[list(self.parents)]  # -1 is the last


def add_bones(scene: Scene, rig: Rig) -> list[int]:
    """Add a skeleton at rest; return the bones' numbers."""
    bones: list[int] = []
    unturned = np.broadcast_to(_UNTURNED, (1, len(rig.names), 4))
    angles = _angles(rig.local(unturned))[0]
    for name, parent, place, turn in zip(
        rig.names, rig.parents, rig.offsets(), angles, strict=True
    ):
        rest = properties(
            ("DefaultAttributeIndex", "int", "Integer", "", 0),
            ("Lcl Translation", "Lcl Translation", "", "A", *place.tolist()),
            ("Lcl Rotation", "Lcl Rotation", "", "A", *turn.tolist()),
        )
        above = bones[parent] if parent >= 0 else 0
        bones.append(scene.add("Model", name, "LimbNode", node("Version", 232), rest, to=above))
        kind = node("TypeFlags", "Skeleton")
        scene.add("NodeAttribute", name, "LimbNode", kind, properties(), to=bones[-1])
    return bones


def add_bind_pose(scene: Scene, rig: Rig, bones: list[int], meshes: list[int]) -> None:
    """Say that meshes, themselves in the origin, were bound to the bones where they rest."""
    matrices = [np.eye(4)] * len(meshes) + [*rig.matrices()]
    posed = zip([*meshes, *bones], matrices, strict=True)
    poses = [
        node("PoseNode", node("Node", np.int64(number)), node("Matrix", matrix.ravel()))
        for number, matrix in posed
    ]
    head = node("Type", "BindPose"), node("Version", 100), node("NbPoseNodes", len(poses))
    scene.add("Pose", "BindPose", "BindPose", *head, *poses, to=None)


def add_animation(
    scene: Scene,
    name: str,
    fps: float,
    bones: list[int],
    rotations: np.ndarray,
    places: dict[int, np.ndarray],
) -> None:
    """Add a take, a key for each pose.

    `rotations` (T, N, 4) are all bones', relative to the ones above, `places` (T, 3) in centimeters
    those of bones that travel.
    """
    angles, at = _angles(rotations), times(len(rotations), fps)
    layer = scene.add_take(name, at[-1])

    def drive(bone: int, what: str, values: np.ndarray) -> None:
        first = ((f"d|{axis}", "Number", "", "A", float(values[0, k])) for k, axis in _AXES)
        curves = scene.add("AnimationCurveNode", what[4], "", properties(*first), to=layer)
        scene.link(curves, bones[bone], what)
        for k, axis in _AXES:
            curve = scene.add("AnimationCurve", "", "", *_curve(at, values[:, k]), to=None)
            scene.link(curve, curves, f"d|{axis}")

    for bone, path in places.items():
        drive(bone, "Lcl Translation", path)
    for bone in range(len(bones)):
        drive(bone, "Lcl Rotation", angles[:, bone])


def _curve(at: np.ndarray, values: np.ndarray) -> list[Node]:
    """Keys of one curve."""
    return [
        node("Default", float(values[0])),
        node("KeyVer", 4008),
        node("KeyTime", at),
        node("KeyValueFloat", values.astype(np.float32)),
        # one set of flags and tangents, for all keys
        node("KeyAttrFlags", np.array([_STRAIGHT], np.int32)),
        node("KeyAttrDataFloat", np.zeros(4, np.float32)),
        node("KeyAttrRefCount", np.array([len(at)], np.int32)),
    ]


def _angles(rotations: np.ndarray) -> np.ndarray:
    """Continuous angles (T, N, 3), degrees, about X, then Y, then Z."""
    return euler_zyx(rotations)[..., ::-1]
