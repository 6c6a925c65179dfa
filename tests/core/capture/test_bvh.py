"""BVH files as real programs write them: what is in them comes out, or a sentence says why not."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pybvh
import pytest

from core.body.rotations import quat_rotate
from core.capture import bvh
from tests.train.test_sources_bvh import MIXAMO, write_bvh

ORDERS = ("Zrotation Xrotation Yrotation", "Yrotation Xrotation Zrotation")
RIG = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Thigh
  {
    OFFSET 1 -2 0
    CHANNELS 3 Xrotation Yrotation Zrotation
    JOINT Shin
    {
      OFFSET 0 -40 1
      CHANNELS 3 Yrotation Zrotation Xrotation
      End Site
      {
        OFFSET 0 -40 3
      }
    }
  }
  JOINT Chest
  {
    OFFSET 0 30.5 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 20 0
    }
  }
}
"""
WIDTH = 15


def values(rows: int = 12, width: int = WIDTH) -> np.ndarray:
    return np.random.default_rng(0).uniform(-170, 170, (rows, width)).round(4)


def text(rig: str = RIG, rows: np.ndarray | None = None, told: int | None = None) -> str:
    rows = values() if rows is None else rows
    lines = [" ".join(f"{x:g}" for x in row) for row in rows]
    told = len(rows) if told is None else told
    return f"{rig}MOTION\nFrames: {told}\nFrame Time: 0.0333333\n" + "\n".join(lines) + "\n"


def saved(folder: Path, content: str | bytes) -> Path:
    path = folder / "a.bvh"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def problem(folder: Path, content: str | bytes) -> str:
    with pytest.raises(ValueError, match=r"a\.bvh cannot be read: ") as caught:
        bvh.read(saved(folder, content))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def plain(tmp_path) -> np.ndarray:
    return bvh.read(saved(tmp_path, text())).positions


def test_it_is_bent_as_pybvh_does(tmp_path):
    path = saved(tmp_path, text())
    source = bvh.read(path)
    known = pybvh.read_bvh_file(path, world_up="+y", warn_on_world_up_disagreement=False)
    assert np.abs(source.positions - known.node_positions()).max() < 1e-9
    assert source.names == ("Hips", "Thigh", "Shin", "", "Chest", "")
    assert source.parents == (-1, 0, 1, 2, 0, 4)
    assert source.rate == 30
    assert (source.notes, source.clips) == ((), ())


def test_rotations_and_rest_make_the_positions(tmp_path):
    """An end site turns like its parent; bones are those of the rest pose, turned."""
    source = bvh.read(saved(tmp_path, text()))
    assert source.rest is not None
    assert source.rotations is not None
    bones = source.rest[1:] - source.rest[list(source.parents[1:])]
    turned = quat_rotate(source.rotations[:, list(source.parents[1:])], bones)
    made = source.positions[:, list(source.parents[1:])] + turned
    assert np.abs(source.positions[:, 1:] - made).max() < 1e-9
    assert (source.rotations[:, 3] == source.rotations[:, 2]).all()
    assert source.rest[3].tolist() == [1, -82, 4]
    assert (source.rest_rotations == [1, 0, 0, 0]).all()


@pytest.mark.parametrize("rows", [11, 13])
def test_rows_are_those_that_are_there(tmp_path, plain, rows):
    source = bvh.read(saved(tmp_path, text(told=rows)))
    assert (source.positions == plain).all()
    (note,) = source.notes
    assert note == f"The file counts its poses as {rows}; it has 12, and all are read."


def test_a_row_that_is_cut_off_is_left_out(tmp_path, plain):
    for cut in ("1 2 -3.", "1 2 -"):
        source = bvh.read(saved(tmp_path, text() + cut))
        assert (source.positions == plain).all()
        assert "cut off and is left out" in source.notes[0]


