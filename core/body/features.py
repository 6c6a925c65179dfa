"""HumanML3D's 263 motion features (Guo et al., CVPR 2022), extracted and recovered.

A pose sees the world from its own heading, so the numbers do not depend on where a person walks:
the root's turn and velocity integrate to a path, the rest is relative to it. `encode` needs the
next pose for velocities and therefore returns one pose fewer than it is given.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np

from core.body.rotations import (
    cross,
    normalize,
    quat_between,
    quat_inverse,
    quat_multiply,
    quat_rotate,
    quat_to_6d,
)
from core.body.skeleton import (
    ANKLES,
    BONE_LENGTHS,
    FEET,
    INDEX,
    JOINTS,
    KNEES,
    LEG,
    MIRROR,
    PARENTS,
)

NUM_FEATURES = 263
Heading = Literal["humanml3d", "steady"]
CONTACT_SPEED = np.sqrt(0.002)
"""A foot joint that moves less than this (m a pose) counts as in contact (HumanML3D)."""

_CHAINS = tuple(
    tuple(map(int, chain.split()))
    for chain in ("0 2 5 8 11", "0 1 4 7 10", "0 3 6 9 12 15", "9 14 17 19 21", "9 13 16 18 20")
)
_UNITS = {"o": (0, 0, 0), "x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1)}
_UNITS |= {axis.upper(): tuple(-v for v in unit) for axis, unit in _UNITS.items()}
_UP = np.array([0.0, 1, 0])
FLOOR = np.array([1j, 1])
"""Makes places (..., 2) on the floor, x and z, complex numbers, which products turn to the left."""
_RAW_OFFSETS = np.array([_UNITS[axis] for axis in "oxXyYYyYYyzzyxXzYYYYYY"], np.float64)
"""Which way each bone points at rest, by axis; capitals point the other way."""


class LAYOUT:
    """Where each group of numbers lies in a feature vector."""

    turn: slice = slice(0, 1)
    """Half the root's yaw step, rad a pose."""
    velocity: slice = slice(1, 3)
    """Root's x and z step in its own heading, m a pose."""
    height: slice = slice(3, 4)
    """Root height, m."""
    joints: slice = slice(4, 67)
    """Positions of joints 1-21 relative to the root's floor point and heading, m."""
    rotations: slice = slice(67, 193)
    """6D rotations of joints 1-21 on HumanML3D's axis-aligned skeleton."""
    velocities: slice = slice(193, 259)
    """Steps of all 22 joints in the root's heading, m a pose."""
    contacts: slice = slice(259, 263)
    """Contact flags of FEET, 0 or 1."""


def make_uniform(joints: np.ndarray) -> np.ndarray:
    """Give joints (T, 22, 3) HumanML3D's bone lengths; the path scales with the legs."""
    joints = np.asarray(joints, np.float64)
    bones = joints[:, 1:] - joints[:, list(PARENTS[1:])]
    lengths = np.linalg.norm(bones, axis=-1)
    if not np.isfinite(joints).all() or (np.median(lengths, axis=0) < 1e-4).any():
        raise ValueError("joint positions hold a NaN, an infinity or a bone without length")
    left_leg = lengths[:, [KNEES[0] - 1, ANKLES[0] - 1]]
    scale = LEG / np.median(left_leg, axis=0).sum()
    bones *= (BONE_LENGTHS[1:] / np.maximum(lengths, 1e-6))[..., None]
    out = np.empty_like(joints)
    out[:, 0] = joints[:, 0] * scale
    for i, parent in enumerate(PARENTS[1:], start=1):
        out[:, i] = out[:, parent] + bones[:, i - 1]
    return out.astype(np.float32)


def normalize_place(joints: np.ndarray) -> np.ndarray:
    """Put the lowest joint on the floor, the first root over the origin, facing Z."""
    joints = np.asarray(joints, np.float64).copy()
    joints -= [joints[0, 0, 0], joints[..., 1].min(), joints[0, 0, 2]]
    heading = quat_between(_forward(joints[:1]), np.array([[0.0, 0.0, 1.0]]))
    return quat_rotate(heading[:, None], joints).astype(np.float32)


