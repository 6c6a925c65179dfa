"""VRMA: bones that VRM knows, at rest in its T-pose, doing what the take does."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from core.body.mesh import Body
from core.body.skeleton import ANKLES, ELBOWS, HIPS, HUMANOID, JOINTS, KNEES, SHOULDERS, WRISTS
from core.body.take import Take
from core.capture import glb
from core.capture.gltf_file import Document
from core.capture.read import read_motion
from core.export import write
from core.settings import ExportSettings
from tests.core.capture.test_glb import join, parts
from tests.core.export.test_root import in_world
from tests.support.synthetic import walk_take


@pytest.fixture(scope="module")
def take() -> Take:
    return walk_take(40)


@pytest.mark.parametrize("root", ["hips", "floor", "in-place"])
def test_bones_go_where_the_take_goes(take, tmp_path, root):
    write(take, tmp_path / "walk.vrma", settings=ExportSettings(root=root))
    found = glb.read(tmp_path / "walk.vrma")
    order = [found.names.index(name) for name in HUMANOID]
    carried = "in-place" if root == "in-place" else "hips"
    expected = in_world(take, Body.load(), carried)
    np.testing.assert_allclose(found.positions[:, order], expected, atol=1e-5)


@pytest.mark.parametrize("name", ["neutral", "female"])
def test_at_rest_arms_and_legs_are_straight(take, tmp_path, name):
    write(take, tmp_path / "walk.vrma", body=name)
    described = Document(tmp_path / "walk.vrma").json
    extension = described["extensions"]["VRMC_vrm_animation"]
    assert described["extensionsUsed"] == ["VRMC_vrm_animation"]
    assert extension["specVersion"] == "1.0"
    bones = {bone: told["node"] for bone, told in extension["humanoid"]["humanBones"].items()}
    assert [*bones] == [*HUMANOID]
    nodes = [described["nodes"][bones[bone]] for bone in HUMANOID]
    assert not any("rotation" in node or "scale" in node for node in nodes)
    offsets = np.array([node["translation"] for node in nodes])
    limbs = normalized(offsets[[*KNEES, *ANKLES, *ELBOWS, *WRISTS]])
    down, left, right = [0, -1, 0], [1, 0, 0], [-1, 0, 0]
    np.testing.assert_allclose(limbs, [down] * 4 + [left, right] * 2, atol=1e-6)
    height = offsets[0, 1] + offsets[[HIPS[0], KNEES[0], ANKLES[0]], 1].sum()
    ankle = Body.load(name).rest_joints[ANKLES[0], 1]
    assert height == pytest.approx(ankle, abs=0.01)
    moved = {c["target"]["node"] for c in channels(described) if c["target"]["path"] != "rotation"}
    assert moved == {bones["hips"]}
    assert {*SHOULDERS} <= {c["target"]["node"] for c in channels(described)}


def channels(described):
    (animation,) = described["animations"]
    return animation["channels"]


def normalized(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_it_is_read_back(take, tmp_path):
    write(take, tmp_path / "walk.vrma")
    found = read_motion(tmp_path / "walk.vrma")
    np.testing.assert_allclose(found.joints, take.joints, atol=0.01)


def test_what_the_file_says_of_its_bones_holds(take, tmp_path):
    """Names that say nothing or the opposite, and arms that are longer than legs."""
    write(take, tmp_path / "walk.vrma")
    known = read_motion(tmp_path / "walk.vrma")
    document, binary = parts(tmp_path / "walk.vrma")
    for node in document["nodes"]:
        node["name"] = "RightArm"
    for i in (*ELBOWS, *WRISTS):
        document["nodes"][i]["translation"][0] *= 3
    found = glb.read(join(tmp_path / "odd.vrma", document, binary))
    ours = dict(zip(HUMANOID, JOINTS, strict=True))
    assert {found.names[i]: joint for joint, i in found.told.items()} == ours
    assert read_motion(tmp_path / "odd.vrma").skeleton.joints == known.skeleton.joints


def test_what_a_file_says_wrongly_of_its_bones_is_no_fault(take, tmp_path):
    write(take, tmp_path / "walk.vrma")
    document, binary = parts(tmp_path / "walk.vrma")
    bones = document["extensions"]["VRMC_vrm_animation"]["humanoid"]["humanBones"]
    told, rng = [*bones.values()], np.random.default_rng(0)
    for _ in range(20):
        bones |= dict(zip(bones, rng.permutation(told), strict=True))
        path = join(tmp_path / "odd.vrma", document, binary)
        with contextlib.suppress(ValueError):
            read_motion(path)
    del bones["rightLowerArm"]  # one that has to be there: names and lengths tell
    assert len(read_motion(join(path, document, binary)).joints) == 40
