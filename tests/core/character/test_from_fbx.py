"""Characters are read out of binary FBX, as others write it and as we do."""

from __future__ import annotations

import shutil
import struct
import subprocess
import time
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.glb_player import Player
from core.capture import fbx_file as fbx_file_of
from core.capture.fbx_file import Document
from core.capture.fbx_scene import Scene
from core.capture.gltf_file import Document as Glb
from core.character import fbx, fbx_shapes, from_fbx
from core.character.character import read_character
from core.character.export import write_character
from core.character.glb_file import content
from core.character.meshes import meshes
from core.export import fbx_file
from core.export.fbx_file import node
from tests.core.character.conftest import OURS, description


def points(character) -> np.ndarray:
    """The corners (C, 3) of all its triangles at rest, sorted."""
    document = Glb(character.path, content(character.path))
    found = [mesh.vertices[mesh.faces].reshape(-1, 3) for mesh in meshes(document, character)]
    every = np.concatenate(found)
    return every[np.lexsort(every.round(3).T)]


def same(one, other) -> None:
    """Both stand, and are held, alike."""
    assert {j: one.names[c] for j, c in one.match.joints.items()} == {
        j: other.names[c] for j, c in other.match.joints.items()
    }
    np.testing.assert_allclose(one.rig.rest, other.rig.rest, atol=1e-5)
    np.testing.assert_allclose(one.rig.soles.min(1), other.rig.soles.min(1), atol=1e-5)
    np.testing.assert_allclose(points(one), points(other), atol=2e-3)


@pytest.mark.parametrize(
    ("family", "look"),
    [
        ("mixamo", {"unit": 0.01, "armature": True}),
        ("vroid", {"vrm": 0, "cape": True, "meshes": 3}),
        ("rigify_loose", {}),
        ("daz", {"unit": 0.01}),
    ],
)
def test_what_we_write_is_read_back(dressed, take, tmp_path, family, look):
    character = dressed(family, **look)
    write_character(take, tmp_path / "back.fbx", character)
    again = read_character(tmp_path / "back.fbx")
    same(character, again)
    assert again.rig.per == pytest.approx(character.meters, rel=1e-6)
    for suffix in ("glb", "fbx", "bvh"):
        write_character(take, tmp_path / f"home.{suffix}", again)
    file = Player(tmp_path / "home.glb")
    moved = file.world()[:, [again.nodes[row.column] for row in again.rig.rows], :3, 3]
    assert np.ptp(moved[:, 0, 2]) > 0.3


@pytest.mark.skipif(not shutil.which("assimp"), reason="assimp is not installed")
def test_what_assimp_writes_is_read(tmp_path):
    shutil.copy(OURS / "bolt.glb", tmp_path / "in.glb")
    command = ["assimp", "export", "in.glb", "out.fbx", "-ffbx"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    same(read_character(OURS / "bolt.glb"), read_character(tmp_path / "out.fbx"))


def test_paints_are_kept(take, tmp_path):
    write_character(take, tmp_path / "out.fbx", read_character(OURS / "bolt.glb"))
    write_character(take, tmp_path / "out.glb", read_character(tmp_path / "out.fbx"))
    before, after = (description(path)[0] for path in (OURS / "bolt.glb", tmp_path / "out.glb"))
    colors = [
        {m["name"]: m["pbrMetallicRoughness"]["baseColorFactor"] for m in told["materials"]}
        for told in (before, after)
    ]
    assert colors[0].keys() == colors[1].keys()
    for key, color in colors[0].items():
        np.testing.assert_allclose(color, colors[1][key], atol=1e-6)


@pytest.fixture
def spoil(take, tmp_path, monkeypatch):
    """Write bolt as FBX after something was done to nodes of a name, or of some."""

    def make(name, change):
        names = [name] if isinstance(name, str) else name

        def visit(one):
            below = tuple(visit(part) for part in one.below)
            return (
                change(replace(one, below=below))
                if one.name in names
                else replace(one, below=below)
            )

        path = tmp_path / "odd.fbx"
        with monkeypatch.context() as patched:
            patched.setattr(
                fbx, "save", lambda nodes, path: fbx_file.save([*map(visit, nodes)], path)
            )
            write_character(take, path, read_character(OURS / "bolt.glb"))
        return path

    return make


def array(change):
    return lambda one: node(one.name, change(one.values[0].copy()))


def at_first(value):
    def change(values):
        values[0] = value
        return values

    return array(change)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("Deformer", lambda one: replace(one, name="Other"), "it has no skin"),
        ("Vertices", at_first(np.nan), "not finite"),
        ("Vertices", array(lambda v: v[:-1]), "too few"),
        ("Vertices", array(lambda v: v[:30]), "points that it does not have"),
        ("PolygonVertexIndex", at_first(10**6), "points that it does not have"),
        ("PolygonVertexIndex", array(abs), "it has no skin"),
        ("Indexes", at_first(-1), "moves points that its mesh does not have"),
        ("Indexes", at_first(10**6), "moves points that its mesh does not have"),
        ("Weights", array(lambda v: v[:-1]), "moves points that its mesh does not have"),
        ("TransformLink", array(lambda v: 0 * v), None),
        ("Normals", array(lambda v: v[:9]), "lacks some of its normals"),
        ("Materials", at_first(-5), None),
        ("Connections", lambda one: node("Connections"), "it has no skin"),
        ("Vertices", array(lambda v: np.zeros(25_000_002)), "more than 24,000,000 numbers"),
        ("PolygonVertexIndex", array(lambda v: np.tile(v, 200)), "corners; make them simpler"),
    ],
)
def test_hostile_files_are_refused_in_a_sentence(spoil, name, change, told):
    path = spoil(name, change)
    if told is None:
        read_character(path)
        return
    with pytest.raises(ValueError, match=told) as caught:
        read_character(path)
    assert "odd.fbx" in str(caught.value)


