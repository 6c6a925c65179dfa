"""How soon a turn is seen, of a body whose way and whose screen are made up."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.drive_latency import latencies, ways


def test_a_turn_is_seen_when_its_pose_is_on_the_screen():
    turn = np.interp(np.arange(200), [100, 120], [0.0, np.pi / 2])  # half of it at pose 110
    roots = np.cumsum(np.stack([np.sin(turn), 0 * turn, np.cos(turn)], axis=1), axis=0) / 20
    way = ways(roots)
    assert way[[50, 180]] == pytest.approx([0, np.pi / 2], abs=0.01)
    ms = np.arange(0, 10_000, 16.0)
    shown = np.stack([ms, ms / 50], axis=1)  # 20 poses a second
    ((seen, half),) = latencies([5000.0], shown, way)
    assert half == pytest.approx(500, abs=60)
    assert 100 < seen < half
