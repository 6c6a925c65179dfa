"""Files for readers of AMASS: the calls that three of them make, rebuilt, with smplx's skinning.

GMR takes `root_orient` and `pose_body` into SMPL-X, the SMPL-X add-on of Blender 55 joints out of
`poses`, AMASS's tutorial 156 numbers of them into SMPL-H, with soft tissue besides.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from smplx.lbs import lbs

from core.body.mesh import Body
from core.body.skeleton import ANKLES, FEET, HIPS, PARENTS, forward
from core.export import write
from core.export.amass import neutral
from core.settings import ExportSettings
from tests.support.synthetic import smpl_arrays, walk_take

ORIGIN = np.array([0.0, 1.2, -0.03])
"""By how much the made-up template stands below and before its origin."""
Arrays = dict[str, np.ndarray]


def stick_figure(convention: str) -> Arrays:
    """Return a SMPL file of the neutral template's joints: a vertex at each, four at the soles."""
    body = neutral(convention)
    joints = 55 if convention == "smplx" else 52
    parents = [*PARENTS, *([20] * joints)][:joints]
    floor = body.rest_joints[0] - body.origin
    rest = np.concatenate([body.rest_joints, body.rest_joints[[20] * (joints - 22)]])
    soles = body.rest_joints[FEET] * [1, 0, 1]
    weights = np.zeros((joints + 4, joints))
    weights[range(joints), range(joints)] = weights[range(joints, joints + 4), FEET] = 1
    return {
        "v_template": np.concatenate([rest, soles]) - floor,
        "weights": weights,
        "J_regressor": np.eye(joints, joints + 4),
        "kintree_table": np.array([parents, range(joints)]),
    }


def skinned(model: Arrays, pose: np.ndarray, trans: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and joints as SMPL's code has them for pose vectors (T, 3 J) of no shape."""
    count, joints = model["weights"].shape
    assert pose.shape == (len(trans), 3 * joints)
    vertices, places = lbs(
        torch.zeros(len(pose), 16),
        torch.tensor(pose).float(),
        torch.tensor(model["v_template"]).float()[None],
        torch.zeros(count, 3, 16),
        torch.zeros(9 * (joints - 1), 3 * count),
        torch.tensor(model["J_regressor"]).float(),
        torch.tensor([-1, *model["kintree_table"][0][1:]]),
        torch.tensor(model["weights"]).float(),
    )
    return vertices.numpy() + trans[:, None], places.numpy() + trans[:, None]


def as_gmr_calls(data: Arrays, model: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """SMPL-X of the body's own arrays; hands, jaw and eyes are the caller's zeros."""
    body, root = data["pose_body"], data["root_orient"]
    assert (str(data["gender"]), data["betas"].shape) == ("neutral", (16,))
    assert data["mocap_frame_rate"].item() >= 30  # of less it makes 30
    rest = np.zeros((len(body), 9 + 90), np.float32)
    return skinned(model, np.concatenate([root, body, rest], axis=1), data["trans"])


def as_the_addon_calls(data: Arrays, model: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """One bone after the other, 55 of them, at a rate that is not below Blender's target."""
    assert {"trans", "gender", "mocap_frame_rate", "mocap_framerate", "betas", "poses"} <= set(data)
    assert str(data["gender"]) in ("female", "male", "neutral")
    assert int(data["mocap_frame_rate"]) >= 30
    poses = [[pose.reshape(-1, 3)[bone] for bone in range(55)] for pose in data["poses"]]
    return skinned(model, np.array(poses).reshape(len(poses), -1), data["trans"])


def as_the_tutorial_calls(data: Arrays, model: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """SMPL-H: root, body and hands cut out of `poses`; shape and soft tissue for every pose."""
    poses = data["poses"]
    root, body, hands = poses[:, :3], poses[:, 3:66], poses[:, 66:]
    assert hands.shape[1] == 90
    assert data["dmpls"][:, :8].shape == (len(poses), 8)
    assert np.repeat(data["betas"][:16][None], len(poses), axis=0).shape == (len(poses), 16)
    return skinned(model, np.concatenate([root, body, hands], axis=1), data["trans"])


READERS = {as_gmr_calls: "smplx", as_the_addon_calls: "smplx", as_the_tutorial_calls: "amass"}


def written(path, **options) -> Arrays:
    convention = options.pop("convention")
    write(walk_take(), path, settings=ExportSettings(convention=convention), **options)
    with np.load(path) as data:  # no pickles
        return dict(data)


@pytest.mark.parametrize("reader", READERS)
def test_a_bundled_body_walks_upright_in_the_reader(reader, tmp_path):
    convention = READERS[reader]
    data = written(tmp_path / "walk.npz", convention=convention)
    vertices, joints = reader(data, stick_figure(convention))
    assert np.abs(vertices[:, -4:, 2].min(axis=1)).max() < 0.012  # always a sole on the floor
    assert (joints[:, 15, 2] - joints[:, ANKLES].mean(axis=1)[:, 2]).min() > 1.3
    source = walk_take()
    hips = forward(source.root, source.rotations)[0][:, HIPS].mean(axis=1)
    hips = neutral(convention).place(hips)[:, [0, 2, 1]] * [1, -1, 1]  # Z up, facing -Y
    times, found = np.arange(len(hips)) / 20, joints[:, HIPS].mean(axis=1)
    expected = [np.interp(np.arange(len(found)) / 30, times, hips[:, axis]) for axis in range(3)]
    assert np.abs(found - np.stack(expected, axis=1)).max() < 0.03


@pytest.mark.parametrize("reader", READERS)
def test_an_own_file_has_the_joints_that_we_have(reader, tmp_path):
    convention = READERS[reader]
    arrays = smpl_arrays(Body.load(), joints=55 if convention == "smplx" else 52)
    arrays["v_template"] -= ORIGIN
    np.savez(tmp_path / "SMPL_NEUTRAL.npz", **arrays)
    body = Body.from_smpl(tmp_path / "SMPL_NEUTRAL.npz")
    np.testing.assert_allclose(body.origin, Body.load().rest_joints[0] - ORIGIN, atol=1e-5)
    data = written(tmp_path / "walk.npz", convention=convention, body=body, fps=60)
    vertices, joints = reader(data, arrays)
    take = write(walk_take(), tmp_path / "plain.npz", body=body, fps=60)
    root, rotations = body.fit(take.root, take.rotations)
    ours = forward(body.place(root), rotations, body.rest_joints)[0][..., [0, 2, 1]] * [1, -1, 1]
    assert np.abs(joints[:, :22] - ours).max() < 1e-3
    ours = body.skin(root, rotations)[..., [0, 2, 1]] * [1, -1, 1]
    assert np.abs(vertices - ours)[..., 2].min(axis=1).max() < 1e-3
    assert np.abs(vertices[..., 2].min(axis=1)).max() < 0.03


def test_what_stands_in_the_file(tmp_path):
    data = written(tmp_path / "walk.npz", convention="amass", body="male")
    assert data["poses"].shape == (59, 156)  # 30 a second where nothing is asked
    assert (str(data["gender"]), str(data["surface_model_type"])) == ("neutral", "smplh")
    about = json.loads(str(data["info"]))
    assert (about["convention"], about["up_axis"], about["licence"]) == ("amass", "Z", "CC0")
    data = written(tmp_path / "walk.npz", convention="smplx", fps=20)
    assert data["poses"].shape == (40, 165)
    assert not data["poses"][:, 66:].any()
    assert str(data["surface_model_type"]) == "smplx"
    assert data["mocap_framerate"] == data["mocap_frame_rate"] == 20
