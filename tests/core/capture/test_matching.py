"""Rigs of every family are matched, whatever their nodes are called; others get a sentence."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count, pairwise

import numpy as np
import pytest

from benchmarks.rig_families import MIXAMO, Family, hands
from benchmarks.rigs import RIGS, case, glide, make, stroll
from core.capture.joint_maps import BUILT_IN
from core.capture.joint_names import HELPER, parts, side
from core.capture.matching import GUESS, match
from core.capture.source import MatchError, Source

STROLL, GLIDE = stroll(), glide()
STROLLING, GLIDING = (
    {name: rig.source(motion) for name, rig in RIGS.items()} for motion in (STROLL, GLIDE)
)
SPELLINGS = {
    "prefix": "Armature|{}".format,
    "another": "Armature_{}".format,
    "namespace": "Character1:{}".format,
    "script": "骨{}".format,
    "suffix": "{}_01".format,
    "both": "rig_{}_jnt".format,
    "upper": str.upper,
    "lower": str.lower,
    "spaces": lambda name: name.replace("_", " "),
    "underscores": lambda name: name.replace(" ", "_").replace(".", "_"),
}


def renamed(source: Source, new: Callable[[str], str]) -> Source:
    return replace(source, names=tuple(name and new(name) for name in source.names))


def numbered(source: Source, name: str) -> Source:
    number = count()
    return renamed(source, lambda old: name.format(old, next(number)))


def limbs(joints: dict[str, int]) -> dict[str, int]:
    """Without what only names can tell: how many nodes of a chain are its neck."""
    middle = ("spine1", "spine2", "spine3", "neck", "head")
    return {joint: i for joint, i in joints.items() if joint not in middle}


@pytest.mark.parametrize("name", RIGS)
def test_a_rig_is_matched(name):
    rig = RIGS[name]
    found = match(STROLLING[name])
    assert found.joints == rig.joints
    assert (found.spine, found.neck) == (rig.spine, rig.neck)
    assert found.how == ("tree" if name in ("german", "french") else "names")
    assert found.notes == ()


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_however_its_names_are_spelled(spelling):
    for name, rig in RIGS.items():
        found = match(renamed(GLIDING[name], SPELLINGS[spelling]))
        assert found.joints == rig.joints, name


def test_numbered_names():
    for name, rig in RIGS.items():
        assert match(numbered(GLIDING[name], "{}_{:03}")).joints == rig.joints, name


def test_without_names():
    """The tree and lengths tell limbs, and the way that a body faces tells its sides."""
    for name, rig in RIGS.items():
        found = match(numbered(STROLLING[name], "joint_{1}"))
        assert limbs(found.joints) == limbs(rig.joints), name
        assert (found.how, found.notes) == ("tree", ())
        if name not in ("biped", "biped_spine", "reallusion", "deep_mimic"):
            assert (found.joints, found.spine, found.neck) == (rig.joints, rig.spine, rig.neck)


def test_positions_of_one_pose():
    for name, rig in RIGS.items():
        pose = STROLLING[name].positions[:1]
        still = Source(names=rig.names, parents=rig.parents, positions=pose, rate=20)
        assert match(still).joints == rig.joints, name


def test_a_root_that_stands_still_is_no_pelvis():
    rig = case(root="Armature")
    assert rig.names[match(rig.source(GLIDE)).joints["pelvis"]] == "Hips"


def test_what_hangs_about_a_body():
    more = """
