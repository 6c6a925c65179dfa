"""All rigs tell the same motion, and their BVH files the same as their sources."""

from __future__ import annotations

import numpy as np
import pybvh
import pytest

from benchmarks.rigs import RIGS, UP, cases, glide, stroll
from core.body.skeleton import JOINTS

STROLL = stroll()


def joints(name: str) -> dict[str, np.ndarray]:
    """Where the joints of a rig are, in meters with Y up."""
    rig = RIGS[name]
    places = rig.source(STROLL).positions @ UP[rig.family.up] * rig.family.unit
    return {joint: places[:, node] for joint, node in rig.joints.items()}


@pytest.mark.parametrize("name", RIGS)
def test_rigs_move_alike(name):
    """To the millimeter below the pelvis; a trunk of fewer bones bends elsewhere."""
    like, found = joints("mixamo_bvh"), joints(name)
    for joint in sorted({*like, *found} & {*JOINTS}):
        if joint in like and joint in found and not joint.startswith(("spine", "neck", "head")):
            below = any(part in joint for part in ("pelvis", "hip", "knee", "ankle", "foot"))
            assert np.abs(found[joint] - like[joint]).max() < (1e-3 if below else 0.1), joint


def test_the_motion_is_a_walk_a_bow_and_a_turn():
    place = joints("mixamo_bvh")
    feet = np.minimum(place["left_foot"][:, 1], place["right_foot"][:, 1])
    assert np.abs(feet - 0.02).max() < 1e-6
    travel = place["pelvis"][-1] - place["pelvis"][0]
    assert travel[2] > 2.5
    assert travel[0] > 0.5  # to the left
    assert place["head"][:, 1].min() < place["head"][:, 1].max() - 0.1
    thigh, shin = (
        place[f"left_{b}"] - place[f"left_{a}"] for a, b in (("hip", "knee"), ("knee", "ankle"))
    )
    bend = (thigh * shin).sum(-1) / np.linalg.norm(thigh, axis=-1) / np.linalg.norm(shin, axis=-1)
    assert 10 < np.degrees(np.arccos(bend)).min() < 15
    assert 55 < np.degrees(np.arccos(bend)).max() < 60


@pytest.mark.parametrize("name", ["mixamo_bvh", "lafan1", "cmu", "mixamo_x_up", "poser", "smpl_x"])
@pytest.mark.parametrize("order", ["ZYX", "YXZ"])
def test_bvh_says_what_the_source_does(tmp_path, name, order):
    rig, path = RIGS[name], tmp_path / "a.bvh"
    path.write_text(rig.bvh(STROLL, order))
    read = pybvh.read_bvh_file(path, world_up="+y", warn_on_world_up_disagreement=False)
    source = rig.source(STROLL)
    assert read.frame_time == pytest.approx(1 / source.rate)
    assert np.abs(read.node_positions() - source.positions).max() * rig.family.unit < 1e-5
    names = ["" if node.name.startswith("EndSite") else node.name for node in read.nodes]
    assert tuple(names) == rig.names


def test_position_channels_repeat_the_offsets():
    rig = RIGS["mixamo_bvh"]
    plain, six = (rig.bvh(glide(), six=six) for six in (False, True))
    assert plain.count("CHANNELS 6") == 1
    assert six.count("CHANNELS 6") == sum(map(bool, rig.names))
    assert plain.partition("MOTION")[0].count("OFFSET") == len(rig.names)
    row = np.array(six.splitlines()[-1].split(), float).reshape(-1, 6)
    bones = [i for i, name in enumerate(rig.names) if name and rig.parents[i] >= 0]
    offsets = [rig.rest[i] - rig.rest[rig.parents[i]] for i in bones]
    assert np.abs(row[1:, :3] / 100 - offsets).max() < 1e-6


def test_files_with_one_oddity_each():
    files = cases()
    walk = files["plain_walk.bvh"].decode()
    assert walk.splitlines()[-1].split()[:3] == ["0.000000", "104.000000", "195.000000"]
    assert files["utf16.bvh"].decode("utf-16") == walk
    assert files["decimal_comma.bvh"].decode().count(".") == 0
    assert "ROOT 骨Hips" in files["japanese_names.bvh"].decode()
    assert "JOINT Bip01 LeftLeg" in files["names_with_spaces.bvh"].decode()
    still = files["static_root_walk.bvh"].decode().splitlines()
    assert still[1] == "ROOT Armature"
    assert {word for row in still[-40:] for word in row.split()[:6]} == {"0.000000"}
    assert len(files) == 19
