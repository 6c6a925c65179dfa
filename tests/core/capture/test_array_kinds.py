"""What other programs write as arrays: SMPL in every spelling, Kimodo, positions, features."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from core.body.features import encode
from core.body.rotations import (
    quat_from_axis_angle,
    quat_inverse,
    quat_multiply,
    quat_rotate,
    quat_to_axis_angle,
    quat_to_matrix,
)
from core.body.skeleton import JOINTS, PARENTS, REST_JOINTS, forward
from core.body.templates import neutral_rest
from core.capture.array_kinds import _SOMA, _SOMA_PLACES
from core.capture.npz import read
from core.capture.source import Source
from core.export import write
from tests.core.capture.test_npz import save
from tests.support.synthetic import walk, walk_take

ROOT, LOCAL, PLACES = (part.astype(np.float64) for part in walk(30))
WORLD = forward(ROOT, LOCAL)[1]
VECTORS = quat_to_axis_angle(LOCAL)
MATRICES = quat_to_matrix(LOCAL)
COLUMNS = MATRICES[..., :2].reshape(30, 22, 6)  # as HY-Motion
ROWS = MATRICES[..., :2, :].reshape(30, 22, 6)  # as PyTorch3D


def wide(numbers: int) -> np.ndarray:
    return np.pad(VECTORS.reshape(30, 66), ((0, 0), (0, numbers - 66)))


def angle(found: np.ndarray, told: np.ndarray) -> float:
    """Largest angle (degrees) between rotations."""
    turns = quat_to_axis_angle(quat_multiply(quat_inverse(told), found))
    return float(np.degrees(np.linalg.norm(turns, axis=-1)).max())


def check(source: Source, *, rate: float = 30.0, moves: bool = True, ours: bool = False) -> None:
    """Whether it is the walk, on our skeleton or on that of a template of SMPL's."""
    assert source.names == JOINTS
    assert source.parents == PARENTS
    assert source.rate == rate
    assert source.rest is not None
    known = [REST_JOINTS] if ours else [neutral_rest(name)[0] for name in ("smplh", "smplx")]
    assert min(np.abs(source.rest - rest).max() for rest in known) < 1e-6
    truth = forward(ROOT * moves + (0 if ours else source.rest[0]), LOCAL, source.rest)[0]
    assert np.abs(source.positions - truth).max() < 1e-5
    assert source.rotations is not None
    assert angle(source.rotations, WORLD) < 0.01
    assert source.rest_rotations is not None
    assert (source.rest_rotations == [1, 0, 0, 0]).all()


@pytest.mark.parametrize(
    "arrays",
    [
        {"poses": wide(66)},
        {"poses": wide(72)},  # SMPL, AMASS before 2019
        {"poses": wide(156), "dmpls": np.zeros((30, 8)), "betas": np.zeros(16)},  # SMPL-H
        {"poses": wide(165)},  # SMPL-X
        {"poses": wide(165).reshape(30, 55, 3)},
        {"poses": wide(66)[None], "trans": ROOT[None]},
        {"fullpose": wide(165)},
        {"poses": wide(156), "Rh": wide(3 * 22)[:, :3], "gender": np.array(["neutral"])},  # HY
        {"root_orient": wide(66)[:, :3], "pose_body": wide(66)[:, 3:], "pose_hand": wide(90)},
        {"global_orient": VECTORS[:, 0], "body_pose": wide(72)[:, 3:], "transl": ROOT},
        {"global_orient": VECTORS[:, :1], "body_pose": VECTORS[:, 1:], "transl": ROOT},
        {"global_orient": MATRICES[:, :1], "body_pose": MATRICES[:, 1:], "transl": ROOT},
        {"global_orient": MATRICES[:, 0], "body_pose": MATRICES[:, 1:], "transl": ROOT},
        {"global_orient": ROWS[:, 0], "body_pose": ROWS[:, 1:].reshape(30, -1), "transl": ROOT},
        {"poses": MATRICES},
        {"rot6d": COLUMNS, "transl": ROOT, "keypoints3d": np.zeros((30, 22, 3))},
        {"rot6d": ROWS[None], "transl": ROOT[None]},
        {"poses": wide(66).astype(">f4"), "trans": np.asfortranarray(ROOT)},
        {
            "smpl_params_incam/global_orient": VECTORS[:, 0] + 1,
            "smpl_params_incam/body_pose": wide(66)[:, 3:],
            "smpl_params_incam/transl": ROOT + 9,
            "smpl_params_global/global_orient": VECTORS[:, 0],
            "smpl_params_global/body_pose": wide(66)[:, 3:],
            "smpl_params_global/transl": ROOT,
        },
        {
            "smpl_params_global_global_orient": VECTORS[:, 0],
            "smpl_params_global_body_pose": wide(66)[:, 3:],
            "smpl_params_global_transl": ROOT,
        },
    ],
)
def test_rotations_of_smpl_in_every_spelling(tmp_path, arrays):
    if not any("trans" in name for name in arrays):
        arrays = {**arrays, "trans": ROOT}
    source = read(save(tmp_path / "a.npz", **arrays))
    check(source)
    (note,) = source.notes
    assert "30 poses a second are assumed" in note