def test_bones_that_hang_from_themselves_are_refused(spoil):
    def loop(one):
        ends = [part.values[1:3] for part in one.below if part.values[0] == "OO"]
        bone, above = next(
            (low, up) for low, up in ends if up and any(other == low for _, other in ends)
        )
        return replace(one, below=(node("C", "OO", above, bone), *one.below))

    with pytest.raises(ValueError, match="hangs from"):
        read_character(spoil("Connections", loop))


def test_meshes_and_their_bones_are_bounded(spoil, monkeypatch):
    path = spoil("None", lambda one: one)
    for limit, told in (("MOST_MESHES", "1 meshes, 0 are the most"), ("MOST_HOLDS", "too many")):
        with monkeypatch.context() as patched:
            patched.setattr(fbx_shapes, limit, 0)
            with pytest.raises(ValueError, match=told):
                read_character(path)
    monkeypatch.setattr(fbx_shapes, "MOST_CORNERS", 10)
    with pytest.raises(ValueError, match="more than 10 corners"):
        read_character(path)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (
            b"; FBX 7.4.0 project file\n",
            "FBX as text; export it as binary FBX, or open it in Blender",
        ),
        (b"Kaydara FBX Binary  \0\x1a\0" + struct.pack("<I", 6100), "FBX of before 2011.*Blender"),
        (b"Kaydara FBX Binary  \0\x1a\0", "not a readable FBX file"),
        (b"Kaydara FBX Binary  \0\x1a\0" + struct.pack("<I", 7400) + bytes(99), "has no skin"),
    ],
)
def test_other_fbx_is_refused_with_what_to_do(tmp_path, data, told):
    (tmp_path / "a.fbx").write_bytes(data)
    with pytest.raises(ValueError, match=f"a.fbx .*{told}"):
        read_character(tmp_path / "a.fbx")


def test_cut_off_files_are_refused(spoil, tmp_path):
    data = spoil("None", lambda one: one).read_bytes()
    for share in (0.1, 0.5, 0.9):
        (tmp_path / "cut.fbx").write_bytes(data[: int(share * len(data))])
        with pytest.raises(ValueError, match=r"cut\.fbx"):
            read_character(tmp_path / "cut.fbx")


def connected(*links):
    return lambda one: replace(one, below=(*one.below, *links))


def ends(path, name):
    """The number of the first object of a name, and those that it is connected to."""
    top = Document(path).top
    number = next(n.values[0] for n in top.first("Objects").all("Deformer") if n.values[-1] == name)
    links = [link.values for link in top.first("Connections").all("C")]
    return number, [link[2] for link in links if link[1] == number]


def test_what_is_connected_again_and_again_counts_once(spoil):
    path = spoil("None", lambda one: one)
    character, links = read_character(path), []
    for name in ("Skin", "Cluster"):
        number, parents = ends(path, name)
        links += [node("C", "OO", number, parents[0])] * 3000
    skins = Scene(Document(path)).skins()
    path = spoil("Connections", connected(*links))
    began = time.process_time()
    same(character, read_character(path))
    assert Scene(Document(path)).skins() == skins
    assert time.process_time() - began < 5


def test_skins_of_many_meshes_are_bounded(spoil, monkeypatch):
    path = spoil("None", lambda one: one)
    skin, (mesh, *_) = ends(path, "Skin")
    model = next(
        link.values[2]
        for link in Document(path).top.first("Connections").all("C")
        if link.values[1] == mesh
    )
    more = [10**9 + i for i in range(10)]

    def change(one):
        if one.name == "Connections":
            links = [(number, model) for number in more] + [(skin, number) for number in more]
            return connected(*(node("C", "OO", *link) for link in links))(one)
        (shown,) = (part for part in one.below if part.name == "Geometry")
        return replace(
            one, below=(*one.below, *(replace(shown, values=(i, *shown.values[1:])) for i in more))
        )

    monkeypatch.setattr(fbx_shapes, "MOST_HOLDS", 50)
    path = spoil(("Connections", "Objects"), change)
    with pytest.raises(ValueError, match="hang on too many bones"):
        read_character(path)
    monkeypatch.setattr(fbx_shapes, "MOST_CORNERS", 100_000)  # of one it has some 20,000
    with pytest.raises(ValueError, match="corners; make them simpler"):
        read_character(path)


def test_nodes_materials_and_values_are_bounded(spoil, monkeypatch):
    path = spoil("None", lambda one: one)
    for module, limit, told in (
        (from_fbx, "MOST_NODES", "nodes, 1 are the most"),
        (from_fbx, "MOST_MATERIALS", "materials, 1 are the most"),
        (fbx_file_of, "MOST_VALUES_IN_ALL", "more than 1 values"),
        (fbx_shapes, "MOST_WEIGHTS", "more than 1 weights"),
        (fbx_shapes, "MOST_MESHES", None),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(module, limit, 1)
            if told is None:
                read_character(path)
                continue
            with pytest.raises(ValueError, match=told):
                read_character(path)


def test_places_in_pictures_may_be_lacking(spoil):
    read_character(spoil("UVIndex", at_first(-5)))


def test_paints_that_are_not_there_are_one(spoil):
    path = spoil("Materials", array(lambda v: np.arange(len(v), dtype=v.dtype)))
    told = Glb(path, content(path))
    assert len(told.json["meshes"][0]["primitives"]) <= 1 + len(told.json["materials"])


def test_glb_that_is_called_fbx_keeps_its_name(tmp_path):
    shutil.copy(OURS / "bolt.glb", tmp_path / "bolt.fbx")  # the page makes such
    assert read_character(tmp_path / "bolt.fbx").name == "bolt.fbx"
