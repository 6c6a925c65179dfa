"""Motion files of other programs, BVH above all; a wrong one gets a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.body.skeleton import INDEX, JOINTS
from core.capture.follow import adjust, follow
from core.export import write
from core.settings import CaptureSettings
from tests.support.motion_files import error, refusal
from tests.support.synthetic import walk, walk_take
from tests.train.test_sources_bvh import MIXAMO, write_bvh


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    """The walk in all forms that we export."""
    folder = tmp_path_factory.mktemp("exported")
    for suffix in ("bvh", "npz", "glb"):
        write(walk_take(), folder / f"walk.{suffix}")
    return folder


@pytest.mark.parametrize(("suffix", "most"), [("bvh", 0.005), ("npz", 0.002), ("glb", 0.005)])
def test_our_own_exports_come_back(exported, suffix, most):
    path = exported / f"walk.{suffix}"
    found = follow(path)
    assert len(found.take) == 40
    assert found.seconds == pytest.approx(2.0)
    assert found.kept == (0.0, found.seconds)
    assert found.notes == ()
    assert found.gaps == ()
    assert found.track is None
    assert error(found, walk(40)[2]) < most
    with pytest.raises(ValueError, match="are for videos"):
        adjust(found, tilt=5)


@pytest.mark.parametrize("name", ["mixamo", None])
def test_a_skeleton_map_is_chosen_or_given(tmp_path, name):
    path = write_bvh(tmp_path / "glide.bvh", MIXAMO, fps=30, frames=61, prefix="mixamorig:")
    found = follow(path, CaptureSettings(joint_map=name))
    travel = found.joints[-1, 0] - found.joints[0, 0]
    assert travel[2] == pytest.approx(2, abs=0.3)


def test_a_map_of_ones_own(tmp_path):
    path = write_bvh(tmp_path / "odd.bvh", {j: f"Zz{n.swapcase()}" for j, n in MIXAMO.items()})
    assert len(follow(path).take) > 30  # the tree tells
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"joints": {j: [f"Zz{n}"] for j, n in MIXAMO.items()}}))
    assert len(follow(path, CaptureSettings(joint_map=own)).take) > 30
    for text in ("[]", "{", '{"joints": 3}', '{"joints": {"tail": ["x"]}}', '{"joints": {}}'):
        own.write_text(text)
        with pytest.raises(ValueError, match=r"own\.json"):
            follow(path, CaptureSettings(joint_map=own))
    with pytest.raises(ValueError, match="no joint map 'unicorn'"):
        follow(path, CaptureSettings(joint_map="unicorn"))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("ROOT", "ROAD", ""),
        ("CHANNELS 3", "CHANNELS 4", ""),
        ("Frame Time: 0.033333", "Frame Time: 60", "0.001 to 1 s"),
        ("Frame Time: 0.033333", "Frame Time: soon", ""),
        ("0.000000", "nan", "not finite"),
        ("0.000000", "inf", "not finite"),
        ("0.000000", "zero", ""),
        ("OFFSET", "OFFST", ""),
    ],
)
def test_damaged_bvh(tmp_path, old, new, told):
    path = write_bvh(tmp_path / "a.bvh", MIXAMO)
    head, motion, frames = path.read_text().partition("MOTION")
    if old == "0.000000":  # of the frames, not of the offsets
        text = head + motion + frames.replace(old, new, 3)
    else:
        text = (head + motion + frames).replace(old, new, 1)
    assert new in text
    path.write_text(text)
    assert told in refusal(path)


@pytest.mark.parametrize("data", [b"", b"\x00\xff" * 900, "grüße".encode("utf-16")])
@pytest.mark.parametrize("suffix", ["bvh", "npz", "glb"])
def test_something_else_by_that_name(tmp_path, suffix, data):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(data)
    refusal(path)


def test_too_short_too_long_too_large(tmp_path, monkeypatch):
    assert "half a second" in refusal(write_bvh(tmp_path / "s.bvh", MIXAMO, frames=8))
    assert "121 s; 120 s are the most" in refusal(
        write_bvh(tmp_path / "l.bvh", MIXAMO, fps=10, frames=1210)
    )
    long = np.zeros((60 * 200, 22, 3), np.float32)
    np.savez(tmp_path / "l.npz", joints=long, fps=60)
    assert "200 s; 120 s are the most" in refusal(tmp_path / "l.npz")
    monkeypatch.setattr("core.capture.read.MOST_BYTES", 1000)
    assert "MB" in refusal(tmp_path / "l.npz")
    with pytest.raises(ValueError, match=r"no file .*none\.bvh"):
        follow(tmp_path / "none.bvh")


def test_the_walk_faces_where_it_goes(exported):
    found = follow(exported / "walk.bvh")
    assert len(JOINTS) == found.joints.shape[1]
    assert found.joints[-1, INDEX["pelvis"], 2] > 1.5
