"""The world's speed benchmark: what is counted, and one run on tiny weights."""

from __future__ import annotations

import itertools
import json
import random
from types import SimpleNamespace

import pytest
import torch
import typer
from typer.testing import CliRunner

from benchmarks import key_latency, nfd_speed, video_speed
from benchmarks.play_speed import frame_figures, paced, recorded_masks, speculation, together_gain
from benchmarks.recompute import window_speedup
from benchmarks.reporting import Step
from core import device
from core.settings import WorldSettings
from core.video.dream import Dream
from core.video.model import published
from tests.support.tiny import KEYS, WORLD, tiny_world, write_worlds


def test_recorded_keys_are_held_and_go_on():
    masks = recorded_masks(KEYS, 18000)
    assert len(masks) == 18000
    assert 0 <= min(masks) <= max(masks) < 64
    changes = sum(a != b for a, b in itertools.pairwise(masks))
    assert 10 < len(masks) / changes < 14
    assert masks[:100] == masks[14053 : 14053 + 100]


def test_frame_figures_leave_out_the_first():
    steps = [Step(1, 9.0, 9.0)] + [Step(1, 0.02, 0.02)] * 90 + [Step(1, 0.12, 0.12)] * 10
    found = frame_figures(steps)
    assert found["fps"] == pytest.approx(100 / 3.0)
    assert found["frame_ms_p50"] == pytest.approx(20)
    assert found["frame_ms_p95"] == pytest.approx(120)


@pytest.fixture
def model():
    return tiny_world(WORLD.model_copy(update={"max_frames": 12}))


def test_idle_time_is_spent_on_drafts(model):
    model.dit.cfg = WORLD.model_copy(update={"fps": 0.001})
    dream = Dream(model, model.seeds[0], WorldSettings(ahead=2))
    found = paced(dream, [1] * 12 + [2] * 3, seconds=20)
    assert (dream.tally.made, dream.tally.accepted) == (15, 13)
    assert found["accept_rate"] == pytest.approx(13 / 15)  # two were dropped with the first key
    assert found["drafted_share"] == pytest.approx(13 / 15)


def test_frames_made_together_are_accepted_while_keys_are_held(model):
    def play(together: int) -> Dream:
        return Dream(model, model.seeds[0], WorldSettings(ahead=0, together=together))

    found = together_gain(play, [1] * 90, 2, seconds=20)
    assert found["accept_rate"] == 1
    assert found["gain"] > 0
    assert together_gain(play, [1, 2] * 45, 2, seconds=20)["accept_rate"] == 0


def test_recomputing_the_window_makes_the_same_frames(model):
    actions = [model.action(mask) for mask in recorded_masks(KEYS, 12)]
    found = window_speedup(model.dit, actions, steps=2, context_noise=0.1, seconds=20)
    assert found["cache_difference"] < 1e-5
    assert found["cache_speedup"] > 0


def test_pairs_of_equal_keys_are_shown_together():
    assert nfd_speed.pairs_shown([1, 1, 1, 1]) == (2.0, 1.0)
    assert nfd_speed.pairs_shown([1, 2, 1, 2]) == (1.0, 0.0)
    assert nfd_speed.pairs_shown([1, 1, 2]) == (1.5, 0.5)


def test_a_published_size_is_measured_at_any_size():
    cfg = published(32, 2, 2).model_copy(update={"grid": (2, 3), "context": 4, "max_frames": 9})
    found = nfd_speed.measure("nfd-130m", False, cfg)
    assert found["late_over_early_frames"] == 5
    assert found["steps"] == 4
    json.dumps(found, allow_nan=False)
    assert found["million_weights"] == pytest.approx(
        sum(p.numel() for p in nfd_speed.untrained(cfg).parameters()) / 1e6
    )


def test_the_shipped_world_is_measured(tmp_path, monkeypatch):
    parts = dict.fromkeys(video_speed.SECONDS["quick"], 0.5)
    monkeypatch.setitem(video_speed.SECONDS, "quick", parts)
    found = video_speed.measure("blocks", write_worlds(tmp_path), "video", quick=True)
    for key in (
        "fps",
        "frame_ms_p50",
        "frame_ms_p95",
        "late_over_early",
        "peak_rss_mb",
        "steps",
        "accept_rate",
        "speculation_gain",
        "cache_speedup",
    ):
        assert found[key] > 0, key
    assert found["threads"] == torch.get_num_threads()
    json.dumps(found, allow_nan=False)


def test_a_world_is_measured_without_bf16(tmp_path, monkeypatch):
    monkeypatch.setitem(video_speed.SECONDS["quick"], "paced", 0.3)
    monkeypatch.setattr(device, "native_bf16", lambda _: True)
    monkeypatch.setattr(video_speed, "WITHOUT_BF16", 1)  # two would wait for each other in tests
    step, fast, threads = Dream.step, set(), torch.get_num_threads()
    monkeypatch.setattr(
        Dream, "step", lambda *a: (fast.add(device.native_bf16("cpu")), step(*a))[1]
    )
    found = video_speed.measure("blocks-fp32", write_worlds(tmp_path), "video", quick=True)
    assert found["frame_ms_p95"] > 0
    assert found["threads"] == 1
    assert fast == {False}
    assert torch.get_num_threads() == threads


def test_a_world_without_room_makes_no_frames_together():
    assert speculation(lambda together: pytest.fail("played"), [1], (), seconds=1) == {}


def test_players_hold_their_keys_at_the_same_time():
    did: list[tuple] = []

    def page(name: str) -> SimpleNamespace:
        keyboard = SimpleNamespace(
            down=lambda key: did.append((name, "down", key)),
            up=lambda key: did.append((name, "up", key)),
        )
        latencies = [40.0] if name == "a" else [50.0]
        return SimpleNamespace(
            keyboard=keyboard, wait_for_timeout=lambda ms: None, evaluate=lambda _: latencies
        )

    assert key_latency.press([page("a"), page("b")], random.Random(0)) == [40.0, 50.0]
    assert [act[:2] for act in did] == [("a", "down"), ("b", "down"), ("a", "up"), ("b", "up")]
    assert did[0][2] == did[2][2]


def test_a_missing_world_is_told_in_a_sentence(tmp_path):
    app = typer.Typer()
    app.command()(video_speed.main)
    for only, sentence in (("blocks", "no world in"), ("huge", "--only must be one of blocks")):
        result = CliRunner().invoke(app, ["--only", only, "--checkpoints", str(tmp_path)])
        assert result.exit_code == 2
        assert sentence in result.stderr
