"""Maps of joints: names or numbers, obeyed as given, saved so that they find the same again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.body.skeleton import JOINTS, PARENTS, REST_JOINTS
from core.capture.joint_maps import MOST_NAME, NEEDED, load_map, spelled, to_map
from core.capture.matching import match
from core.capture.source import MatchError, Skeleton, Source

PARENTS = tuple(int(parent) for parent in PARENTS)


def source(names: tuple[str, ...] = JOINTS, parents: tuple[int, ...] = PARENTS) -> Source:
    """Our own skeleton under other names, standing; what is more than 22 hangs from a wrist."""
    more = len(names) - len(JOINTS)
    places = np.concatenate([REST_JOINTS, REST_JOINTS[-1] + np.arange(1, more + 1)[:, None]])
    return Source(names=names, parents=parents, positions=np.stack([places] * 20), rate=20)


def skeleton(source: Source, joints: dict[str, int]) -> Skeleton:
    names, parents = source.names, source.parents
    return Skeleton(names=names, parents=parents, places=source.positions[0], joints=joints)


def test_names_of_end_sites_are_no_longer_than_a_map_may_have_them():
    name = "x" * MOST_NAME
    assert spelled((name, ""), (-1, 0)) == [name, f"EndSite{name}"[:MOST_NAME]]


def test_a_saved_map_finds_the_same_joints_again(tmp_path):
    # two nodes of one name, one without a name, and end sites
    names = ("Bone", "Bone", "", *(f"Zz {joint}" for joint in JOINTS[3:]), "", "Tip", "")
    ours = source(names, (*PARENTS, 21, 20, 23))
    joints = {joint: i for i, joint in enumerate(JOINTS)} | {"left_wrist": 24, "right_wrist": 22}
    table = to_map(skeleton(ours, joints), "by hand")
    assert table["joints"]["pelvis"] == 0
    assert table["joints"]["right_hip"] == "EndSiteBone"
    assert table["joints"]["left_wrist"] == "EndSiteTip"
    assert table["joints"]["left_knee"] == "Zz left_knee"
    path = tmp_path / "mine.json"
    path.write_text("\ufeff" + json.dumps(table), encoding="utf-8")
    for given in (path, table["joints"], joints):
        found = match(ours, given)
        assert (found.joints, found.how) == (joints, "map")


def test_needed_joints_are_enough_and_may_hang_from_roots_of_their_own():
    parents = tuple(-1 if JOINTS[i] == "spine3" else p for i, p in enumerate(PARENTS))
    found = match(source(parents=parents), {joint: JOINTS.index(joint) for joint in NEEDED})
    assert found.joints.keys() == set(NEEDED)
    assert found.spine == (JOINTS.index("spine3"),)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"left_hip": "Nothing"}, "looked for left_hip as Nothing"),
        ({"left_hip": ["A", 99]}, "looked for left_hip as A or 99"),
        ({"left_hip": -1}, "looked for left_hip as -1"),
        ({"left_hip": "right_hip"}, "one node for several joints"),
    ],
)
def test_a_map_that_does_not_fit_brings_the_skeleton(change, told):
    given = {joint: joint for joint in JOINTS} | change
    with pytest.raises(MatchError, match=told) as caught:
        match(source(), given)
    assert caught.value.skeleton.names == JOINTS
    assert caught.value.skeleton.joints["pelvis"] == 0


@pytest.mark.parametrize(
    ("joints", "told"),
    [
        ({"tail": 3}, "joints we do not have: tail"),
        ({"pelvis": 0}, "does not map left_hip, right_hip"),
        ({joint: {"name": "x"} for joint in NEEDED}, "pelvis to something else than names"),
        ({joint: [None] for joint in NEEDED}, "pelvis to something else than names"),
    ],
)
def test_what_is_no_map_is_told(joints, told):
    with pytest.raises(ValueError, match=f"^the joint map .*{told}"):
        load_map(joints)
