"""Parts of takes: trimmed, and cut into loops that end as they begin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.body.rotations import quat_from_axis_angle, quat_multiply, quat_rotate
from core.body.skeleton import ANKLES, INDEX, forward
from core.body.soles import heights
from core.body.take import Take
from core.export import write
from core.export.part import Cut, close, find_loop, loop, part, trim
from core.export.root import about_y, headings
from core.settings import ExportSettings
from tests.support.synthetic import walk_take

STEP = 22
"""Poses of a round of the made-up walk."""


def turning(take: Take, degrees: float) -> Take:
    """The same walk, turned more and more until by so much."""
    turns = about_y(np.radians(degrees) * np.linspace(0, 1, len(take)))
    steps = quat_rotate(turns[:-1], np.diff(take.root, axis=0))
    root = np.concatenate([take.root[:1], take.root[:1] + np.cumsum(steps, axis=0)])
    rotations = take.rotations.copy()
    rotations[:, 0] = quat_multiply(turns, rotations[:, 0])
    return replace(take, root=root, rotations=rotations, joints=forward(root, rotations)[0])


def seen_from_itself(take: Take) -> np.ndarray:
    joints, _ = forward(take.root, take.rotations)
    back = about_y(-headings(take.rotations[:, 0]))[:, None]
    return quat_rotate(back, joints - joints[:, :1] * [1, 0, 1])


def lowest_soles(take: Take) -> np.ndarray:
    joints, turned = forward(take.root, take.rotations)
    return heights(joints[:, ANKLES], turned[:, ANKLES]).min(axis=1)


def test_a_part_is_in_seconds():
    take = walk_take(40)
    cut = trim(take, 0.5, 1.5)
    assert (len(cut), cut.info["trim"]) == (20, "0.5 s to 1.5 s of the take")
    np.testing.assert_array_equal(cut.root, take.root[10:30])
    assert [mark.text for mark in cut.prompts] == ["walk", "on he goes"]
    assert len(trim(take, 1.0)) == len(trim(take, 1.0, 99)) == 20
    assert "trim" not in part(take, ExportSettings()).info
    with pytest.raises(ValueError, match=r"no motion from 2 s to 2 s; the take lasts 2 s"):
        trim(take, 2.0)
    with pytest.raises(
        ValueError, match=r"too little motion from 1.9 s to 2 s; .* 0.15 s at least"
    ):
        trim(take, 1.9, 40)
    assert len(trim(take, 1.85)) == 3
    with pytest.raises(ValueError, match="start must be 0 or more seconds, got -1"):
        ExportSettings(start=-1)


def test_a_walk_is_cut_into_whole_rounds():
    cut = find_loop(walk_take(100))
    assert (cut.end - cut.start) % STEP == 0
    assert cut.end - cut.start == 88  # the longest
    assert cut.apart < 0.001


@pytest.mark.parametrize("degrees", [0, 15, 120])
def test_a_loop_ends_as_it_begins(degrees):
    take = turning(walk_take(100), degrees)
    noise = np.random.default_rng(0).normal(0, 0.02, (100, 22, 3)).cumsum(axis=0) / 4
    take = replace(take, rotations=quat_multiply(take.rotations, quat_from_axis_angle(noise)))
    made = loop(take)
    poses = seen_from_itself(made)
    assert np.abs(poses[-1] - poses[0]).max() < 1e-4
    seam = np.abs(poses[1] - poses[0] - (poses[-1] - poses[-2])).max()
    assert seam < 1.5 * np.abs(np.diff(poses, n=2, axis=0)).max()
    np.testing.assert_allclose(made.joints, forward(made.root, made.rotations)[0], atol=1e-5)
    turned = np.degrees(np.subtract(*headings(made.rotations[:, 0])[[-1, 0]]))
    # a drift is undone, a curve goes on
    assert turned == pytest.approx(0 if degrees < 20 else 100, abs=25)
    assert "a round turns by" in made.info["loop"]
    assert len(made.features) == len(made)


@pytest.mark.parametrize("fps", [20, 24, 30, 60])
def test_a_loop_resampled_still_closes(tmp_path, fps):
    take = close(walk_take(100), Cut(start=3, end=48, apart=0.0))  # 67.5 poses of 30 a second
    made = write(take, tmp_path / "walk.glb", fps=fps)
    poses = seen_from_itself(made)
    assert np.abs(poses[-1] - poses[0]).max() < 1e-4
    assert abs((len(made) - 1) / fps - 2.25) <= 0.5 / fps
    made = write(walk_take(100), tmp_path / "a.npz", settings=ExportSettings(loop=True, start=0.5))
    assert {"loop", "trim"} <= set(made.info)


def test_soles_do_not_sink_where_a_loop_is_blended():
    take = walk_take(100)
    turns = np.zeros((100, 22, 3))  # it ends in a longer stride than it begins in
    turns[45:, INDEX["left_hip"], 0], turns[45:, INDEX["right_hip"], 0] = -0.5, 0.5
    take = replace(take, rotations=quat_multiply(quat_from_axis_angle(turns), take.rotations))
    low = lowest_soles(take)
    root = take.root - np.stack([0 * low, low, 0 * low], axis=1)
    take = replace(take, root=root.astype(np.float32))
    made = close(take, Cut(start=3, end=48, apart=0.05))
    assert lowest_soles(made).min() > -1e-4
    np.testing.assert_allclose(made.root[-1, 1], made.root[0, 1], atol=1e-6)


def test_what_cannot_loop_says_how_far_off_it_is():
    take = walk_take(30)
    bend = np.linspace(0, 1.5, 30)[:, None, None] * np.ones((1, 22, 1)) * [0, 0, 0.4]
    take = replace(take, rotations=quat_multiply(take.rotations, quat_from_axis_angle(bend)))
    with pytest.raises(ValueError, match=r"no loop is good enough: .* are \d+ cm apart and 6 cm"):
        loop(take)
    with pytest.raises(ValueError, match=r"in 0.5 to 60 s of motion, this is 0.4 s"):
        loop(take.slice(0, 8))
