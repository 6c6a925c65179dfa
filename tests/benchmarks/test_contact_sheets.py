"""Sheets show what was wanted beside what was made; plans have left on the left."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import contact_sheets
from benchmarks.contact_sheets import Sheets, drive, paths, placed
from benchmarks.directions import heading
from benchmarks.floor_plan import WANTED, floor_plan
from core.body.skeleton import forward
from core.body.take import Poses
from core.steering.wishes import Waypoint, Wishes
from tests.support.fakes import about
from tests.support.moving import standing
from tests.support.obedient import ObedientEngine


@pytest.fixture
def sheets() -> Sheets:
    return Sheets(engine=ObedientEngine(), checkpoint="motion", seconds=2.0, seed=0, options={})


def test_there_are_twenty_four(sheets):
    names = list(sheets.all())
    assert len(names) == 24
    assert names[0] == "prompt-walks-forward"
    assert all(len(run.wishes.waypoints) >= 4 for run in paths())
    assert len(drive("square").script) == 4


@pytest.mark.parametrize("name", ["switch-1", "path-1", "keys-hands"])
def test_sheets_fit_a_screen(sheets, name, monkeypatch):
    monkeypatch.setattr(contact_sheets, "SIZE", 32)
    assert sheets.all()[name]().shape == (96, 192, 3)


@pytest.mark.parametrize("x", [2.0, -2.0])
def test_left_is_on_the_left(x):
    wishes = Wishes(waypoints=(Waypoint(place=(x, 2.0), at=1.0),))
    picture = floor_plan(standing(2), ((0, wishes),), size=200)
    rows, columns = np.nonzero((picture == WANTED).all(-1))
    # the circle, without the line from it to the body
    top = columns[rows < np.quantile(rows, 0.2)]
    assert (top.mean() < 100) == (x > 0)
    assert rows.min() < 100


def test_poses_are_placed_facing_z():
    root, rotations = np.array([[1.0, 0.9, 2.0]]), np.tile([1.0, 0, 0, 0], (1, 22, 1))
    rotations[:, 0] = about("y", np.array([1.3]))
    joints, _ = forward(root, rotations)
    pose = Poses(root=root, rotations=rotations, joints=joints, features=np.zeros((1, 263)))
    there = placed(pose, (3.0, -1.0))
    assert there.joints[0, 0] == pytest.approx([3, 0.9, -1])
    assert heading(there.joints)[0] == pytest.approx(0, abs=1e-6)
    assert forward(there.root, there.rotations)[0] == pytest.approx(there.joints, abs=1e-5)
