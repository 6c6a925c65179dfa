"""Rotations: group axioms, inverse pairs, and the corners where the formulas divide by nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from core.body import rotations as rot


def random_quats(seed: int, shape: tuple[int, ...] = (200,)) -> np.ndarray:
    return rot.normalize(np.random.default_rng(seed).normal(size=(*shape, 4)))


def same_rotation(p: np.ndarray, q: np.ndarray, tolerance: float = 1e-6) -> bool:
    return bool(np.all(np.abs(np.abs(np.sum(p * q, axis=-1)) - 1) < tolerance))


def test_group_axioms():
    p, q, r = (random_quats(i) for i in range(3))
    left = rot.quat_multiply(rot.quat_multiply(p, q), r)
    np.testing.assert_allclose(left, rot.quat_multiply(p, rot.quat_multiply(q, r)), atol=1e-12)
    unit = rot.quat_multiply(p, rot.quat_inverse(p))
    np.testing.assert_allclose(unit, np.broadcast_to([1.0, 0, 0, 0], unit.shape), atol=1e-12)


def test_agrees_with_scipy():
    q = random_quats(3)
    ours = rot.quat_to_matrix(q)
    np.testing.assert_allclose(ours, Rotation.from_quat(q[:, [1, 2, 3, 0]]).as_matrix(), atol=1e-12)
    v = np.random.default_rng(4).normal(size=(200, 3))
    np.testing.assert_allclose(rot.quat_rotate(q, v), np.einsum("nij,nj->ni", ours, v), atol=1e-12)
    np.testing.assert_allclose(
        rot.quat_to_axis_angle(q), Rotation.from_matrix(ours).as_rotvec(), atol=1e-7
    )


@pytest.mark.parametrize("shape", [(50,), (3, 7), ()])
def test_round_trips(shape):
    q = random_quats(5, shape)
    assert same_rotation(rot.matrix_to_quat(rot.quat_to_matrix(q)), q)
    assert same_rotation(rot.quat_from_6d(rot.quat_to_6d(q)), q)
    assert same_rotation(rot.quat_from_axis_angle(rot.quat_to_axis_angle(q)), q)


def test_half_turns_and_identity_survive_every_form():
    q = np.concatenate([np.eye(4), -np.eye(4)])
    assert same_rotation(rot.matrix_to_quat(rot.quat_to_matrix(q)), q)
    assert same_rotation(rot.quat_from_axis_angle(rot.quat_to_axis_angle(q)), q)


def test_6d_is_the_first_two_columns():
    m = rot.quat_to_matrix(random_quats(6, ()))
    expected = np.concatenate([m[:, 0], m[:, 1]])
    np.testing.assert_allclose(rot.quat_to_6d(rot.matrix_to_quat(m)), expected, atol=1e-12)


def test_between_takes_one_direction_to_the_other():
    rng = np.random.default_rng(7)
    u, v = rng.normal(size=(2, 300, 3))
    np.testing.assert_allclose(
        rot.quat_rotate(rot.quat_between(u, v), rot.normalize(u)), rot.normalize(v), atol=1e-9
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_between_opposite_directions(dtype):
    u = np.concatenate([np.eye(3), -np.eye(3), np.random.default_rng(8).normal(size=(20, 3))])
    u = u.astype(dtype)
    q = rot.quat_between(u, -u)
    assert q.dtype == dtype
    np.testing.assert_allclose(rot.quat_rotate(q, rot.normalize(u)), -rot.normalize(u), atol=1e-5)


def test_slerp_ends_middle_and_short_way():
    p, q = random_quats(9), random_quats(10)
    assert same_rotation(rot.quat_slerp(p, q, 0.0), p)
    assert same_rotation(rot.quat_slerp(p, -q, 1.0), q)
    a = rot.quat_slerp(p, q, 0.5)
    assert same_rotation(a, rot.quat_slerp(q, p, 0.5))
    assert same_rotation(rot.quat_slerp(p, p, 0.3), p)


def test_continuous_signs():
    q = rot.normalize(np.cumsum(np.random.default_rng(11).normal(size=(100, 5, 4)) * 0.1, 0) + 1)
    flipped = q * np.where(np.random.default_rng(12).random((100, 5, 1)) < 0.5, -1, 1)
    whole = rot.quat_continuous(flipped)
    assert np.all(np.sum(whole[1:] * whole[:-1], axis=-1) > 0)
    first = rot.quat_continuous(flipped[:40])
    rest = rot.quat_continuous(flipped[40:], first[-1])
    np.testing.assert_array_equal(np.concatenate([first, rest]), whole)
