"""Logs of runs become curves that are kept and drawn."""

from __future__ import annotations

import json

import pytest
import typer

from benchmarks import curves


def test_logs_become_curves_beside_those_that_are_kept(tmp_path):
    (tmp_path / "runs/vae").mkdir(parents=True)
    lines = [
        {"step": n, "seconds": 60.0 * n, "loss": 1.0, "score": 9.0, "mpjpe_mm": 80 / n}
        for n in (1, 2)
    ]
    log = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "runs/vae/log.jsonl").write_text(log)
    kept, out = tmp_path / "kept.json", tmp_path / "curves.png"
    kept.write_text(json.dumps({"a GPU": {"video": [[1, 2, 0.5]]}, "2 cores": {"video": []}}))
    curves.main([f"2 cores={tmp_path / 'runs'}"], kept, out)
    found = json.loads(kept.read_text())
    assert found["2 cores"] == {"video": [], "vae": [[60, 1, 80], [120, 2, 40]]}
    assert found["a GPU"] == {"video": [[1, 2, 0.5]]}
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_folder_without_logs_is_told(tmp_path, capsys):
    with pytest.raises(typer.Exit):
        curves.main([f"2 cores={tmp_path}"], tmp_path / "kept.json", tmp_path / "curves.png")
    assert "holds no log of vae" in capsys.readouterr().err