RightHand > Sword=hand+0.2,0,0 > SwordTip=hand+1.2,0,0
Hips > Tail1=pelvis+0,0,-0.1 > Tail2=pelvis+0,0,-0.4 > Tail3=pelvis+0,0,-0.7 > Tail4=pelvis+0,0,-1
Head > *Braid1=head+0.05,0.1,-0.1 > *Braid2=head+0.05,-0.2,-0.1 > *Braid3=head+0.05,-0.6,-0.1
Spine2 > *Cape1=s10+0.1,0.1,-0.1 > *Cape2=s10+0.1,-0.4,-0.1 > *Cape3=s10+0.1,-0.9,-0.1
"""
    rig = make(Family(tree="Scene=ground > " + MIXAMO.strip() + more + hands("*Hand", "*Hand{}#")))
    assert match(rig.source(STROLL)).joints == rig.joints
    nameless = match(numbered(rig.source(STROLL), "{1}"))
    assert limbs(nameless.joints) == limbs(rig.joints)


STICKS = """
Hips=pelvis > Chest=s10 > Head=head
Chest > *Arm=shoulder > *ForeArm=elbow > *Hand=wrist
Hips > *UpLeg=hip > *Leg=knee > *Foot=ankle
"""


def test_sides_follow_names_and_are_guessed_where_nothing_tells():
    straight = {"knee": (0.09, 0.48, 0), "ankle": (0.09, 0.08, 0), "hip": (0.09, 0.88, 0)}
    straight |= {"elbow": (0.45, 1.44, 0), "wrist": (0.7, 1.44, 0), "shoulder": (0.18, 1.44, 0)}
    rig = make(Family(tree=STICKS), **straight)
    assert match(rig.source(GLIDE)).joints == rig.joints
    swapped = rig.renamed(
        lambda n: n.replace("Left", "*").replace("Right", "Left").replace("*", "Right")
    )
    found = match(swapped.source(GLIDE))
    assert found.joints["left_hip"] == rig.joints["right_hip"]
    assert found.notes == ()
    found = match(numbered(rig.source(GLIDE), "{1}"))
    assert found.notes == (GUESS,)
    assert {found.joints[f"{s}_hip"] for s in ("left", "right")} == {
        rig.joints[f"{s}_hip"] for s in ("left", "right")
    }


@pytest.mark.parametrize("name", ["mixamo", "cmu", "smpl", "unreal", "humanoid"])
def test_a_built_in_map_is_obeyed(name):
    rig = RIGS["mixamo_bvh" if name == "mixamo" else name]
    found = match(GLIDING["mixamo_bvh" if name == "mixamo" else name], name)
    assert name in BUILT_IN
    assert found.how == "map"
    assert (found.spine, found.neck) == (rig.spine, rig.neck)
    wrong = {joint for joint, node in found.joints.items() if rig.joints.get(joint) != node}
    assert wrong <= {"spine1", "spine2", "spine3"}


def test_a_map_of_ones_own(tmp_path):
    rig, source = RIGS["miku_miku_dance"], GLIDING["miku_miku_dance"]
    names = {joint: [rig.names[node]] for joint, node in rig.joints.items()}
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"joints": names | {"pelvis": "腰"}}), encoding="utf-8")
    found = match(source, own)
    assert found.joints == rig.joints | {"pelvis": rig.names.index("腰")}
    own.write_text(json.dumps({"joints": names | {"left_knee": ["ひだり", "Knee"]}}))
    with pytest.raises(MatchError, match=r"left_knee as ひだり or Knee.*begin 全ての親") as caught:
        match(source, own)
    assert "left_knee" not in caught.value.skeleton.joints
    assert caught.value.skeleton.joints["right_knee"] == rig.joints["right_knee"]
    with pytest.raises(ValueError, match="no joint map 'unicorn'"):
        match(source, "unicorn")


def test_a_map_may_name_end_sites_and_leave_out_a_prefix(tmp_path):
    rig = RIGS["poser"].renamed("Figure1_{}".format)
    names = {
        joint: [rig.names[node].removeprefix("Figure1_")] for joint, node in rig.joints.items()
    }
    names |= {"left_foot": ["EndSitelFoot"], "right_foot": ["EndSite rfoot"]}
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"joints": names}))
    assert match(rig.source(GLIDE), own).joints == rig.joints


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ("Hips=pelvis > Spine=s5 > Head=head", "two like legs and two like arms"),
        (STICKS.replace("Chest > *Arm", "Chest > LeftArm").replace("*", ""), "arms above a trunk"),
        ("Hips=pelvis > Chest=s10\nHips > *UpLeg=hip > *Leg=knee > *Foot=ankle", "two like arms"),
        (
            "Hips=pelvis > Chest=s10\nChest > *Arm=shoulder > *Elbow=elbow > *Hand=wrist",
            "like legs",
        ),
    ],
)
def test_what_is_no_body_gets_a_sentence(tree, told):
    names, parents = [], []
    for line in tree.strip().splitlines():
        for word in ("Left", "Right")[: 1 + ("*" in line)]:
            chain = [n.split("=")[0].strip() for n in line.replace("*", word).split(">")]
            for above, name in pairwise(chain):
                names = names or [above]
                parents = parents or [-1]
                parents.append(names.index(above))
                names.append(name)
    rng = np.random.default_rng(0)
    places = rng.normal(size=(1, len(names), 3)).repeat(3, axis=0)
    source = Source(names=tuple(names), parents=tuple(parents), positions=places, rate=20)
    with pytest.raises(MatchError) as caught:
        match(source)
    sentence, skeleton = str(caught.value), caught.value.skeleton
    assert told in sentence
    assert "begin Hips" in sentence
    assert "a joint map can say which is which" in sentence
    assert skeleton.names == source.names
    assert skeleton.places.shape == (len(names), 3)


@pytest.mark.parametrize("far", [1e30, 1e300])
def test_a_skeleton_that_is_no_body_can_be_drawn(far):
    places = np.tile(np.arange(6.0)[:, None], (1, 3))
    places[5] = far
    source = Source(
        names=("a",) * 6, parents=tuple(range(-1, 5)), positions=places[None].repeat(3, 0), rate=20
    )
    for scale in (1, 0):
        with pytest.raises(MatchError) as caught:
            match(replace(source, positions=source.positions * scale))
        drawn = caught.value.skeleton.places
        assert drawn.dtype == np.float32
        assert np.abs(drawn).max() == 100 * scale


@pytest.mark.parametrize("kind", ["chain", "star", "binary", "random", "forest", "nowhere"])
def test_hostile_trees_take_no_longer(kind):
    size, rng = 1000, np.random.default_rng(0)
    above = {
        "chain": lambda i: i - 1,
        "star": lambda i: 0,
        "binary": lambda i: (i - 1) // 2,
        "forest": lambda i: -1,
    }.get(kind, lambda i: int(rng.integers(0, i)))
    parents = [-1, *map(above, range(1, size))]
    places = rng.normal(size=(200, size, 3)) * (kind != "nowhere")
    names = tuple(f"{'LeftUpLeg' * 21}{i:04}" for i in range(size))
    source = Source(names=names, parents=tuple(parents), positions=places, rate=20)
    start = time.process_time()
    with suppress(MatchError):
        match(source)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    ("left", "right"),
    [
        "LeftArm RightArm".split(),
        "lThigh rThigh".split(),
        "thigh_l thigh_r".split(),
        ("Bip01 L Thigh", "Bip01 R Thigh"),
        "DEF-thigh.L.001 DEF-thigh.R.001".split(),
        "mHipLeft mHipRight".split(),
        "左足 右足".split(),
        "Bein_links Bein_rechts".split(),
        "bras.gauche bras.droite".split(),
        "pierna_izquierda pierna_derecha".split(),
        "нога_левая нога_правая".split(),
        "joint_12_L joint_31_R".split(),
    ],
)
def test_sides_are_told_by_where_names_differ(left, right):
    assert side(left, right) == 1
    assert side(right, left) == -1
    assert side(left, left) == 0


def test_words_of_names():
    said = parts(["torso_head", "UpperArm_L", "LeftHandThumb1", "LThighTwist", "Toe_End", "x"])
    assert [next(iter(words), None) for words in said] == [
        *("head", "shoulder", HELPER, HELPER, None, None)
    ]
    assert parts(["LeftLeg"])[0].keys() == {"hip", "knee"}
