"""Characters are read, whatever tool they come from, or refused in a sentence."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.character_files import Look, write
from benchmarks.rigs import RIGS
from core.capture import gltf_file
from core.capture.source import MatchError
from core.character import character as reading
from core.character import soles
from core.character.character import read_character
from core.character.glb_file import File
from core.character.licence import licence
from core.engine import Engine
from tests.core.capture.test_glb import join
from tests.core.character.conftest import OURS, description


@pytest.mark.parametrize(
    ("family", "look"),
    [
        ("mixamo", {"unit": 0.01, "armature": True}),
        ("vroid", {"vrm": 0, "cape": True, "meshes": 3}),
        ("humanoid", {"vrm": 1}),
        ("unreal", {"unit": 0.01, "armature": True}),
        ("daz", {"unit": 0.01}),
        ("make_human", {"unit": 0.1}),
        ("reallusion", {"meshes": 4}),
        ("rigify_loose", {}),
    ],
)
def test_joints_are_found_and_stand_in_our_axes(dressed, family, look):
    found, rig = dressed(family, **look), RIGS[family]
    assert {j: found.nodes[c] for j, c in found.match.joints.items()} == rig.joints
    left, right = (found.places[found.match.joints[f"{s}_ankle"]] for s in ("left", "right"))
    assert left[0] > 0.05 > -0.05 > right[0]
    assert found.places[found.match.joints["head"], 1] > 1.4
    ahead = found.rig.soles[..., 2]
    assert ahead.max() > 0.15 > 0.1 > -ahead.min()  # toes are longer than heels
    assert found.rig.floor == pytest.approx(0, abs=1e-6)


def test_the_two_of_our_own_are_read():
    bolt, stilt = (read_character(OURS / name) for name in ("bolt.glb", "stilt.vrm"))
    assert len(bolt.match.joints) == len(stilt.match.joints) == 21
    assert bolt.licence is None
    assert stilt.licence is not None
    assert not stilt.licence.forbids
    assert "Stilt by Livestep" in stilt.credit
    assert max(path.stat().st_size for path in OURS.iterdir()) < 400_000


def test_twists_are_found_between_joints_and_beside_them(dressed):
    within, beside = dressed("make_human", unit=0.1), dressed("unreal", unit=0.01, armature=True)
    for found, nodes in ((within, 8 + 4), (beside, 6 + 4)):
        assert sum(t.share != 0 for t in found.rig.twists) >= 8, nodes
        assert all(-1 < t.share < 1 for t in found.rig.twists)


@pytest.mark.parametrize(
    ("meta", "forbids", "shown"),
    [
        ({"modification": "prohibited"}, True, "modification prohibited"),
        ({}, True, "use onlyAuthor"),  # what VRM 1.0 takes for said
        ({}, True, "commercial use personalNonProfit"),
        ({}, True, "redistribution prohibited"),
        ({}, True, "credit required"),
        *(
            ({"modification": odd}, True, shown)
            for odd, shown in (
                ("anything", "modification anything"),  # no word that we know
                ("Prohibited ", "modification Prohibited"),
                (["allowModification"], "modification unclear"),
                (None, "modification unclear"),
                (True, "modification unclear"),
            )
        ),
        ({"modification": " AllowModification "}, False, "modification AllowModification"),
        ({"modification": "allowModification"}, False, "modification allowModification"),
        ({"modification": "allowModificationRedistribution"}, False, "allowModificationRedistr"),
        ({"avatarPermission": "everyone"}, True, "use everyone"),
        ({"avatarPermission": "onlySeparatelyLicensedPerson"}, True, "onlySeparatelyLicensed"),
        ({"commercialUsage": "corporation"}, True, "commercial use corporation"),
        ({"allowRedistribution": True}, True, "redistribution allowed"),
        ({"creditNotation": "unnecessary"}, True, "credit unnecessary"),
        ({"licenseUrl": "https://a.b", "otherLicenseUrl": "https://c.d"}, True, "https://c.d"),
        ({"licenseUrl": "https://a.b"}, True, "licence https://a.b"),
    ],
)
def test_the_words_of_vrm_1_are_shown_and_obeyed(spoiled, meta, forbids, shown):
    def say(told):
        told["extensions"]["VRMC_vrm"]["meta"] = {"name": "A\nB", "authors": ["C"], **meta}

    licence = read_character(spoiled(say, vrm=1)).licence
    assert licence is not None
    assert bool(licence.forbids) == forbids
    assert str(licence).startswith("A B by C (use ")
    assert shown in str(licence)


@pytest.mark.parametrize(
    ("meta", "forbids", "shown"),
    [
        ({"licenseName": "Redistribution_Prohibited"}, True, "licence Redistribution_Prohibited"),
        ({"licenseName": "CC_BY_ND"}, True, "licence CC_BY_ND"),
        ({"licenseName": "CC_BY_NC_ND"}, True, "licence CC_BY_NC_ND"),
        *(
            ({"licenseName": name}, False, f"licence {name}")
            for name in ("CC0", "CC_BY", "CC_BY_NC", "CC_BY_SA", "CC_BY_NC_SA")
        ),
        ({"licenseName": "Other", "otherLicenseUrl": "https://c.d"}, False, "licence https://c.d"),
        ({"licenseName": "Other"}, False, "licence Other"),
        ({"licenseName": "cc_by_nd "}, True, "licence cc_by_nd"),
        ({"licenseName": ["CC0"]}, True, "licence unclear"),
        ({"licenseName": None}, True, "licence unclear"),
        ({"licenseName": "Mine"}, True, "licence Mine"),
        ({"licenseName": "", "allowedUserName": "Everyone"}, False, "(use Everyone)"),
        ({"allowedUserName": "OnlyAuthor"}, False, "use OnlyAuthor"),
        ({"allowedUserName": "ExplicitlyLicensedPerson"}, False, "use ExplicitlyLicensedPerson"),
        ({"commercialUssageName": "Disallow"}, False, "commercial use Disallow"),
        ({"otherPermissionUrl": "https://e.f"}, False, "more https://e.f"),
    ],
)
def test_the_words_of_vrm_0_are_shown_and_obeyed(tmp_path, meta, forbids, shown):
    write(RIGS["vroid"], tmp_path / "a.vrm", Look(vrm=0, meta={"author": "D", **meta}))
    licence = read_character(tmp_path / "a.vrm").licence
    assert licence is not None
    assert bool(licence.forbids) == forbids
    assert str(licence).startswith("a character by D (")
    assert shown in str(licence)


@pytest.mark.parametrize(
    ("authors", "author"),
    [("Jane Doe", "Jane Doe"), (None, ""), (5, ""), ([7, "Jo", {}, ["x"], "Al"], "Jo, Al")],
)
def test_odd_words_say_nothing(authors, author):
    meta = {"name": {"x": 1}, "authors": authors, "allowRedistribution": "false"}
    told = licence({"extensions": {"VRMC_vrm": {"meta": meta}}})
    assert told is not None
    assert (told.title, told.author) == ("", author)
    assert told.terms["redistribution"] == "prohibited"


@pytest.mark.parametrize("meta", [None, [], 7, "prohibited"])
def test_odd_licences_are_none(spoiled, meta):
    def change(told):
        told["extensions"]["VRMC_vrm"]["meta"] = meta

    told = read_character(spoiled(change, vrm=1)).licence
    assert told is not None
    assert told.forbids == "modification: prohibited"  # as where nothing is said


def test_either_of_two_licences_forbids():
    new, old = {"modification": "allowModification"}, {"licenseName": "CC_BY_ND"}
    kinds = {"VRMC_vrm": {"meta": new}, "VRM": {"meta": old}}
    told = licence({"extensions": kinds})
    assert told is not None
    assert told.forbids == "licence: CC_BY_ND"
    assert told.terms["modification"] == "allowModification"
    kinds["VRM"]["meta"] = {"licenseName": "CC0"}
    told = licence({"extensions": kinds})
    assert told is not None
    assert not told.forbids


def test_rings_beside_the_skeleton_are_refused(spoiled):
    def ring(told):
        first = len(told["nodes"])
        told["nodes"] += [{"mesh": 0, "children": [first + (i + 1) % 40]} for i in range(40)]

    with pytest.raises(ValueError, match="nodes that hang from each other"):
        read_character(spoiled(ring))


def test_gltf_is_read_with_what_lies_beside_it(tmp_path):
    write(RIGS["humanoid"], tmp_path / "a.glb")
    told, numbers = description(tmp_path / "a.glb")
    told["buffers"][0]["uri"] = "a.bin"
    (tmp_path / "a.gltf").write_text(json.dumps(told))
    with pytest.raises(ValueError, match=r"a\.gltf cannot be moved: its numbers lie in a\.bin"):
        read_character(tmp_path / "a.gltf")
    told["buffers"][0]["uri"] = "../a.bin"
    (tmp_path / "b.gltf").write_text(json.dumps(told))
    with pytest.raises(ValueError, match="its numbers lie in another folder"):
        read_character(tmp_path / "b.gltf")
    (tmp_path / "a.bin").write_bytes(numbers)
    beside, packed = (read_character(tmp_path / name) for name in ("a.gltf", "a.glb"))
    np.testing.assert_array_equal(beside.rig.rest, packed.rig.rest)
    again = File.read(tmp_path / "a.gltf").to_bytes()
    assert again == File.read(tmp_path / "a.glb").to_bytes()
    told["buffers"][0]["uri"] = "a.bin"
    join(tmp_path / "c.glb", told, b"")  # binary, its numbers beside it all the same
    assert File.read(tmp_path / "c.glb").to_bytes() == again
    (tmp_path / "a.bin").unlink()
    with pytest.raises(ValueError, match=r"its numbers lie in a\.bin"):
        read_character(tmp_path / "c.glb")


def test_a_map_says_which_joints_are_ours(spoiled):
    def rename(told):
        for i, node in enumerate(told["nodes"]):
            node["name"] = f"bone {i}"

    path = spoiled(rename)
    joints = {joint: int(node) for joint, node in RIGS["humanoid"].joints.items()}
    assert len(read_character(path).match.joints) == 22  # its tree alone says it
    order = read_character(path).nodes
    mapped = read_character(path, {j: order.index(n) for j, n in joints.items()})
    assert mapped.match.how == "map"


def lost(part):
    def change(told):
        for node in told["nodes"]:
            node["children"] = [
                c for c in node.get("children", ()) if part not in told["nodes"][c]["name"]
            ]

    return change


def edit(*path, value):
    def change(told):
        for step in path[:-1]:
            told = told[step]
        told[path[-1]] = value

    return change


def signed(told):
    joints = told["meshes"][0]["primitives"][0]["attributes"]["JOINTS_0"]
    told["accessors"][joints]["componentType"] = 5120


def moved_by(node=0, sampler=0, accessor=0):
    channel = {"sampler": sampler, "target": {"node": node, "path": "rotation"}}
    samplers = [{"input": 0, "output": accessor}]
    return edit("animations", value=[{"channels": [channel], "samplers": samplers}])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda told: told.pop("skins"), "it has no skin"),
        (edit("nodes", 3, "children", value=[0]), "hangs from"),
        (edit("nodes", 0, "translation", value=[float("nan"), 0, 0]), "must be 3 numbers"),
        (edit("nodes", 0, "scale", value=[0, 0, 0]), "were not found"),
        (edit("nodes", 0, "scale", value=[1, 3, 1]), "mirrored or stretched"),
        (edit("nodes", 0, "scale", value=[-1, 1, 1]), "mirrored or stretched"),
        (edit("skins", 0, "joints", value=[10**9]), "nodes that it does not have"),
        (edit("accessors", 0, "count", value=10**12), "more than 2,000,000 vertices"),
        (edit("accessors", 2, "count", value=10**6), "more vertices than joints or weights"),
        *(
            (edit("accessors", 0, "count", value=odd), "count of an accessor must be a whole")
            for odd in (-5, 1.5, "7", True, None)
        ),
        (edit("bufferViews", 0, "byteOffset", value=2**50), "cut off"),
        (edit("extensionsUsed", value=["EXT_meshopt_compression"]), "meshopt"),
        (edit("meshes", 0, "primitives", value=7), "not a readable glTF file"),
        (lambda told: told["nodes"].extend([{}] * 400_000), "more than 400000 values"),
        (lambda told: told["skins"][0]["joints"].extend(range(32, 800)), "does not have"),
        (edit("nodes", 0, "children", value=[-1]), "nodes that it does not have"),
        (edit("nodes", 0, "mesh", value=-1), "meshes that it does not have"),
        (edit("nodes", 0, "skin", value=-1), "skins that it does not have"),
        (edit("skins", 0, "joints", value=[-1]), "nodes that it does not have"),
        (edit("skins", 0, "inverseBindMatrices", value=-1), "accessors that it does not have"),
        (edit("meshes", 0, "primitives", 0, "attributes", "POSITION", value=-1), "accessors that"),
        (edit("accessors", 0, "bufferView", value=-1), "bufferViews that it does not have"),
        (edit("bufferViews", 0, "buffer", value=-1), "buffers that it does not have"),
        (edit("bufferViews", 0, "buffer", value=7), "buffers that it does not have"),
        (edit("bufferViews", 0, "byteOffset", value="x"), "its data lie nowhere"),
        (edit("images", value=[{"bufferView": -1}]), "bufferViews that it does not have"),
        (edit("images", value=[{"uri": 5}]), "must be a text"),
        (signed, "by joints that it does not have"),
        (moved_by(sampler=-1), "samplers that it does not have"),
        (moved_by(node=-1), "nodes that it does not have"),
        (moved_by(accessor=-1), "accessors that it does not have"),
    ],
)
def test_hostile_files_are_refused_in_a_sentence(spoiled, change, told):
    path = spoiled(change)
    with pytest.raises(ValueError, match=told) as caught:
        read_character(path)
    assert "odd.glb" in str(caught.value)
    assert str(path.parent) not in str(caught.value)


@pytest.mark.parametrize("kind", ["accessors", "bufferViews", "buffers", "images", "animations"])
@pytest.mark.parametrize("value", [{}, None, 5, "", "abc", [None], [5], [[]]])
def test_lists_that_are_none_are_refused(tmp_path, kind, value):
    (tmp_path / "a.gltf").write_text(json.dumps({"nodes": [], kind: value}))
    with pytest.raises(ValueError, match=f"a.gltf cannot be moved: its {kind} are no list"):
        read_character(tmp_path / "a.gltf")


@pytest.mark.parametrize("node", [-1, 10**9, 1.0, True, None, "1"])
@pytest.mark.parametrize("vrm", [0, 1])
def test_bones_of_vrm_are_nodes_of_the_file(spoiled, vrm, node):
    """One below the first had the way up from the hips never end."""

    def change(told):
        bones = told["extensions"]["VRMC_vrm" if vrm else "VRM"]["humanoid"]["humanBones"]
        (bones["hips"] if vrm else bones[0])["node"] = node

    with pytest.raises(ValueError, match="nodes that it does not have"):
        read_character(spoiled(change, vrm=vrm))


def test_binds_are_read_once_a_skin(spoiled, monkeypatch):
    def change(told):
        worn = next(node for node in told["nodes"] if "mesh" in node)
        for _ in range(100):
            told["nodes"].append({**worn, "mesh": len(told["meshes"])})
            told["meshes"].append(told["meshes"][0])

    asked, binds = [], soles.inverse_binds
    monkeypatch.setattr(soles, "inverse_binds", lambda *a: asked.append(a[1]) or binds(*a))
    read_character(spoiled(change))
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("images", "told"),
    [
        ([{"uri": "../a.bin"}], "another folder"),
        ([{"uri": "/etc/passwd"}], "another folder"),
        ([{"uri": "..%2fa.bin"}], "another folder"),
        ([{"uri": "file:///a.bin"}], "another folder"),
        ([{"uri": 5}], "must be a text"),
        ([{"uri": "none.png"}], "none.png, which is not beside it"),
        ([{"uri": "large.png"}] * 300, None),
        ([{"uri": f"./{'./' * i}large.png"} for i in range(300)], "another folder"),
        ([{"uri": "large.png"}, {"uri": "./large.png"}], "files beside it have more than"),
    ],
)
def test_what_lies_beside_a_gltf_is_looked_at_before_it_is_needed(
    tmp_path, monkeypatch, images, told
):
    write(RIGS["humanoid"], tmp_path / "a.glb")
    described, numbers = description(tmp_path / "a.glb")
    described["buffers"] = [{"uri": "a.bin"}] * 300
    described["images"] = images
    (tmp_path / "a.bin").write_bytes(numbers)
    (tmp_path / "large.png").write_bytes(bytes(1_000_000))
    (tmp_path / "a.gltf").write_text(json.dumps(described))
    monkeypatch.setattr(gltf_file, "MOST_BESIDE", 1_500_000)
    if told is None:
        read_character(tmp_path / "a.gltf")
        assert len(File.read(tmp_path / "a.gltf").to_bytes()) < 1_500_000
    else:
        with pytest.raises(ValueError, match=told):
            read_character(tmp_path / "a.gltf")


@pytest.mark.parametrize(("part", "what"), [("Leg", "legs"), ("Arm", "arms")])
def test_what_is_missing_is_named(spoiled, part, what):
    path = spoiled(lost(part))
    with pytest.raises(MatchError, match=f"cannot be moved: two like .*{what}"):
        read_character(path)


def test_a_body_that_lies_is_refused(tmp_path):
    write(RIGS["humanoid"], tmp_path / "a.glb")
    file = File.read(tmp_path / "a.glb")
    hips = file.json["nodes"][0]
    knee = next(n for n in file.json["nodes"] if n["name"] == "LeftUpperLeg")
    knee["rotation"] = [-0.7, 0, 0, 0.7]
    del file.json["skins"][0]["inverseBindMatrices"]
    assert hips["name"] == "Hips"
    (tmp_path / "a.glb").write_bytes(file.to_bytes())
    with pytest.raises(ValueError, match="does not stand upright at rest"):
        read_character(tmp_path / "a.glb")


def test_large_files_and_other_kinds_are_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MOST_FILE", 100)
    (tmp_path / "a.glb").write_bytes(bytes(101))
    (tmp_path / "a.fbx").write_bytes(b"Kaydara FBX Binary")
    for name, told in (
        ("a.glb", "has more than"),
        ("a.fbx", "not a readable FBX file"),
        ("a.txt", r"is no character; those are \.glb"),
        ("b.glb", "there is no file b.glb; of our own there are bolt and stilt"),
        ("bolt", "is no character; those are .*, and bolt and stilt by name"),  # of a folder
    ):
        with pytest.raises(ValueError, match=told):
            read_character(tmp_path / name)


def test_the_engine_reads_characters_without_models():
    for name in ("stilt", OURS / "stilt.vrm"):
        found = Engine.character(None, name)  # pyright: ignore[reportArgumentType]
        assert found.name == "stilt.vrm"
