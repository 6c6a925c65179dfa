"""Root motion: whatever carries the path, bones end up where they did."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.body.mesh import Body
from core.body.rotations import quat_from_axis_angle, quat_multiply, quat_rotate, quat_to_matrix
from core.body.skeleton import forward
from core.body.take import Take
from core.capture.read import read_motion
from core.export import write
from core.export.metadata import BONES
from core.export.npz import read_npz
from core.export.root import about_y, headings, in_place, tracks
from core.settings import ExportSettings
from tests.support.synthetic import walk_take


@pytest.fixture(scope="module")
def take() -> Take:
    """A walk that turns left by a quarter."""
    take = walk_take(80)
    turns = about_y(np.linspace(0, np.pi / 2, 80))
    steps = quat_rotate(turns[:-1], np.diff(take.root, axis=0))
    root = np.concatenate([take.root[:1], take.root[:1] + np.cumsum(steps, axis=0)])
    rotations = take.rotations.copy()
    rotations[:, 0] = quat_multiply(turns, rotations[:, 0])
    joints, _ = forward(root, rotations)
    return replace(take, root=root, rotations=rotations, joints=joints)


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


def in_world(take: Take, body: Body, root: str) -> np.ndarray:
    """Joints (T, 22, 3) of a take's tracks."""
    moved = tracks(in_place(take) if root == "in-place" else take, body, root)
    joints, _ = forward(moved.hips, moved.rotations, body.rest_joints)
    if not moved.root:
        return joints
    return quat_rotate(moved.root.turns[:, None], joints) + moved.root.path[:, None]


def test_a_root_on_the_floor_carries_travel_and_heading(take, body):
    moved = tracks(take, body, "floor")
    assert moved.root
    np.testing.assert_allclose(
        in_world(take, body, "floor"), in_world(take, body, "hips"), atol=1e-5
    )
    assert not moved.root.path[:, 1].any()
    angles = headings(moved.root.turns)
    assert np.degrees(angles[-1] - angles[0]) == pytest.approx(90, abs=8)  # but for its sway
    assert np.abs(moved.hips[:, [0, 2]]).max() < 0.06
    swaying = np.abs(np.diff(headings(take.rotations[:, 0]), n=2)).max()
    assert np.abs(np.diff(angles, n=2)).max() < swaying / 3
    np.testing.assert_allclose(
        moved.root.path[[0, -1]] + [0, 1, 0],
        [[x, 1, z] for x, _, z in in_world(take, body, "hips")[[0, -1], 0]],
        atol=1e-5,
    )


def test_in_place_nothing_travels(take, body):
    there, here = in_world(take, body, "hips"), in_world(take, body, "in-place")
    path = there[:, 0] - here[:, 0]
    np.testing.assert_allclose(there - path[:, None], here, atol=1e-5)
    np.testing.assert_allclose(path[:, 1], 0, atol=1e-6)
    assert np.abs(here[:, 0, [0, 2]]).max() < 0.06
    stays = in_place(take)
    np.testing.assert_array_equal(stays.rotations, take.rotations)
    np.testing.assert_allclose(forward(stays.root, take.rotations)[0], stays.joints, atol=1e-5)


def test_every_kind_of_file_can_stay_in_place(take, tmp_path, monkeypatch):
    settings = ExportSettings(root="in-place")
    write(take, tmp_path / "walk.npz", settings=settings)
    again = read_npz(tmp_path / "walk.npz")
    assert again is not None
    np.testing.assert_allclose(again.joints, in_place(take).joints, atol=1e-6)
    write(take, tmp_path / "z_up.npz", settings=settings.changed(convention="amass"))
    for name, flat in (("walk", [0, 2]), ("z_up", [0, 1])):
        with np.load(tmp_path / f"{name}.npz") as file:
            assert np.ptp(file["trans"][:, flat], axis=0).max() < 0.12
            assert json.loads(str(file["info"]))["root"] == "in-place"
    filmed = []
    monkeypatch.setattr("core.export.films.film_take", lambda take, *_, **__: filmed.append(take))
    write(take, tmp_path / "walk.mp4", settings=settings)
    np.testing.assert_array_equal(filmed[0].root, in_place(take).root)


def test_heading_outlives_a_somersault_and_a_single_pose(take, body):
    over = quat_from_axis_angle(np.linspace(0, 2 * np.pi, 60)[:, None] * [1.0, 0, 0])
    turned = quat_multiply(about_y(np.full(60, 2.0)), over)
    np.testing.assert_allclose(headings(turned), 2.0, atol=1e-6)
    one = take.slice(5, 6)
    np.testing.assert_allclose(in_world(one, body, "floor"), in_world(one, body, "hips"), atol=1e-5)