def mirror(joints: np.ndarray) -> np.ndarray:
    """Reflect (..., 22, 3) joints in the YZ plane, left and right exchanged."""
    return np.asarray(joints)[..., list(MIRROR), :] * np.array([-1, 1, 1], np.float32)


def _forward(joints: np.ndarray, *, sigma: float = 0.0, hips: float = 1.0) -> np.ndarray:
    """Return the facing direction (..., T, 3) from hips and shoulders, smoothed over time."""
    names = ("right_hip", "left_hip", "right_shoulder", "left_shoulder")
    rh, lh, rs, ls = (joints[..., INDEX[n], :] for n in names)
    forward = cross(_UP, normalize(hips * (rh - lh) + (rs - ls)))
    if sigma:
        from scipy.ndimage import gaussian_filter1d  # a third of a second, and reading needs none

        forward = gaussian_filter1d(forward, sigma, axis=-2, mode="nearest")
    return normalize(forward)


def facing(joints: np.ndarray) -> np.ndarray:
    """Return the angles (...) from Z, radians, growing to the left, at which (..., 22, 3) look."""
    forward = _forward(joints)
    return np.arctan2(forward[..., 0], forward[..., 2])


def _heading(joints: np.ndarray, convention: Heading) -> np.ndarray:
    """Return the rotation from world to body, (T, 4)."""
    if convention == "steady":
        # by angle: the shortest rotation is ambiguous for a body that faces -Z, and may lay it down
        forward = _forward(joints, sigma=20)
        half_yaw = np.unwrap(np.arctan2(forward[:, 0], forward[:, 2])) / 2
        zeros = np.zeros_like(half_yaw)
        return np.stack([np.cos(half_yaw), zeros, -np.sin(half_yaw), zeros], axis=-1)
    # the reference subtracts the hip line where it means to add it, and starts at the identity
    heading = quat_between(_forward(joints, sigma=20, hips=-1.0), np.array([0.0, 0.0, 1.0]))
    heading[0] = [1, 0, 0, 0]
    return heading


def encode(joints: np.ndarray, heading: Heading = "humanml3d") -> np.ndarray:
    """Return features (T - 1, 263) float32 of (T, 22, 3) joints; T must be at least 2.

    `heading="humanml3d"` repeats the reference to the last quirk; `"steady"`, which our models are
    trained with, follows hips and shoulders alike and turns without its jumps. Both decode
    to the same motion.
    """
    joints = np.asarray(joints, np.float64)
    if joints.ndim != 3 or joints.shape[1:] != (len(JOINTS), 3) or len(joints) < 2:
        raise ValueError(f"expected joints of shape (T >= 2, 22, 3), got {joints.shape}")
    to_body = _heading(joints, heading)
    local = quat_rotate(to_body[:, None], joints - joints[:, :1] * [1, 0, 1])
    steps = quat_rotate(to_body[:-1, None], joints[1:] - joints[:-1])
    root_step = quat_rotate(to_body[1:], joints[1:, 0] - joints[:-1, 0])
    turn = quat_multiply(to_body[1:], quat_inverse(to_body[:-1]))
    still = np.linalg.norm(joints[1:, FEET] - joints[:-1, FEET], axis=-1)
    groups = [
        np.arcsin(np.clip(turn[:, 2:3], -1, 1)),
        root_step[:, [0, 2]],
        joints[:-1, 0, 1:2],
        local[:-1, 1:].reshape(len(joints) - 1, -1),
        _rotations(joints, to_body)[:-1].reshape(len(joints) - 1, -1),
        steps.reshape(len(joints) - 1, -1),
        still < CONTACT_SPEED,
    ]
    return np.concatenate(groups, axis=-1).astype(np.float32)


