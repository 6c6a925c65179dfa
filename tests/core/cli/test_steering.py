"""Where a body is to go, from the command line: files in, figures and projects out."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from core.__main__ import app
from core.cli.steering import sentence
from core.steering.wishes import KeyPose, Met, Waypoint
from tests.support.tiny import write_checkpoints


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_checkpoints(tmp_path_factory.mktemp("checkpoints"), motion="CC0 1.0")


def run(folder, *arguments: object, code: int = 0):
    words = ["motion", *map(str, arguments), "--checkpoints", str(folder)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code, result.output
    return result


def write(path, text: str):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_path_is_followed_told_of_and_exported(folder, tmp_path):
    path = write(tmp_path / "path.json", '[{"place": [0, 0.4], "at": 0.5, "facing": 10}]')
    out = tmp_path / "take.npz"
    result = run(folder, "a person walks", "--seconds", 2, "--path", path, "--out", out, "--json")
    (met,) = json.loads(result.stdout[result.stdout.index("{") :])["met"]
    assert (met["kind"], met["wanted_at"]) == ("waypoint", 0.5)
    assert "point at 0.5 s: missed by" in result.stderr
    info = json.loads(str(np.load(out)["info"]))
    (wished,) = json.loads(info["wishes"])
    assert wished["wishes"]["waypoints"][0]["place"] == [0, 0.4]
    assert len(json.loads(info["wishes_met"])) == 1


def test_a_project_makes_the_same_bytes_again(folder, tmp_path):
    drive = write(tmp_path / "keys.txt", "0 W\n1 A\n1.6 -")
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    saved, again = tmp_path / "walk.livestep.json", tmp_path / "again.livestep.json"
    prompts = "a person walks", "--then", "he limps", "--seconds", 1.2, "--seed", 7
    run(folder, *prompts, "--drive", drive, "--out", first, "--save", saved)
    run(folder, saved, "--out", second, "--save", again)
    assert saved.read_text() == again.read_text()
    assert len(json.loads(saved.read_text())["wishes"]) == 3
    with np.load(first) as one, np.load(second) as two:
        for name in ("poses", "trans", "features", "prompts"):
            np.testing.assert_array_equal(one[name], two[name])


def test_a_project_without_wishes_too(folder, tmp_path):
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    saved = tmp_path / "jump.livestep.json"
    run(folder, "a person jumps", "--seconds", 1, "--out", first, "--save", saved)
    run(folder, saved, "--out", second)
    with np.load(first) as one, np.load(second) as two:
        np.testing.assert_array_equal(one["poses"], two["poses"])


@pytest.mark.parametrize(
    ("option", "name", "text", "told"),
    [
        ("--path", "path.json", "[[]]", "path.json: expected a list of objects"),
        ("--path", "path.json", '[{"place": [0, 1e9], "at": 1}]', "path.json: waypoint 1: "),
        ("--keys", "keys.json", '[{"at": 1, "joints": []}]', "keys.json: key 1: joints must be 22"),
        ("--drive", "keys.txt", "0 jump", "keys.txt: line 1: keys are W, A, S, D"),
    ],
)
def test_wrong_files_are_told_in_a_sentence(folder, tmp_path, option, name, text, told):
    file = write(tmp_path / name, text)
    result = run(folder, "walk", option, file, "--json", code=2)
    assert f"error: {told}" in result.output
    assert str(tmp_path) not in result.output


def test_wrong_projects_are_told_in_a_sentence(folder, tmp_path):
    project = write(tmp_path / "a.livestep.json", "{}")
    assert "no project of Livestep" in run(folder, project, "--json", code=2).output
    assert "says all" in run(folder, project, "--json", "--seconds", 3, code=2).output
    values = {"livestep": 2, "checkpoint": "motion", "poses": 8, "settings": {"stagger": 9}}
    values["prompts"] = [{"start": 0, "text": "walk"}, {"start": 8, "text": "jump"}]
    project.write_text(json.dumps(values))
    assert "its last prompt must begin before" in run(folder, project, "--json", code=2).output
    project.write_text(json.dumps(values | {"poses": 12}))  # of a time when there were more steps
    run(folder, project, "--json")
    result = run(folder, "walk", "--save", tmp_path / "a.json", code=2)
    assert "projects end in .livestep.json" in result.output


@pytest.mark.parametrize("option", ["--path", "--keys", "--drive"])
def test_a_file_that_is_not_there_is_said_by_its_bare_name(folder, tmp_path, option):
    (tmp_path / "sub").mkdir()
    for name in ("none.json", "sub"):
        result = run(folder, "a person walks", option, tmp_path / name, "--json", code=2)
        assert f"there is no file {name}" in result.stderr.lower()
        assert str(tmp_path) not in result.stderr


@pytest.mark.parametrize(
    ("met", "said"),
    [
        ({"missed": 0.052}, "met within 5.2 cm"),
        ({"missed": 0.352, "turned": -3.0}, "missed by 35 cm, 3°"),
        ({"missed": 0.1, "at": 1.3}, "met within 10 cm, 0.3 s late"),
        ({"missed": 0.1, "at": 2.0}, "missed by 10 cm, 1.0 s late"),
        ({"missed": 0.0, "turned": 16.0}, "missed by 0.0 cm, 16°"),
    ],
)
def test_what_counts_as_met_is_said_as_on_the_page(met, said):
    point = Waypoint(place=(0, 1), at=1)
    found = Met(**({"wish": point, "at": 1.0, "missed": None, "turned": None} | met))
    assert sentence(found) == f"point at 1 s: {said}"
    assert found.good == said.startswith("met")


def test_a_key_pose_is_met_by_its_worst_part():
    key = KeyPose(at=1, joints=((0, 1, 0),) * 22)
    found = Met(wish=key, at=1.0, missed=None, turned=None, parts={"head": 0.01, "left_hand": 0.2})
    assert sentence(found) == "key pose at 1 s: missed by 20 cm"
    assert sentence(replace(found, missed=0.02)) == "key pose at 1 s: missed by 2.0 cm, pose 20 cm"
