"""`python -m core import`: a download of the published layout and size, with random numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from core.__main__ import app
from core.engine import Engine
from tests.support.published import random_dit, random_vae
from tests.support.tiny import write_checkpoints


def write_download(folder: Path) -> Path:
    for name, held in (
        ("pretrained_vae/model/net_best_fid.tar", {"ae": random_vae(1024), "ep": 1}),
        ("pretrained_dit/model/latest.tar", {"ema_model": random_dit(512, 8, 768), "ep": 1}),
    ):
        (folder / name).parent.mkdir(parents=True)
        torch.save(held, folder / name)
    np.save(folder / "Mean.npy", np.zeros(263, np.float32))
    np.save(folder / "Std.npy", np.full(263, 0.0128, np.float32))
    return folder


@pytest.mark.slow
def test_a_download_is_imported_beside_ours_and_never_the_default(tmp_path):
    download = write_download(tmp_path / "download")
    checkpoints = write_checkpoints(tmp_path / "checkpoints")
    command = [sys.executable, "-m", "core", "import", str(download), "--stats", str(download)]
    done = subprocess.run(
        [*command, "--half", "--checkpoints", str(checkpoints), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["missed_mm"] > 0
    assert "distilbert-base-uncased" in said["cannot_move"]
    engine = Engine.load(checkpoints, device="cpu")
    assert engine.names == ("motion", "motion-cmdm")
    card = engine.card("motion-cmdm")
    assert card["non_commercial"]
    assert card["licence"].startswith("Apache-2.0")


def test_what_is_missing_is_named(tmp_path):
    for made, message in (((), "Mean.npy"), (("Mean.npy", "Std.npy"), "net_best_fid.tar")):
        for name in made:
            np.save(tmp_path / name, np.ones(263))
        result = CliRunner().invoke(
            app, ["import", str(tmp_path), "--stats", str(tmp_path), "--checkpoints", str(tmp_path)]
        )
        assert result.exit_code == 2
        assert message in result.output
