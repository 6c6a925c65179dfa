"""Metrics on hand-made cases whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import directions, metrics
from core.body.rotations import quat_from_axis_angle
from core.body.skeleton import INDEX, REST_JOINTS

EYE = np.eye(64)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_r_precision_of_perfect_random_and_wrong_pairs():
    assert metrics.r_precision(EYE, EYE, rng()) == [1.0, 1.0, 1.0]
    noise = rng().normal(size=(3200, 8))
    found = metrics.r_precision(noise, rng().permutation(noise), rng(), repeats=2)
    assert found == pytest.approx([1 / 32, 2 / 32, 3 / 32], abs=0.02)
    line = np.arange(64.0)[:, None]
    assert metrics.r_precision(line, line[::-1].copy(), rng())[2] < 0.2


def test_r_precision_counts_the_same_caption_as_found():
    same = np.zeros((32, 4))
    assert metrics.r_precision(rng().normal(size=(32, 4)), same, rng()) == [1.0, 1.0, 1.0]


def test_r_precision_ranks_within_the_pool():
    # motion i sits between its own text and the next one, a little nearer to the next
    text = np.arange(32.0)[:, None]
    motion = text + 0.6
    assert metrics.r_precision(motion, text, rng(), repeats=1) == pytest.approx([1 / 32, 1, 1])


def test_fid_known_values():
    a = rng().normal(size=(500, 6))
    assert metrics.fid(a, a) == pytest.approx(0, abs=1e-9)
    assert metrics.fid(a, a + 2.0) == pytest.approx(6 * 4)
    # scaling by s adds (s - 1)^2 of the variance, and moves the mean
    centered = a - a.mean(0)
    variance = np.trace(np.cov(centered, rowvar=False))
    assert metrics.fid(centered, 3 * centered) == pytest.approx(4 * variance)


def test_fid_of_fewer_rows_than_columns_is_finite():
    a = rng().normal(size=(10, 64))
    assert metrics.fid(a, a) == pytest.approx(0, abs=1e-6)


def test_distances_between_embeddings():
    assert metrics.mm_dist(EYE, EYE) == 0
    assert metrics.mm_dist(np.zeros((5, 2)), np.tile([3.0, 4.0], (5, 1))) == pytest.approx(5)
    assert metrics.diversity(EYE, rng()) == pytest.approx(np.sqrt(2))
    assert metrics.multimodality(np.zeros((3, 4, 2)), rng()) == 0
    assert metrics.multimodality(np.stack([EYE, 2 * EYE]), rng()) == pytest.approx(1.5 * np.sqrt(2))


def standing(frames: int = 40) -> np.ndarray:
    """A figure that stands still, left at +x, facing +z, (T, 22, 3)."""
    joints = np.zeros((frames, 22, 3))
    joints[..., 1] = 1.0
    for name, x, y in (
        ("hip", 0.1, 0.9),
        ("shoulder", 0.2, 1.4),
        ("wrist", 0.3, 0.8),
        ("foot", 0.1, 0.02),
    ):
        joints[:, INDEX[f"left_{name}"]] = x, y, 0
        joints[:, INDEX[f"right_{name}"]] = -x, y, 0
    return joints


def gliding(speed: float, frames: int = 40) -> np.ndarray:
    joints = standing(frames)
    joints[..., 2] += speed / 20 * np.arange(frames)[:, None]
    return joints


def test_foot_skate():
    assert metrics.foot_skate([standing()]) == 0
    assert metrics.foot_skate([gliding(1.0)]) == 1.0
    assert metrics.foot_skate([gliding(0.4)]) == 0
    assert metrics.foot_skate([gliding(0.4)], speed=0.2) == pytest.approx(37 / 39, abs=0.06)
    assert metrics.foot_skate([standing(), gliding(1.0)]) == pytest.approx(0.5)
    flying = gliding(1.0)
    flying[..., 1] += 0.1
    assert metrics.foot_skate([flying]) == 0


def test_jerk_of_polynomials():
    t = np.arange(20.0)
    joints = np.zeros((20, 2, 3))
    joints[:, 0, 0] = t**2
    assert metrics.jerk(joints) == pytest.approx(0)
    joints[:, 1] = t[:, None] ** 3
    assert metrics.jerk(joints) == pytest.approx(18)  # 3! on each of three axes
    assert len(metrics.jerk(joints)) == 17


def test_peak_jerk_and_area():
    curves = np.ones((4, 10))
    assert (metrics.peak_jerk(curves), metrics.area_under_jerk(curves, 1.0)) == (1.0, 0.0)
    curves[:, 5] = 3
    assert (metrics.peak_jerk(curves), metrics.area_under_jerk(curves, 1.0)) == (3.0, 2.0)


def test_mpjpe_ignores_the_root():
    assert metrics.mpjpe_mm([standing()], [standing() + np.array([1, 2, 3])]) == pytest.approx(
        0, abs=1e-9
    )
    off = standing()
    off[:, INDEX["head"], 0] += 0.022
    assert metrics.mpjpe_mm([standing()], [off]) == pytest.approx(1.0)


def spinning(turn: float) -> np.ndarray:
    """Stand and turn by `turn` radians in all, positive from +z to +x (left)."""
    joints = standing()
    yaw = np.linspace(0, turn, len(joints))
    c, s = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    x, z = joints[..., 0].copy(), joints[..., 2].copy()
    joints[..., 0], joints[..., 2] = c * x + s * z, c * z - s * x
    return joints


@pytest.mark.parametrize("turn", [-7.0, -1.0, 0.5, 9.0])
def test_turns(turn):
    assert directions.turned_left(spinning(turn)) == pytest.approx(turn)


def test_ways():
    assert directions.went_forward(gliding(1.0)) == pytest.approx(39 / 20)
    assert directions.went_forward(gliding(-1.0)) == pytest.approx(-39 / 20)
    assert directions.pace(gliding(-1.0)) == pytest.approx(1.0)
    assert directions.stepped_left(gliding(1.0)) == pytest.approx(0)
    aside = standing()
    aside[..., 0] += np.arange(40)[:, None] / 20
    assert directions.stepped_left(aside) == pytest.approx(39 / 20)
    reversed_way = aside @ np.diag([-1.0, 1, -1])  # the same seen after a half turn
    assert directions.stepped_left(reversed_way) == pytest.approx(39 / 20)


def test_limbs():
    joints = standing()
    joints[10:30, INDEX["left_wrist"], 1] = 1.8
    joints[10:30, INDEX["right_foot"], 1] = 0.9
    assert directions.left_hand_higher(joints) == pytest.approx(1.0)
    assert directions.left_foot_higher(joints) == pytest.approx(-0.88)


def test_accuracy_counts_both_prompts():
    turn, walk, fast = (
        next(p for p in directions.PROBES if p.kind == k)
        for k in ("left_right", "forward_back", "fast_slow")
    )
    left, right = spinning(1.0), spinning(-1.0)
    found = directions.accuracy(
        [turn, walk, fast],
        [[left, left], [gliding(1.0)], [gliding(2.0)]],
        [[right, left], [gliding(1.0)], [gliding(1.0)]],
    )
    assert found == {"left_right": 0.75, "forward_back": 0.5, "fast_slow": 1.0}


def test_probes_differ_in_their_prompts():
    prompts = [p for probe in directions.PROBES for p in (probe.first, probe.second)]
    assert len(set(prompts)) == len(prompts)


def test_rotation_steps_count_what_bones_do_not_make():
    still = np.tile([1.0, 0, 0, 0], (3, 22, 1))
    swung, twisted = still.copy(), still.copy()
    elbow, arm = INDEX["left_elbow"], INDEX["left_shoulder"]
    swung[1, elbow] = quat_from_axis_angle(np.array([0, -1.5, 0]))
    along = (REST_JOINTS[elbow] - REST_JOINTS[arm]).astype(float)
    twisted[1, arm] = quat_from_axis_angle(along / np.linalg.norm(along) * 1.5)
    assert metrics.rotation_steps(swung).max() < 0.5
    assert metrics.rotation_steps(twisted)[:, arm] == pytest.approx(np.degrees(1.5))
