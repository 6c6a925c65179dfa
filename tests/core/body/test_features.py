"""The 263 features: parity with HumanML3D's sample, round trips, mirrors, the uniform skeleton."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from core.body import features
from core.body.features import LAYOUT
from core.body.skeleton import BONE_LENGTHS, INDEX, PARENTS
from tests.support.synthetic import walk

DATA = Path(os.environ.get("LIVESTEP_DATA", Path(__file__).parents[4] / "shared/data/motion"))
GROUPS = ("turn", "velocity", "height", "joints", "rotations", "velocities", "contacts")
REACH = 80
"""Poses that the reference's smoothing of the heading reaches to either side: 4 x sigma 20."""


@pytest.fixture(scope="module")
def sample() -> tuple[np.ndarray, np.ndarray]:
    """Joints and features of one clip, as HumanML3D ships them."""
    paths = [DATA / f"humanml3d_012314_{kind}.npy" for kind in ("joints", "features")]
    if not all(path.is_file() for path in paths):
        pytest.skip(f"HumanML3D's sample is not in {DATA}; set LIVESTEP_DATA to its folder")
    return np.load(paths[0]), np.load(paths[1])


def turned(joints: np.ndarray, yaw: np.ndarray | float) -> np.ndarray:
    """Joints (T, 22, 3) turned about the vertical axis by an angle (rad), or one for each pose."""
    c, s = np.cos(yaw), np.sin(yaw)
    x, y, z = np.moveaxis(joints, -1, 0)
    c, s = (np.reshape(v, (-1, 1)) for v in (c, s))
    return np.stack([c * x + s * z, y, -s * x + c * z], axis=-1)


def steps(joints: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.diff(joints, axis=0), axis=-1)


def test_decode_agrees_with_humanml3d(sample):
    joints, reference = sample
    assert np.abs(features.decode(reference) - joints).max() < 1e-6  # asked for: 1e-4 m


@pytest.mark.parametrize("group", GROUPS)
def test_encode_agrees_with_humanml3d(sample, group):
    joints, reference = sample
    encoded = features.encode(joints)
    part = getattr(LAYOUT, group)
    error = np.abs(encoded[:, part] - reference[: len(encoded), part]).max(axis=1)
    assert error[:-REACH].max() < 2e-5
    # The sample lacks the last raw pose, which the reference's smoothed heading still saw. Only
    # what is told relative to the heading feels it: positions and rotations of the last 34 poses.
    if group in ("joints", "rotations"):
        assert error[:-34].max() < 1e-3
        assert error.max() < 0.02
    else:
        assert error.max() < 1e-3


@pytest.mark.parametrize("heading", ["humanml3d", "steady"])
def test_decode_undoes_encode(heading):
    joints = features.normalize_place(walk(90)[2])
    back = features.decode(features.encode(joints, heading))
    # the path starts at the origin along the heading: the same up to one turn
    assert np.allclose(steps(back), steps(joints[:-1]), atol=1e-5)
    assert np.allclose(back[..., 1], joints[:-1, :, 1], atol=1e-5)
    assert np.linalg.norm(back[0] - joints[0], axis=-1).max() < 0.3


def test_recovery_in_chunks_is_recovery_at_once():
    encoded = features.encode(turned(walk(90)[2], np.linspace(0, 9, 90)), "steady")
    recovery, cuts = features.FeatureDecoder(), [0, 1, 2, 9, 40, 89]
    parts = [recovery.push(encoded[a:b]) for a, b in pairwise(cuts)]
    assert np.allclose(np.concatenate(parts), features.decode(encoded), atol=1e-5)


@pytest.mark.parametrize("start", [0.0, np.pi - 0.2, np.pi])
@pytest.mark.parametrize("rounds", [-1.5, 0.0, 1.0])
def test_turning_through_minus_z_keeps_every_step(start, rounds):
    # the shortest rotation to Z is ambiguous there, and once flipped single poses
    poses = 120
    joints = turned(walk(poses)[2], start + np.linspace(0, 2 * np.pi * rounds, poses))
    back = features.decode(features.encode(joints, "steady"))
    assert np.allclose(steps(back), steps(joints[:-1]), atol=1e-4)


def test_features_do_not_depend_on_place_and_heading():
    joints = walk(60)[2]
    moved = turned(joints, 1.0) + np.array([3, 0, -2])
    a, b = (features.encode(j, "steady") for j in (joints, moved))
    # rotations hold a twist that HumanML3D takes from the world
    for group in set(GROUPS) - {"rotations"}:
        assert np.allclose(a[:, getattr(LAYOUT, group)], b[:, getattr(LAYOUT, group)], atol=1e-4)


def test_mirror_is_its_own_inverse_and_swaps_sides():
    joints = walk(60)[2]
    other = features.mirror(joints)
    assert np.allclose(features.mirror(other), joints)
    assert np.allclose(
        other[:, INDEX["left_foot"]], joints[:, INDEX["right_foot"]] * [-1, 1, 1], atol=1e-6
    )
    one, two = (features.encode(j, "steady") for j in (joints, other))
    assert np.allclose(one[:, LAYOUT.turn], -two[:, LAYOUT.turn], atol=1e-5)
    assert np.array_equal(one[:, LAYOUT.contacts], two[:, LAYOUT.contacts][:, [2, 3, 0, 1]])


def test_uniform_skeleton_keeps_directions_and_scales_the_path():
    joints = walk(60)[2] * 1.3
    uniform = features.make_uniform(joints)
    bones = uniform[:, 1:] - uniform[:, list(PARENTS[1:])]
    assert np.allclose(np.linalg.norm(bones, axis=-1), BONE_LENGTHS[1:], atol=1e-5)
    given = joints[:, 1:] - joints[:, list(PARENTS[1:])]
    cosine = (bones * given).sum(-1) / np.linalg.norm(bones, axis=-1)
    assert np.allclose(cosine, np.linalg.norm(given, axis=-1), atol=1e-4)
    assert np.allclose(uniform[:, 0] * 1.3, joints[:, 0], rtol=0.02)


def test_normalized_place_is_on_the_floor_over_the_origin_facing_z():
    joints = features.normalize_place(turned(walk(60)[2], 2.0) + np.array([3, 1, -2]))
    assert joints[..., 1].min() == pytest.approx(0, abs=1e-5)
    assert np.allclose(joints[0, 0, [0, 2]], 0, atol=1e-5)
    across = joints[0, INDEX["left_hip"]] - joints[0, INDEX["right_hip"]]
    assert across[0] > 0.9 * np.linalg.norm(across)


def test_contacts_are_where_feet_stand_still():
    still = walk(1)[2].repeat(10, axis=0)
    assert features.contacts(features.encode(still, "steady")).all()
    assert not features.contacts(features.encode(walk(30, speed=3.0)[2], "steady")).all()


def test_wrong_input_is_told_in_a_sentence():
    with pytest.raises(ValueError, match=r"\(T >= 2, 22, 3\)"):
        features.encode(np.zeros((1, 22, 3)))
    with pytest.raises(ValueError, match="NaN"):
        features.make_uniform(np.full((4, 22, 3), np.nan))
    with pytest.raises(ValueError, match="NaN"):
        features.decode(np.full((4, 263), np.nan))
