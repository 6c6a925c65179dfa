"""FBX, held against readers that are not ours: a small one, and assimp where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from core.body.mesh import Body
from core.body.rotations import (
    about_y,
    normalize,
    quat_continuous,
    quat_from_axis_angle,
    quat_multiply,
    quat_to_matrix,
)
from core.body.skeleton import AIMS, JOINTS, PARENTS, forward
from core.body.take import PromptMark, Take
from core.capture import glb
from core.export import resample, write
from core.export.metadata import BONES
from core.export.root import tracks
from core.settings import ExportSettings
from tests.core.export.test_root import in_world
from tests.support.fbx_file import Scene, matrix
from tests.support.synthetic import walk_take

CM = 100


@pytest.fixture(scope="module")
def take() -> Take:
    """A walk around, with arms that meet poles of Euler angles."""
    take = walk_take(80)
    wild = np.where([["elbow" in joint or "shoulder" in joint] for joint in JOINTS], 0.2, 0.02)
    steps = np.random.default_rng(0).normal(size=(80, 22, 3)) * wild
    rotations = quat_multiply(take.rotations, quat_from_axis_angle(steps.cumsum(axis=0)))
    rotations[:, 0] = quat_multiply(about_y(np.linspace(0, 9, 80)), rotations[:, 0])
    rotations = quat_continuous(normalize(rotations)).astype(np.float32)
    joints, _ = forward(take.root, rotations)
    return replace(take, rotations=rotations, joints=joints)


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


def frames(scene: Scene) -> dict[str, np.ndarray]:
    """Bind matrices (4, 4) by bone."""
    (pose,) = scene.kind("Pose", "BindPose")
    told = {
        part["Node"].value: part["Matrix"].value for part in scene.objects[pose].all("PoseNode")
    }
    return {name: matrix(told[number]) for name, (number, _) in scene.bones().items()}


@pytest.mark.parametrize("root", ["hips", "floor", "in-place"])
def test_bones_do_what_the_take_does(take, body, tmp_path, root):
    write(take, tmp_path / "walk.fbx", settings=ExportSettings(root=root))
    scene = Scene(tmp_path / "walk.fbx")
    bones = scene.bones()
    assert {*bones} == {*BONES, *(["Root"] if root == "floor" else [])}
    for i, name in enumerate(BONES):
        up = BONES[PARENTS[i]] if i else "Root" if root == "floor" else ""
        assert bones[name][1] == up
    (stack,) = scene.kind("AnimationStack")
    assert scene.name(stack) == "walk; on he goes"
    times, played = scene.play(stack)
    np.testing.assert_allclose(times, np.arange(80) / 20, atol=1e-9)
    moved = tracks(take, body, root)
    expected = in_world(take, body, root) * CM
    _, world = forward(moved.hips, normalize(moved.rotations.astype(float)), body.rest_joints)
    if moved.root:
        world = quat_multiply(moved.root.turns[:, None], world)
    bind = frames(scene)
    for i, name in enumerate(BONES):
        np.testing.assert_allclose(played[name][:, :3, 3], expected[:, i], atol=2e-3)
        turned = played[name][:, :3, :3] @ bind[name][:3, :3].T
        np.testing.assert_allclose(turned, quat_to_matrix(world[:, i]), atol=1e-4)


def test_skin_bends_as_ours(take, body, tmp_path):
    write(take, tmp_path / "walk.fbx")
    scene = Scene(tmp_path / "walk.fbx")
    (geometry,), (skin,) = scene.kind("Geometry"), scene.kind("Deformer", "Skin")
    mesh = scene.objects[geometry]
    vertices = mesh["Vertices"].value.reshape(-1, 3)
    corners = mesh["PolygonVertexIndex"].value.reshape(-1, 3)
    assert (corners[:, 2] < 0).all()
    np.testing.assert_array_equal(np.where(corners < 0, ~corners, corners), body.faces)
    assert skin in scene.under(geometry, "Deformer")
    homogeneous = np.concatenate([vertices, np.ones((len(vertices), 1))], axis=1)
    _, played = scene.play(scene.kind("AnimationStack")[0])
    skinned, bind = np.zeros_like(vertices), frames(scene)
    for cluster in scene.under(skin, "Deformer"):
        node = scene.objects[cluster]
        (bone,) = scene.under(cluster, "Model")
        name = scene.name(bone)
        np.testing.assert_allclose(matrix(node["TransformLink"].value), bind[name], atol=1e-9)
        back = matrix(node["Transform"].value)
        np.testing.assert_allclose(back @ bind[name], np.eye(4), atol=1e-9)
        at = node["Indexes"].value
        moved = homogeneous[at] @ (played[name][37] @ back).T
        skinned[at] += node["Weights"].value[:, None] * moved[:, :3]
    ours = body.skin(*body.fit(take.root, take.rotations))[37] * CM
    np.testing.assert_allclose(skinned, ours, atol=2e-3)
    normals = mesh["LayerElementNormal"]["Normals"].value.reshape(-1, 3)
    assert len(normals) == 3 * len(body.faces)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-6)


def test_at_rest_it_stands_in_t_pose_and_bones_point_along_themselves(take, body, tmp_path):
    high = replace(body, name="high", rest_joints=body.rest_joints + np.float32([0, 0.3, 0]))
    high = replace(high, vertices=body.vertices + np.float32([0, 0.3, 0]))
    for shape in (body, high):
        write(take, tmp_path / "walk.fbx", body=shape)
        bind = frames(Scene(tmp_path / "walk.fbx"))
        places = np.stack([bind[name][:3, 3] for name in BONES]) / CM
        np.testing.assert_allclose(places, body.rest_joints - [0, body.ground, 0], atol=1e-6)
        for i, aim in enumerate(AIMS):
            if aim >= 0:
                along = normalize(places[aim] - places[i])
                np.testing.assert_allclose(bind[BONES[i]][:3, 1], along, atol=1e-6)
            assert bind[BONES[i]][2, 2] > 0.1


@pytest.mark.parametrize("fps", [20, 24, 30, 60])
def test_unity_and_unreal_need_no_setting(take, tmp_path, fps):
    write(take, tmp_path / "walk.fbx", fps=fps)
    scene = Scene(tmp_path / "walk.fbx")
    told = scene.top["GlobalSettings"].properties()
    assert told["UnitScaleFactor"] == 1  # centimeters
    assert [told[f"{axis}Axis"] for axis in ("Up", "Front", "Coord")] == [1, 2, 0]
    assert [told[f"{axis}AxisSign"] for axis in ("Up", "Front", "Coord")] == [1, 1, 1]
    assert told["CustomFrameRate"] == fps
    assert told["TimeMode"] == {20: 14, 24: 11, 30: 6, 60: 3}[fps]
    times, _ = scene.play(scene.kind("AnimationStack")[0])
    np.testing.assert_allclose(times, np.arange(len(resample(take, fps))) / fps, atol=1e-9)


def test_curves_are_continuous(take, tmp_path):
    write(take, tmp_path / "walk.fbx", fps=60)
    scene = Scene(tmp_path / "walk.fbx")
    for curve in scene.kind("AnimationCurve"):
        values = scene.objects[curve]["KeyValueFloat"].value
        assert np.abs(np.diff(values)).max() < 100


def test_one_animation_for_each_prompt(take, body, tmp_path):
    again = replace(take, prompts=(*take.prompts, PromptMark(start=60, text="walk")))
    write(again, tmp_path / "walk.fbx", settings=ExportSettings(takes="prompts"))
    scene = Scene(tmp_path / "walk.fbx")
    stacks = scene.kind("AnimationStack")
    assert [scene.name(stack) for stack in stacks] == ["walk", "on he goes", "walk 2"]
    assert [node.value for node in scene.top["Takes"].all("Take")] == [*map(scene.name, stacks)]
    expected = in_world(take, body, "hips")[:, 0] * CM
    for stack, (start, end) in zip(stacks, [(0, 25), (25, 60), (60, 80)], strict=True):
        times, played = scene.play(stack)
        np.testing.assert_allclose(played["Hips"][:, :3, 3], expected[start:end], atol=2e-3)
        assert times[0] == 0
        assert scene.objects[stack].properties()["LocalStop"] == round(times[-1] * 46186158000)


def test_it_says_where_it_comes_from(take, tmp_path):
    write(take, tmp_path / "walk.fbx")
    scene = Scene(tmp_path / "walk.fbx")
    (mesh,) = scene.kind("Model", "Mesh")
    told = scene.objects[mesh].properties()
    assert told["licence"] == "CC0"
    assert told["prompts"] == "0 s: walk; 1.25 s: on he goes"


@pytest.mark.skipif(not shutil.which("assimp"), reason="assimp is not installed")
@pytest.mark.parametrize("root", ["hips", "floor"])
def test_assimp_reads_the_same(take, body, tmp_path, root):
    write(take, tmp_path / "walk.fbx", settings=ExportSettings(root=root))
    command = ["assimp", "export", "walk.fbx", "walk.glb", "-fglb2"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    found = glb.read(tmp_path / "walk.glb")
    bones = [found.names.index(name) for name in BONES]
    np.testing.assert_allclose(
        found.positions[:, bones], in_world(take, body, root) * CM, atol=2e-2
    )
