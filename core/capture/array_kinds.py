"""Kinds of motion in arrays: SMPL's rotations in every spelling, Kimodo's joints, positions.

Rotations of SMPL move the skeleton of its neutral template: a person's shape (`betas`) would need
SMPL's files, and where a motion stands is found by its feet. Its `trans` is where the template's
origin goes, a few decimeters above the pelvis.
"""

from __future__ import annotations

import numpy as np

from core.body.arrays import Archive
from core.body.features import NUM_FEATURES, decode
from core.body.rotations import (
    matrix_to_quat,
    quat_from_6d,
    quat_from_axis_angle,
    quat_inverse,
    quat_rotate,
)
from core.body.skeleton import (
    ANKLES,
    ELBOWS,
    FPS,
    JOINTS,
    KNEES,
    PARENTS,
    REST_JOINTS,
    WRISTS,
    forward,
)
from core.body.templates import neutral_rest
from core.capture.source import Source

MOST_NUMBER = 1e6
"""Of places, in whatever unit, and of radians."""
ROTATIONS = (
    *(("poses",), ("fullpose",), ("rot6d",)),
    *(("root_orient", "pose_body"), ("global_orient", "body_pose")),
)
PLACES = ("trans", "transl", "translation")
KIMODO = ("posed_joints", "global_rot_mats")
UNNAMED = "arr_0"
"""As np.savez calls an array without a name."""
PLAIN = ("joints", "positions", "keypoints3d", "features", UNNAMED)
"""Joints in the order of SMPL, or HumanML3D's features."""
_WIDTH_X = 165
"""Of `poses` of SMPL-X."""
_WIDTHS_6D = {(6 * joints,) for joints in (1, 21, 22, 23, 24)}
"""Of poses, where no body's rotation vectors are as wide."""
_LIMBS = [*KNEES, *ANKLES, *ELBOWS, *WRISTS]
_SOMA = """
    Hips Spine1:Hips Spine2:Spine1 Chest:Spine2 Neck1:Chest Neck2:Neck1 Head:Neck2
    LeftShoulder:Chest LeftArm:LeftShoulder LeftForeArm:LeftArm LeftHand:LeftForeArm
    RightShoulder:Chest RightArm:RightShoulder RightForeArm:RightArm RightHand:RightForeArm
    LeftLeg:Hips LeftShin:LeftLeg LeftFoot:LeftShin LeftToeBase:LeftFoot
    RightLeg:Hips RightShin:RightLeg RightFoot:RightShin RightToeBase:RightFoot
""".split()
"""Joints of NVIDIA's SOMA without face and fingers, each with the one above it."""
_SOMA_PLACES = {
    77: [*range(7), *range(11, 15), *range(39, 43), *range(67, 71), *range(72, 76)],
    30: [*range(7), *range(10, 14), *range(16, 20), *range(22, 30)],
}
"""Where they are among the joints that Kimodo writes; older files have 30."""


def count_poses(shape: tuple[int, ...]) -> int:
    """How many poses an array has by its shape."""
    shape = _without_ones(shape)
    return shape[2] if _time_last(shape) else shape[0] if len(shape) > 1 else 0


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without the leading ones that a batch of one leaves."""
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    return shape


def _time_last(shape: tuple[int, ...]) -> bool:
    """Whether it is (22 or more, 3, T), as MDM has its motions, and not rotation matrices."""
    return len(shape) == 3 and shape[0] >= len(JOINTS) and shape[1] == 3 != shape[2]


def _read(archive: Archive, name: str) -> np.ndarray:
    """One array as float64, poses first; raises ValueError where a number is none of a body's."""
    array = archive.read(name).astype(np.float64)
    array = array.reshape(_without_ones(array.shape))
    if _time_last(array.shape):
        array = np.moveaxis(array, 2, 0)
    if array.ndim < 2 or not array.size:
        raise ValueError(f"`{name}` holds no pose: its shape is {array.shape}")
    rows = array.reshape(len(array), -1)
    most = np.maximum(rows.max(axis=1), -rows.min(axis=1))
    if not (most <= MOST_NUMBER).all():
        row = int(np.argmin(most <= MOST_NUMBER))
        raise ValueError(
            f"`{name}` holds {most[row]:g} in pose {row + 1:,}; numbers must be finite and at most"
            f" {MOST_NUMBER:,.0f}"
        )
    return array


def read_smpl(archive: Archive, names: tuple[str, ...]) -> Source:
    """Bend a skeleton by rotations of all its joints, or of the root and the others."""
    counts = (len(JOINTS),) if len(names) == 1 else (1, len(JOINTS) - 1)
    parts = [
        _turns(_read(archive, name), name, count) for name, count in zip(names, counts, strict=True)
    ]
    if len({len(part) for part in parts}) > 1:
        raise ValueError(f"`{'` and `'.join(names)}` do not fit together")
    local = np.concatenate(parts, axis=1)
    place = next((name for name in PLACES if name in archive.shapes), None)
    root, notes = np.zeros((len(local), 3)), ()
    if place is None:
        notes = ("The file tells no path: the body stays where it is.",)
    else:
        array = _read(archive, place)
        if array.size != root.size:
            raise ValueError(f"`{place}` must be {root.shape}, got {array.shape}")
        root = array.reshape(root.shape)
    if ours := {"features", "info"} <= {*archive.names}:  # on our skeleton, by its pelvis
        rest = REST_JOINTS.astype(np.float64)
    else:
        of_x = names[0] == "global_orient" or archive.shapes[names[0]][-1] == _WIDTH_X
        rest = neutral_rest("smplx" if of_x else "smplh")[0].astype(np.float64)
        root = root + rest[0]
    joints, world = forward(root, local, rest)
    return Source(
        names=JOINTS,
        parents=PARENTS,
        positions=joints,
        rotations=world,
        rest=rest,
        rest_rotations=_upright(len(JOINTS)),
        rate=FPS,
        up="y" if ours else None,
        notes=notes,
    )


