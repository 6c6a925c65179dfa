"""The world's quality benchmark end to end, on play in which keys can be seen."""

from __future__ import annotations

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from benchmarks import frame_items, idm, video_quality, video_rows
from benchmarks.frame_items import HeldOut
from benchmarks.reporting import quality_table, rounded
from benchmarks.video_rows import VideoQuality, before_frames, other_keys, roll_out
from core.engine import Engine
from core.settings import WorldSettings
from core.video.actions import to_mask
from core.video.dream import Dream
from core.video.world import Seed
from tests.support.painted import Painted
from tests.support.recorded import LENGTH, write_set
from tests.support.tiny import KEYS, PLACE_WORLD, tiny_world, write_worlds


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("set"))


@pytest.fixture
def data(folder) -> HeldOut:
    return HeldOut(folder)


def test_moments_have_movement_and_their_episode_around_them(data):
    rng = np.random.default_rng(0)
    moments = data.moments(rng, 12, before=4, after=20, moving=True)
    starts = {e.start for e in data.episodes}
    assert starts == {0, 4 * LENGTH}
    for first in moments:
        start = first // LENGTH * LENGTH
        assert start in starts
        assert start + 4 <= first <= start + LENGTH - 20
        assert data.moves(first)
    with pytest.raises(ValueError, match="needs 70 frames around it in one episode"):
        data.moments(rng, 1, before=10, after=60, moving=False)


def test_a_key_stands_at_the_frame_that_it_leads_to(data):
    play = data.play([5, 4 * LENGTH + 7], before=5, after=3)
    assert play.before.shape == (2, 5, 16, 32, 3)
    assert np.array_equal(play.after[1, 0], data.frames[4 * LENGTH + 7])
    assert np.array_equal(play.held[1, 0], data.actions[4 * LENGTH + 7])
    assert (play.led[:, 0] == -1).all()
    assert np.array_equal(play.led[0, 1:], data.actions[1:5])


def test_keys_go_on_in_the_next_episode(data):
    held = data.keys_from(LENGTH - 2, 5)
    expected = np.concatenate([[LENGTH - 2, LENGTH - 1], 4 * LENGTH + 1 + np.arange(3)])
    assert np.array_equal(held, data.actions[expected])
    assert len(data.keys_from(4 * LENGTH + 7, 600)) == 600


def test_a_sample_holds_the_same_frames(folder, tmp_path):
    app = typer.Typer()
    app.command()(frame_items.main)
    result = CliRunner().invoke(
        app, [str(folder), "--out", str(tmp_path / "few"), "--episodes", "2"]
    )
    assert result.exit_code == 0, result.output
    sample, whole = HeldOut(tmp_path / "few"), HeldOut(folder)
    assert [(e.start, e.frames) for e in sample.episodes] == [(0, LENGTH), (LENGTH, LENGTH)]
    assert np.array_equal(sample.frames[LENGTH:], whole.frames[4 * LENGTH : 5 * LENGTH])
    assert np.array_equal(sample.actions[LENGTH:], whole.actions[4 * LENGTH : 5 * LENGTH])


def test_pictures_of_a_sample_may_be_alike(tmp_path):
    frames = np.repeat(np.random.default_rng(0).integers(0, 256, (2, 4, 6, 3), np.uint8), 5, axis=0)
    frame_items.write_pictures(frames, tmp_path / "frames.webp")
    again = frame_items.read_pictures(tmp_path / "frames.webp", (4, 6), 10)
    assert np.array_equal(again, frames)


def test_a_row_of_a_batch_is_what_one_visitor_sees(data):
    model = tiny_world()
    before = before_frames(model)
    play = data.play([20], before=before, after=6)
    made = roll_out(model, play, np.array([0, 2, 5]), seed=3, name="test")
    start = Seed("", play.before[0], play.led[0], np.zeros(3))
    dream = Dream(model, start, WorldSettings(seed=3))
    masks = [int(row @ (1 << np.arange(6))) for row in play.held[0].astype(int)]
    alone = np.stack([dream.step(mask).frame for mask in masks])
    assert np.abs(made[0].astype(int) - alone[[0, 2, 5]]).max() <= 1


