"""What somebody else's skeleton does, ours does: legs bend alike, trunk and arms turn alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.files import bends, family_row, read_back
from benchmarks.rig_families import FAMILIES
from benchmarks.rigs import RIGS, glide, make, stroll
from core.body.rotations import quat_from_axis_angle, quat_multiply, quat_rotate
from core.body.skeleton import INDEX, REST_JOINTS
from core.capture.matching import match
from core.capture.read import Reading, read_motion
from core.capture.retarget import retarget
from core.capture.standing import rest_frame
from core.settings import ExportSettings
from tests.support.synthetic import walk_take


def read(tmp_path, rig, motion) -> Reading:
    path = tmp_path / "a.bvh"
    path.write_text(rig.bvh(motion), encoding="utf-8")
    return read_motion(path)


def steps(rotations: np.ndarray) -> np.ndarray:
    """Degrees of each joint from pose to pose."""
    cosine = np.abs((rotations[1:] * rotations[:-1]).sum(-1))
    return 2 * np.degrees(np.arccos(np.clip(cosine, 0, 1)))


@pytest.mark.parametrize("drop", [0, 0.04, 0.08, 0.12, 0.16])
def test_straight_legs_stay_straight_wherever_the_hips_are(tmp_path, drop):
    rig = make(
        FAMILIES["mixamo_bvh"],
        hip=(0.09, 0.95 - drop, 0),
        knee=(0.09, 0.5, 0),
        ankle=(0.09, 0.05, 0),
    )
    found = read(tmp_path, rig, glide())
    assert np.median(bends(found.joints)) < 0.5
    assert found.joints[0, 0, 1] == pytest.approx(REST_JOINTS[0, 1], abs=0.02)
    assert found.notes == ()


@pytest.mark.parametrize("collar", [0.0, 0.05])
def test_a_chest_is_turned_as_the_file_says(tmp_path, collar):
    rig = make(FAMILIES["mixamo_bvh"], collar=(collar, 1.43, 0.01))
    assert steps(read(tmp_path, rig, glide(sway=5)).rotations).max() < 15


@pytest.mark.parametrize("far", [1e5, 1e27, 1e300])
def test_what_is_no_body_any_more_is_refused(far):
    source = RIGS["mixamo_bvh"].source()
    found = match(source)
    positions = source.positions.copy()
    positions[:, found.joints["left_elbow"]] *= far
    with pytest.raises(ValueError, match="more than 100 leg lengths away from the pelvis"):
        retarget(replace(source, positions=positions), found)


def test_positions_far_from_the_origin_are_solved_as_finely():
    source = replace(RIGS["smpl"].source(), rotations=None, rest=None, rest_rotations=None)
    away = replace(source, positions=source.positions + np.array([5e6, 0, 0]))
    near, far = (retarget(s, match(s)) for s in (source, away))
    np.testing.assert_allclose(far.root - far.root[0], near.root - near.root[0], atol=1e-3)


def test_nodes_that_are_none_of_ours_can_be_drawn(tmp_path):
    rig = RIGS["mixamo_bvh"]
    text = rig.bvh(glide())
    far = "JOINT prop\n{\nOFFSET 1e29 0 0\nCHANNELS 1 Xrotation\n}\n"
    assert text.count("CHANNELS 6") == 1
    head, motion = text.split("MOTION")
    at = head.rindex("}")
    rows = motion.strip().splitlines()
    rows[2:] = [f"{row} 0" for row in rows[2:]]
    path = tmp_path / "a.bvh"
    path.write_text(head[:at] + far + head[at:] + "MOTION\n" + "\n".join(rows) + "\n")
    skeleton = read_motion(path).skeleton
    assert skeleton.how == "names"
    assert np.isfinite(skeleton.places).all()
    assert np.abs(skeleton.places[skeleton.names.index("prop")]).max() == 100
    assert np.abs(skeleton.places[[*skeleton.joints.values()]]).max() < 2


def test_a_root_that_stands_still_does_not_hold_the_body(tmp_path):
    still, plain = (read(tmp_path, RIGS[n], glide()) for n in ("bandai", "mixamo_bvh"))
    assert np.ptp(plain.root[:, 2]) > 1.8
    np.testing.assert_allclose(still.root, plain.root, atol=0.02)


@pytest.mark.parametrize("name", RIGS)
def test_every_family_does_what_it_did(tmp_path, name):
    row, _, _ = family_row(RIGS[name], tmp_path / "a.bvh")
    assert row["knee_degrees"] < 0.2
    assert row["arm_degrees"] < 0.2
    assert row["leg_degrees"] < 5  # hips of ours are nearer to each other
    assert row["torso_degrees"] < 6
    assert row["path_m"] < 0.05
    assert row["notes"] == 0


@pytest.mark.parametrize("nodes", [1, 2, 4])
def test_a_spine_of_any_number_of_nodes_keeps_its_curve(nodes):
    source, found = RIGS["100style"].source(), match(RIGS["100style"].source())
    bent = retarget(source, replace(found, spine=found.spine[-nodes:]))
    plain = retarget(source, found)
    np.testing.assert_allclose(
        bent.world[:, INDEX["spine3"]], plain.world[:, INDEX["spine3"]], atol=1e-6
    )


def test_positions_alone_are_solved():
    rig = RIGS["smpl"]
    source = rig.source()
    told, bare = (
        retarget(s, match(s))
        for s in (source, replace(source, rotations=None, rest=None, rest_rotations=None))
    )
    np.testing.assert_allclose(bends_of(bare), bends_of(told), atol=1.0)
    np.testing.assert_allclose(bare.root, told.root, atol=0.05)


def bends_of(motion) -> np.ndarray:
    from core.body.skeleton import forward, local_rotations

    return bends(forward(motion.root, local_rotations(motion.world))[0])


def test_who_lies_stays_lying_and_who_walks_is_stood_up():
    """A rest pose says what is up, unless the body that lies in the file walks."""
    rig = RIGS["mixamo_bvh"]
    tip = quat_from_axis_angle(np.array([np.pi / 2, 0, 0]))
    for motion, told in ((stroll(), "stood upright"), (glide(speed=0), "")):
        source = replace(rig.source(motion), up="rest")
        tipped = replace(
            source,
            positions=quat_rotate(tip, source.positions),
            rotations=quat_multiply(tip, source.rotations),
        )
        found = retarget(tipped, match(tipped))
        height = np.ptp(found.root[:, 1]) if told else 0
        assert told in " ".join(found.notes)
        assert bool(found.notes) is bool(told)
        assert height < 0.3


def test_a_rest_pose_along_one_axis_is_none():
    lafan = RIGS["lafan1"].source()
    assert rest_frame(lafan.rest, match(lafan)) is None
    mixamo = RIGS["mixamo_a_pose"].source()
    np.testing.assert_allclose(rest_frame(mixamo.rest, match(mixamo)), np.eye(3))


@pytest.mark.parametrize("suffix", [".bvh", ".glb", ".npz"])
@pytest.mark.parametrize("root", ["hips", "floor"])
def test_our_own_files_come_back(tmp_path, suffix, root):
    row = read_back(walk_take(), tmp_path / f"walk{suffix}", ExportSettings(root=root))
    assert row["poses"] == 0
    assert row["degrees"] < 1
    assert row["mm"] < 5