def encode_all(joints: np.ndarray, heading: Heading = "steady") -> np.ndarray:
    """Return features (T, 263) of all (T, 22, 3) joints: the last pose goes on as before."""
    ahead = joints[-1:] + (joints[-1:] - joints[-2:-1])
    return encode(np.concatenate([joints, ahead]), heading)


def _rotations(joints: np.ndarray, heading: np.ndarray) -> np.ndarray:
    """Return 6D rotations (T, 21, 6) of HumanML3D's position-only inverse kinematics."""
    quats = np.zeros((len(joints), len(JOINTS), 4))
    for chain in _CHAINS:
        parent_rot = heading
        for parent, child in pairwise(chain):
            bone = joints[:, child] - joints[:, parent]
            bone /= np.maximum(np.linalg.norm(bone, axis=-1, keepdims=True), 1e-8)
            world = quat_between(_RAW_OFFSETS[child], bone)
            quats[:, child] = quat_multiply(quat_inverse(parent_rot), world)
            parent_rot = world
    return quat_to_6d(quats[:, 1:])


class FeatureDecoder:
    """Turn features back into joints, chunk by chunk, remembering where the body stands."""

    def __init__(self) -> None:
        self.half_yaw = 0.0
        self.position = np.zeros(2)  # x, z
        self.turn = 0.0  # taken by the step from the last pose to the next
        self.step = np.zeros(2)

    def stand(self, joints: np.ndarray, features: np.ndarray) -> None:
        """Go on after a pose in the world (22, 3) whose features (263,) tell the next step."""
        local = features[LAYOUT.joints].reshape(-1, 3)[:, [2, 0]].astype(np.float64)
        world = (joints[1:] - joints[0])[:, [2, 0]].astype(np.float64)
        across = local[:, 0] * world[:, 1] - local[:, 1] * world[:, 0]
        # the angle from Z to X by which the pose fits best; half_yaw turns the other way
        self.half_yaw = -float(np.arctan2(across.sum(), (local * world).sum())) / 2
        self.position = joints[0, [0, 2]].astype(np.float64)
        self.turn, self.step = float(features[0]), features[LAYOUT.velocity].astype(np.float64)

    def push(self, features: np.ndarray) -> np.ndarray:
        """Return joints (T, 22, 3) float32 of the next features (T, 263)."""
        features = np.asarray(features, np.float64)
        if not np.isfinite(features).all():
            raise ValueError("features hold a NaN or an infinity; the motion cannot be recovered")
        turns, steps = features[:, LAYOUT.turn.start], features[:, LAYOUT.velocity]
        half_yaw = self.half_yaw + np.cumsum([self.turn, *turns[:-1]])
        steps = np.concatenate([self.step[None], steps[:-1]])
        joints = np.zeros((len(features), len(JOINTS), 3))
        joints[:, 1:] = features[:, LAYOUT.joints].reshape(len(features), -1, 3)
        to_world = np.exp(-2j * half_yaw)  # HumanML3D's angle takes the world to the body
        place = self.position @ FLOOR + np.cumsum(to_world * (steps @ FLOOR))
        flat = place[:, None] + to_world[:, None] * (joints[..., ::2] @ FLOOR)
        joints[..., 0], joints[..., 2] = flat.imag, flat.real
        joints[:, 0, 1] = features[:, LAYOUT.height.start]
        # the angle is kept within one turn so that an hour of spinning costs no precision
        self.half_yaw = float(np.remainder(half_yaw[-1], 2 * np.pi))
        self.position = joints[-1, 0, ::2].copy()
        self.turn, self.step = float(turns[-1]), features[-1, LAYOUT.velocity]
        return joints.astype(np.float32)


def decode(features: np.ndarray) -> np.ndarray:
    """Return joints (T, 22, 3) float32 of features (T, 263), starting at the origin, facing Z."""
    return FeatureDecoder().push(features)


def contacts(features: np.ndarray) -> np.ndarray:
    """Return which of FEET stand still, (T, 4) bool."""
    return np.asarray(features)[:, LAYOUT.contacts] > 0.5
