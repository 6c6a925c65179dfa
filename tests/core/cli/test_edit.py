"""`python -m core edit`: parts made anew, motions led over, loops."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from core.__main__ import app
from core.body.mesh import Body
from core.export.npz import read_npz, write_npz
from tests.support.synthetic import walk
from tests.support.tiny import write_checkpoints
from tests.support.tiny_index import to_take


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("edit")
    write_checkpoints(folder)
    write_npz(to_take(walk(81)[2], licence="CC BY 4.0"), folder / "walk.npz", body=Body.load())
    return folder


def run(folder: Path, *words: str):
    args = ["edit", *words, "--checkpoints", str(folder), "--candidates", "2", "--device", "cpu"]
    return CliRunner().invoke(app, args)


def test_a_part_is_made_anew(folder):
    file, out = str(folder / "walk.npz"), folder / "new.npz"
    result = run(
        folder, file, "a person jumps", "--from", "1", "--to", "2", "--out", str(out), "--json"
    )
    assert result.exit_code == 0, result.output
    old, new = read_npz(folder / "walk.npz"), read_npz(out)
    assert old is not None
    assert new is not None
    for part in (slice(0, 20), slice(40, 80)):
        assert np.array_equal(old.features[part], new.features[part])
        assert np.array_equal(old.joints[part], new.joints[part])
    assert new.info["licence"] == "CC0 1.0; the rest: CC BY 4.0"
    assert [m.text for m in new.prompts] == ["a person jumps", ""]
    told = json.loads(result.stdout)
    assert told["made"] == [1, 2]


def test_a_prompt_is_understood_as_in_a_new_motion(folder):
    file, out = str(folder / "walk.npz"), folder / "new.npz"
    asked = "una persona salta, luego camina"
    result = run(folder, file, asked, "--from", "1", "--to", "2", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "Read from Spanish" in result.stderr
    new = read_npz(out)
    assert new is not None
    assert new.prompts[0].text == "a person jumps, then a person walks"
    assert "Spanish" in new.info["prompt_notes"]


@pytest.mark.parametrize("how", ["--loop", "--then"])
def test_it_is_led_over_and_back(folder, how):
    file, out = str(folder / "walk.npz"), folder / "longer.npz"
    words = [how] if how == "--loop" else [how, file]
    result = run(
        folder, file, "a person turns", *words, "--seconds", "1", "--move", "--out", str(out)
    )
    assert result.exit_code == 0, result.output
    longer = read_npz(out)
    assert longer is not None
    assert ("loop" in longer.info) == (how == "--loop")
    assert len(longer) > 90


def test_mistakes_are_told_in_a_sentence(folder):
    file = str(folder / "walk.npz")
    result = run(folder, file, "a person jumps", "--json")
    assert result.exit_code == 2
    assert "--from and --to, or --then, or --loop" in result.output
    (folder / "broken.npz").write_bytes(b"PK nothing")
    result = run(folder, str(folder / "broken.npz"), "a person jumps", "--loop", "--json")
    assert result.exit_code == 2
    assert "broken.npz" in result.output


@pytest.mark.parametrize(
    ("name", "value"), [("info", "[1, 2]"), ("info", "5"), ("mocap_frame_rate", np.nan)]
)
def test_a_file_of_ours_with_odd_values_is_refused_in_a_sentence(folder, name, value):
    with np.load(folder / "walk.npz") as file:
        kept = dict(file)
    np.savez(folder / "odd.npz", **{**kept, name: np.array(value)})
    with pytest.raises(ValueError, match=r"odd\.npz is damaged"):
        read_npz(folder / "odd.npz")
