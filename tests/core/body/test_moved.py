"""Poses moved over the floor stay what they are, and features follow joints that change."""

from __future__ import annotations

import numpy as np

from core.body.features import FeatureDecoder, facing
from core.body.moved import moved, posed
from core.body.skeleton import forward
from tests.support.synthetic import walk
from tests.support.tiny_index import to_take, turned


def test_a_take_moved_is_turned_about_the_origin_and_shifted():
    take = to_take(turned(walk(41)[2], 1.0))
    there = moved(take, np.array([1.0, 0, 2]), 0.5)
    assert np.allclose(there.root[0], [1, take.root[0, 1], 2], atol=1e-5)
    assert np.allclose(facing(there.joints) - facing(take.joints), 0.5, atol=1e-5)
    assert there.features is take.features
    before, after = (forward(t.root, t.rotations)[0] for t in (take, there))
    assert np.allclose(after - after[:, :1], there.joints - there.joints[:, :1], atol=0.2)
    bones = np.linalg.norm(before[:, 1:] - before[:, :-1], axis=-1)
    assert np.allclose(np.linalg.norm(after[:, 1:] - after[:, :-1], axis=-1), bones, atol=1e-5)
    back = moved(there, np.array([-1.0, 0, -2]))
    assert np.allclose(np.linalg.norm(back.root, axis=1), np.linalg.norm(take.root, axis=1))


def test_features_tell_joints_that_changed():
    take = to_take(turned(walk(41)[2], 1.0))
    joints = take.joints.copy()
    joints[:, 15] += [0.1, 0.05, -0.1]
    joints[:, :] += [0, 0.03, 0]
    changed = posed(take, take.root, take.rotations, joints)
    decoder = FeatureDecoder()
    decoder.stand(take.joints[9], take.features[9])
    assert np.allclose(decoder.push(changed.features[10:]), joints[10:], atol=3e-3)
