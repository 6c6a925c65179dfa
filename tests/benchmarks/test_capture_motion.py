"""What films of video to motion show is drawn by a seed, from all over the set."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import capture_motion, motion_items
from benchmarks.capture_seam import cut_takes
from tests.support.moving import standing, walking


@pytest.fixture
def clips(monkeypatch) -> list[np.ndarray]:
    """Seven clips of four seconds and more, one of which hovers and one of which is short."""
    joints = [walking(seconds=s) for s in (6, 5, 7, 5, 6)]
    joints = [*joints, standing(6) + np.array([0, 1, 0]), standing(3)]
    records = [(SimpleNamespace(id=f"clip {n}"), x) for n, x in enumerate(joints)]
    found = SimpleNamespace(clips=records)
    monkeypatch.setattr(motion_items, "MotionItems", lambda *_, **__: found)
    return joints


def test_motions_are_drawn_by_a_seed_from_all_over_the_set(clips):
    drawn = [capture_motion.motions(Path("set"), (), 2, 80, seed) for seed in range(8)]
    for takes in drawn:
        first, second = takes
        assert first in ("clip 0", "clip 1", "clip 2")
        assert second in ("clip 3", "clip 4")
        assert all(len(take) == 80 for take in takes.values())
    assert len({tuple(takes) for takes in drawn}) > 1
    again = capture_motion.motions(Path("set"), (), 2, 80, 3)
    assert list(again) == list(drawn[3])
    assert all(np.array_equal(again[name].joints, drawn[3][name].joints) for name in again)
    assert len(capture_motion.motions(Path("set"), (), 9, 80, 0)) == 5


def test_cuts_are_drawn_by_a_seed(clips):
    long = clips[:5]
    first, again, other = ([len(t) for t in cut_takes(long, 5, seed)] for seed in (0, 0, 1))
    assert first == again != other
