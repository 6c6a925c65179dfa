"""What is measured on a GPU, rehearsed on a CPU."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.gpu_bench import Bench
from benchmarks.gpu_worlds import frame_dit, nfd_speed


@pytest.mark.parametrize("way", ["graphs", "plain"])
def test_graphs_of_whole_frames_stand_beside_graphs_of_calls(way):
    bench = Bench("cpu", True, 0.01, Path(), None, 60)
    row = nfd_speed(bench, frame_dit(bench, "nfd-130m"), way, 4)
    assert row["per_s"] > 0
    assert ("by_call" in row) == ("times_by_call" in row) == (way == "graphs")
    assert list(bench.later) == [f"2 blocks, {way}, 4 steps"]
