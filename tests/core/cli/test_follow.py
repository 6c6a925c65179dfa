"""`python -m core follow` beyond the motion itself: going on, manner, similar motions."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from core.__main__ import app
from core.body.mesh import Body
from core.export import write
from tests.support.synthetic import walk
from tests.support.tiny import write_checkpoints
from tests.support.tiny_index import to_take, write_library

JUMP = "--then", "a person jumps"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_library(tmp_path_factory.mktemp("checkpoints"), motion="CC0 1.0")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A BVH file of two seconds: quicker to read than a film, and the same from there on."""
    path = tmp_path_factory.mktemp("clip") / "walk.bvh"
    write(to_take(walk(41)[2]), path, body=Body.load())
    return path


def run(folder, *arguments: object, code: int = 0):
    words = ["follow", *map(str, arguments), "--checkpoints", str(folder), "--device", "cpu"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code, result.output
    return result


def test_it_goes_on_and_says_so(folder, clip, tmp_path):
    out = tmp_path / "dance.npz"
    looked_up = "--manner", 0.5, "--similar", 2, "--seed", 3
    result = run(folder, clip, *JUMP, "--seconds", 1.5, *looked_up, "--out", out, "--json")
    figures = json.loads(result.stdout)
    before = figures["continued"]["from_seconds"]
    assert figures["seconds"] == pytest.approx(before + 1.5)
    assert figures["continued"]["manner"] == 0.5
    for match in (*figures["similar"], *figures["continued"]["manner_matches"]):
        assert match["licence"] == "CC0 1.0"
        assert match["caption"]
    assert len(figures["similar"]) == 2
    assert figures["info"]["seed"] == "3"
    with np.load(out) as data:
        assert len(data["poses"]) == figures["poses"]
        info = json.loads(str(data["info"]))
    assert "CC0 1.0" in info["licence"]
    assert info["reference"] == "walk.bvh"
    assert info["manner_clips"]


def test_prompts_follow_each_other(folder, clip):
    wave = "--then", "a person waves", "--seconds", 2
    result = run(folder, clip, *JUMP, "--seconds", 1, *wave, "--json")
    figures = json.loads(result.stdout)
    assert figures["seconds"] == pytest.approx(figures["continued"]["from_seconds"] + 3)


def test_the_same_seed_makes_the_same_file(folder, clip, tmp_path):
    files = [tmp_path / f"{i}.bvh" for i in range(3)]
    for path, seed in zip(files, (1, 1, 2), strict=True):
        run(folder, clip, *JUMP, "--seed", seed, "--out", path)
    one, two, other = (path.read_bytes() for path in files)
    assert one == two
    assert one != other


def test_joints_are_told_saved_and_obeyed(folder, clip, tmp_path):
    path = tmp_path / "map.json"
    run(folder, clip, "--save-map", path)
    table = json.loads(path.read_text())
    assert "walk.bvh" in table["about"]
    found = json.loads(run(folder, clip, "--json").stdout)
    assert found["joints"] == table["joints"]
    assert (found["joints_by"], found["rate"], found["clips"], found["clip"]) == (
        "names",
        20,
        [],
        1,
    )
    left, right = table["joints"]["left_hip"], table["joints"]["right_hip"]
    table["joints"] |= {"left_hip": right, "right_hip": ["no such", left]}
    path.write_text(json.dumps(table))
    said = json.loads(run(folder, clip, "--map", path, "--rate", 40, "--json").stdout)
    assert (said["joints_by"], said["rate"]) == ("map", 40)
    assert (said["joints"]["left_hip"], said["joints"]["right_hip"]) == (right, left)
    assert said["seconds"] == pytest.approx(found["seconds"] / 2, abs=0.1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--rate", "0"], "rate must be in 1..1000, got 0"),
        (["--clip", "0"], "clip must be in 1..10000, got 0"),
        (["--map", "nowhere.json"], "no joint map 'nowhere.json'; use one of cmu"),
        (["--seconds", "2"], "give --then PROMPT"),
        (["--manner", "0.5"], "give --then PROMPT"),
        ([*JUMP, "--manner", "2"], "weight of a manner must be in 0..1"),
        ([*JUMP, "--seconds", "0"], "seconds must be in"),
        ([*JUMP, "--seconds", "1", "--seconds", "2"], "give --seconds once"),
        (["--then", "?"], "the prompt is empty"),
        (["--similar", "-1"], "--similar must be in 0..50"),
        (["--similar", "51"], "--similar must be in 0..50"),
        (["--then", "walk", "--checkpoint", "other"], "checkpoint must be one of"),
        (["--then", "walk", "--seed", "-1"], "seed must be a whole number"),
    ],
)
def test_bad_values_get_a_sentence(folder, clip, words, sentence):
    result = run(folder, clip, *words, "--json", code=2)
    assert sentence in " ".join(result.stderr.split())
    assert "Traceback" not in result.output


def test_without_an_index_only_the_look_up_fails(clip, tmp_path):
    folder = write_checkpoints(tmp_path, motion="CC0 1.0")
    run(folder, clip, *JUMP, "--seconds", 1, "--json")
    result = run(folder, clip, "--similar", 2, "--json", code=2)
    assert "python -m train.index" in " ".join(result.stderr.split())
