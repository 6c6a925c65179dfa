"""`python -m core keys`: key poses and paths out of a take, which `core motion` reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from core.__main__ import app
from core.body.mesh import Body
from core.export import write
from core.steering.files import read_keys, read_path
from core.steering.keys import key_from_pose, met
from tests.support.synthetic import walk
from tests.support.tiny import write_checkpoints
from tests.support.tiny_index import to_take

TAKE = to_take(walk(101)[2])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("walk.npz", "walk.bvh"):
        write(TAKE, folder / name, body=Body.load())
    return folder


def run(*words: object, code: int = 0):
    result = CliRunner().invoke(app, ["keys", *map(str, words)])
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("name", ["walk.npz", "walk.bvh"])
def test_a_pose_is_taken_and_wanted_at_another_time(folder, name):
    words = "--at", 4, "--at", 2.5, "--part", "hands", "--part", "head", "--to", 1, "--there"
    first, second = read_keys(run(folder / name, *words).stdout)
    assert (first.at, second.at) == (1.0, 2.5)
    assert first.parts == ("left_hand", "right_hand", "head")
    for key, pose in ((first, 50), (second, 80)):
        was = met(key, TAKE.joints[pose])
        assert was.missed == pytest.approx(0, abs=0.02)
        assert max(was.parts.values()) < 0.02


def test_a_take_of_another_rate_too(folder):
    write(TAKE, folder / "fast.npz", body=Body.load(), fps=60)
    (key,) = read_keys(run(folder / "fast.npz", "--at", 2).stdout)
    assert key.place is None
    assert np.allclose(key.joints, key_from_pose(TAKE, 40).joints, atol=1e-3)


def test_what_is_written_is_read_by_motion(folder):
    checkpoints = write_checkpoints(folder / "checkpoints")
    keys, path, out = folder / "poses.json", folder / "path.json", folder / "again.npz"
    assert (
        "poses.json: keys from 1 to 1 s"
        in run(folder / "walk.npz", "--at", 1, "--out", keys).stderr
    )
    run(folder / "walk.npz", "--path", "--out", path)
    words = ["motion", "a person walks", "--seconds", "3", "--keys", str(keys), "--path", str(path)]
    words += ["--out", str(out), "--checkpoints", str(checkpoints)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "key pose at 1 s: met within " in result.output


def test_a_path_is_where_the_pelvis_was_each_second(folder):
    points = read_path(run(folder / "walk.npz", "--path").stdout)
    assert [point.at for point in points] == [1, 2, 3, 4, 5]
    assert np.allclose(points[1].place, TAKE.root[40, [0, 2]], atol=1e-3)
    assert points[0].facing is None
    (turned,) = read_path(run(folder / "walk.npz", "--path", "--there", "--at", 2).stdout)
    assert turned.facing is not None


def test_the_file_is_short_enough_to_be_read(folder):
    lines = run(folder / "walk.npz", "--at", 1, "--at", 2).stdout.splitlines()
    assert len(lines) == 4
    assert {*json.loads(lines[2])} == {"at", "joints"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["none.npz"], "there is no file none.npz"),
        (["walk.npz", "--at", 9], "the motion has seconds 0..5, --at asks for 9"),
        (["walk.npz", "--at", "nan"], "--at asks for nan"),
        (["walk.npz", "--part", "arm"], "--part must be one of body, left_hand"),
        (["walk.npz", "--path", "--part", "head"], "a path has places only"),
        (["walk.npz", "--to", -4], "at must be 0 or more seconds, got -4"),
        (
            ["walk.npz", *(w for n in range(61) for w in ("--at", n / 100))],
            "which 1 to 60 seconds are meant, not 61",
        ),
    ],
)
def test_mistakes_are_told_in_a_sentence(folder, words, told):
    name, *options = words
    result = run(folder / name, *options, code=2)
    assert result.stderr.startswith("error: ")
    assert told in result.stderr
    assert str(folder) not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("data", [b"", b"no arrays at all", b"\x93NUMPY\x01\x00"])
def test_what_is_no_npz_is_told_in_a_sentence_of_ours(tmp_path, data):
    (tmp_path / "take.npz").write_bytes(data)
    said = run(tmp_path / "take.npz", "--at", 1, code=2).stderr
    assert said == "error: take.npz is damaged, or no NPZ file at all\n"


def test_a_folder_that_is_not_there_and_a_second_said_twice(folder):
    out = folder / "none" / "x.json"
    said = run(folder / "walk.npz", "--at", 1, "--out", out, code=2).stderr
    assert said == f"error: there is no folder {out.parent}\n"
    assert len(read_keys(run(folder / "walk.npz", "--at", 1, "--at", 1).stdout)) == 1
