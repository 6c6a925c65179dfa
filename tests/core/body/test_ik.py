"""Inverse kinematics: what it puts out puts the joints where they were, in chunks or at once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from benchmarks.metrics import rotation_steps
from core.body.ik import PoseSolver, solve
from core.body.rotations import (
    normalize,
    quat_from_axis_angle,
    quat_inverse,
    quat_multiply,
    quat_to_axis_angle,
)
from core.body.skeleton import (
    ANKLES,
    BONE_LENGTHS,
    COLLARS,
    HIPS,
    INDEX,
    JOINTS,
    KNEES,
    PARENTS,
    REST_JOINTS,
    TOES,
    forward,
    global_rotations,
)
from core.body.twists import TWIST_STEP
from tests.support.synthetic import walk

PLANTED = np.ones((60, 4), bool)
THIGHS, SHINS = BONE_LENGTHS[KNEES], BONE_LENGTHS[ANKLES]


def knee_bends(joints: np.ndarray) -> np.ndarray:
    """Angles (T, 2) in degrees."""
    thighs = normalize(joints[:, KNEES] - joints[:, HIPS])
    shins = normalize(joints[:, ANKLES] - joints[:, KNEES])
    return np.degrees(np.arccos(np.clip((thighs * shins).sum(-1), -1, 1)))


def angle_between(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return np.degrees(
        np.linalg.norm(quat_to_axis_angle(quat_multiply(quat_inverse(p), q)), axis=-1)
    )


def test_positions_come_back():
    _, _, joints = walk()
    root, rotations = solve(joints)
    again, _ = forward(root, rotations)
    assert np.abs(again - joints).max() < 1e-4


def test_rest_pose_is_identity():
    root, rotations = solve(np.repeat(REST_JOINTS[None], 3, axis=0))
    np.testing.assert_allclose(rotations, np.broadcast_to([1, 0, 0, 0], (3, 22, 4)), atol=2e-3)
    np.testing.assert_allclose(root, REST_JOINTS[:1].repeat(3, axis=0), atol=1e-6)


def test_hinges_recover_the_true_rotations():
    _, rotations, joints = walk()
    _, solved = solve(joints)
    seen = [INDEX[f"{s}_{n}"] for s in ("left", "right") for n in ("hip", "knee", "shoulder")]
    # the arms' twist eases in over the first poses
    assert angle_between(rotations[10:, seen], solved[10:, seen]).max() < 2


def test_random_poses_come_back():
    rng = np.random.default_rng(0)
    angles = rng.normal(size=(40, len(JOINTS), 3)) * 0.35
    joints, _ = forward(np.zeros((40, 3)), quat_from_axis_angle(angles))
    again = np.concatenate([forward(*solve(pose[None]))[0] for pose in joints])
    errors = np.linalg.norm(again - joints, axis=-1)
    assert np.delete(errors, KNEES, axis=1).max() < 2e-3
    assert errors[:, KNEES].max() < 0.02  # overstretched knees are put right


@pytest.mark.parametrize("sizes", [(8,) * 8, (1, 4, 12, 3, 40)])
def test_chunks_equal_whole(sizes):
    _, _, joints = walk()
    contacts = np.random.default_rng(1).random((60, 4)) < 0.6
    root, rotations = solve(joints, contacts)
    solver = PoseSolver()
    edges = np.cumsum((0, *sizes))
    parts = [
        solver.push(joints[a:b], contacts[a:b])
        for a, b in itertools.pairwise(edges)
        if len(joints[a:b])
    ]
    np.testing.assert_allclose(np.concatenate([p[0] for p in parts]), root, atol=1e-6)
    np.testing.assert_allclose(np.concatenate([p[1] for p in parts]), rotations, atol=1e-5)


def test_quaternions_stay_on_one_side():
    turn = np.linspace(0, 4 * np.pi, 60)
    spin = quat_from_axis_angle(np.stack([0 * turn, turn, 0 * turn], axis=-1)).astype(np.float32)
    rest = REST_JOINTS - REST_JOINTS[0]
    joints, _ = forward(
        np.zeros((60, 3), np.float32),
        np.concatenate([spin[:, None], np.tile([1.0, 0, 0, 0], (60, 21, 1))], 1),
        rest,
    )
    _, rotations = solve(joints)
    assert (rotations[1:] * rotations[:-1]).sum(-1).min() > 0.9


def test_straight_limbs_do_not_flip():
    rng = np.random.default_rng(2)
    noisy = REST_JOINTS + rng.normal(size=(60, 22, 3)) * 1e-3
    _, rotations = solve(noisy)
    assert angle_between(rotations[1:], rotations[:-1])[:, [1, 2, 16, 17, 18, 19]].max() < 12


def test_sliding_feet_are_held():
    """A body at rest that drifts 10 cm a second for half a second: its feet must stay."""
    drift = np.zeros((60, 1, 3), np.float32)
    drift[:, 0, 2] = 0.1 * np.minimum(np.arange(60), 15) / 20
    crouched, _ = forward(*solve(walk(1)[2].repeat(60, 0)))
    joints = crouched + drift
    feet = [7, 8, 10, 11]
    free, _ = forward(*solve(joints, PLANTED, foot_contacts=False))
    held, _ = forward(*solve(joints, PLANTED))

    def slide(positions: np.ndarray) -> float:
        return float(np.linalg.norm(np.diff(positions[5:, feet], axis=0), axis=-1).sum(0).max())

    assert slide(free) > 0.04
    assert slide(held) < 0.01
    jumps = np.linalg.norm(np.diff(held, axis=0), axis=-1)
    assert jumps.max() < 0.02


def test_no_bone_turns_further_than_it_points():
    """Hips, collars and knees that cross and meet."""
    rng = np.random.default_rng(4)
    wobble = np.cumsum(rng.normal(size=(200, 22, 3)), axis=0)
    wobble = 0.03 * (wobble - gaussian_filter1d(wobble, 8, axis=0))
    joints = walk(200)[2] + 4 * wobble
    _, rotations = solve(joints, rng.random((200, 4)) < 0.5)
    assert rotation_steps(rotations).max() < np.degrees(TWIST_STEP) + 0.5


def test_a_chest_faces_forward_though_its_collars_meet():
    _, rotations, _ = walk(120)
    rotations[:, INDEX["spine2"]] = quat_from_axis_angle(
        np.radians(5) * np.sin(np.arange(120) / 4)[:, None] * np.array([1.0, 0, 0.5])
    )
    root = np.tile(REST_JOINTS[:1], (120, 1))
    joints, world = forward(root, rotations)
    joints[:, COLLARS] = joints[:, COLLARS].mean(axis=1, keepdims=True)
    joints[:, COLLARS] += np.random.default_rng(5).normal(size=(120, 2, 3)) * 0.005
    _, solved = solve(joints)
    chest = INDEX["spine3"]
    assert angle_between(world[:, chest], global_rotations(solved)[:, chest]).max() < 10
    assert angle_between(solved[1:], solved[:-1]).max() < 15


@pytest.mark.parametrize("drop", [-0.06, 0.0, 0.06])
@pytest.mark.parametrize("wide", [0.7, 1.0, 1.5])
def test_straight_legs_of_other_hips_stay_straight(drop, wide):
    joints = np.repeat(REST_JOINTS[None].astype(float), 30, axis=0)
    joints[:, HIPS, 0] *= wide
    joints[:, HIPS, 1] -= drop
    for side in range(2):
        for joint, bone in ((KNEES, THIGHS), (ANKLES, SHINS)):
            above = joints[:, HIPS[side] if joint is KNEES else KNEES[side]]
            joints[:, joint[side]] = above - np.array([0, bone[side], 0])
    joints[:, TOES] = joints[:, ANKLES] + (REST_JOINTS[TOES] - REST_JOINTS[ANKLES])
    for contacts in (None, np.ones((30, 4), bool)):
        again, _ = forward(*solve(joints, contacts))
        assert knee_bends(again)[-1].max() < 16  # one leg is a centimeter longer than the other
    assert knee_bends(again)[-1].min() < 6


def test_no_contacts_means_no_change():
    _, _, joints = walk()
    joints = joints + np.array([0, 0.1, 0])  # no sole sinks into the floor, planted or not
    with_pins = solve(joints, np.zeros((60, 4), bool))[1]
    np.testing.assert_allclose(with_pins, solve(joints)[1], atol=1e-5)


@pytest.mark.parametrize(
    "bad", [np.full((2, 22, 3), np.nan), np.full((2, 22, 3), 1e7), np.zeros((2, 24, 3))]
)
def test_bad_input_is_a_sentence(bad):
    with pytest.raises(ValueError, match="joint"):
        solve(bad)


def test_contacts_are_numbers():
    with pytest.raises(ValueError, match="contacts"):
        solve(np.tile(REST_JOINTS, (2, 1, 1)), np.full((2, 4), np.nan))


def test_rest_skeleton_has_the_stated_bones():
    bones = np.linalg.norm(REST_JOINTS[1:] - REST_JOINTS[list(PARENTS[1:])], axis=-1)
    np.testing.assert_allclose(bones, BONE_LENGTHS[1:], atol=1e-6)