WRITTEN = {
    "utf-16": lambda told: told.encode("utf-16"),
    "utf-16 without its mark": lambda told: told.encode("utf-16-be"),
    "utf-8 with a mark": lambda told: told.encode("utf-8-sig"),
    "ctrl-z": lambda told: told.encode() + b"\x1a",
    "nul": lambda told: told.encode() + b"\x00\x00",
    "no last line end": lambda told: told.encode().rstrip(),
    "crlf": lambda told: told.replace("\n", "\r\n").encode(),
    "cr": lambda told: told.replace("\n", "\r").encode(),
    "tabs": lambda told: told.replace(" ", "\t").replace("End\t", "End ").encode(),
    "blank lines": lambda told: told.replace("\n", "\n \n").encode(),
    "decimal comma": lambda told: told.replace(".", ",").encode(),
    "comma between": lambda told: re.sub(r"(?<=\d) (?=[-\d])", ", ", told).encode(),
    "semicolons": lambda told: told.replace("\n", ";\n").encode(),
    "comments": lambda told: ("# by hand\nA walk, take 3\n\n// no\n" + told).encode(),
    "comments within": lambda told: told.replace("JOINT", "# leg\nJOINT").encode(),
    "lower case": lambda told: told.lower().encode(),
    "upper case": lambda told: told.upper().encode(),
    "braces beside names": lambda told: told.replace("\n{", " {").encode(),
    "no colons": lambda told: told.replace(":", "").encode(),
    "time first": lambda told: re.sub(r"(Frames.*\n)(Frame T.*\n)", r"\2\1", told).encode(),
    "no MOTION": lambda told: told.replace("MOTION\n", "").encode(),
    "no Frames": lambda told: re.sub("Frames.*\n", "", told).encode(),
    "opening braces missing": lambda told: told.replace("{\n", "").encode(),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_it_is_read_however_it_is_written(tmp_path, plain, way):
    source = bvh.read(saved(tmp_path, WRITTEN[way](text())))
    assert source.positions == pytest.approx(plain, abs=1e-9)
    assert source.notes == ()
    assert [name.lower() for name in source.names][:2] == ["hips", "thigh"]


@pytest.mark.parametrize(
    "name", ["Bip01 L Thigh", "\u9aa8\u5de6", "Armature|mixamorig:LeftUpLeg", "Left-Leg.001"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp932"])
def test_names_stay_as_they_are(tmp_path, name, encoding):
    source = bvh.read(saved(tmp_path, text(RIG.replace("Thigh", name)).encode(encoding)))
    assert source.names[1] == name


@pytest.mark.parametrize("time", ["Frame Time: 0\n", "Frame Time: 0.000000\n", ""])
def test_a_rate_that_is_not_told_is_assumed_or_given(tmp_path, time):
    path = saved(tmp_path, text().replace("Frame Time: 0.0333333\n", time))
    source = bvh.read(path)
    assert source.rate == 30
    assert "30 are assumed" in source.notes[0]
    source = bvh.read(path, rate=120)
    assert (source.rate, source.notes) == (120, ())


def test_the_channels_of_a_joint_are_its_own(tmp_path):
    """One axis, none, an odd order, a position along one axis, a scale that means nothing here."""
    rig = (
        RIG.replace("CHANNELS 3 Xrotation Yrotation Zrotation", "CHANNELS 1 Xrotation")
        .replace("    CHANNELS 3 Yrotation Zrotation Xrotation\n", "")
        .replace(
            "CHANNELS 3 Zrotation Xrotation Yrotation",
            "CHANNELS 4 Xscale Zrotation Yposition Xrotation",
        )
    )
    row = [5, 6, 7, 0, 0, 0, 90, 3, 90, 31, 90]
    source = bvh.read(saved(tmp_path, text(rig, np.array([row] * 12))))
    _, thigh, shin, foot, chest, head = source.positions[4] - source.positions[4, 0]
    assert thigh == pytest.approx([1, -2, 0])
    assert shin == pytest.approx([1, -3, -40])  # a quarter about X takes Y to Z, and Z to -Y
    assert foot == pytest.approx([1, -6, -80])
    assert chest == pytest.approx([0, 31, 0])
    assert head == pytest.approx([0, 31, 20])  # X first, which the turn about Z leaves alone


@pytest.mark.parametrize("added", [False, True])
def test_positions_of_other_joints_count(tmp_path, added):
    """Stretchy rigs move joints; some programs write the way from the parent, others the change."""
    places = "Xposition Yposition Zposition "
    rig = RIG
    for order in ("Xrotation Yrotation", "Yrotation Zrotation", "Zrotation Xrotation"):
        rig = rig.replace(f"CHANNELS 3 {order}", f"CHANNELS 6 {places}{order}")
    rows = np.zeros((12, 24))
    offsets = np.array([[1, -2, 0], [0, -40, 1], [0, 30.5, 0]])
    for i, offset in enumerate(offsets):
        rows[:, 6 + 6 * i : 9 + 6 * i] = 0 if added else offset
    rows[6:, 13] -= 5  # the shin is drawn out
    source = bvh.read(saved(tmp_path, text(rig, rows)))
    assert source.positions[0] == pytest.approx(source.rest)
    moved = source.positions[11] - source.positions[0]
    assert moved.tolist() == [[0, 0, 0], [0, 0, 0], [0, -5, 0], [0, -5, 0], [0, 0, 0], [0, 0, 0]]


def test_the_largest_of_several_skeletons_is_read(tmp_path):
    """Its columns stand behind those of the others."""
    prop = "ROOT Ball\n{\nOFFSET 0 0 0\nCHANNELS 3 Xposition Yposition Zposition\n}\n"
    ahead = RIG.replace("ROOT Hips", prop + "ROOT Hips")
    rows = np.concatenate([np.full((12, 3), 7.0), values()], axis=1)
    source = bvh.read(saved(tmp_path, text(ahead, rows)))
    assert (source.positions == bvh.read(saved(tmp_path, text())).positions).all()
    assert source.notes == ("The file holds 2 skeletons; the largest, Hips, is read.",)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "it is empty"),
        ("\n \n", "no `HIERARCHY` line"),
        (b"\x00\xff" * 900, "no `HIERARCHY` line"),
        ("HIERARCHY\n", "it holds no pose"),
        (RIG, "it holds no pose"),
        (text(rows=np.zeros((0, WIDTH))), "it holds no pose"),
        (text(RIG.replace("}\n", "", 1)), "line 29: 1 joints before it are not closed by a brace"),
        (text(RIG + "}\n"), "line 30: a brace is one too many"),
        (text(RIG.replace("  }\n  JOINT", "  }\n}\n  JOINT")), "a brace before it is missing"),
        (text(RIG.replace("OFFSET 1 -2 0", "")), "line 10: the joint before it has no OFFSET"),
        (text(RIG.replace("OFFSET 1 -2 0", "OFFSET 1 -2")), "an OFFSET is three numbers"),
        (text(RIG.replace("OFFSET 1 -2 0", "OFFSET 1 nan 0")), "an OFFSET is three numbers"),
        (text(RIG.replace("JOINT Chest", "BONE Chest")), "'BONE' is nothing that belongs there"),
        (text(RIG.replace("CHANNELS 3 Z", "CHANNELS 4 Z")), "tells of 4 channels"),
        (text(RIG.replace("Zrotation X", "Zturn X")), "'zturn' is no channel"),
        (text(re.sub("CHANNELS.*", "", RIG)), "none of its joints has channels"),
        (text().replace(" ", " x ", 90), "no channel|nothing that belongs"),
        (text().replace("\n", " 1\n").replace(" 1\n", "\n", 30), "row 1 .* holds 16 numbers"),
        (text().replace("0.0333333", "60"), "says that a frame lasts 60 s; 0.001 to 1 s"),
        (text().replace("0.0333333", "soon"), "must be in seconds, got 'soon'"),
        (text().replace("Frames: 12", "Frames: many"), "must say how many there are"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, content, told):
    assert re.search(told, problem(tmp_path, content))


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        (1e10, "row 8 of its poses lies far off all others"),
        (1e300, "row 8 of its poses holds a number that is not finite"),
        (np.nan, "row 8 of its poses holds a number that is not finite"),
        (np.inf, "row 8 of its poses holds a number that is not finite"),
    ],
)
def test_a_row_that_went_wrong_is_named(tmp_path, odd, told):
    rows = values()
    rows[7] = odd
    assert told in problem(tmp_path, text(rows=rows))


