"""Characters go home as FBX, held against a reader that is not ours."""

from __future__ import annotations

import shutil
import subprocess
import time

import numpy as np
import pytest

from benchmarks.character_files import Look, write
from benchmarks.glb_player import Player
from benchmarks.rigs import RIGS
from core.body.rotations import quat_multiply, quat_rotate, quat_to_matrix
from core.character import meshes
from core.character.character import read_character
from core.character.export import write_character
from core.character.fbx import distinct
from core.character.glb_file import File
from core.character.retarget import retarget
from core.export.root import floor_root
from core.settings import ExportSettings
from tests.core.character.conftest import OURS
from tests.support.fbx_file import Scene, matrix

PNG = b"\x89PNG\r\n\x1a\n and so on"
CASES = [
    ("mixamo", {"unit": 0.01, "armature": True}),
    ("unreal", {"unit": 0.01, "armature": True, "meshes": 3}),
    ("vroid", {"vrm": 0, "cape": True, "meshes": 3}),
    ("humanoid", {"vrm": 1}),
    ("rigify_loose", {}),
    ("daz", {"unit": 0.01}),
]


def bent(scene: Scene, pose: int) -> np.ndarray:
    """All corners (C, 3) of all meshes in one pose, centimeters."""
    _, played = scene.play(scene.kind("AnimationStack")[0])
    found = []
    for geometry in scene.kind("Geometry"):
        mesh = scene.objects[geometry]
        points = mesh["Vertices"].value.reshape(-1, 3)
        full = np.concatenate([points, np.ones((len(points), 1))], axis=1)
        out, total = np.zeros_like(points), np.zeros(len(points))
        (skin,) = scene.under(geometry, "Deformer")
        for cluster in scene.under(skin, "Deformer"):
            node = scene.objects[cluster]
            (bone,) = scene.under(cluster, "Model")
            now = played[scene.name(bone)]
            back = matrix(node["Transform"].value)
            np.testing.assert_allclose(
                matrix(node["TransformLink"].value) @ back, np.eye(4), 0, 1e-9
            )
            at, share = node["Indexes"].value, node["Weights"].value
            out[at] += share[:, None] * (full[at] @ (now[min(pose, len(now) - 1)] @ back).T)[:, :3]
            total[at] += share
        np.testing.assert_allclose(total, 1)
        corners = mesh["PolygonVertexIndex"].value
        found.append(out[np.where(corners < 0, ~corners, corners)])
    return np.concatenate(found)


@pytest.mark.parametrize(("family", "look"), CASES)
def test_bones_and_skins_do_what_was_solved(dressed, take, tmp_path, family, look):
    character = dressed(family, **look)
    write_character(take, tmp_path / "out.fbx", character)
    write_character(take, tmp_path / "out.glb", character)
    scene, pose = Scene(tmp_path / "out.fbx"), 23
    (stack,) = scene.kind("AnimationStack")
    assert scene.name(stack) == "walk; on he goes"
    bones = scene.bones()
    names = distinct(character.names)
    assert {*bones} == {*names}
    for name, up in zip(names, character.parents, strict=True):
        assert bones[name][1] == (names[up] if up >= 0 else "")
    _, played = scene.play(stack)
    moved = retarget(character.rig, take.root, take.rotations)
    turns = quat_to_matrix(quat_multiply(moved.turns, character.rig.turns))
    for i, row in enumerate(character.rig.rows):
        now = played[names[row.column]]
        wanted = 100 * character.meters * moved.places[:, i]
        np.testing.assert_allclose(now[:, :3, 3], wanted, atol=2e-3)
        np.testing.assert_allclose(now[:, :3, :3], turns[:, i], atol=1e-4)
    file = Player(tmp_path / "out.glb")
    away = np.array([-1, 1, -1] if look.get("vrm") == 0 else [1, 1, 1])
    parts = [part.points[pose][part.faces] for part in file.skins(file.world())]
    ours = np.concatenate(parts).reshape(-1, 3) * away * 100 * character.meters / character.rig.per
    np.testing.assert_allclose(bent(scene, pose), ours, atol=5e-3)


