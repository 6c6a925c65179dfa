"""Contact sheets of a world: which frames are shown, and what a mistake says."""

from __future__ import annotations

import numpy as np
import typer
from PIL import Image
from typer.testing import CliRunner

from benchmarks import video_sheets
from benchmarks.video_sheets import picks
from core.video.dream import Dream
from tests.support.tiny import tiny_world, write_worlds


def run(*arguments: object):
    app = typer.Typer()
    app.command()(video_sheets.main)
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_sheets_have_a_row_for_every_scene(tmp_path, monkeypatch):
    monkeypatch.setattr(video_sheets, "SCENES", {"forward": "W:5", "idle": "-:3"})
    monkeypatch.setattr(video_sheets, "WALK_FRAMES", 15)
    worlds, out = write_worlds(tmp_path / "worlds"), tmp_path / "sheets"
    result = run("--out", out, "--checkpoints", worlds, "--starts", 2, "--columns", 4, "--scale", 1)
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in out.iterdir()) == ["start-0.png", "start-1.png", "walk.png"]
    assert Image.open(out / "start-1.png").size == (4 * 32, 2 * 16)
    assert Image.open(out / "walk.png").size == (4 * 32, 4 * 16)


def test_first_and_last_frame_are_shown():
    assert picks(61, 4).tolist() == [0, 20, 40, 60]


def test_scripts_are_repeated():
    model = tiny_world()
    once = video_sheets.played(Dream(model, model.seeds[0]), "W:2,-:1")
    assert len(once) == 3
    more = video_sheets.played(Dream(model, model.seeds[0]), "W:2,-:1", 5)
    assert len(more) == 5
    assert np.array_equal(more[:3], once)


def test_an_unknown_world_is_told_in_a_sentence(tmp_path):
    result = run("--out", tmp_path / "out", "--checkpoints", tmp_path)
    assert result.exit_code == 2
    assert "no world in" in result.stderr
    assert not (tmp_path / "out").exists()
