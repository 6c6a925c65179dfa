"""NPZ files: AMASS, joint positions, and what is neither."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.body.rotations import quat_from_axis_angle, quat_multiply, quat_rotate, quat_to_axis_angle
from core.body.skeleton import REST_JOINTS
from core.capture.follow import follow
from tests.support.motion_files import error, refusal
from tests.support.synthetic import walk


def smpl(poses: int = 60) -> dict[str, np.ndarray]:
    """The walk as AMASS stores one: SMPL-H rotation vectors, Z up."""
    root, rotations, _ = walk(poses)
    turn = quat_from_axis_angle(np.array([np.pi / 2, 0, 0]))  # from Y up to Z up
    rotations[:, 0] = quat_multiply(turn, rotations[:, 0])
    return {
        "poses": np.pad(quat_to_axis_angle(rotations).reshape(poses, -1), ((0, 0), (0, 90))),
        "trans": quat_rotate(turn, root) - REST_JOINTS[0],
        "mocap_framerate": np.array(20.0),
    }


def save(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # pyright: ignore[reportArgumentType]
    return path


def test_amass(tmp_path):
    arrays = smpl()
    found = follow(save(tmp_path / "amass.npz", **arrays))
    assert error(found, walk(60)[2]) < 0.06  # legs of SMPL are shorter than the walker's
    x = {
        "root_orient": arrays["poses"][:, :3],
        "pose_body": arrays["poses"][:, 3:66],
        "trans": arrays["trans"],
        "mocap_frame_rate": np.array(40),
    }
    found = follow(save(tmp_path / "amass-x.npz", **x))
    assert found.seconds == pytest.approx(1.5)


def test_joint_positions(tmp_path):
    joints = walk(60)[2]
    assert error(follow(save(tmp_path / "j.npz", joints=joints)), joints) < 0.002
    more = np.concatenate([joints, joints[:, :2]], axis=1)  # SMPL with hands
    assert error(follow(save(tmp_path / "k.npz", positions=more, fps=20)), joints) < 0.002


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"poses": np.full((60, 66), np.nan)}, "`poses` holds nan in pose 1; numbers must be"),
        ({"poses": np.zeros((60, 30))}, "66 are needed"),
        ({"poses": np.zeros(60)}, "no pose"),
        ({"poses": np.zeros((0, 66)), "trans": np.zeros((0, 3))}, "no pose"),
        ({"poses": np.array([["a"] * 66] * 60)}, "numbers"),
        ({"poses": np.array([None] * 60)}, "numbers"),
        ({"trans": np.zeros((59, 3))}, "trans"),
        ({"trans": np.zeros((60, 2))}, "trans"),
        ({"mocap_framerate": np.array(0.0)}, "poses a second"),
        ({"mocap_framerate": np.array(np.nan)}, "poses a second"),
        ({"mocap_framerate": np.array("fast")}, "numbers"),
    ],
)
def test_wrong_arrays(tmp_path, change, told):
    assert told in refusal(save(tmp_path / "a.npz", **(smpl() | change)))


def test_wrong_archives(tmp_path, monkeypatch):
    assert "neither" in refusal(save(tmp_path / "b.npz", weights=np.zeros(5)))
    halves = {"root_orient": np.zeros((60, 3)), "pose_body": np.zeros((50, 63))}
    assert "fit together" in refusal(save(tmp_path / "c.npz", **halves))
    whole = save(tmp_path / "d.npz", **smpl()).read_bytes()
    (tmp_path / "d.npz").write_bytes(whole[: len(whole) // 2])
    assert "readable" in refusal(tmp_path / "d.npz")
    huge = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        huge, {"descr": "<f4", "fortran_order": False, "shape": (10**12, 66)}
    )
    with zipfile.ZipFile(tmp_path / "e.npz", "w") as archive:
        archive.writestr("poses.npy", huge.getvalue() + bytes(100))
    assert "readable" in refusal(tmp_path / "e.npz")
    monkeypatch.setattr("core.capture.npz.MOST_BYTES", 100_000)
    with zipfile.ZipFile(tmp_path / "f.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("joints.npy", bytes(200_000))
    assert (tmp_path / "f.npz").stat().st_size < 1000
    assert "too large" in refusal(tmp_path / "f.npz")