def test_paints_and_pictures_come_along(spoiled, take, tmp_path):
    path = spoiled(lambda told: None, meshes=2)
    file = File.read(path)
    shape = file.json["meshes"][0]["primitives"][0]
    count = file.json["accessors"][shape["attributes"]["POSITION"]]["count"]
    spots = np.random.default_rng(0).random((count, 2)).astype(np.float32)
    lights = np.full((count, 3), 0.5, np.float32)
    file.add(np.zeros(3))  # so that no number is that of another
    view = len(file.json["bufferViews"])
    file.add(np.frombuffer(PNG + bytes(-len(PNG) % 4), np.uint32))
    shape["attributes"] |= {"TEXCOORD_0": file.add(np.pad(spots, ((0, 0), (0, 1))))}
    shape["attributes"] |= {"COLOR_0": file.add(lights)}
    file.json |= {
        "images": [{"bufferView": view, "mimeType": "image/png"}],
        "textures": [{"source": 0}],
        "materials": [
            {"name": "Skin", "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}},
            {
                "name": "Glass",
                "alphaMode": "BLEND",
                "pbrMetallicRoughness": {"baseColorFactor": [0.5, 0, 1, 0.25]},
            },
        ],
    }
    file.json["meshes"][0]["primitives"].append({**shape, "material": 1})
    path.write_bytes(file.to_bytes())
    write_character(take, tmp_path / "out.fbx", read_character(path))
    scene = Scene(tmp_path / "out.fbx")
    skin, glass = scene.kind("Material")
    assert [scene.name(one) for one in (skin, glass)] == ["Skin", "Glass"]
    np.testing.assert_allclose(
        scene.objects[glass].properties()["DiffuseColor"], [0.7354, 0, 1], atol=1e-3
    )
    assert scene.objects[glass].properties()["Opacity"] == 0.25
    (texture,) = scene.under(skin, "Texture", "DiffuseColor")
    (video,) = scene.under(texture, "Video")
    assert scene.objects[video]["Content"].value.startswith(PNG)
    first, second = scene.kind("Geometry")
    whole = scene.objects[first]
    painted = whole["LayerElementMaterial"]["Materials"].value
    assert painted.tolist() == sorted(painted)
    assert {*painted.tolist()} == {0, 1}
    assert np.allclose(
        whole["LayerElementColor"]["Colors"].value.reshape(-1, 4)[:, 0], 0.7354, 1e-3
    )
    told = whole["LayerElementUV"]["UV"].value.reshape(-1, 2)
    used = np.unique(Player(path).rows(shape["indices"]))
    np.testing.assert_allclose(told[: len(used)], spots[used] * [1, -1] + [0, 1], atol=1e-6)
    assert not scene.objects[second].all("LayerElementUV")


def test_hats_that_hang_on_a_bone_come_along(spoiled, take, tmp_path):
    def wear(told):
        head = next(node for node in told["nodes"] if node["name"] == "Head")
        mesh = next(node["mesh"] for node in told["nodes"] if "mesh" in node)
        head.setdefault("children", []).extend([len(told["nodes"])])
        told["nodes"].append({"name": "Hat", "translation": [0, 0.1, 0], "children": []})
        told["nodes"][-1]["children"] = [len(told["nodes"])]
        told["nodes"].append({"name": "Brim", "mesh": mesh, "scale": [-0.1, 0.1, 0.1]})

    character = read_character(spoiled(wear))
    write_character(take, tmp_path / "out.fbx", character)
    scene = Scene(tmp_path / "out.fbx")
    brim = next(one for one in scene.kind("Geometry") if scene.name(one) == "Brim")
    (skin,) = scene.under(brim, "Deformer")
    (cluster,) = scene.under(skin, "Deformer")
    assert scene.name(cluster) in ("Head", "Hat")
    top = scene.objects[brim]["Vertices"].value.reshape(-1, 3)
    head = character.places[character.names.index("Head")] * 100 * character.meters
    assert top[:, 1].max() > head[1] + 10
    assert np.ptp(top[:, 1]) < 30


def test_a_root_bone_on_the_floor(dressed, take, tmp_path):
    character = dressed("unreal", unit=0.01, armature=True)
    settings = ExportSettings(root="floor", takes="prompts")
    write_character(take, tmp_path / "out.fbx", character, settings=settings)
    scene = Scene(tmp_path / "out.fbx")
    stacks = scene.kind("AnimationStack")
    assert [scene.name(stack) for stack in stacks] == ["walk", "on he goes"]
    moved = retarget(character.rig, take.root, take.rotations)
    root = floor_root(moved.places[:, 0], moved.turns[:, 0], take.fps)
    begin = 0
    for stack in stacks:
        times, played = scene.play(stack)
        part = slice(begin, begin + len(times))
        begin += len(times)
        wanted = root.path[part] * 100 * character.meters
        # 0.1 mm behind, for Blender
        np.testing.assert_allclose(played["Root"][:, :3, 3], wanted, atol=0.011)
        for i in (0, 5):
            place = played[character.names[character.rig.rows[i].column]][:, :3, 3]
            np.testing.assert_allclose(
                place, 100 * character.meters * moved.places[part, i], atol=2e-3
            )
    above = [name for name, (_, up) in scene.bones().items() if up == "Root"]
    assert above
    # what is told of the hips below it is where they are
    far = quat_rotate(root.turns, np.array([0.0, 0, 1]))
    np.testing.assert_allclose(played["Root"][-1, :3, 2], far[-1], atol=1e-4)


def test_names_differ_and_stay_where_they_do():
    assert distinct(["Hips", "Leg", "Leg", "Leg_2", "Leg"]) == (
        *("Hips", "Leg", "Leg_2", "Leg_2_2", "Leg_3"),
    )


def test_meshes_are_bounded(spoiled, take, tmp_path, monkeypatch):
    def again(told):
        told["meshes"][0]["primitives"] *= 3

    character = read_character(spoiled(again))
    shape = Player(character.path).json["meshes"][0]["primitives"][0]
    count = Player(character.path).json["accessors"][shape["indices"]]["count"]
    monkeypatch.setattr(meshes, "MOST_CORNERS", 2 * count)
    with pytest.raises(ValueError, match=r"odd\.glb cannot hold a motion: .* triangles"):
        write_character(take, tmp_path / "out.fbx", character)
    assert not (tmp_path / "out.fbx").exists()


def paint(told, factor) -> None:
    told["materials"][0]["pbrMetallicRoughness"] = {"baseColorFactor": factor}


def test_chains_of_things_in_hand_cost_little(spoiled, take, tmp_path):
    def hang(told):
        first, bone = len(told["nodes"]), told["skins"][0]["joints"][-1]
        told["nodes"] += [{"children": [first + i + 1]} for i in range(4000)] + [{"mesh": 0}]
        told["nodes"][bone].setdefault("children", []).append(first)

    path = spoiled(hang)
    began = time.process_time()
    with np.errstate(all="ignore"):
        write_character(take, tmp_path / "out.fbx", read_character(path))
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda shape, told: shape.update(indices=10**6), "its glTF is damaged"),
        (lambda shape, told: shape.update(material=10**6), "its glTF is damaged"),
        (lambda shape, told: told["accessors"][shape["indices"]].update(count=10**6), "cut off"),
        (lambda shape, told: told["accessors"][shape["indices"]].update(count=10**9), "triangles"),
        *(
            (lambda shape, told, odd=odd: paint(told, odd), "baseColorFactor of a material must be")
            for odd in ("abcd", None, [1, 1, 1], [1, 1, 1, "1"], {"r": 1})
        ),
        (
            lambda shape, told: shape.update(indices=shape["attributes"]["POSITION"]),
            "its glTF is damaged",
        ),
        (lambda shape, told: shape.update(mode=1), "packed in a way that is not read"),
    ],
)
def test_damaged_meshes_are_refused_in_a_sentence(spoiled, take, tmp_path, change, told):
    path = spoiled(lambda all_: change(all_["meshes"][0]["primitives"][0], all_))
    with pytest.raises(ValueError, match=f"odd.glb cannot hold a motion: .*{told}"):
        write_character(take, tmp_path / "out.fbx", read_character(path))


