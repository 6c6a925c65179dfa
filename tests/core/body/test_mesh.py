"""Bodies: skinning against a plain sum, feet on the floor, SMPL files read safely."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from scipy.sparse import csc_matrix

from benchmarks.files import bends
from core.body.mesh import BODIES, Body
from core.body.rotations import (
    normalize,
    quat_between,
    quat_from_axis_angle,
    quat_inverse,
    quat_multiply,
    quat_to_axis_angle,
    quat_to_matrix,
)
from core.body.skeleton import ANKLES, HIPS, KNEES, REST_JOINTS, forward
from tests.support.synthetic import smpl_arrays, walk

REST_ROOT = REST_JOINTS[:1]
IDENTITY = np.tile(np.array([1, 0, 0, 0], np.float32), (1, 22, 1))


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


@pytest.mark.parametrize("name", BODIES)
def test_rest_pose_is_the_rest_mesh(name):
    body = Body.load(name)
    skinned = body.skin(REST_ROOT, IDENTITY)[0]
    np.testing.assert_allclose(skinned, body.vertices, atol=1e-5)
    assert abs(skinned[:, 1].min()) < 1e-4
    assert body.faces.max() < len(body.vertices)
    np.testing.assert_allclose(body.skin_weights.sum(1), 1, atol=1e-5)


def test_skinning_is_the_weighted_sum(body):
    root, rotations, _ = walk(6)
    joints, world = forward(body.place(root), rotations, body.rest_joints)
    expected = np.zeros((6, len(body.vertices), 3))
    for k in range(4):
        j = body.skin_joints[:, k]
        local = body.vertices - body.rest_joints[j]
        turned = np.einsum("tvab,vb->tva", quat_to_matrix(world)[:, j], local)
        expected += body.skin_weights[:, k, None] * (turned + joints[:, j])
    np.testing.assert_allclose(body.skin(root, rotations), expected, atol=1e-5)


def test_walk_stands_on_the_floor(body):
    root, rotations, _ = walk(44)
    lowest = body.skin(*body.fit(root, rotations))[..., 1].min(axis=1)
    assert lowest.min() > -0.01
    assert lowest.max() < 0.01


@pytest.mark.parametrize("name", BODIES)
def test_fitted_feet_do_what_the_source_feet_do(name):
    """Planted feet stay planted on a body with other hips, and nothing else turns."""
    body = Body.load(name)
    root, rotations, source = walk(44)
    placed, fitted = body.fit(root, rotations)
    joints, _ = forward(body.place(placed), fitted, body.rest_joints)
    feet = joints[:, ANKLES]
    steps = np.diff(feet, axis=0) - np.diff(source[:, ANKLES], axis=0) * body.scale
    assert np.abs(steps).max() < 6e-3  # knees that bend as the source's do cannot reach everywhere
    np.testing.assert_allclose(bends(joints), bends(source), atol=0.3)
    others = np.setdiff1d(np.arange(22), [*HIPS, *KNEES, *ANKLES])
    np.testing.assert_allclose(fitted[:, others], rotations[:, others], atol=1e-5)
    turns = quat_multiply(quat_inverse(rotations), fitted)
    assert np.degrees(np.linalg.norm(quat_to_axis_angle(turns), axis=-1)).max() < 20
    way = np.diff(joints[:, HIPS].mean(axis=1), axis=0)
    theirs = np.diff(source[:, HIPS].mean(axis=1), axis=0) * body.scale
    np.testing.assert_allclose(way[:, [0, 2]], theirs[:, [0, 2]], atol=1e-5)
    np.testing.assert_allclose(way[:, 1], theirs[:, 1], atol=6e-3)


@pytest.mark.parametrize("name", BODIES)
def test_straight_legs_stay_straight(name):
    body = Body.load(name)
    turns = np.zeros((5, 22, 3))
    turns[:, 0, 0] = np.radians([0, 40, -40, 0, 0])  # the pelvis nods, leans and turns
    turns[:, 0, 2] = np.radians([0, 0, 0, 15, 0])
    turns[:, 0, 1] = np.radians([0, 0, 0, 0, 60])
    rotations = quat_from_axis_angle(turns)
    for hip, knee, ankle in zip(HIPS, KNEES, ANKLES, strict=True):
        thigh, shin = REST_JOINTS[knee] - REST_JOINTS[hip], REST_JOINTS[ankle] - REST_JOINTS[knee]
        rotations[:, hip] = quat_between(thigh, np.array([0, -1, 0]))
        rotations[:, knee] = quat_between(shin, thigh)
    root, fitted = body.fit(np.tile(REST_ROOT, (5, 1)), rotations.astype(np.float32))
    joints, _ = forward(body.place(root), fitted, body.rest_joints)
    thighs = normalize(joints[:, KNEES] - joints[:, HIPS])
    shins = normalize(joints[:, ANKLES] - joints[:, KNEES])
    assert np.degrees(np.arccos((thighs * shins).sum(-1))).max() < 5


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_poses_that_are_nowhere_do_not_fit(body, bad):
    with pytest.raises(ValueError, match="poses must be finite"):
        body.fit(np.full_like(REST_ROOT, bad), IDENTITY)
    if not np.isfinite(bad):
        with pytest.raises(ValueError, match="poses must be finite"):
            body.fit(REST_ROOT, np.full_like(IDENTITY, bad))


def test_unknown_body_is_a_sentence():
    with pytest.raises(ValueError, match="neutral, male, female"):
        Body.load("robot")


class Evil:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.fixture(scope="module")
def smpl_file(body, tmp_path_factory):
    arrays = smpl_arrays(body)
    path = tmp_path_factory.mktemp("smpl") / "SMPL_NEUTRAL.pkl"
    path.write_bytes(pickle.dumps(arrays | {"J_regressor": csc_matrix(arrays["J_regressor"])}, 2))
    return path, arrays


def test_smpl_file_comes_back_as_the_body(body, smpl_file):
    own = Body.from_smpl(smpl_file[0])
    np.testing.assert_allclose(own.vertices, body.vertices, atol=1e-5)
    np.testing.assert_allclose(own.rest_joints, body.rest_joints, atol=1e-5)
    root, rotations, _ = walk(4)
    np.testing.assert_allclose(own.skin(root, rotations), body.skin(root, rotations), atol=1e-4)


def test_smpl_file_agrees_with_smplx(smpl_file):
    import smplx
    import torch
    from smplx.utils import Struct

    path, arrays = smpl_file
    own = Body.from_smpl(path)
    root, rotations, _ = walk(4)
    model = smplx.SMPL("", data_struct=Struct(**arrays), batch_size=4)
    angles = torch.tensor(quat_to_axis_angle(rotations)).flatten(1)
    hands = torch.zeros(4, 6)
    out = model(global_orient=angles[:, :3], body_pose=torch.cat([angles[:, 3:], hands], dim=1))
    shift = own.place(root)[:, None] - out.joints[:, :1].detach().numpy()
    np.testing.assert_allclose(
        out.vertices.detach().numpy() + shift, own.skin(root, rotations), atol=1e-4
    )


def test_smplx_archive(body, tmp_path):
    path = tmp_path / "SMPLX_NEUTRAL.npz"
    extras = {"joint2num": np.array({"Pelvis": 0}, dtype=object)}  # real archives pickle such
    np.savez(path, **smpl_arrays(body, joints=55), **extras)
    np.testing.assert_allclose(Body.from_smpl(path).rest_joints, body.rest_joints, atol=1e-5)


def test_chumpy_pickles_need_no_chumpy():
    from core.body.smpl import _dense, safe_unpickle

    # what pickle protocol 0 writes for an old-style chumpy array with the state {"x": 7}
    data = b"ccopy_reg\n_reconstructor\n(cchumpy.ch\nCh\nc__builtin__\nobject\nNtR(dS'x'\nI7\nsb."
    assert _dense(safe_unpickle(data)) == 7


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("evil.pkl", pickle.dumps(Evil()), "refused"),
        ("text.pkl", b"hello", "not a pickle"),
        ("list.pkl", pickle.dumps([1, 2]), "holds a list"),
        ("empty.pkl", pickle.dumps({}), "lacks v_template"),
        (
            "words.pkl",
            pickle.dumps(
                dict.fromkeys(("v_template", "f", "J_regressor", "weights", "kintree_table"), "x")
            ),
            "no table",
        ),
        ("broken.npz", b"hello", "no SMPL archive"),
        ("body.fbx", b"", "comes as .pkl or .npz"),
    ],
)
def test_wrong_files_are_sentences(tmp_path, name, content, sentence):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        Body.from_smpl(path)
    with pytest.raises(ValueError, match="no file"):
        Body.from_smpl(tmp_path / "nothing.pkl")
