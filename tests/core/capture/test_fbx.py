"""FBX files are read as what they say, whoever wrote them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from core.body.mesh import Body
from core.body.skeleton import JOINTS
from core.body.take import Take
from core.capture import fbx, fbx_file
from core.capture.fbx_scene import transform
from core.capture.read import read_motion
from core.export import fbx_file as writer
from core.export import write
from core.export.metadata import BONES
from core.settings import CaptureSettings, ExportSettings
from tests.core.export.test_root import in_world
from tests.support import fbx_file as plain
from tests.support.synthetic import walk_take

MAGIC = b"Kaydara FBX Binary  \0\x1a\0"
ORDERS = ("xyz", "xzy", "yzx", "yxz", "zxy", "zyx")
FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture(scope="module")
def take() -> Take:
    return walk_take(40)


@pytest.fixture
def walk(take, tmp_path) -> Path:
    write(take, tmp_path / "walk.fbx")
    return tmp_path / "walk.fbx"


@pytest.mark.parametrize("root", ["hips", "floor", "in-place"])
def test_ours_is_read_back(take, tmp_path, root):
    write(take, tmp_path / "walk.fbx", fps=30, settings=ExportSettings(root=root))
    found = fbx.read(tmp_path / "walk.fbx")
    order = [found.names.index(name) for name in BONES]
    expected = in_world(take, Body.load(), root) * 100
    np.testing.assert_allclose(found.positions[::2, order], expected[::2], atol=0.03)
    assert found.stored_rate == 30
    assert found.clips == ("walk; on he goes",)
    joints = read_motion(tmp_path / "walk.fbx").joints
    if root != "in-place":
        np.testing.assert_allclose(joints[::2], take.joints[::2], atol=0.01)


def test_blenders_is_read_as_what_it_was_made_of(tmp_path):
    take = walk_take(12)
    write(take, tmp_path / "walk.bvh")
    known, found = read_motion(tmp_path / "walk.bvh"), read_motion(FIXTURES / "blender_fbx.zip")
    np.testing.assert_allclose(found.joints, known.joints, atol=0.005)
    assert {*found.skeleton.joints} == {*JOINTS}
    assert found.rate == 20
    assert not found.notes


def test_a_file_with_several_animations_says_so_and_any_is_read(take, tmp_path):
    write(take, tmp_path / "walk.fbx", settings=ExportSettings(takes="prompts"))
    found = read_motion(tmp_path / "walk.fbx")
    assert found.clips == ("walk", "on he goes")
    assert found.clip == 0
    assert found.notes == (
        "The file has 2 animations: 1 'walk' of 1.2 s, 2 'on he goes' of 0.7 s. The longest, number"
        " 1, is read; another can be chosen by its number.",
    )
    other = read_motion(tmp_path / "walk.fbx", CaptureSettings(clip=2))
    assert (len(other.root), other.notes) == (15, ())
    with pytest.raises(ValueError, match="it has 2 animations; there is no number 3"):
        read_motion(tmp_path / "walk.fbx", CaptureSettings(clip=3))


def told(rng: np.random.Generator, order: int) -> dict[str, list]:
    vectors = (
        "RotationOffset RotationPivot ScalingOffset ScalingPivot PreRotation PostRotation".split()
    )
    return {
        "RotationActive": [1],
        "RotationOrder": [order],
        **{name: rng.uniform(-90, 90, 3).tolist() for name in vectors},
    }


@pytest.mark.parametrize(
    ("order", "axes"), [*enumerate(("xyz", "xzy", "yzx", "yxz", "zxy", "zyx"))]
)
def test_nodes_are_moved_as_the_format_says(order, axes):
    """T Ro Rp Rpre R Rpost^-1 Rp^-1 So Sp S Sp^-1, multiplied out by other means."""
    order = ORDERS.index(axes)
    rng = np.random.default_rng(order)
    about = told(rng, order)
    place, angles, size = rng.uniform(-90, 90, 3), rng.uniform(-180, 180, 3), rng.uniform(1, 2, 3)

    def moved(vector, sign=1) -> np.ndarray:
        matrix = np.eye(4)
        matrix[:3, 3] = sign * np.array(vector)
        return matrix

    def turned(rotation: Rotation) -> np.ndarray:
        matrix = np.eye(4)
        matrix[:3, :3] = rotation.as_matrix()
        return matrix

    before, after = (
        turned(Rotation.from_euler("xyz", about[f"{at}Rotation"], degrees=True))
        for at in ("Pre", "Post")
    )
    sorted_angles = [angles["xyz".index(axis)] for axis in axes]
    own = Rotation.from_euler(axes, sorted_angles, degrees=True)
    expected = (
        moved(place) @ moved(about["RotationOffset"]) @ moved(about["RotationPivot"])
        @ before @ turned(own) @ np.linalg.inv(after) @ moved(about["RotationPivot"], -1)
        @ moved(about["ScalingOffset"]) @ moved(about["ScalingPivot"]) @ np.diag([*size, 1])
        @ moved(about["ScalingPivot"], -1)
    )  # fmt: skip
    found = transform(about, place[None], angles[None], size[None])
    np.testing.assert_allclose(found["translation"][0], expected[:3, 3], atol=1e-9)
    linear = Rotation.from_quat(found["rotation"][0]).as_matrix() * found["scale"][0]
    np.testing.assert_allclose(linear, expected[:3, :3], atol=1e-9)


def changed(path: Path, name: str, change) -> Path:
    """Change all nodes of a name in a file, each being one of the writer's."""

    def visit(node: plain.Node) -> writer.Node:
        values = [np.int64(v) if type(v) is int else v for v in node.values]
        made = writer.Node(node.name, tuple(values), tuple(map(visit, node.below)))
        return change(made) if node.name == name else made

    writer.save([visit(node) for node in plain.read(path).below], path)
    return path


