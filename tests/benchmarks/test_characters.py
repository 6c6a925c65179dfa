"""Figures of characters are what they say."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from benchmarks import characters
from benchmarks.characters import CASES, character_row
from tests.support.synthetic import walk_take


@pytest.mark.parametrize("case", ["unreal", "vrm 0", "stubby"])
def test_a_character_moves_as_our_body_does(tmp_path, case):
    row = character_row(case, tmp_path, [walk_take(40)])
    assert row["bones_found"] == row["bones"]
    assert row["arm_degrees"] < 0.1
    assert max(row["sole_below_mm"], row["sole_above_mm"], row["slide_mm"]) < 1
    assert max(row["written_off_mm"], row["written_off_degrees"]) < 0.1
    if shutil.which("assimp"):
        assert row["fbx_assimp_takes"] == 1
        assert row["fbx_assimp_vertices_off_mm"] < 0.1
        assert max(row["fbx_assimp_bones_off_mm"], row["fbx_assimp_bones_off_degrees"]) < 0.1


def test_faults_are_seen(tmp_path, monkeypatch):
    take = walk_take(20)
    solve = characters.retarget

    def crooked(rig, root, rotations):
        moved = solve(rig, root, rotations)
        moved.places[:, 3] += 0.1
        return moved

    monkeypatch.setattr(characters, "retarget", crooked)
    row = character_row("unreal", tmp_path, [take])
    assert row["written_off_mm"] == pytest.approx(100, rel=0.05)
    assert np.isfinite(list(row.values())).all()


def test_a_sheet_shows_all_of_them(tmp_path, monkeypatch):
    import cv2

    monkeypatch.setattr(characters, "CASES", {"arms down": CASES["arms down"]})
    characters.draw(tmp_path / "sheet.png", walk_take(20), tmp_path)
    assert cv2.imread(str(tmp_path / "sheet.png")).shape[0] == 4 * 200  # body, two of ours, one
