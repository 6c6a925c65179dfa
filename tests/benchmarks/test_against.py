"""Another state of things runs beside this one: a folder of checkpoints, a checkout or a commit."""

from __future__ import annotations

import json

import pytest

from benchmarks import against
from tests.support.tiny import write_checkpoints


@pytest.mark.slow
def test_a_folder_of_checkpoints_is_raced_by_turns(tmp_path, monkeypatch):
    monkeypatch.setattr(against, "STRETCH", 16)
    here, there = (write_checkpoints(tmp_path / name) for name in ("here", "there"))
    found = against.ratio(str(there), here, "motion", quick=True, threads=1)
    assert found["turns"] == 4
    assert found["ratio"] > 0
    assert found["ratio_cpu"] > 0
    json.dumps(found, allow_nan=False)


def test_checkouts_bring_their_own_checkpoints(tmp_path):
    (tmp_path / "core").mkdir()
    with against.code_of(str(tmp_path)) as where:
        assert where == (tmp_path, tmp_path / "checkpoints")


@pytest.mark.parametrize("what", ["no such commit", "--remote=elsewhere"])
def test_what_is_nowhere_is_told_in_a_sentence(what):
    with pytest.raises(ValueError, match="neither a folder nor a commit"), against.code_of(what):
        pass
