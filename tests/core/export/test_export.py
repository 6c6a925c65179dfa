"""Exports: every file is read back by somebody else's reader and says what the take says."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from core.body.mesh import Body
from core.body.rotations import quat_from_axis_angle, quat_rotate, quat_to_matrix
from core.body.skeleton import JOINTS, PARENTS, forward
from core.body.take import PromptMark, Take
from core.export import resample, write
from core.export.bvh import euler_zyx
from core.export.glb import body_glb
from core.export.metadata import BONES, title
from tests.support.synthetic import walk_take


@pytest.fixture(scope="module")
def take() -> Take:
    return walk_take()


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


@pytest.mark.parametrize("fps", [20, 24, 30, 60])
def test_bvh_read_by_pybvh(take, body, tmp_path, fps):
    import pybvh

    path = tmp_path / "walk.bvh"
    write(take, path, fps=fps)
    read = pybvh.read_bvh_file(path)
    names = [node.name for node in read.nodes if not node.name.startswith("EndSite")]
    assert read.frame_time == pytest.approx(1 / fps, abs=1e-6)
    expected = resample(take, fps)
    root, rotations = body.fit(expected.root, expected.rotations)
    expected = forward(body.place(root), rotations, body.rest_joints)[0] * 100
    positions = read.joint_positions()
    assert len(positions) == len(expected)
    assert sorted(names) == sorted(BONES)
    order = [names.index(bone) for bone in BONES]
    assert np.abs(positions[:, order] - expected).max() < 1e-3


def test_bvh_says_where_it_comes_from(take, tmp_path):
    write(take, tmp_path / "walk.bvh")
    about = json.loads((tmp_path / "walk.bvh.json").read_text())
    assert about["licence"] == "CC0"
    assert about["foot_contacts"] == "on"
    assert about["prompts"] == "0 s: walk; 1.25 s: on he goes"
    assert about["units"] == "centimetres"


def test_euler_angles_are_continuous_and_right():
    time = np.linspace(0, 3 * np.pi, 200)
    axis = np.stack([np.sin(time / 3), np.cos(time / 5), np.full_like(time, 0.3)], axis=-1)
    q = quat_from_axis_angle((axis * time[:, None])[:, None])
    angles = np.radians(euler_zyx(q))
    z, y, x = (
        quat_to_matrix(quat_from_axis_angle(angles[..., i : i + 1] * np.eye(3)[2 - i]))
        for i in range(3)
    )
    np.testing.assert_allclose(z @ y @ x, quat_to_matrix(q), atol=1e-9)
    assert np.abs(np.diff(angles, axis=0)).max() < 1.2


def read_accessor(gltf, index: int) -> np.ndarray:
    accessor = gltf.accessors[index]
    view = gltf.bufferViews[accessor.bufferView]
    kinds = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}[accessor.type]
    data = gltf.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]
    return np.frombuffer(data, kinds[accessor.componentType]).reshape(accessor.count, width)


def test_glb_played_back_gives_our_vertices(take, body, tmp_path):
    """Evaluate node tree, skin and animation as the glTF specification says."""
    from pygltflib import GLTF2

    path = tmp_path / "walk.glb"
    write(take, path)
    gltf = GLTF2().load(str(path))
    frame = 17
    local = np.tile(np.eye(4), (len(gltf.nodes), 1, 1))
    for i, node in enumerate(gltf.nodes):
        local[i, :3, 3] = node.translation or 0
    animation = gltf.animations[0]
    for channel in animation.channels:
        value = read_accessor(gltf, animation.samplers[channel.sampler].output)[frame]
        if channel.target.path == "translation":
            local[channel.target.node, :3, 3] = value
        else:
            local[channel.target.node, :3, :3] = quat_to_matrix(value[[3, 0, 1, 2]])
    world = local.copy()
    skin = gltf.skins[0]
    for i, parent in enumerate(PARENTS[1:], start=1):
        assert skin.joints[i] in gltf.nodes[skin.joints[parent]].children
        world[i] = world[parent] @ local[i]
    inverse_bind = read_accessor(gltf, skin.inverseBindMatrices).reshape(-1, 4, 4)
    matrices = world[skin.joints] @ inverse_bind.transpose(0, 2, 1)
    attributes = gltf.meshes[0].primitives[0].attributes
    vertices = read_accessor(gltf, attributes.POSITION)
    joints, weights = (
        read_accessor(gltf, attributes.JOINTS_0),
        read_accessor(gltf, attributes.WEIGHTS_0),
    )
    homogeneous = np.concatenate([vertices, np.ones((len(vertices), 1))], axis=1)
    skinned = np.einsum("vk,vkab,vb->va", weights, matrices[joints], homogeneous)[:, :3]
    ours = body.skin(*body.fit(take.root, take.rotations))[frame]
    np.testing.assert_allclose(skinned, ours, atol=1e-5)
    assert (joints[weights == 0] == 0).all()  # the validator warns otherwise
    assert gltf.asset.extras["checkpoint"] == "test"
    assert gltf.asset.copyright == "CC0"
    assert read_accessor(gltf, animation.samplers[0].input)[-1, 0] == pytest.approx(39 / 20)


@pytest.mark.parametrize("name", ["neutral", "male", "female"])
def test_body_glb_for_the_page(name):
    from pygltflib import GLTF2

    body = Body.load(name)
    gltf = GLTF2.load_from_bytes(body_glb(body))
    assert tuple(gltf.nodes[i].name for i in gltf.skins[0].joints) == JOINTS
    assert not gltf.animations
    primitive = gltf.meshes[0].primitives[0]
    np.testing.assert_array_equal(read_accessor(gltf, primitive.indices).reshape(-1, 3), body.faces)
    assert primitive.attributes.COLOR_0 is not None


def test_npz_is_read_without_pickles(take, tmp_path):
    path = tmp_path / "walk.npz"
    write(take, path, body="female", fps=30)
    with np.load(path, allow_pickle=False) as data:
        poses = data["poses"].reshape(-1, 22, 3)
        expected = resample(take, 30)
        v = np.array([0.3, -0.2, 0.9], np.float32)
        np.testing.assert_allclose(
            quat_rotate(quat_from_axis_angle(poses), v),
            quat_rotate(expected.rotations, v),
            atol=1e-5,
        )
        np.testing.assert_allclose(data["trans"], expected.root)
        assert data["betas"].shape == (10,)
        assert data["mocap_framerate"] == data["mocap_frame_rate"] == 30
        assert str(data["gender"]) == "female"
        own, _ = forward(data["trans"], quat_from_axis_angle(poses))
        np.testing.assert_allclose(data["joints"], own, atol=1e-5)
        assert data["unsolved"].shape == (59, 22, 3)
        assert data["features"].shape == (59, 263)
        assert data["prompts"].tolist() == ["walk", "on he goes"]
        assert json.loads(str(data["info"]))["licence"] == "CC0"


def test_mp4_plays(take, tmp_path):
    import imageio_ffmpeg

    path = tmp_path / "walk.mp4"
    write(take.slice(0, 8), path, fps=30, width=128, height=96, renderer="software")
    reader = imageio_ffmpeg.read_frames(str(path))
    about = next(reader)
    frames = [np.frombuffer(f, np.uint8).reshape(96, 128, 3) for f in reader]
    assert len(frames) == 11
    assert about["codec"] == "h264"
    assert "yuv420p" in about["pix_fmt"]
    assert about["fps"] == 30
    assert frames[5].std() > 10
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # playable while it loads
    assert b"licence: CC0" in content


def test_webp_plays_for_ever(take, tmp_path, monkeypatch):
    from PIL import ExifTags, Image

    path, size = tmp_path / "walk.webp", {"width": 64, "height": 48, "renderer": "software"}
    write(take.slice(0, 8), path, fps=30, **size)
    with Image.open(path) as film:
        assert (film.n_frames, film.size, film.info["loop"]) == (11, (64, 48), 0)
        assert "licence: CC0" in film.getexif()[ExifTags.Base.ImageDescription]
        times = []
        for number in range(film.n_frames):
            film.seek(number)
            film.load()
            times.append(film.info["timestamp"])
    assert times == [round(1000 * n / 30) for n in range(11)]
    looped = replace(take.slice(0, 8), info=take.info | {"loop": "8 poses"})
    write(looped, path, **size)
    with Image.open(path) as film:
        assert film.n_frames == 7  # the last pose is the first once more
    monkeypatch.setattr("core.export.render.media.MOST_WEBP", 64 * 48 * 10)
    with pytest.raises(ValueError, match=r"of 64 x 48 can be 0\.3 s long at most; make it shorter"):
        write(take.slice(0, 8), path, fps=30, **size)


@pytest.mark.parametrize("fps", [30, 60])
def test_resampling_keeps_the_poses_it_had(take, fps):
    fine = resample(take, fps)
    assert fine.fps == fps
    assert abs(fine.seconds - take.seconds) < 2 / 20
    step = fps // 10  # every second pose of 20 a second lies on both grids
    np.testing.assert_allclose(fine.root[::step], take.root[::2], atol=1e-5)
    np.testing.assert_allclose(fine.rotations[::step], take.rotations[::2], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(fine.rotations, axis=-1), 1, atol=1e-5)
    assert fine.prompts[1].start == round(25 * fps / 20)
    assert len(resample(take.slice(0, 1), fps)) == 1


def test_animations_are_named_after_all_prompts(take):
    assert title(take) == "walk; on he goes"
    assert title(replace(take, prompts=())) == "Take"
    long = replace(take, prompts=(PromptMark(start=0, text="a person walks " * 9),))
    assert len(title(long)) <= 60
    assert title(long).endswith("...")


@pytest.mark.parametrize("suffix", ["bvh", "glb", "fbx", "vrma", "npz"])
def test_a_single_pose_is_a_take(take, tmp_path, suffix):
    write(take.slice(3, 4), tmp_path / f"one.{suffix}")
    assert (tmp_path / f"one.{suffix}").stat().st_size > 500


def test_errors_are_sentences(take, tmp_path):
    with pytest.raises(ValueError, match=r"files end in \.bvh, \.glb, \.fbx, \.vrma, "):
        write(take, tmp_path / "walk.dae")
    with pytest.raises(ValueError, match="fps must be one of 20, 24, 30, 60, got 25"):
        write(take, tmp_path / "walk.bvh", fps=25)
    with pytest.raises(ValueError, match="body must be one of"):
        write(take, tmp_path / "walk.bvh", body="robot")
    with pytest.raises(ValueError, match="no folder"):
        write(take, tmp_path / "nowhere" / "walk.bvh")
    with pytest.raises(ValueError, match="must be even"):
        write(take, tmp_path / "walk.mp4", width=127, renderer="software")
    with pytest.raises(ValueError, match="renderer must be one of"):
        write(take, tmp_path / "walk.mp4", renderer="brush")
    empty = replace(take, root=take.root[:0])
    with pytest.raises(ValueError, match="empty"):
        write(empty, tmp_path / "walk.bvh")
