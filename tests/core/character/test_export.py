"""Characters go home in their own files, of which nothing is lost."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.character_files import Look, write
from benchmarks.glb_player import Player
from benchmarks.rigs import RIGS
from core.capture.bvh import read as read_bvh
from core.character.character import read_character
from core.character.export import write_character
from core.character.glb_file import File
from core.character.retarget import retarget
from core.export import write as write_body
from core.settings import ExportSettings
from tests.core.character.conftest import OURS, description


def test_a_file_keeps_all_that_was_in_it(spoiled, take, tmp_path):
    def fill(told):
        told["extras"] = {"kept": [1.1, "ä", None]}
        told["images"] = [{"bufferView": 0, "mimeType": "image/png"}]
        node = {"sampler": 0, "target": {"node": 0, "path": "translation"}}
        sampler = {"input": 0, "output": 0}
        told["animations"] = [{"name": "theirs", "channels": [node], "samplers": [sampler]}]

    character = read_character(spoiled(fill, vrm=1))
    before, numbers = description(character.path)
    write_character(take, tmp_path / "out.glb", character)
    after, more = description(tmp_path / "out.glb")
    assert more.startswith(numbers)
    for key, value in before.items():
        if key in ("accessors", "bufferViews"):
            assert after[key][: len(value)] == value
        elif key == "animations":
            assert after[key][1:] == value
        elif key != "buffers":
            assert after[key] == value
    assert after["animations"][0]["name"] == "walk; on he goes"
    assert after["animations"][0]["extras"]["licence"] == "CC0"


@pytest.mark.parametrize(
    ("family", "look"),
    [
        ("unreal", {"unit": 0.01, "armature": True, "meshes": 3}),
        ("vroid", {"vrm": 0, "cape": True}),
        ("rigify_loose", {}),
        ("daz", {"unit": 0.01}),
    ],
)
def test_what_plays_is_what_was_solved(dressed, take, tmp_path, family, look):
    character = dressed(family, **look)
    write_character(take, tmp_path / "out.glb", character)
    file = Player(tmp_path / "out.glb")
    rows = [character.nodes[r.column] for r in character.rig.rows]
    world = file.world()[:, rows]
    moved = retarget(character.rig, take.root, take.rotations)
    away = np.array([-1, 1, -1] if look.get("vrm") == 0 else [1, 1, 1])
    places = world[..., :3, 3] * away / character.rig.per
    np.testing.assert_allclose(places, moved.places, atol=1e-5)


def test_the_pose_that_a_file_was_saved_in_does_not_matter(spoiled, take, tmp_path):
    def pose(told):
        for node in told["nodes"]:
            if node["name"] in ("LeftUpperArm", "RightLowerLeg", "Spine"):
                node["rotation"] = [0.1, 0.3, 0.5, 0.806]

    found = []
    for name, change in (("bound.glb", lambda told: None), ("posed.glb", pose)):
        character = read_character(spoiled(change, name))
        write_character(take, tmp_path / f"out_{name}", character)
        rows = [character.nodes[r.column] for r in character.rig.rows]
        found.append(Player(tmp_path / f"out_{name}").world()[:, rows])
    np.testing.assert_allclose(*found, atol=1e-4)


def test_nodes_that_are_told_by_matrices_move(spoiled, take, tmp_path):
    def pack(told):
        for node in told["nodes"]:
            if "mesh" not in node:
                x, y, z = node.pop("translation")
                node.pop("rotation")
                node["matrix"] = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, x, y, z, 1]

    character = read_character(spoiled(pack))
    write_character(take, tmp_path / "out.glb", character)
    after, _ = description(tmp_path / "out.glb")
    moved = {channel["target"]["node"] for channel in after["animations"][0]["channels"]}
    assert all("matrix" not in after["nodes"][node] for node in moved)
    rows = [character.nodes[r.column] for r in character.rig.rows]
    places = Player(tmp_path / "out.glb").world()[:, rows][..., :3, 3] / character.rig.per
    solved = retarget(character.rig, take.root, take.rotations)
    np.testing.assert_allclose(places, solved.places, atol=1e-5)


@pytest.mark.parametrize("family", ["biped", "rigify_loose", "make_human"])
def test_bvh_has_their_names_and_their_places(dressed, take, tmp_path, family):
    character = dressed(family)
    write_character(take, tmp_path / "out.bvh", character)
    found = read_bvh(tmp_path / "out.bvh")
    moved = retarget(character.rig, take.root, take.rotations)
    for i, row in enumerate(character.rig.rows):
        name = character.names[row.column].replace(" ", "_")
        theirs = found.positions[:, found.names.index(name)]
        wanted = 100 * character.rig.per * moved.places[:, i]
        np.testing.assert_allclose(theirs, wanted, atol=0.02)
    assert json.loads((tmp_path / "out.bvh.json").read_text())["body"] == character.name


def test_a_character_that_must_not_be_changed_is_not(tmp_path, take):
    meta = {"name": "A", "authors": ["B"], "modification": "prohibited"}
    write(RIGS["humanoid"], tmp_path / "a.vrm", Look(vrm=1, meta=meta))
    character = read_character(tmp_path / "a.vrm")
    with pytest.raises(ValueError, match=r"a\.vrm must not be changed.*modification: prohibited"):
        write_character(take, tmp_path / "out.glb", character)
    write_character(take, tmp_path / "out.bvh", character)
    assert not (tmp_path / "out.glb").exists()


def test_rates_parts_and_roots_are_as_for_bodies(tmp_path, take):
    character = read_character(OURS / "bolt.glb")
    settings = ExportSettings(root="in-place", start=0.5, end=1.5)
    held = write_character(take, tmp_path / "out.glb", character, fps=30, settings=settings)
    assert held.fps == 30
    hips = Player(tmp_path / "out.glb").world()[:, 0, :3, 3]
    assert len(hips) == len(held)
    assert np.abs(np.ptp(hips[:, [0, 2]], axis=0)).max() < 0.15
    with pytest.raises(ValueError, match=r"choose \.fbx or \.bvh for one, or hips or in-place"):
        write_character(take, tmp_path / "b.glb", character, settings=ExportSettings(root="floor"))
    with pytest.raises(ValueError, match=r"goes home as .*, not as \.mp4; leave the character out"):
        write_character(take, tmp_path / "out.mp4", character)


def test_bvh_has_a_root_bone_on_the_floor_where_asked(tmp_path, take):
    character = read_character(OURS / "bolt.glb")
    for root in ("hips", "floor"):
        settings = ExportSettings(root=root)
        write_character(take, tmp_path / f"{root}.bvh", character, settings=settings)
    hips, floor = (read_bvh(tmp_path / f"{root}.bvh") for root in ("hips", "floor"))
    assert floor.names[0] == "Root"
    assert np.abs(floor.positions[:, 0, 1]).max() < 1e-6
    np.testing.assert_allclose(floor.positions[:, 1:], hips.positions, atol=0.01)


@pytest.mark.parametrize("suffix", [".vrma", ".npz"])
def test_what_is_for_any_body_is_the_same_for_a_character(tmp_path, take, suffix):
    write_character(take, tmp_path / f"a{suffix}", read_character(OURS / "stilt.vrm"), fps=30)
    write_body(take, tmp_path / f"b{suffix}", fps=30)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_a_file_that_was_changed_since_is_refused_in_a_sentence(spoiled, take, tmp_path):
    character = read_character(spoiled(lambda told: told["nodes"][0].update(name="\ud800")))
    write_character(take, tmp_path / "out.glb", character)  # half a character does no harm
    assert description(tmp_path / "out.glb")[0]["nodes"][0]["name"] == "?"
    for change, told in (
        (lambda told: told["nodes"].clear(), "nodes that it does not have"),
        (lambda told: (told["nodes"].clear(), told.pop("skins")), "its glTF is damaged"),
    ):
        spoiled(change)
        with pytest.raises(ValueError, match=f"odd.glb cannot hold a motion: .*{told}") as caught:
            write_character(take, tmp_path / "b.glb", character)
        assert str(tmp_path) not in str(caught.value)
        assert not (tmp_path / "b.glb").exists()


def test_prompts_are_animations_of_their_own(tmp_path, take):
    character = read_character(OURS / "stilt.vrm")
    settings = ExportSettings(takes="prompts")
    write_character(take, tmp_path / "out.glb", character, settings=settings)
    told, _ = description(tmp_path / "out.glb")
    assert [a["name"] for a in told["animations"]] == ["walk", "on he goes"]
    keys = [told["accessors"][a["samplers"][0]["input"]]["count"] for a in told["animations"]]
    assert keys == [25, 15]


def test_pictures_beside_a_gltf_come_along(tmp_path, take):
    write(RIGS["humanoid"], tmp_path / "a.glb")
    told, numbers = description(tmp_path / "a.glb")
    told["buffers"][0]["uri"] = "a.bin"
    told["images"] = [{"uri": "skin.png"}]
    (tmp_path / "a.bin").write_bytes(numbers)
    (tmp_path / "skin.png").write_bytes(b"\x89PNG and no more")
    (tmp_path / "a.gltf").write_text(json.dumps(told))
    write_character(take, tmp_path / "out.glb", read_character(tmp_path / "a.gltf"))
    after, more = description(tmp_path / "out.glb")
    view = after["bufferViews"][after["images"][0]["bufferView"]]
    start = view["byteOffset"]
    assert more[start : start + view["byteLength"]] == b"\x89PNG and no more"
    assert File.read(tmp_path / "out.glb").json["images"][0]["mimeType"] == "image/png"
