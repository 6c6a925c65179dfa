"""Files that ask for too much are refused by their numbers, before anything is decoded."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import pytest

from core.capture import bvh, bvh_text
from tests.support.motion_files import refusal
from tests.train.test_sources_bvh import MIXAMO, write_bvh

ROOT = """HIERARCHY
ROOT Hips
{
OFFSET 0 0 0
CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
"""
JOINT = "JOINT j\n{\nOFFSET 0 1 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n"
END = "End Site\n{\nOFFSET 0 0 1\n}\n"
ROWS = "0 0 0 0 0 0\n" * 20


def written(head: str = ROOT + "}\n", rows: str = ROWS, frames: str = "20", time: str = "0.05"):
    return f"{head}MOTION\nFrames: {frames}\nFrame Time: {time}\n{rows}"


class Endless(io.StringIO):
    """A text of one line, again and again; notes how much of it was read."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self.line, self.read = line, 0

    def readline(self, size: int | None = -1, /) -> str:
        self.read += len(self.line)
        return self.line[: size if size is not None and size >= 0 else None]


@pytest.mark.parametrize("line", ["\n", " " * 100 + "\n", "CHANNELS 1 x\n", "Frames: 3\n"])
def test_a_bvh_skeleton_is_read_no_further_than_its_limit(line):
    """Regular expressions over all of it took half a minute for 100 kB of line ends."""
    text = Endless(line)
    with pytest.raises(ValueError, match="its skeleton takes more than 2,000,000 characters"):
        bvh_text.read_head(text)
    assert text.read <= bvh_text.MOST_HEAD + len(line)


HOSTILE_BVH = {
    "nothing": ("HIERARCHY" + "\n" * 100_000, "it holds no pose"),
    "flat": (written(ROOT + (JOINT + "}\n") * 1000 + "}\n"), "more than 1,000 joints"),
    "deep": (written(ROOT + JOINT * 1000 + "}\n" * 1001), "more than 1,000 joints"),
    "ends": (written(ROOT + END * 1000 + "}\n"), "joints and end sites"),
    "name": (written(ROOT.replace("Hips", "h" * 201) + END + "}\n"), "more than 200 characters"),
    "channels": (
        written(ROOT + JOINT.replace("3", "10 " + 7 * "Xrotation ") + "}\n}\n"),
        "more than 9 channels",
    ),
    "more channels": (
        written(ROOT + JOINT + "CHANNELS 1 Xrotation\n" + "}\n}\n"),
        "more than 9 channels",
    ),
    "poses": (written(frames="119999", time="0.001"), "119,999 poses; 30,000 are the most"),
    "seconds": (written(frames="30000"), "lasts 1500 s; 120 s are the most"),
    "digits": (written(frames="9" * 4000), "`Frames:` line must say"),
    "rate": (written(time="1e-320"), "0.001 to 1 s"),
    "numbers": (
        written(ROOT + (JOINT + "}\n") * 500 + "}\n", frames="6000", time="0.01"),
        "6,000 poses of 1,506 channels are 9,036,000 numbers; 8,000,000 are the most",
    ),
    "empty rows": (written(rows="0 0 0 0 0 0\n" + "\n" * 60_000), "more than 60,000 lines"),
    "long row": (written(rows="0 " * 10_000 + "\n"), "more than 448 characters, for 6 numbers"),
    "long number": (written(rows="1" * 449 + "\n"), "line 1 of its poses has more than 448"),
    "more rows than told": (written(rows="0 0 0 0 0 0\n" * 30_001), "30,001 poses"),
}


@pytest.mark.parametrize("name", HOSTILE_BVH)
def test_a_bvh_that_asks_for_too_much_is_not_parsed(tmp_path, monkeypatch, name):
    monkeypatch.setattr(bvh, "_pose", pytest.fail)
    text, told = HOSTILE_BVH[name]
    path = tmp_path / "evil.bvh"
    path.write_text(text)
    tracemalloc.start()
    try:
        assert told in refusal(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8_000_000


def test_a_bvh_at_the_limits_is_parsed(tmp_path, monkeypatch):
    path = write_bvh(tmp_path / "a.bvh", MIXAMO)
    channels = 3 + 3 * 22
    monkeypatch.setattr(bvh_text, "MOST_NUMBERS", 61 * 3 * 27)  # places of 22 joints and 5 ends
    assert bvh.read(path).positions.shape == (61, 27, 3)
    monkeypatch.setattr(bvh_text, "MOST_NUMBERS", 61 * 3 * 27 - 1)
    with pytest.raises(ValueError, match="61 poses of 81 coordinates are 4,941 numbers"):
        bvh.read(path)
    monkeypatch.setattr(bvh_text, "MOST_NUMBERS", 61 * channels - 1)
    with pytest.raises(ValueError, match="61 poses of 69 channels are 4,209 numbers"):
        bvh.read(path)
    monkeypatch.undo()
    Path(path).write_text(written(ROOT + JOINT * 500 + END + "}\n" * 501, "0 " * 1506 + "\n", "1"))
    assert "were not found" in refusal(path)


def test_a_skeleton_without_channels_makes_no_more_places_than_told(tmp_path):
    """30,000 poses of 900 joints that a file of 200 kB tells of are 2 GB."""
    still = "JOINT j\n{\nOFFSET 0 1 0\n}\n"
    path = tmp_path / "still.bvh"
    path.write_text(written(ROOT + still * 900 + "}\n", frames="20000", time="0.005"))
    assert "20,000 poses of 2,703 coordinates" in refusal(path)
