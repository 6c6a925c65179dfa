"""Key poses are met, smoothly, chunk by chunk, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.metrics import jerk
from core.body.features import facing
from core.body.skeleton import ANKLES, BONE_LENGTHS, PARENTS, SHOULDERS, TOES, WRISTS, forward
from core.body.take import Poses
from core.steering.keys import dragged, key_from_pose, met
from core.steering.pins import PAUSE, Pins
from core.steering.wishes import KeyPose
from tests.support.synthetic import walk
from tests.support.tiny_index import to_take, turned

N = 60


def poses_of(joints: np.ndarray) -> Poses:
    """Poses as a stream shows them: joints are where the rotations put them."""
    take = to_take(joints)
    shown, _ = forward(take.root, take.rotations)
    arrays = {name: getattr(take, name) for name in ("root", "rotations", "features")}
    return Poses(joints=shown, unsolved=take.joints, **arrays)


@pytest.fixture(scope="module")
def walking() -> Poses:
    return poses_of(turned(walk(121)[2], 1.0))


@pytest.fixture(scope="module")
def standing() -> Poses:
    return poses_of(np.repeat(walk(22)[2][5:6], 121, axis=0))


def run(poses: Poses, keys: list[KeyPose], chunk: int = 8, look: int = 10) -> tuple[Poses, Pins]:
    pins, out = Pins(), []
    for at in range(0, len(poses), chunk):
        end = at + chunk
        out.append(pins.push(poses[at:end], at, keys, poses[end : end + look]))
    return Poses.concatenate(out), pins


def at(key: KeyPose, pose: int, **other) -> KeyPose:
    return key.changed(at=pose / 20, **other)


def raised(key: KeyPose) -> KeyPose:
    """The key with its left hand up and ahead."""
    shoulder = np.array(key.joints)[SHOULDERS[0]]
    return dragged(key, "left_hand", tuple(shoulder + np.array([0.1, 0.3, 0.2])))


def bones(joints: np.ndarray) -> np.ndarray:
    return np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)


def test_nothing_changes_without_keys_or_far_from_them(walking):
    same, _ = run(walking, [])
    for array in vars(walking):
        assert getattr(same, array).tobytes() == getattr(walking, array).tobytes()
    led, _ = run(walking, [at(raised(key_from_pose(walking, N)), N)])
    for a, b in ((0, N - 10), (N + 4 * PAUSE, len(walking))):
        assert led.rotations[a:b].tobytes() == walking.rotations[a:b].tobytes()
        assert led.features[a:b].tobytes() == walking.features[a:b].tobytes()


@pytest.mark.parametrize("chunk", [1, 3, 8, 50, 121])
def test_chunks_do_not_matter(walking, chunk):
    key = raised(key_from_pose(walking, N + 7))
    keys = [
        at(key, N, place=tuple(walking.root[N, [0, 2]] + 0.05), facing=40),
        at(key, N + 20, parts=("left_hand", "right_foot", "head")),
    ]
    whole, pins = run(walking, keys, 121)
    part, others = run(walking, keys, chunk)
    for array in vars(whole):
        assert np.allclose(getattr(whole, array), getattr(part, array), atol=1e-5), array
    assert [m.wish for m in pins.report] == [m.wish for m in others.report] == keys


def test_a_whole_body_is_met_walking_and_standing(walking, standing):
    for poses in (walking, standing):
        key = at(raised(key_from_pose(walking, 33)), N)
        led, pins = run(poses, [key])
        assert pins.report[0].parts["body"] < 0.03
        assert met(key, poses.joints[N]).parts["body"] > 0.08
        assert np.allclose(bones(led.joints), BONE_LENGTHS[1:], atol=2e-3)
        near = slice(N - 12, N + 12)
        assert jerk(led.joints[near]).max() < jerk(poses.joints[near]).max() + 0.35


def test_it_is_met_without_a_look_ahead(walking):
    key = at(raised(key_from_pose(walking, 33)), N)
    _, pins = run(walking, [key], look=0)
    assert pins.report[0].parts["body"] < 0.03


@pytest.mark.parametrize("part", ["left_hand", "right_foot", "head"])
def test_parts_are_met_and_the_rest_goes_on(walking, part):
    base = key_from_pose(walking, N, (part,))
    joints = np.array(base.joints)
    joints[:, :] += [0.05, 0.02 if part == "head" else 0.1, 0.05]
    key = base.changed(joints=tuple(map(tuple, joints.tolist())))
    led, pins = run(walking, [key])
    assert pins.report[0].parts[part] < 0.03
    side = WRISTS[1] if part == "left_hand" else ANKLES[0]
    assert np.abs(led.joints[N, side] - walking.joints[N, side]).max() < 0.02


def test_a_hand_out_of_reach_is_stretched_and_told(standing):
    key = key_from_pose(standing, N, ("left_hand",))
    joints = np.array(key.joints)
    joints[WRISTS[0]] = [0, 3, 0]
    key = key.changed(joints=tuple(map(tuple, joints.tolist())))
    led, pins = run(standing, [key])
    arm = led.joints[N, WRISTS[0]] - led.joints[N, SHOULDERS[0]]
    assert np.isclose(np.linalg.norm(arm), BONE_LENGTHS[[18, 20]].sum(), atol=2e-3)
    assert 0.8 < pins.report[0].parts["left_hand"] < 2
    assert np.isfinite(led.rotations).all()


def test_place_and_facing_are_led_as_far_as_feet_follow(standing):
    x, z = standing.root[N, [0, 2]]
    look = float(np.degrees(facing(standing.joints)[N]))
    key = at(key_from_pose(standing, N, ()), N, place=(x + 0.1, z), facing=look + 15)
    led, _ = run(standing, [key])
    assert np.allclose(led.root[N, [0, 2]], [x + 0.1, z], atol=0.01)
    assert np.isclose(np.degrees(facing(led.joints)[N]), look + 15, atol=3)
    assert np.abs(led.joints[-1] - standing.joints[-1]).max() < 1e-3
    far = at(key, N, place=(x + 5, z))
    led, _ = run(standing, [far])
    assert 0.2 < led.root[N, 0] - x < 0.31


def test_feet_that_stand_do_not_slide(standing):
    key = key_from_pose(standing, N)
    joints = np.array(key.joints)
    lower = joints - [0, 0.12, 0]
    key = key.changed(joints=tuple(map(tuple, lower.tolist())))
    for side, foot in enumerate(("left_foot", "right_foot")):
        key = dragged(key, foot, tuple(joints[ANKLES[side]]))  # bends its knees
    led, pins = run(standing, [key])
    assert pins.report[0].parts["body"] < 0.05
    steps = np.diff(led.joints[:, TOES][..., [0, 2]], axis=0)
    assert np.abs(steps).max() < 0.005
    assert led.root[N, 1] < standing.root[N, 1] - 0.08


def test_keys_may_come_and_go_at_any_time(walking):
    key = at(raised(key_from_pose(walking, 33)), N)
    for begin, end in ((N - 3, N), (N - 8, N - 2), (N + 4, 121)):
        pins, out = Pins(), []
        for t in range(len(walking)):
            keys = [key] if begin <= t < end else []
            out.append(pins.push(walking[t : t + 1], t, keys))
        led = Poses.concatenate(out)
        assert np.isfinite(led.rotations).all()
        assert np.abs(led.joints[-1] - walking.joints[-1]).max() < 1e-5
        assert np.abs(np.diff(led.joints, axis=0)).max() < 0.45


def test_features_and_what_the_network_said_follow(walking):
    key = at(raised(key_from_pose(walking, 33)), N)
    led, _ = run(walking, [key])
    moved = led.joints[N] - walking.joints[N]
    assert np.allclose(led.unsolved[N] - walking.unsolved[N], moved, atol=1e-5)
    local = led.features[N, 4:67].reshape(-1, 3)
    world = led.unsolved[N, 1:] - led.unsolved[N, 0] * [1, 0, 1]
    assert np.allclose(np.linalg.norm(local, axis=-1), np.linalg.norm(world, axis=-1), atol=2e-3)
