"""What a world remembers: figures whose answers are known, and one run beside a painted engine."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from benchmarks import live_walks, memory_rows, memory_sheet, video_memory
from benchmarks.dreams import Dreams, at_size, fitted
from benchmarks.live_walks import BEFORE, Live
from benchmarks.memory_rows import Memory, apart, recalled, same_places, spread, trail
from core.settings import WorldSettings
from core.video.actions import to_masks
from core.video.dream import Dream
from core.video.world import VideoModel
from tests.support.painted import Painted
from tests.support.tiny import PLACE_WORLD, tiny_mover, tiny_world


@pytest.fixture
def live(monkeypatch) -> Live:
    monkeypatch.setattr(live_walks, "DrawnWorld", Painted)
    return Live("blocks", (16, 32), 911)


def memory(live: Live, model: VideoModel | None = None, **counts: int) -> Memory:
    counts = {"starts": 3, "beside": 2, "recalls": 2, "frames": 200} | counts
    rows = {"rows": memory_rows.ROWS, "long_rows": ("shipped",)}
    return Memory(live, model or tiny_world(PLACE_WORLD), tiny_world(), **rows, **counts)


@pytest.fixture
def hasty(monkeypatch):
    """An hour of a few minutes, and minutes of a few frames."""
    quick = {"FPS": 1, "MINUTE": 60, "VIEWS": 12, "EVERY": 4, "LOOKS": 3}
    for name, value in {**quick, "TURN": "L:6", "RETURN": "W:3,L:6,W:3,L:6"}.items():
        monkeypatch.setattr(memory_rows, name, value)


def test_a_moment_can_be_walked_from_again(live):
    start = live.start(3)
    assert start.frames.shape == (BEFORE, 16, 32, 3)
    assert start.path.shape == (BEFORE, 3)
    assert (start.actions[0] == -1).all()
    first, again = (live.walk(3, 20, [4, 19]) for _ in range(2))
    assert np.array_equal(first.frames, again.frames)
    scripted = live.walk(3, [int(m) for m in to_masks(first.held)], [19])
    assert np.array_equal(scripted.path, first.path)
    assert np.array_equal(scripted.frames[0], first.frames[1])
    assert trail(tiny_mover(), start.path[-1], first.held) == pytest.approx(first.path, abs=1e-3)
    assert np.array_equal(live.picture(first.path[4]), first.frames[0])


def test_seeds_that_weights_have_seen_are_refused(live):
    with pytest.raises(ValueError, match="weights have seen the seeds 0, 1, 7: not 7"):
        Live("blocks", (16, 32), 7)


def test_a_row_is_what_one_visitor_sees(live):
    model, start = tiny_world(PLACE_WORLD), live.start(0)
    known = fitted(start, model)
    assert len(known.frames) == len(known.path) == PLACE_WORLD.context
    walk = live.walk(0, 12, [11])
    made = Dreams(model, [start], seed=3).play(walk.held[None], [0, 11], name="test")
    dream = Dream(model, known, WorldSettings(seed=3))
    alone = [dream.step(int(mask)) for mask in to_masks(walk.held)]
    assert np.abs(made[0].astype(int) - [alone[0].frame, alone[11].frame]).max() <= 1
    assert alone[11].place is not None
    assert alone[11].place.x == pytest.approx(walk.path[11, 0])


def test_rows_stand_apart_and_may_be_told(live):
    model = tiny_world(PLACE_WORLD)
    starts, walks = [live.start(n) for n in range(2)], [live.walk(n, 5, [4]) for n in range(2)]
    held, paths = (np.stack([w[i] for w in walks]) for i in (0, 1))
    dreams = Dreams(model, starts, seed=3)
    dreams.play(held, [4], name="test")
    assert dreams.places == pytest.approx(paths[:, 4], abs=1e-3)
    dreams.play(held, [4], name="test", places=paths + 1)
    assert np.array_equal(dreams.places, paths[:, 4] + 1)


def test_frames_change_their_size():
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 12, 3), np.uint8)
    assert at_size(frames, (8, 12)) is frames
    assert at_size(frames, (4, 6)).shape == (2, 3, 4, 6, 3)
    mean = frames[1, 2, :2, :2].mean((0, 1))
    assert np.abs(at_size(frames, (4, 6))[1, 2, 0, 0] - mean).max() <= 0.5


def test_the_worst_tenth_is_the_far_end():
    values = np.arange(101)
    assert spread(values) == {"median": 50, "worst_tenth": 10}
    assert spread(values, low=True) == {"median": 50, "worst_tenth": 90}


def test_angles_are_compared_round_the_circle():
    units, degrees = apart(np.array([3.0, 4.0, 359.0]), np.array([0.0, 0.0, 2.0]))
    assert (units, degrees) == (5, 3)


def test_frames_are_recalled_that_are_nearest_to_their_moment(monkeypatch):
    monkeypatch.setattr(memory_rows, "LOOKS", 4)
    views = np.random.default_rng(0).integers(0, 256, (1, 8, 4, 6, 3), np.uint8)
    assert recalled(views, views)["share"] == 1
    late = views.copy()
    late[0, 6] = views[0, 1]
    assert recalled(late, views)["share"] == 0.75
    still = np.repeat(views[:, :1], 8, axis=1)
    assert recalled(still, still)["share"] == 1


def test_the_same_place_is_met_again_after_a_minute(hasty, monkeypatch):
    path = np.column_stack([np.arange(200.0) * 10, np.zeros(200), np.full(200, 359.0)])
    path[150] = path[20] + [2, 1, 0.5]
    path[40] = path[20] + [1, 0, 0]  # too soon
    path[151] = path[30] + [0, 0, 5]  # looks elsewhere
    assert same_places(path).tolist() == [[40, 150], [20, 150]]  # the nearest first
    monkeypatch.setattr(memory_rows, "FPS", 50)
    assert same_places(path).tolist() == [[40, 150]]


def test_a_mover_of_its_own_kind_loses_nothing(live, hasty, monkeypatch):
    """Who starts at the true place stays there, where engine and mover walk alike."""
    found = memory(live)
    true = {start.title: start for start in (live.start(n) for n in range(3))}
    monkeypatch.setattr(
        found, "_found", lambda n: memory_rows.Start(*[true[f"start {n}"]] * 2, 0.01, 0.5)
    )
    assert found.found()["shipped"]["starts_found"]["units"]["worst_tenth"] == 0
    assert found.found()["shipped"]["starts_found"]["within"] == 1
    assert found.place()["shipped"]["place"]["60_s"]["units"]["worst_tenth"] < 1e-3
    assert found.walls() == {"shipped": {"walls": {"steps_outside": 0}}}


def test_all_parts(live, hasty, monkeypatch, tmp_path):
    monkeypatch.setattr(memory_sheet, "SCENES", {"walk": 12, "turn": "L:10"})
    worlds = {"placed": tiny_world(PLACE_WORLD), "video": tiny_world()}
    engine = SimpleNamespace(
        world=lambda name: worlds[name], video_models=SimpleNamespace(pick=lambda name: name)
    )
    monkeypatch.setattr("core.engine.Engine", lambda *_: engine)
    app = typer.Typer()
    app.command()(video_memory.main)
    counts = ["--starts", "3", "--beside", "2", "--recalls", "2", "--frames", "100"]
    sheet = tmp_path / "sheet.png"
    more = ["--long-rows", "shipped,without_memory", "--sheet", str(sheet)]
    result = CliRunner().invoke(app, ["--json", "--checkpoint", "placed", *counts, *more])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert list(rows) == [*memory_rows.ROWS, "about"]
    assert rows["engine"]["turn"] == rows["engine"]["return"] == spread([100.0])
    assert rows["engine"]["recall"]["share"] == 1
    assert set(rows["tokenizer"]) == {"turn", "return", "recall", "long_play"}
    assert set(rows["true_place"]) == {"turn", "return", "recall"}
    assert {"starts_found", "place", "walls", "turn", "long_play"} <= set(rows["shipped"])
    assert len(rows["without_memory"]["long_play"]["sharpness"]) == memory_rows.FIFTHS
    assert set(rows["about"]["seconds"]) == set(video_memory.PARTS)
    assert Image.open(sheet).size == (10 * 32, 6 * 16)
    table = CliRunner().invoke(app, ["--checkpoint", "placed", "--parts", "walls", *counts])
    assert "| walls steps_outside |" in table.stdout


def test_several_seeds_are_told_with_their_spread(live, hasty, monkeypatch):
    engine = SimpleNamespace(
        world=lambda _: tiny_world(PLACE_WORLD),
        video_models=SimpleNamespace(pick=lambda name: name),
    )
    monkeypatch.setattr("core.engine.Engine", lambda *_: engine)
    monkeypatch.setattr(memory_rows, "WALKERS", 2)
    app = typer.Typer()
    app.command()(video_memory.main)
    which = ["--checkpoint", "placed", "--rows", "tokenizer,shipped", "--parts", "turn,walls"]
    sizes = ["--starts", "2", "--recalls", "1", "--frames", "100"]
    both, one = (
        json.loads(CliRunner().invoke(app, ["--json", *which, *sizes, *more]).stdout)
        for more in (["--seeds", "2"], ["--seed", "912"])
    )
    assert both["about"]["seed"] == [911, 912]
    turn, spread = (rows["tokenizer"]["turn"]["median"] for rows in (both, both["spread"]))
    assert spread > 0
    apart = abs(one["tokenizer"]["turn"]["median"] - turn)
    assert apart == pytest.approx(spread / 2**0.5, rel=0.01)


def test_mistakes_are_told_in_a_sentence(live):
    with pytest.raises(ValueError, match="got turns"):
        video_memory.chosen("walls, turns", video_memory.PARTS, "parts")
    assert video_memory.chosen("", ("a", "b"), "parts") == ["a", "b"]
    with pytest.raises(ValueError, match="has no place to remember"):
        memory(live, model=tiny_world())
