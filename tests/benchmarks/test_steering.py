"""Steering is measured right: who obeys misses nothing, who does not is found out."""

from __future__ import annotations

import json
from copy import copy

import numpy as np
import pytest
import torch

from benchmarks import steering_runs as runs
from benchmarks.directions import heading
from benchmarks.motion_items import Item
from benchmarks.quality_rows import Quality
from benchmarks.reporting import columns_table, rounded
from benchmarks.steering_apart import between, cost, endurance
from benchmarks.steering_figures import jitter, key_misses, passed, response
from benchmarks.steering_rows import ROWS, Steering
from core.body.features import encode
from core.body.skeleton import FPS
from core.steering.wishes import Drive, KeyPose, Waypoint, Wishes
from tests.benchmarks.test_quality import Encoder
from tests.support.moving import standing, walking
from tests.support.obedient import ObedientEngine
from train.evaluator import Evaluator, EvaluatorConfig


def test_paths_are_as_the_table_wants_them():
    made = runs.paths(np.random.default_rng(0), 40)
    assert [run.prompt for run in made[:2]] == list(runs.GAITS)
    for run in made:
        points = run.wishes.waypoints
        places = np.array([(0, 0), *(p.place for p in points)])
        legs, times = np.diff(places, axis=0), np.diff([0, *(p.at for p in points)])
        ways = np.unwrap(np.arctan2(legs[:, 0], legs[:, 1]))
        lengths = np.linalg.norm(legs, axis=1)
        assert len(points) == 4
        assert (lengths >= 1).all()
        assert (lengths <= 3).all()
        assert np.degrees(np.abs(np.diff(ways, prepend=0))).max() <= 120
        assert (lengths / times <= runs.GAITS[run.prompt][1]).all()
    again = runs.paths(np.random.default_rng(0), 40)
    assert [run.wishes for run in again] == [run.wishes for run in made]


def test_shuffled_runs_are_told_something_else():
    for repeats in (1, 20):
        drives = runs.drives(range(repeats))
        told = runs.shuffled(drives)
        assert all(run.script != script for run, script in zip(drives, told, strict=True))


def test_key_poses_lead_back_to_the_world():
    joints = walking(degrees=70)[90]
    key = runs.key_pose(joints, 90)
    assert key.at == 4.5
    assert np.allclose(np.array(key.joints)[0, [0, 2]], 0, atol=1e-6)
    assert abs(heading(np.array(key.joints)[None])[0]) < 1e-6
    assert np.allclose(runs.key_joints(key), joints, atol=1e-6)
    nowhere = KeyPose(at=0, joints=key.joints)
    with pytest.raises(ValueError, match="nowhere"):
        runs.key_joints(nowhere)


def test_way_points_are_missed_by_what_they_are_missed_by():
    joints = walking(speed=1.0, seconds=4)
    hit = passed(joints, Waypoint(place=(0, float(joints[40, 0, 2])), at=2.0, facing=30))
    assert hit.miss < 0.005
    assert hit.facing == pytest.approx(30, abs=1)
    late = passed(joints, Waypoint(place=(0, float(joints[43, 0, 2])), at=2.0))
    assert late.miss == pytest.approx(0.15, abs=0.005)
    assert late.nearest < 0.005
    put_off = passed(joints, Waypoint(place=(0, float(joints[43, 0, 2])), at=2.0), 2.15)
    assert put_off.miss < 0.005
    assert np.isnan(late.facing)
    beside = passed(joints, Waypoint(place=(0.5, float(joints[40, 0, 2])), at=2.0, facing=-170))
    assert beside.miss == pytest.approx(0.5, abs=0.01)
    assert beside.facing == pytest.approx(170, abs=1)


def test_keys_are_missed_in_the_world_and_beside_the_pelvis():
    joints = standing(2)
    key = runs.key_pose(joints[20], 20)
    assert key_misses(joints, key) == pytest.approx((0, 0), abs=1e-9)
    assert key_misses(joints + np.array([0.1, 0, 0]), key) == pytest.approx((0.1, 0))
    hands = runs.key_pose(joints[20], 20, runs.HANDS)
    joints[:, [20, 21], 1] += 0.2
    assert key_misses(joints, hands) == pytest.approx((0.2, 0.2))


def test_jitter_looks_around_a_pose_only():
    joints = standing(4)
    joints[60:64, 20, 1] += [0.1, -0.1, 0.1, -0.1]
    assert jitter(joints, 20) == 0
    assert jitter(joints, 62) > 0.1


def turned_round(after: int) -> np.ndarray:
    """Three seconds ahead, then so many poses more ahead, then back."""
    speeds = np.where(np.arange(120) < 60 + after, 1.4, -1.4)
    return standing(6) + (np.cumsum(speeds) / FPS)[:, None, None] * [0, 0, 1]


