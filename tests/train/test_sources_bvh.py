"""BVH files of any dialect, unit and rate give the same joints back, captions become texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.body.skeleton import INDEX, JOINTS, PARENTS, REST_JOINTS
from core.capture import joint_maps
from core.capture.read import read_joints
from train import sources
from train.sources import bvh

SMPL = dict(zip(JOINTS, JOINTS, strict=True))
MIXAMO = {
    "pelvis": "Hips",
    "spine1": "Spine",
    "spine2": "Spine1",
    "spine3": "Spine2",
    "neck": "Neck",
    "head": "Head",
    **{
        f"{s}_{a}": f"{s.capitalize()}{b}"
        for s in ("left", "right")
        for a, b in (
            ("hip", "UpLeg"),
            ("knee", "Leg"),
            ("ankle", "Foot"),
            ("foot", "ToeBase"),
            ("collar", "Shoulder"),
            ("shoulder", "Arm"),
            ("elbow", "ForeArm"),
            ("wrist", "Hand"),
        )
    },
}


def rest_joints() -> np.ndarray:
    """A person standing with arms out, left at +x, (22, 3) meters."""
    half = {
        "hip": (0.06, 0.87, 0),
        "knee": (0.1, 0.49, 0),
        "ankle": (0.1, 0.08, -0.03),
        "foot": (0.12, 0.02, 0.1),
        "collar": (0.08, 1.39, -0.02),
        "shoulder": (0.19, 1.42, -0.02),
        "elbow": (0.45, 1.41, -0.04),
        "wrist": (0.7, 1.42, -0.04),
    }
    middle = {
        "pelvis": (0, 0.95, 0),
        "spine1": (0, 1.07, -0.02),
        "spine2": (0, 1.2, 0.0),
        "spine3": (0, 1.26, 0.01),
        "neck": (0, 1.47, -0.03),
        "head": (0, 1.56, 0.02),
    }
    side = {"left": np.array([1, 1, 1]), "right": np.array([-1, 1, 1])}
    return np.array(
        [
            middle[j] if j in middle else side[j.split("_")[0]] * half[j.split("_")[1]]
            for j in JOINTS
        ]
    )


def write_bvh(
    path: Path,
    names: dict[str, str],
    *,
    unit: float = 0.01,
    fps: float = 30,
    frames: int = 61,
    up: str = "y",
    positions: bool = False,
    prefix: str = "",
) -> Path:
    """Write a stiff person gliding along +z at 1 m/s; joints not in names are left out.

    positions: write position channels for every joint, as Blender does.
    """
    rest = rest_joints() / unit
    if up == "z":
        rest = np.stack([rest[:, 0], -rest[:, 2], rest[:, 1]], -1)
    children: dict[str, list[str]] = {j: [] for j in JOINTS}
    lines, order = ["HIERARCHY"], []

    def kept_parent(joint: str) -> str:
        parent = JOINTS[PARENTS[INDEX[joint]]]
        return parent if parent in names else kept_parent(parent)

    for joint in JOINTS[1:]:
        if joint in names:
            children[kept_parent(joint)].append(joint)

    def offset(joint: str) -> np.ndarray:
        if joint == "pelvis":
            return np.zeros(3)
        return rest[INDEX[joint]] - rest[INDEX[kept_parent(joint)]]

    def block(joint: str) -> None:
        order.append(joint)
        lines.append(("ROOT " if joint == "pelvis" else "JOINT ") + prefix + names[joint])
        place = "6 Xposition Yposition Zposition" if positions or joint == "pelvis" else "3"
        lines.extend(["{", "OFFSET {:f} {:f} {:f}".format(*offset(joint))])
        lines.append(f"CHANNELS {place} Zrotation Xrotation Yrotation")
        for child in children[joint]:
            block(child)
        if not children[joint]:
            lines.extend(["End Site", "{", "OFFSET 0 0 1", "}"])
        lines.append("}")

    block("pelvis")
    lines.extend(["MOTION", f"Frames: {frames}", f"Frame Time: {1 / fps:.6f}"])
    ahead = np.array([0, 0, 1.0]) if up == "y" else np.array([0, -1.0, 0])
    for frame in range(frames):
        row = [*(rest[0] + ahead * frame / fps / unit), 0, 0, 0]
        for joint in order[1:]:
            row += [*(offset(joint) if positions else ()), 0, 0, 0]
        lines.append(" ".join(f"{v:.6f}" for v in row))
    path.write_text("\n".join(lines) + "\n")
    return path


def standing(joints: np.ndarray) -> bool:
    """Whether a body of ours stands straight with its arms out and is moved ahead.

    By a meter a second of a person whose legs are 0.79 m long.
    """
    assert joints.shape == (41, 22, 3)
    assert joints.dtype == np.float32
    way = np.arange(41)[:, None] / 20 * np.array([0, 0, 0.8209 / 0.791])
    found = joints - joints[:1, :1] - way[:, None]
    return bool(np.abs(found - REST_JOINTS + REST_JOINTS[0]).max() < 0.04)


@pytest.mark.parametrize("unit", [1.0, 0.01, 0.001, 0.0254, 0.0254 / 0.45])
@pytest.mark.parametrize("fps", [20, 30, 120])
def test_bvh_any_unit_and_rate(tmp_path, unit, fps):
    path = write_bvh(tmp_path / "a.bvh", MIXAMO, unit=unit, fps=fps, frames=2 * fps + 1)
    joints = read_joints(path)
    assert standing(joints)


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (SMPL, {}),
        (MIXAMO, {"prefix": "mixamorig:"}),
        (MIXAMO, {"prefix": "Model_"}),
        (MIXAMO, {"up": "z"}),
        (MIXAMO, {"positions": True}),
    ],
)
def test_bvh_dialects(tmp_path, names, options):
    assert standing(read_joints(write_bvh(tmp_path / "a.bvh", names, **options)))


def test_collars_and_spine_may_be_missing(tmp_path):
    left_out = ("spine2", "spine3", "head", "left_collar", "right_collar")
    names = {j: n for j, n in MIXAMO.items() if j not in left_out}
    assert standing(read_joints(write_bvh(tmp_path / "a.bvh", names)))


@pytest.mark.parametrize("name", joint_maps.BUILT_IN)
def test_map_files_name_only_our_joints(name):
    assert set(joint_maps.load_map(name)["joints"]) <= set(JOINTS)


def captions(folder: Path, text: str) -> Path:
    path = folder / "captions.csv"
    path.write_text(text)
    return path


def test_captions_become_texts(tmp_path):
    write_bvh(tmp_path / "a.bvh", MIXAMO)
    path = captions(
        tmp_path,
        "file,caption,start,end,label,licence\n"
        "a.bvh,a person walks,,,walk,CC0\n"
        'a,"someone strolls, slowly",,,,\n'
        "a.bvh,a person stops,1.0,1.5,,\n",
    )
    (clip,) = sources.read(path)
    assert [(t.start, round(t.end, 3), t.captions) for t in clip.texts] == [
        (0.0, 2.05, ("a person walks", "someone strolls, slowly")),
        (1.0, 1.5, ("a person stops",)),
    ]
    assert (clip.id, clip.label, clip.licence, clip.crop_ok) == ("a", "walk", "CC0", True)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("name,text\na,b\n", "must name the columns"),
        ("file,caption\n", "names no BVH file"),
        ("file,caption\na.bvh,\n", "captions.csv:2: a.bvh has no caption"),
        ("file,caption\nb.bvh,walks\n", "b.bvh does not exist"),
        ("file,caption,start,end\na.bvh,walks,5,6\n", "which is 2.05 seconds long"),
        ("file,caption,start\na.bvh,walks,soon\n", "start must be a number"),
        ("file,caption,up\na.bvh,walks,left\n", "up must be x, y or z"),
        ("file,caption,map\na.bvh,walks,nobody\n", "no joint map"),
        ("file,caption,map\na.bvh,walks,smpl\n", "joints of the map are not in it"),
    ],
)
def test_wrong_captions_are_told_in_a_sentence(tmp_path, table, sentence):
    write_bvh(tmp_path / "a.bvh", MIXAMO)
    with pytest.raises(ValueError, match=sentence):
        list(bvh.read(captions(tmp_path, table)))


def test_wrong_files_are_told_in_a_sentence(tmp_path):
    (tmp_path / "bad.bvh").write_text("HIERARCHY\n")
    with pytest.raises(ValueError, match=r"bad\.bvh cannot be read"):
        read_joints(tmp_path / "bad.bvh")
    dragon = write_bvh(tmp_path / "d.bvh", {j: n for j, n in MIXAMO.items() if "knee" not in j})
    with pytest.raises(ValueError, match="were not found in it"):
        read_joints(dragon)
    with pytest.raises(ValueError, match="none of the known forms"):
        sources.read(tmp_path / "nothing")
