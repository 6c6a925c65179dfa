"""The speed benchmark: what is compared with what, and one run on tiny weights."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from benchmarks import motion_speed
from benchmarks.motion_speed import MINUTE, measure
from benchmarks.reporting import Step, late_over_early
from tests.support.tiny import write_checkpoints


def steady(poses: int, cost=lambda made: 0.01) -> list[Step]:
    return [Step(8, 8 * cost(i), 8 * cost(i)) for i in range(0, poses, 8)]


def test_ten_minutes_compare_the_tenth_with_the_first():
    ten = 10 * MINUTE
    found = late_over_early(
        steady(ten, lambda made: 0.03 if made >= 9 * MINUTE else 0.01), context=160, minute=MINUTE
    )
    assert found["late_over_early"] == pytest.approx(3)
    assert found["minutes"] == {"early": [0.01, 1.01], "late": [9.0, 10.0]}


def test_short_streams_compare_thirds_after_the_context_is_full():
    cheap_start = steady(1600, lambda made: 0.001 if made < 160 else 0.01)
    found = late_over_early(cheap_start, context=160, minute=MINUTE)
    assert found["late_over_early"] == pytest.approx(1)
    assert found["minutes"]["early"] == [0.13, 0.53]


def test_one_size_is_measured(tmp_path, monkeypatch):
    monkeypatch.setitem(motion_speed.QUICK, "default", 400)
    found = measure("default", write_checkpoints(tmp_path), "motion", quick=True)
    assert found["calls_a_block"] == 2
    for key in ("first_pose_ms", "poses_per_s", "late_over_early", "peak_rss_mb", "cache_speedup"):
        assert found[key] > 0, key
    assert found["cache_difference"] < 1e-3
    json.dumps(found, allow_nan=False)


def test_a_missing_checkpoint_is_told_in_a_sentence(tmp_path):
    app = typer.Typer()
    app.command()(motion_speed.main)
    arguments = ["--only", "default", "--checkpoints", str(tmp_path)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "no motion checkpoint in" in result.stderr