def test_response_counts_from_the_event():
    late = response(turned_round(10), 60, (0, 1.4), (0, -1.4))
    assert late.t50 == pytest.approx(0.5, abs=0.051)
    assert late.t90 > late.t50
    assert late.responds
    assert late.angle == pytest.approx(0, abs=1e-6)
    assert late.speed == pytest.approx(0, abs=0.01)
    never = response(turned_round(60), 60, (0, 1.4), (0, -1.4))
    assert (never.t50, never.responds) == (3.0, False)
    assert never.angle == pytest.approx(180)
    # who did before what it is told now has not responded
    assert not response(turned_round(-60), 60, (0, 1.4), (0, -1.4)).responds
    stop = response(turned_round(10), 60, (0, -1.4), (0, 0))
    assert np.isnan(stop.angle)


def test_streams_are_told_at_their_time():
    run = runs.drives([0])[0]
    made = runs.stream(ObedientEngine(), run, "motion", run.script)
    assert made.joints.shape == (120, 22, 3)
    assert made.events == (0, 64)
    steps = np.diff(made.joints[:, 0, 2])
    assert (steps[:63] == 0).all()
    assert steps[63:] == pytest.approx(runs.WALK / FPS, abs=1e-6)
    untold = runs.stream(ObedientEngine(), run, "motion", None)
    assert (np.diff(untold.joints[:, 0, 2]) == 0).all()


@pytest.fixture(scope="module")
def items() -> list[Item]:
    ways = [(40, 1.0), (-80, 0.7), (0, 1.4), (90, -0.8)]
    return [
        Item(caption=f"a person walks {i}", features=encode(walking(*way, seconds=6.05))[:120])
        for i, way in enumerate(ways)
    ]


class Recordings:
    """Items that draw themselves."""

    split = "val"
    clips = ()

    def __init__(self, items: list[Item]) -> None:
        self.items = items

    def draw(self, rng, limit):
        return self.items[:limit]


@pytest.fixture(scope="module")
def steering(items) -> Steering:
    torch.manual_seed(0)
    evaluator = Evaluator(EvaluatorConfig(width=16, hidden=8, embed_dim=8, text_dim=12)).eval()
    engine = ObedientEngine()
    quality = Quality(engine, evaluator, Encoder(), Recordings(items), quick=True)  # pyright: ignore
    return Steering(quality)


def test_who_obeys_is_told_from_who_does_not(steering):
    rows = rounded(steering.rows())
    json.dumps(rows, allow_nan=False)
    assert list(rows) == [*ROWS, "real"]
    good, none, other = (rows[name] for name in ROWS)
    assert set(good) == {"waypoints", "held_out", "key", "hands", "drive", "aside", "spin"}
    assert good["waypoints"]["miss_cm"] < 10
    assert good["waypoints"]["facing_degrees"] < 10
    assert other["waypoints"]["miss_cm"] > 100
    assert none["waypoints"]["miss_cm"] > 100
    assert good["held_out"]["miss_cm 4 s"] < 5 < none["held_out"]["miss_cm 4 s"]
    assert good["key"]["miss_cm"] < 0.1 < none["key"]["miss_cm"]
    assert good["drive"]["t50_s"] <= 0.1
    assert good["drive"]["steady_degrees"] < 1
    assert good["drive"]["responds"] == 1
    assert none["drive"]["responds"] == 0
    assert other["drive"]["responds"] < 1
    assert good["aside"]["steady_degrees"] < 1 < other["aside"]["steady_degrees"]
    assert good["spin"]["facing_degrees"] < 1 < none["spin"]["facing_degrees"]
    assert good["spin"]["t50_s"] < 0.3
    assert columns_table(rows, ROWS)


def test_another_seed_draws_other_runs(steering):
    other = copy(steering)
    other.seed = 1
    for kind in ("waypoints", "drive", "aside", "spin"):
        first, second = (
            {(run.seed, run.script) for run in s.kinds()[kind][0]()} for s in (steering, other)
        )
        assert not first & second


def test_what_is_measured_apart(items):
    engine = ObedientEngine()
    long = endurance(engine, "motion", seed=0, quick=True)
    assert long["miss_cm_last_fifth"] < 10
    gap = between(engine, "motion", items, 2, quick=True)
    assert gap["n"] == 8
    assert gap["seam_place_cm"] == pytest.approx(0, abs=0.01)
    assert gap["variety_cm"] == 0
    assert between(engine, "motion", items, 8, quick=True)["n"] == 0
    spent = cost(engine, "motion", items[0], quick=True)
    assert set(spent["cpu_over_plain"]) == {"nothing wanted", "waypoints", "drive", "all"}
    assert spent["nothing_wanted_same_bytes"]
    json.dumps(spent)


def test_wishes_are_within_what_may_be_asked():
    run = runs.wandering(np.random.default_rng(1), 9.0)
    assert [pose for pose, _ in run.script] == [0, 60, 120]
    assert all(isinstance(w.drive, Drive) and isinstance(w, Wishes) for _, w in run.script)