def played(path: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Read a BVH file as Blender does: positions of its bones at rest (3,), and moving (T, 3).

    Position channels stand in for the OFFSET.
    """
    head, motion = path.read_text().split("MOTION\n")
    rows = np.array([line.split() for line in motion.splitlines()[2:]], float)
    rest: dict[str, np.ndarray] = {}
    moving: dict[str, np.ndarray] = {}
    above: list[tuple[str, np.ndarray]] = []
    column, name = 0, ""
    for words in map(str.split, head.splitlines()):
        parent, turn = above[-1] if above else ("", np.eye(3))
        match words:
            case ["ROOT" | "JOINT", name]:
                pass
            case ["End", _]:
                name = f"{parent} end"
            case ["OFFSET", *numbers]:
                offset = np.array(numbers, float)
                rest[name] = rest.get(parent, 0) + offset
                moving[name] = moving.get(parent, 0) + turn @ offset
                above.append((name, turn))
            case ["CHANNELS", count, *_]:
                above.pop()
                parent, turn = above[-1] if above else ("", np.eye(3))
                values = rows[:, column : column + int(count)]
                column += int(count)
                if int(count) == 6:
                    moving[name] = moving.get(parent, 0) + (turn @ values[:, :3, None])[..., 0]
                z, y, x = (
                    quat_to_matrix(quat_from_axis_angle(np.radians(values[:, [k]]) * axis))
                    for k, axis in zip((-3, -2, -1), np.eye(3)[::-1], strict=True)
                )
                above.append((name, turn @ z @ y @ x))
            case ["}"]:
                above.pop()
    assert column == rows.shape[1]
    return rest, moving


@pytest.mark.parametrize("offset", ["standing", "zero"])
@pytest.mark.parametrize("root", ["hips", "floor", "in-place"])
def test_bvh_plays_the_same_walk(take, body, tmp_path, root, offset):
    path = tmp_path / "walk.bvh"
    write(take, path, settings=ExportSettings(root=root, offset=offset))
    rest, moving = played(path)
    expected = in_world(take, body, root) * 100
    for i, bone in enumerate(BONES):
        np.testing.assert_allclose(moving[bone], expected[:, i], atol=1e-3)
    assert ("Root" in rest) == (root == "floor")
    height = 95.46 if offset == "standing" else 0
    assert rest["Hips"] == pytest.approx([0, height, 0], abs=0.01)
    assert rest["LeftToeBase"][1] == pytest.approx(height - 92.7, abs=0.1)
    assert f'"offset": "{offset}"' in (tmp_path / "walk.bvh.json").read_text()


@pytest.mark.parametrize("offset", ["standing", "zero"])
def test_bvh_with_a_root_is_read_back(take, tmp_path, offset):
    found = []
    for root in ("hips", "floor"):
        write(take, tmp_path / "walk.bvh", settings=ExportSettings(root=root, offset=offset))
        found.append(read_motion(tmp_path / "walk.bvh").joints)
    np.testing.assert_allclose(found[1], found[0], atol=1e-4)


@pytest.mark.parametrize("root", ["floor", "in-place"])
def test_glb_has_the_root_as_a_bone(take, body, tmp_path, root):
    from pygltflib import GLTF2

    write(take, tmp_path / "walk.glb", settings=ExportSettings(root=root))
    gltf = GLTF2().load(str(tmp_path / "walk.glb"))
    names = [gltf.nodes[i].name for i in gltf.skins[0].joints]
    assert names == [*BONES, *(["Root"] if root == "floor" else [])]
    assert gltf.asset.extras["root"] == root
    assert gltf.animations[0].name == "walk; on he goes"
    top = gltf.nodes[gltf.scenes[0].nodes[0]]
    assert top.name == ("Root" if root == "floor" else "Hips")
    assert len(gltf.animations[0].channels) == (25 if root == "floor" else 23)


def test_glb_has_an_animation_for_each_prompt(take, tmp_path):
    from pygltflib import GLTF2

    write(take, tmp_path / "walk.glb", settings=ExportSettings(takes="prompts", root="floor"))
    gltf = GLTF2().load(str(tmp_path / "walk.glb"))
    assert [animation.name for animation in gltf.animations] == ["walk", "on he goes"]