def test_half_precision_and_whole_numbers(tmp_path):
    path = save(tmp_path / "a.npz", poses=wide(66).astype(np.float16), trans=ROOT)
    exact = save(tmp_path / "exact.npz", poses=wide(66), trans=ROOT)
    assert np.abs(read(path).positions - read(exact).positions).max() < 0.01
    path = save(tmp_path / "b.npz", poses=np.zeros((30, 66), np.uint8), trans=ROOT)
    assert len(read(path).positions) == 30


def test_our_own(tmp_path):
    write(walk_take(30), tmp_path / "a.npz")
    source = read(tmp_path / "a.npz")
    check(source, rate=20, ours=True)
    assert source.notes == ()


def test_results_of_gvhmr(tmp_path):
    part = {
        "body_pose": torch.tensor(wide(66)[:, 3:]),
        "betas": torch.zeros(30, 10),
        "global_orient": torch.tensor(VECTORS[:, 0]),
        "transl": torch.tensor(ROOT),
    }
    other = {name: tensor + 1 for name, tensor in part.items()}
    told = {"smpl_params_incam": other, "smpl_params_global": part, "K_fullimg": torch.eye(3)}
    torch.save(told, tmp_path / "hmr4d_results.pt")
    check(read(tmp_path / "hmr4d_results.pt"))
    torch.save({"model": torch.nn.Linear(2, 2)}, tmp_path / "model.pt")
    with pytest.raises(ValueError, match=r"model\.pt is not a PyTorch file of tensors alone"):
        read(tmp_path / "model.pt")
    torch.save({"poses": torch.zeros(1, 1).expand(10**6, 66)}, tmp_path / "large.pt")
    with pytest.raises(ValueError, match=r"large\.pt is too large: .* 528,000,\d+ bytes"):
        read(tmp_path / "large.pt")
    torch.save({"poses": part["betas"].bfloat16()}, tmp_path / "brain.pt")
    with pytest.raises(ValueError, match=r"brain\.pt is not a PyTorch file"):
        read(tmp_path / "brain.pt")
    whole = (tmp_path / "hmr4d_results.pt").read_bytes()
    (tmp_path / "half.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"half\.pt is not a PyTorch file"):
        read(tmp_path / "half.pt")


class Code:
    def __reduce__(self):
        return (pytest.fail, ("it was run",))


@pytest.mark.parametrize("told", [Code(), {"poses": Code()}, {"poses": 3}, [1]])
def test_a_pickle_is_read_for_tensors_alone(tmp_path, told):
    torch.save(told, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=r"^a\.pt (is not a PyTorch file|holds neither)"):
        read(tmp_path / "a.pt")


def test_tensors_that_lie(tmp_path):
    """Strides and starts beyond the numbers that there are."""
    torch.save({"joints": torch.tensor(PLACES)}, tmp_path / "whole.pt")
    assert np.abs(read(tmp_path / "whole.pt").positions - PLACES).max() == 0
    with zipfile.ZipFile(tmp_path / "whole.pt") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    pickled = next(name for name in entries if name.endswith("data.pkl"))
    (shape,) = re.findall(rb"K\x1eK\x16K\x03\x87", entries[pickled])
    for other in (b"K\x1fK\x16K\x03\x87", b"K\x1eK\xffK\x03\x87", b"K\x00K\x16K\x03\x87"):
        with zipfile.ZipFile(tmp_path / "lie.pt", "w") as archive:
            for name, data in entries.items():
                archive.writestr(name, data.replace(shape, other))
        assert refused(tmp_path / "lie.pt")


def test_no_path(tmp_path):
    source = read(save(tmp_path / "a.npz", poses=wide(72), fps=25))
    check(source, rate=25, moves=False)
    assert source.notes == ("The file tells no path: the body stays where it is.",)


@pytest.mark.parametrize("name", ["mocap_framerate", "mocap_frame_rate", "fps", "frame_rate"])
@pytest.mark.parametrize("rate", [np.array(120), np.array([120.0]), np.array([[120]], np.int32)])
def test_rates(tmp_path, name, rate):
    path = save(tmp_path / "a.npz", poses=wide(66), trans=ROOT, **{name: rate})
    assert read(path).rate == 120
    assert read(path, 50).rate == 50


@pytest.mark.parametrize("told", [np.array("fast"), np.array(0.0), np.array(None)])
def test_a_rate_that_is_given_counts_whatever_the_file_says(tmp_path, told):
    path = save(tmp_path / "a.npz", poses=wide(66), trans=ROOT, fps=told)
    with pytest.raises(ValueError, match=r"a\.npz"):
        read(path)
    assert read(path, 24).rate == 24


def test_the_length_is_that_at_the_rate_that_is_given(tmp_path):
    path = save(tmp_path / "a.npz", poses=np.zeros((4000, 66)), trans=np.zeros((4000, 3)))
    with pytest.raises(ValueError, match=r"lasts 133\.33 s; 120 s are the most"):
        read(path)
    assert len(read(path, 60).positions) == 4000
    path = save(tmp_path / "b.npz", joints=np.zeros((119_999, 22, 3), np.int8), fps=1000)
    with pytest.raises(ValueError, match=r"119,999 poses; 30,000 are the most"):
        read(path)
    np.save(tmp_path / "c.npy", np.zeros((22, 3, 40_000), np.int8))
    with pytest.raises(ValueError, match=r"lasts 2000 s"):
        read(tmp_path / "c.npy")


@pytest.mark.parametrize("joints", [22, 77, 30])
@pytest.mark.parametrize("turns", [True, False])
def test_kimodo(tmp_path, joints, turns):
    names, parents, places = JOINTS, PARENTS, list(range(22))
    if joints != 22:
        names = tuple(word.split(":")[0] for word in _SOMA)
        parents = (-1, *(names.index(word.split(":")[1]) for word in _SOMA[1:]))
        places = _SOMA_PLACES[joints]
    assert len(names) == len(places) == len(set(places))
    rng = np.random.default_rng(0)
    offsets = rng.normal(size=(len(names), 3))
    local = quat_from_axis_angle(0.5 * rng.normal(size=(40, len(names), 3)))
    world, told = local.copy(), np.zeros((40, len(names), 3))
    rest = np.zeros((len(names), 3))
    for i, parent in enumerate(parents[1:], start=1):
        world[:, i] = quat_multiply(world[:, parent], local[:, i])
        told[:, i] = told[:, parent] + quat_rotate(world[:, parent], offsets[i])
        rest[i] = rest[parent] + offsets[i]
    everywhere = np.full((40, joints, 3), 7.0)
    everywhere[:, places] = told
    matrices = np.tile(np.eye(3), (40, joints, 1, 1))
    matrices[:, places] = quat_to_matrix(world)
    arrays = {"posed_joints": everywhere, "local_rot_mats": matrices, "root_positions": told[:, 0]}
    if turns:
        arrays["global_rot_mats"] = matrices
    source = read(save(tmp_path / "motion_00.npz", **arrays))
    assert (source.names, source.parents, source.rate) == (names, parents, 30.0)
    assert np.abs(source.positions - told).max() == 0
    if not turns:
        assert source.rotations is source.rest is None
        return
    assert source.rotations is not None
    assert source.rest is not None
    assert angle(source.rotations, world) < 1e-3
    assert np.abs(source.rest - rest).max() < 1e-9


def test_robots_of_kimodo_are_no_people(tmp_path):
    path = save(tmp_path / "g1.npz", posed_joints=np.zeros((40, 34, 3)))
    with pytest.raises(ValueError, match=r"`posed_joints` is \(40, 34, 3\); bodies of SMPL-X"):
        read(path)


@pytest.mark.parametrize(
    "array",
    [
        PLACES,
        np.concatenate([PLACES, PLACES[:, :2]], axis=1),
        PLACES.reshape(30, 66),
        np.moveaxis(PLACES, 0, 2),
        np.moveaxis(PLACES, 0, 2)[None],
        100 * PLACES,
    ],
)
def test_joints(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", array)
    save(tmp_path / "b.npz", joints=array)
    for name in ("a.npy", "a.npz", "b.npz"):
        source = read(tmp_path / name)
        scale = 100 if array.max() > 50 else 1
        assert np.abs(source.positions - scale * PLACES).max() < 1e-4
        assert (source.names, source.rate, source.rotations) == (JOINTS, 20.0, None)
        assert "20 poses a second are assumed" in source.notes[0]


def test_features(tmp_path):
    np.save(tmp_path / "a.npy", encode(PLACES))
    source = read(tmp_path / "a.npy")
    assert np.abs(source.positions - PLACES[:-1]).max() < 1e-3
    normalized = np.random.default_rng(0).normal(size=(40, 263))
    np.save(tmp_path / "b.npy", normalized)
    with pytest.raises(ValueError, match=r"not HumanML3D's features, not normalized"):
        read(tmp_path / "b.npy")


def refused(path: Path) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        read(path)
    told = str(caught.value).replace(str(path), path.name)
    assert told.startswith(path.name)
    assert "\n" not in told
    return told


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.zeros((60, 17, 3)), r"`arr_0` is (60, 17, 3); joints of SMPL (T, 22, 3) or"),
        (np.random.default_rng(1).normal(size=(60, 25, 3)), "not joints in the order of SMPL"),
        (np.zeros((60, 66)), "not joints in the order of SMPL"),
        (np.zeros(60), "no pose"),
        (np.zeros((0, 22, 3)), "no pose"),
        (np.zeros((60, 22, 3), complex), "numbers"),
        (np.array([{"motion": 1}], object), "does not hold numbers but Python's objects"),
        (np.full((60, 22, 3), np.inf), "`arr_0` holds inf in pose 1"),
        (np.where(np.arange(1980).reshape(30, 22, 3) == 700, 1e10, PLACES), "1e+10 in pose 11"),
    ],
)
def test_npy_that_is_no_motion(tmp_path, array, told):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    assert told in refused(tmp_path / "a.npy")


def test_what_there_is_instead_is_named(tmp_path):
    path = save(tmp_path / "a.npz", dof_pos=np.zeros((9, 29)), **{"\x07": np.zeros(1)})
    assert refused(path).endswith("nor `joints` (T, 22, 3); it has `dof_pos`")
