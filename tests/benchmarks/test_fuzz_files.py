"""Files that are changed at random: the same ones again, and faults that are told and kept."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks import fuzz_files
from benchmarks.mutations import MUTATIONS, mutate, pick, samples

app = fuzz_files.typer.Typer()
app.command()(fuzz_files.main)


@pytest.mark.parametrize("reader", MUTATIONS)
def test_chance_is_the_same_again(reader):
    valid = samples()[reader]
    made = [
        [mutate(reader, pick(rng, valid), rng) for rng in map(np.random.default_rng, range(30))]
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert sum(data in valid for data in made[0]) < 5


def test_arrays_are_read_or_refused():
    told = CliRunner().invoke(app, ["--reader", "npz", "--count", "60", "--json"])
    assert told.exit_code == 0, told.output
    row = json.loads(told.output)["npz"]
    assert row["fault"] == 0
    assert row["read"] + row["refused"] == 60 + len(samples()["npz"])
    assert row["sentences"]


def test_faults_are_told_and_kept(monkeypatch, tmp_path):
    answers = iter(
        [{"seconds": 1, "read": 20}] * len(samples()["npy"])
        + [{"seconds": 2, "fault": "KeyError"}, {"seconds": 1, "refused": "FILE has N poses"}]
    )
    monkeypatch.setattr(fuzz_files.Reader, "read", lambda *_: next(answers))
    told = CliRunner().invoke(
        app, ["--reader", "npy", "--count", "2", "--json", "--keep", str(tmp_path / "kept")]
    )
    assert told.exit_code == 1
    row = json.loads(told.output)["npy"]
    assert row["faults"] == {"KeyError": 1}
    assert row["sentences"] == {"FILE has N poses": 1}
    assert row["slowest_s"] == 2
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["0-0.npy"]


def test_a_reader_that_ends_or_hangs_is_told_and_replaced(monkeypatch, tmp_path):
    monkeypatch.setattr("core.capture.apart.SECONDS", 1.0)
    monkeypatch.setattr(fuzz_files, "GRACE", 0.0)
    commands = iter(
        ["import sys; sys.exit(3)", "import time; time.sleep(60)", "print('{\"read\": 1}')"]
    )

    def start(self) -> fuzz_files.subprocess.Popen[bytes]:
        pipe = fuzz_files.subprocess.PIPE
        command = [fuzz_files.sys.executable, "-c", next(commands)]
        return fuzz_files.subprocess.Popen(command, stdin=pipe, stdout=pipe)

    monkeypatch.setattr(fuzz_files.Reader, "_start", start)
    reader = fuzz_files.Reader()
    assert reader.read(tmp_path)["fault"] == "ended with 3"
    assert reader.read(tmp_path)["fault"] == "takes more than 1 s"
    assert reader.read(tmp_path)["read"] == 1
    reader.close()