def test_what_is_up_and_ahead_is_the_files_to_say(walk):
    known = fbx.read(walk)

    def lay(settings: writer.Node) -> writer.Node:
        told = {"UpAxis": 2, "FrontAxis": 1, "FrontAxisSign": -1}
        rows = [(name, "int", "Integer", "", value) for name, value in told.items()]
        below = tuple(writer.Node("P", row) for row in rows)
        return writer.node("GlobalSettings", writer.Node("Properties70", (), below))

    found = fbx.read(changed(walk, "GlobalSettings", lay))
    laid = known.positions[..., [0, 2, 1]] * [1, 1, -1]
    np.testing.assert_allclose(found.positions, laid, atol=1e-6)
    np.testing.assert_allclose(found.rest, known.rest[:, [0, 2, 1]] * [1, 1, -1], atol=1e-6)


def test_values_that_stay_do_not_slide(walk):
    def hold(flags: writer.Node) -> writer.Node:
        return writer.node(flags.name, np.array([0x2], np.int32))

    known = fbx.read(walk)
    found = fbx.read(changed(walk, "KeyAttrFlags", hold))
    np.testing.assert_allclose(found.positions, known.positions)


def test_large_files_have_long_numbers(walk):
    """From version 7.5 on."""
    known = fbx.read(walk)

    def visit(node: plain.Node, at: int) -> bytes:
        numbers = (np.int64(v) if type(v) is int else v for v in node.values)
        values = b"".join(map(writer._value, numbers))
        start = at + 25 + len(node.name) + len(values)
        below = b""
        for part in node.below:
            below += visit(part, start + len(below))
        if node.below:
            below += bytes(25)
        sizes = start + len(below), len(node.values), len(values), len(node.name)
        return struct.pack("<QQQB", *sizes) + node.name.encode() + values + below

    data = MAGIC + struct.pack("<I", 7700)
    for node in plain.read(walk).below:
        if node.name in ("GlobalSettings", "Objects", "Connections"):
            data += visit(node, len(data))
    walk.write_bytes(data + bytes(25))
    np.testing.assert_array_equal(fbx.read(walk).positions, known.positions)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            b"; FBX 7.4.0 project file\n",
            "it is FBX as text; export it as binary FBX, or open it in Blender",
        ),
        (MAGIC + struct.pack("<I", 6100), "it is FBX of before 2011"),
        (MAGIC + struct.pack("<I", 7400), "it has no animation of a body"),
        (b"Kaydara FBX Binary", "is not a readable FBX file"),
    ],
)
def test_what_is_not_read_is_told(tmp_path, data, words):
    (tmp_path / "a.fbx").write_bytes(data)
    with pytest.raises(ValueError, match=r"^a\.fbx ") as caught:
        read_motion(tmp_path / "a.fbx")
    assert words in str(caught.value)


def test_damage_is_told(walk):
    data = walk.read_bytes()
    for size in range(40, len(data), len(data) // 40):
        walk.write_bytes(data[:size])
        with pytest.raises(ValueError, match=r"^walk\.fbx "):
            fbx.read(walk)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("KeyValueFloat", np.full(40, np.nan, np.float32), "not finite"),
        ("KeyValueFloat", np.zeros(39, np.float32), "keys do not match its times"),
        ("KeyTime", np.zeros(0, np.int64), "no keys"),
        ("KeyTime", np.arange(40)[::-1] * 10**10, "none in order"),
        ("KeyTime", np.arange(40) * 10**12, "120 s are the most"),
    ],
)
def test_odd_curves_are_told(walk, name, value, words):
    changed(walk, name, lambda node: writer.node(node.name, value))
    with pytest.raises(ValueError, match=words):
        fbx.read(walk)


def test_hostile_files_are_bounded(walk, monkeypatch):
    for limit in ("MOST_NODES", "MOST_NUMBERS"):
        with monkeypatch.context() as patched:
            patched.setattr(fbx_file, limit, 100)
            with pytest.raises(ValueError, match="more than 100"):
                fbx.read(walk)

    def loop(links: writer.Node) -> writer.Node:
        turned = [writer.Node("C", (*n.values[:1], n.values[2], n.values[1])) for n in links.below]
        return writer.Node(links.name, (), (*links.below, *turned))

    with pytest.raises(ValueError, match=r"walk\.fbx"):
        fbx.read(changed(walk, "Connections", loop))