def test_a_word_among_the_numbers_is_named(tmp_path):
    lines = text().splitlines(keepends=True)
    lines[-3] = lines[-3].replace(" ", " -1.#IND ", 1)
    assert "row 10 of its poses holds '-1.#IND', which is no number" in problem(
        tmp_path, "".join(lines)
    )


def test_a_deep_skeleton_is_read(tmp_path):
    """5,000 joints below each other are too many, 900 are not: nothing here calls itself."""
    joint = "JOINT j{}\n{{\nOFFSET 0 1 0\nCHANNELS 1 Xrotation\n"
    for deep in (900, 5000):
        rig = RIG.split("  JOINT")[0] + "".join(joint.format(i) for i in range(deep))
        path = saved(tmp_path, text(rig + "}\n" * (deep + 1), np.zeros((12, 6 + deep))))
        if deep < 1000:
            assert bvh.read(path).positions[0, -1].tolist() == [0, deep, 0]
        else:
            assert "more than 1,000 joints" in problem(tmp_path, path.read_bytes())


def test_blank_lines_cost_little(tmp_path):
    """Regular expressions over them took half a minute."""
    start = time.process_time()
    problem(tmp_path, "HIERARCHY" + "\n" * 100_000)
    bvh.read(saved(tmp_path, text().replace("MOTION", "\n" * 100_000 + "MOTION")))
    assert time.process_time() - start < 2


def test_a_minute_at_120_a_second_takes_a_fraction_of_one(tmp_path):
    path = write_bvh(tmp_path / "long.bvh", MIXAMO, fps=120, frames=7200)
    start = time.process_time()
    source = bvh.read(path)
    assert time.process_time() - start < 1
    assert source.positions.shape == (7200, 27, 3)


def test_what_trains_may_be_longer(tmp_path):
    path = saved(tmp_path, text(rows=values(4000)))
    with pytest.raises(ValueError, match=r"lasts 133\.33 s"):
        bvh.read(path)
    assert len(bvh.read(path, bounded=False).positions) == 4000
