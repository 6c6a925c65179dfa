"""Key poses: pinned, dragged, told as JSON, and how far they are missed."""

from __future__ import annotations

import numpy as np
import pytest

from core.body.skeleton import ANKLES, BONE_LENGTHS, ELBOWS, PARENTS, SHOULDERS, TOES, WRISTS
from core.steering.keys import dragged, key_from_pose, met, placed
from core.steering.wishes import KeyPose
from tests.support.synthetic import walk
from tests.support.tiny_index import to_take, turned


@pytest.fixture(scope="module")
def take():
    return to_take(turned(walk(61)[2], 2.0))


def bones(joints: np.ndarray) -> np.ndarray:
    return np.linalg.norm(joints[1:] - joints[list(PARENTS[1:])], axis=-1)


def test_a_pinned_pose_is_not_missed_where_it_was_pinned(take):
    for there in (False, True):
        key = key_from_pose(take, 30, there=there)
        assert key.at == 1.5
        assert met(key, take.joints[30]).parts["body"] < 1e-5
        assert (key.place is not None) == there
    assert met(key, take.joints[50]).parts["body"] > 0.05


def test_a_key_stands_where_it_says_or_where_the_body_does(take):
    key = key_from_pose(take, 30)
    here = placed(key, np.array([3.0, 1, 2]), 0.5)
    assert np.allclose(here[0, [0, 2]], [3, 2])
    there = placed(key.changed(place=(1, 1), facing=90), np.array([3.0, 1, 2]), 0.5)
    assert np.allclose(there[0, [0, 2]], [1, 1])


def test_a_key_survives_json(take):
    key = key_from_pose(take, 12, ("left_hand", "head"), there=True)
    assert KeyPose.model_validate_json(key.model_dump_json()) == key


def test_a_dragged_hand_takes_its_elbow_along(take):
    key = key_from_pose(take, 30)
    joints = np.array(key.joints)
    wanted = joints[SHOULDERS[0]] + [0.1, 0.1, 0.3]
    arm = np.array(dragged(key, "left_hand", tuple(wanted)).joints)
    assert np.allclose(arm[WRISTS[0]], wanted, atol=1e-6)
    assert np.allclose(bones(arm)[[ELBOWS[0] - 1, WRISTS[0] - 1]], BONE_LENGTHS[[18, 20]])
    others = [j for j in range(22) if j not in (ELBOWS[0], WRISTS[0])]
    assert np.array_equal(arm[others], joints[others])


def test_what_is_out_of_reach_is_approached(take):
    key = key_from_pose(take, 30)
    arm = np.array(dragged(key, "right_hand", (0.0, 9.0, 0.0)).joints)
    up = arm[WRISTS[1]] - arm[SHOULDERS[1]]
    assert np.isclose(np.linalg.norm(up), BONE_LENGTHS[[19, 21]].sum(), atol=1e-3)
    assert up[1] > 0.99 * np.linalg.norm(up)


def test_a_dragged_foot_keeps_pointing_where_it_did(take):
    key = key_from_pose(take, 30)
    joints = np.array(key.joints)
    leg = np.array(dragged(key, "left_foot", tuple(joints[ANKLES[0]] + [0.05, 0.1, 0.1])).joints)
    assert np.allclose(leg[TOES[0]] - leg[ANKLES[0]], joints[TOES[0]] - joints[ANKLES[0]])


def test_what_cannot_be_is_refused(take):
    key = key_from_pose(take, 3)
    with pytest.raises(ValueError, match="one of left_hand"):
        dragged(key, "nose", (0, 0, 0))
    with pytest.raises(ValueError, match="22 places"):
        dragged(key, "left_hand", (float("nan"), 0, 0))
    with pytest.raises(ValueError, match="no pose 61"):
        key_from_pose(take, 61)
