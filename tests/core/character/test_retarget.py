"""Characters do what our body does."""

from __future__ import annotations

import numpy as np
import pytest

from core.body.rotations import (
    about_y,
    quat_from_axis_angle,
    quat_inverse,
    quat_multiply,
    quat_rotate,
    quat_to_axis_angle,
)
from core.body.skeleton import (
    ANKLES,
    ELBOWS,
    HIPS,
    JOINTS,
    REST_JOINTS,
    SHOULDERS,
    TOES,
    WRISTS,
    forward,
)
from core.body.soles import heights
from core.character.character import read_character
from core.character.retarget import Retargeter, local_turns, retarget
from tests.core.character.conftest import OURS

FAMILIES = [
    ("mixamo_a_pose", {}),
    ("mixamo_arms_down", {}),
    ("vroid", {"vrm": 0}),
    ("unreal", {"unit": 0.01, "armature": True}),
    ("rigify_loose", {}),
    ("daz", {"unit": 0.01}),
]


def row(character, joint: int) -> int:
    column = character.match.joints[JOINTS[joint]]
    return [r.column for r in character.rig.rows].index(column)


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """Largest angle in degrees between vectors."""
    a, b = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (a, b))
    return float(np.degrees(np.arccos(np.clip((a * b).sum(-1), -1, 1))).max())


@pytest.mark.parametrize(("family", "look"), FAMILIES)
def test_arms_point_where_ours_do_whatever_the_rest_pose(dressed, take, family, look):
    character = dressed(family, **look)
    moved = retarget(character.rig, take.root, take.rotations)
    for joint, child in (*zip(SHOULDERS, ELBOWS, strict=True), *zip(ELBOWS, WRISTS, strict=True)):
        bone = moved.places[:, row(character, child)] - moved.places[:, row(character, joint)]
        assert apart(bone, take.joints[:, child] - take.joints[:, joint]) < 0.1


@pytest.mark.parametrize("name", ["bolt.glb", "stilt.vrm"])
def test_feet_stand_where_ours_stand_with_their_own_soles(take, name):
    character = read_character(OURS / name)
    moved = retarget(character.rig, take.root, take.rotations)
    joints, world = forward(take.root.astype(float), take.rotations.astype(float))
    ours = np.maximum(heights(joints[:, ANKLES], world[:, ANKLES]), 0)
    down = ours < 0.01
    assert down.any(axis=0).all()
    for side, (ankle, toe) in enumerate(zip(ANKLES, TOES, strict=True)):
        foot = row(character, ankle)
        soles = quat_rotate(moved.turns[:, None, foot], character.rig.soles[side])[..., 1]
        theirs = moved.places[:, foot, 1] + soles.min(axis=1)
        np.testing.assert_allclose(theirs[down[:, side]], ours[down[:, side], side], atol=1e-4)
        assert theirs.min() > -1e-4
        ball = moved.places[:, foot] + quat_rotate(moved.turns[:, foot], character.rig.balls[side])
        off = (ball - joints[:, toe])[down[:, side]]
        assert np.ptp(off[:, [0, 2]], axis=0).max() < 0.01
        hips = np.abs(character.rig.legs[0, :, 0]).mean() - np.abs(joints[0, HIPS, 0]).mean()
        assert off[0, 0] * (1 - 2 * side) == pytest.approx(hips, abs=0.01)


def test_legs_stay_as_bent_as_ours(dressed, take):
    character = dressed("mixamo_a_pose")
    moved = retarget(character.rig, take.root, take.rotations)
    for side in ("left", "right"):
        hip, knee, ankle = (JOINTS.index(f"{side}_{n}") for n in ("hip", "knee", "ankle"))
        for a, b in ((hip, knee), (knee, ankle)):
            bone = moved.places[:, row(character, b)] - moved.places[:, row(character, a)]
            assert apart(bone, take.joints[:, b] - take.joints[:, a]) < 8


