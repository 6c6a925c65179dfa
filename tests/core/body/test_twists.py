"""Twists: bones are carried by the smallest rotations and turned towards what is told."""

from __future__ import annotations

import numpy as np
import pytest

from core.body.rotations import normalize, quat_between, quat_multiply, quat_rotate
from core.body.twists import TWIST_STEP, Twists, angle_to

RNG = np.random.default_rng(0)
BONES = normalize(RNG.normal(size=(2, 3)))
POINTS = normalize(np.cumsum(RNG.normal(size=(12, 2, 3)), axis=0) + 2)
UPRIGHT = np.tile([1.0, 0, 0, 0], (12, 2, 1))


def nothing(swung: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(swung.shape[:2]), np.zeros(swung.shape[:2])


def test_untold_bones_are_carried_by_the_smallest_rotations():
    found = Twists(BONES, relax=0).push(UPRIGHT, POINTS, nothing)
    expected = quat_between(BONES, POINTS[0])
    for pose, rotation in enumerate(found):
        if pose:
            expected = quat_multiply(quat_between(POINTS[pose - 1], POINTS[pose]), expected)
        np.testing.assert_allclose(np.abs((expected * rotation).sum(-1)), 1, atol=1e-8)


def test_bones_point_where_they_should_opposite_to_rest_too():
    points = np.concatenate([POINTS[:4], -BONES[None], POINTS[4:]])
    found = Twists(BONES).push(np.tile([1.0, 0, 0, 0], (13, 2, 1)), points)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(quat_rotate(found, BONES), points, atol=1e-5)


@pytest.mark.parametrize("told", [2.5, -2.5])
def test_what_is_told_is_reached_within_limits(told):
    points = np.broadcast_to(POINTS[0], (12, 2, 3))
    wanted = np.where(np.arange(12) < 4, 0, told)[:, None].repeat(2, axis=1)
    found = Twists(BONES).push(UPRIGHT, points, lambda swung: (wanted, np.ones((12, 2))))
    across = normalize(np.cross(BONES, [1.0, 0, 0]))
    unturned = quat_rotate(quat_between(BONES, points), across)
    turned = -angle_to(found, across, unturned, points)
    np.testing.assert_allclose(turned[:4], 0, atol=1e-4)
    np.testing.assert_allclose(turned[4], np.sign(told) * TWIST_STEP, atol=1e-4)
    np.testing.assert_allclose(turned[-1], told, atol=1e-4)


def test_the_first_pose_takes_what_it_is_told():
    told = np.full((1, 2), 2.0), np.ones((1, 2))
    found = Twists(BONES).push(UPRIGHT[:1], POINTS[:1], lambda swung: told)
    bare = Twists(BONES).push(UPRIGHT[:1], POINTS[:1], nothing)
    np.testing.assert_allclose(np.abs((found * bare).sum(-1)), np.cos(1), atol=1e-5)


def test_standing_goes_on_where_another_stopped():
    whole = Twists(BONES)
    first = whole.push(UPRIGHT[:5], POINTS[:5], nothing)
    again = Twists(BONES)
    again.stand(first[-1])
    rest = whole.push(UPRIGHT[5:], POINTS[5:], nothing)
    found = again.push(UPRIGHT[5:], POINTS[5:], nothing)
    np.testing.assert_allclose(np.abs((found * rest).sum(-1)), 1, atol=1e-6)