def test_rows(data, tmp_path, monkeypatch):
    monkeypatch.setattr(idm, "STEPS", 2)
    monkeypatch.setattr(idm, "CACHE", tmp_path)
    monkeypatch.setattr(video_rows, "LATE", 50)
    monkeypatch.setattr(video_rows, "LATE_FRAMES", range(40, 50, 4))
    folder = write_worlds(tmp_path / "worlds", video="CC0-1.0")
    result = rounded(
        video_quality.measure(
            data.folder,
            folder,
            {"teacher": "video-teacher", "student": "video"},
            starts=4,
            length=33,
            seed=0,
        )
    )
    assert list(result) == ["real", "copy_last", "tokenizer", "student", "about"]
    assert result["about"]["missing"] == {"teacher": "video-teacher"}
    assert result["about"]["starts"] == 4
    for name in ("copy_last", "tokenizer", "student"):
        assert list(result[name]["psnr"]) == ["1", "8", "32"]
        assert result[name]["gfvd"] > 0
        assert 0 <= result[name]["idm_f1"] <= 1
    assert 0 <= result["student"]["action_following"] <= 1
    assert set(result["student"]["drift"]) == {"frame", "color", "contrast", "sharpness"}
    json.dumps(result, allow_nan=False)
    assert quality_table(result).count("\n") == 5


def test_play_is_recorded_where_no_set_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(frame_items, "DrawnWorld", Painted)
    frame_items.record_live(tmp_path, (16, 32), seed=911, episodes=2)
    data = HeldOut(tmp_path)
    assert [(e.start, e.frames) for e in data.episodes] == [(0, 300), (300, 300)]
    play = data.play([20, 330], before=4, after=6, wanted=np.array([0, 5]))
    assert play.after.shape == (2, 2, 16, 32, 3)
    assert np.array_equal(play.after[1, 1], data.frames[335])
    assert np.array_equal(play.places[1, 5], data.places[335])
    made = roll_out(tiny_world(PLACE_WORLD), play, np.array([0, 5]), seed=0, name="test", told=True)
    assert made.shape == play.after.shape


def test_who_knows_the_next_frame_follows_the_keys(data, monkeypatch):
    """A model that shifts the last frame by the keys follows them always; one by chance, half."""
    quality = VideoQuality(data, [tiny_world()], starts=2, length=33, seed=0)

    def knows(model, play, others, *, seed):
        real = play.after[:, 0]
        return [real, np.where((others == play.held[:, 0]).all(1)[:, None, None, None], real, 0)]

    monkeypatch.setattr(video_rows, "explain", knows)
    assert quality.following(tiny_world()) == 1.0
    rng = np.random.default_rng(0)
    guesses = lambda *_, seed: [rng.integers(0, 256, (48, 16, 32, 3), np.uint8)] * 2  # noqa: E731
    monkeypatch.setattr(video_rows, "explain", guesses)
    assert quality.following(tiny_world()) == 0.0  # a draw explains nothing


def test_other_keys_are_others_that_were_held(data):
    held = np.tile(np.eye(6, dtype=np.float32)[0], (50, 1))
    others = other_keys(np.random.default_rng(0), held, data.actions)
    assert not (others == held).all(1).any()
    known = {tuple(row) for row in np.unique(data.actions, axis=0)}
    assert {tuple(row) for row in others.astype(int)} <= known
    assert to_mask("W", KEYS) == 1


def test_wrong_folders_are_told_in_a_sentence(tmp_path):
    app = typer.Typer()
    app.command()(video_quality.main)
    for arguments, sentence in (
        (["--data", tmp_path], "holds no recorded play; record some by python -m train.worlds"),
        (["--data", write_set(tmp_path / "set"), "--checkpoints", tmp_path], "none of the worlds"),
    ):
        result = CliRunner().invoke(app, list(map(str, arguments)))
        assert result.exit_code == 2
        assert sentence in result.stderr
    assert Engine(tmp_path, "cpu").worlds == ()