@pytest.mark.skipif(not shutil.which("assimp"), reason="assimp is not installed")
@pytest.mark.parametrize("name", ["bolt.glb", "stilt.vrm"])
def test_assimp_reads_the_same(take, tmp_path, name):
    character = read_character(OURS / name)
    write_character(take, tmp_path / "out.fbx", character)
    command = ["assimp", "export", "out.fbx", "out.glb", "-fglb2"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    file = Player(tmp_path / "out.glb")
    names = [node.get("name") for node in file.json["nodes"]]
    at = [names.index(character.names[row.column]) for row in character.rig.rows]
    moved = retarget(character.rig, take.root, take.rotations)
    wanted = moved.places * 100 * character.meters
    np.testing.assert_allclose(file.world()[:, at][..., :3, 3], wanted, atol=0.05)


def test_a_licence_that_forbids_copies_forbids_fbx(tmp_path, take):
    meta = {"name": "A", "authors": ["B"], "modification": "prohibited"}
    write(RIGS["humanoid"], tmp_path / "a.vrm", Look(vrm=1, meta=meta))
    character = read_character(tmp_path / "a.vrm")
    with pytest.raises(ValueError, match="must not be changed"):
        write_character(take, tmp_path / "out.fbx", character)
    for suffix in ("vrma", "npz"):
        write_character(take, tmp_path / f"out.{suffix}", character)
