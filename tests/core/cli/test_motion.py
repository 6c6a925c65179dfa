"""The command line: prompts in time, files, timings, and sentences instead of tracebacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pygltflib import GLTF2
from typer.testing import CliRunner

from core.__main__ import app
from core.cli.motion import Script, Segment, direct, pair
from core.motion.decode import DELAY
from core.words.grammar import STILL
from tests.support.tiny import write_checkpoints


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_checkpoints(
        tmp_path_factory.mktemp("checkpoints"), motion="CC0 1.0", motion_styles="CC BY-NC 4.0"
    )


def run(folder, *arguments: object, code: int = 0):
    words = [*map(str, arguments), "--checkpoints", str(folder)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code, result.output
    return result


def test_prompts_follow_each_other_for_their_seconds(folder, tmp_path):
    out = tmp_path / "take.npz"
    result = run(
        folder,
        "motion",
        "a person walks",
        "--seconds",
        1.2,
        "--then",
        "a person  jumps",
        "--seconds",
        0.5,
        "--seed",
        3,
        "--stagger",
        1,
        "--out",
        out,
        "--json",
    )
    figures = json.loads(result.stdout)
    assert figures["poses"] == 34
    assert figures["seconds"] == pytest.approx(1.7)
    assert figures["first_pose_ms"] > 0
    assert figures["poses_per_s"] > 0
    # a prompt holds for whole blocks of eight poses; finishing holds two poses back
    assert figures["prompts"] == [
        {"start": 0, "text": "a person walks"},
        {"start": pytest.approx(1.1), "text": "a person jumps"},
    ]
    with np.load(out) as data:
        assert len(data["poses"]) == 34
        info = json.loads(str(data["info"]))
    assert info["seed"] == "3"
    assert info["checkpoint"] == "motion"
    assert info["licence"] == "CC0 1.0"
    assert info["foot_contacts"] == "cleaned up"


def test_a_prompt_of_several_steps_shares_its_seconds(folder, tmp_path):
    out = tmp_path / "take.npz"
    asked = ("walk, then the tuba", "--seconds", 2.4, "--out", out, "--json")
    result = run(folder, "motion", *asked)
    figures = json.loads(result.stdout)
    assert [mark["text"] for mark in figures["prompts"]] == ["a person walks", STILL]
    assert figures["prompts"][1]["start"] == pytest.approx(1.2, abs=0.2)
    assert figures["poses"] == 48
    (note,) = figures["notes"]
    assert "tuba" in note
    assert f"{note}\n" in result.stderr
    with np.load(out) as data:
        info = json.loads(str(data["info"]))
    assert (info["asked"], info["prompt_notes"]) == ("walk, then the tuba", note)
    assert info["prompts"].endswith(STILL)


def test_one_length_for_all_and_several_files(folder, tmp_path):
    files = [tmp_path / "a.bvh", tmp_path / "a.glb"]
    arguments = ("walk", "--then", "jump", "--seconds", 0.4, "--out", files[0], "--out", files[1])
    run(folder, "motion", *arguments, "--no-foot-contacts", "--body", "female", "--fps", 30)
    assert all(path.stat().st_size > 1000 for path in files)
    about = json.loads((tmp_path / "a.bvh.json").read_text())
    assert about["foot_contacts"] == "as generated"
    assert about["body"] == "female"
    assert about["fps"] == "30"


def test_other_checkpoints_bring_their_licence(folder, tmp_path):
    run(
        folder,
        "motion",
        "walk",
        "--checkpoint",
        "motion-styles",
        "--seconds",
        0.4,
        "--out",
        tmp_path / "a.npz",
    )
    with np.load(tmp_path / "a.npz") as data:
        assert json.loads(str(data["info"]))["non_commercial"] == "yes"


def test_list_tells_licences(folder):
    assert "motion-styles\n  data: made-up\n  licence: CC BY-NC 4.0" in run(folder, "list").stdout
    cards = json.loads(run(folder, "list", "--json").stdout)
    assert [cards[name]["non_commercial"] for name in ("motion", "motion-styles")] == [False, True]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["walk"], "nothing to do"),
        (["", "--json"], "the prompt is empty"),
        (["walk", "--out", "walk.txt"], "files end in"),
        (["walk", "--out", "nowhere/walk.bvh"], "there is no folder"),
        (["walk", "--out", "walk.bvh", "--fps", "25"], "fps must be one of"),
        (["walk", "--json", "--body", "giant"], "body must be one of"),
        (["walk", "--json", "--body", "mine.npz"], "there is no body file"),
        (["walk", "--json", "--seconds", "0"], "seconds must be in"),
        (
            ["a", "--then", "b", "--then", "c", "--json", "--seconds", "1", "--seconds", "2"],
            "3 prompts and 2 times --seconds",
        ),
        (["walk", "--json", "--checkpoint", "fast"], "checkpoint must be one of motion"),
        (["walk", "--json", "--stagger", "9"], "stagger must be in"),
        (["walk", "--json", "--guidance", "0"], "guidance must be in"),
        (["walk", "--json", "--seed", "-1"], "seed must be"),
    ],
)
def test_mistakes_are_told_in_a_sentence(folder, arguments, sentence):
    result = run(folder, "motion", *arguments, code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_no_checkpoint_is_told_in_a_sentence(tmp_path):
    assert "no motion checkpoint" in run(tmp_path, "list", code=2).stderr
    assert "no motion checkpoint" in run(tmp_path, "motion", "walk", "--json", code=2).stderr


def test_a_script_answers_for_the_first_pose_that_is_not_made_yet():
    script = Script([Segment("a", 10), Segment("b", 5)])
    prompts = iter(script)
    assert next(prompts) == next(prompts) == "a"
    script.made = 10 - DELAY - 1
    assert next(prompts) == "a"
    script.made = 10 - DELAY  # the rest of the first ten is made, but still held back
    assert next(prompts) == "b"
    script.made = 16
    assert next(prompts) == "b"
    script.made = 99
    assert next(prompts) == "b"


def test_a_prompt_that_is_asked_for_twice_is_done_twice():
    text = "a person jumps for 1 second, then sits"
    script = Script([Segment(text, 40), Segment(text, 40)])
    director = direct(script)
    told = []
    prompts = iter(director)
    for made in range(0, 80, 8):
        script.made = director._made = made
        told.append(next(prompts).split()[-1])
    assert told == ["jumps"] * 3 + ["sits"] * 2 + ["jumps"] * 3 + ["sits"] * 2


def test_lengths_pair_with_prompts():
    assert pair(["a", "b"], [1.0, 2.0]) == [Segment("a", 20), Segment("b", 40)]
    assert [s.poses for s in pair(["a", "b"], [])] == [120, 120]


def test_runs_as_a_module_and_keeps_progress_off_stdout(folder, tmp_path):
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "core",
            "motion",
            "walk",
            "--seconds",
            "0.4",
            "--json",
            "--checkpoints",
            str(folder),
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert json.loads(result.stdout)["poses"] == 8


def test_a_part_for_other_tools(folder, tmp_path):
    bvh, npz = tmp_path / "part.bvh", tmp_path / "part.npz"
    asked = ["motion", "a person walks", "--seconds", 1.5, "--out", bvh, "--out", npz]
    result = run(
        folder, *asked, "--from", 0.2, "--to", 1.2, "--root", "floor", "--convention", "smplx"
    )
    assert f"{bvh}: 1 s" in result.stderr
    text = bvh.read_text()
    assert text.startswith("HIERARCHY\nROOT Root")
    assert "Frames: 20\n" in text
    about = json.loads((tmp_path / "part.bvh.json").read_text())
    assert (about["root"], about["trim"]) == ("floor", "0.2 s to 1.2 s of the take")
    with np.load(npz) as data:
        assert data["poses"].shape[1] == 165
        assert data["mocap_frame_rate"] == 30
        assert json.loads(str(data["info"]))["trim"] == about["trim"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--root", "feet"), "root must be one of hips, floor, in-place, got 'feet'"),
        (("--bvh-offset", "1"), "offset must be one of standing, zero"),
        (("--convention", "smpl"), "convention must be one of livestep, amass, smplx"),
        (("--from", 2, "--to", 1), "end must be later than start, which is 2 s, got 1 s"),
        (("--from", 9), "no motion from 9 s to 1 s; the take lasts 1 s"),
        (("--loop", "--to", 0.3), "a loop is looked for in 0.5 to 60 s of motion, this is 0.3 s"),
    ],
)
def test_parts_that_cannot_be(folder, tmp_path, options, told):
    out = tmp_path / "a.bvh"
    result = run(folder, "motion", "walk", "--seconds", 1, "--out", out, *options, code=2)
    assert f"error: {told}" in result.stderr.replace("there is ", "")
    assert not out.exists()


CHARACTERS = Path(__file__).parents[3] / "assets" / "characters"


def test_a_character_of_ones_own_moves(folder, tmp_path):
    outs = [tmp_path / "walk.glb", tmp_path / "walk.bvh"]
    files = [word for out in outs for word in ("--out", out)]
    result = run(folder, "motion", "a person walks", "--seconds", 1, "--character", "stilt", *files)
    assert "stilt.vrm: Stilt by Livestep" in result.stderr
    names = {track.name for track in GLTF2().load(outs[0]).nodes}
    assert {"Hips", "LeftUpperLeg"} <= names
    assert "JOINT LeftUpperLeg" in outs[1].read_text()


@pytest.mark.parametrize(
    ("character", "out", "told"),
    [
        ("none.glb", "walk.glb", "there is no file none.glb; of our own there are bolt and"),
        ("bolt.glb", "walk.mp4", "goes home as .glb, .fbx, .bvh, .vrma, .npz, not as .mp4"),
        ("LICENSE.md", "walk.glb", "LICENSE.md is no character"),
    ],
)
def test_characters_that_cannot_be_are_told_before_anything_is_made(
    folder, tmp_path, character, out, told
):
    words = ["--character", CHARACTERS / character, "--out", tmp_path / out]
    assert told in run(folder, "motion", "a person walks", *words, code=2).stderr
    assert not (tmp_path / out).exists()