def _turns(array: np.ndarray, name: str, count: int) -> np.ndarray:
    """Quaternions (T, count, 4) of rotation vectors, matrices or 6D, whichever the shape tells."""
    poses, shape = len(array), array.shape[1:]
    if shape[-2:] == (3, 3):
        turns = matrix_to_quat(array.reshape(poses, -1, 3, 3)[:, :count])
    elif (shape[-1] if len(shape) > 1 else 0) == 6 or shape in _WIDTHS_6D:
        turns = _from_6d(array.reshape(poses, -1, 6)[:, :count])
    elif array.size % (3 * poses) == 0:
        turns = quat_from_axis_angle(array.reshape(poses, -1, 3)[:, :count])
    else:
        turns = array[:, :0]
    if turns.shape[1] < count:
        raise ValueError(
            f"`{name}` has {array.size // poses} numbers a pose; {3 * count} are needed"
        )
    return turns


def _from_6d(turns: np.ndarray) -> np.ndarray:
    """Quaternions (T, J, 4) of 6D (T, J, 6): two columns taken in turns, or two rows.

    The first is what Zhou et al. (2019), HMR and HY-Motion write, the second PyTorch3D. Of what was
    not written, the two vectors are not of unit length at right angles.
    """
    columns = np.moveaxis(turns.reshape(*turns.shape[:-1], 3, 2), -1, 0)
    rows = turns[..., :3], turns[..., 3:]

    def unlike(a: np.ndarray, b: np.ndarray) -> float:
        products = [np.einsum("...i,...i->...", *pair) for pair in ((a, a), (b, b), (a, b))]
        return float(np.abs(np.stack(products, axis=-1) - [1, 1, 0]).mean())

    if unlike(*columns) <= unlike(*rows):
        return quat_from_6d(np.concatenate([*columns], axis=-1))
    return quat_inverse(quat_from_6d(turns))


def read_kimodo(archive: Archive) -> Source:
    """Read what Kimodo writes: places and, relative to the world, rotations of named joints."""
    joints = _read(archive, KIMODO[0])
    count = joints.shape[1]
    if joints.shape[1:] not in [(known, 3) for known in (len(JOINTS), *_SOMA_PLACES)]:
        raise ValueError(
            f"`{KIMODO[0]}` is {joints.shape}; bodies of SMPL-X and SOMA with 22, 30 or 77 joints"
            " (T, 22, 3) can be read"
        )
    names, parents, places = JOINTS, PARENTS, list(range(len(JOINTS)))
    if count in _SOMA_PLACES:
        names, above = zip(*(word.partition(":")[::2] for word in _SOMA), strict=True)
        parents, places = tuple(names.index(n) if n else -1 for n in above), _SOMA_PLACES[count]
    joints = joints[:, places]
    if KIMODO[1] not in archive.shapes:
        return Source(names=names, parents=parents, positions=joints, rate=FPS, up="y")
    matrices = _read(archive, KIMODO[1])
    if matrices.shape != (len(joints), count, 3, 3):
        raise ValueError(f"`{KIMODO[1]}` must be {(len(joints), count, 3, 3)}")
    world = matrix_to_quat(matrices[:, places])
    # bones keep their length and, in the frame of the joint above, their direction: so they rest
    bones = joints[:, 1:] - joints[:, parents[1:]]
    bones = np.median(quat_rotate(quat_inverse(world[:, parents[1:]]), bones), axis=0)
    rest = np.zeros((len(names), 3))
    for i, parent in enumerate(parents[1:], start=1):
        rest[i] = rest[parent] + bones[i - 1]
    return Source(
        names=names,
        parents=parents,
        positions=joints,
        rotations=world,
        rest=rest,
        rest_rotations=_upright(len(names)),
        rate=FPS,
        up="y",
    )


def read_plain(archive: Archive, name: str) -> Source:
    """Make a motion of joints in SMPL's order, or of HumanML3D's features."""
    array = _read(archive, name)
    shape, what, up = array.shape, "joints in the order of SMPL", None
    if shape[1:] == (NUM_FEATURES,):
        joints = decode(array).astype(np.float64)
        what, up = "HumanML3D's features, not normalized", "y"
    elif shape[1:] == (3 * len(JOINTS),):
        joints = array.reshape(len(array), -1, 3)
    elif len(shape) == 3 and shape[1] >= len(JOINTS) and shape[2] == 3:
        joints = array[:, : len(JOINTS)]
    else:
        raise ValueError(
            f"`{name}` is {shape}; joints of SMPL (T, 22, 3) or HumanML3D's features (T, 263) are"
            " what can be read"
        )
    bones = np.linalg.norm(joints[:, _LIMBS] - joints[:, [PARENTS[i] for i in _LIMBS]], axis=-1)
    short, usual, long = np.percentile(bones, [10, 50, 90], axis=0)
    left, right = usual[::2], usual[1::2]
    if not ((long - short < 0.4 * usual).all() and (abs(left - right) < 0.4 * left).all()):
        raise ValueError(f"`{name}` is not {what}: its arms and legs change in length")
    return Source(names=JOINTS, parents=PARENTS, positions=joints, rate=FPS, up=up)


def _upright(count: int) -> np.ndarray:
    return np.tile([1.0, 0.0, 0.0, 0.0], (count, 1))