def test_a_body_at_rest_leaves_a_t_pose_as_it_was():
    character = read_character(OURS / "stilt.vrm")
    still = np.tile([1.0, 0, 0, 0], (1, len(JOINTS), 1))
    moved = retarget(character.rig, REST_JOINTS[None, 0], still)
    off = moved.places - moved.places[:, :1] - (character.rig.rest - character.rig.rest[0])
    assert np.abs(off).max() < 0.05
    arm = row(character, SHOULDERS[0])
    assert np.degrees(np.linalg.norm(quat_to_axis_angle(moved.turns[0, arm]))) < 10


@pytest.mark.parametrize(("family", "look"), FAMILIES)
def test_chunks_come_out_as_the_whole(dressed, take, family, look):
    solver = Retargeter(dressed(family, **look).rig)
    whole = retarget(solver.rig, take.root, take.rotations)
    for part in (slice(0, 8), slice(8, 9), slice(9, 40)):
        some = solver.push(take.root[part], take.rotations[part])
        np.testing.assert_allclose(some.places, whole.places[part], atol=1e-12)
        np.testing.assert_allclose(some.turns, whole.turns[part], atol=1e-12)


def test_a_turned_motion_is_the_motion_turned(dressed, take):
    rig, turn = dressed("unreal", unit=0.01, armature=True).rig, about_y(2.0)
    rotations = take.rotations.astype(float)
    rotations[:, 0] = quat_multiply(turn, rotations[:, 0])
    before = retarget(rig, take.root, take.rotations)
    after = retarget(rig, quat_rotate(turn, take.root.astype(float)), rotations)
    np.testing.assert_allclose(after.places, quat_rotate(turn, before.places), atol=1e-5)


@pytest.mark.parametrize(
    ("family", "look", "upper", "lower"),
    [
        ("make_human", {"unit": 0.1}, [0.5, 1], [0, 0.5, 1]),
        ("unreal", {"unit": 0.01, "armature": True}, [1 / 3, 2 / 3, 1], [0, 0.5, 1]),
        ("mixamo_a_pose", {}, [1], [0, 1]),
    ],
)
def test_twists_are_spread_evenly(dressed, family, look, upper, lower):
    character = dressed(family, **look)
    rig, rotations = character.rig, np.tile([1.0, 0, 0, 0], (1, len(JOINTS), 1))
    angle = 0.8
    bones = {j: REST_JOINTS[j + 2] - REST_JOINTS[j] for j in (SHOULDERS[0], ELBOWS[0])}
    for joint, bone in bones.items():
        turn = quat_from_axis_angle((angle * bone / np.linalg.norm(bone)).astype(float))
        end = SHOULDERS[0] if joint == SHOULDERS[0] else WRISTS[0]
        rotations[0, end] = turn
    moved = retarget(rig, REST_JOINTS[None, 0], rotations)
    hinge = row(character, ELBOWS[0])
    still = np.tile([1.0, 0, 0, 0], (1, len(JOINTS), 1))
    at_rest = retarget(rig, REST_JOINTS[None, 0], still)
    since = quat_multiply(moved.turns, quat_inverse(at_rest.turns))
    angles = np.linalg.norm(quat_to_axis_angle(since), axis=-1)[0] / angle
    ours = [i for i, r in enumerate(rig.rows) if r.low == r.high == SHOULDERS[0]]
    np.testing.assert_allclose(sorted(angles[ours]), upper, atol=0.01)
    forearm = [i for i, r in enumerate(rig.rows) if r.low in (ELBOWS[0], WRISTS[0])]
    turned = quat_multiply(quat_inverse(since[:, [hinge]]), since[:, forearm])
    angles = np.linalg.norm(quat_to_axis_angle(turned), axis=-1)[0] / angle
    np.testing.assert_allclose(sorted(angles), lower, atol=0.01)


def test_local_rotations_are_those_at_rest_where_nothing_turns(dressed):
    rig = dressed("mixamo", unit=0.01, armature=True).rig
    unturned = np.tile([1.0, 0, 0, 0], (1, len(rig.rows), 1))
    turns = local_turns(rig, unturned)
    rest = quat_multiply(quat_inverse(rig.above), rig.turns)
    np.testing.assert_allclose(np.abs((turns[0] * rest).sum(-1)), 1, atol=1e-9)
