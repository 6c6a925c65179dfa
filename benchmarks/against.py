"""Poses a second as a ratio to those of another checkout, in turns: both meet the same load.

Two processes stay open, each with its own code and weights, and make a stretch of poses by turns.
They use nothing of an engine but its public calls, so that the other side may be any commit.
"""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.reporting import Row

ROOT = Path(__file__).parents[1]
STRETCH = 160
"""Poses that a process makes in its turn."""
_SIDE = """
import sys, time
from itertools import repeat
from pathlib import Path
from core.engine import Engine
engine = Engine.load(Path(sys.argv[1]), device="cpu")
stream = engine.motion(repeat("a person walks forward"), checkpoint=sys.argv[2], seed=1)
next(stream)  # its first poses wait for a whole window
print("ready", flush=True)
for line in sys.stdin:
    wall, cpu, poses = time.perf_counter(), time.process_time(), 0
    while poses < int(line):
        poses += len(next(stream))
    print(poses / (time.perf_counter() - wall), poses / (time.process_time() - cpu), flush=True)
"""


@contextmanager
def code_of(what: str) -> Iterator[tuple[Path, Path]]:
    """Yield the folders of code and checkpoints that `what` names.

    It is a checkout, a folder of checkpoints (of this checkout's code), or a commit of this
    repository, which is unpacked for as long as it is used. Raises ValueError for anything else.
    """
    folder = Path(what).resolve()
    if (folder / "core").is_dir():
        yield folder, folder / "checkpoints"
    elif folder.is_dir():
        yield ROOT, folder
    else:
        # an option in place of a commit would be git's, hence --end-of-options
        command = ["git", "archive", "--format=tar", "--end-of-options", what]
        found = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        if found.returncode:
            raise ValueError(f"{what!r} is neither a folder nor a commit of this repository")
        with tempfile.TemporaryDirectory() as there:
            with tarfile.open(fileobj=io.BytesIO(found.stdout)) as archive:
                archive.extractall(there, filter="data")
            yield Path(there), Path(there) / "checkpoints"


class Side:
    """A process that streams poses when it is its turn."""

    def __init__(self, code: Path, checkpoints: Path, checkpoint: str, threads: int | None) -> None:
        env = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": str(code)}
        if threads:
            env["OMP_NUM_THREADS"] = str(threads)
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        command = [sys.executable, "-c", _SIDE, str(checkpoints), checkpoint]
        self._process = subprocess.Popen(command, cwd=code, env=env, **pipes)
        assert self._process.stdin, "a pipe"
        assert self._process.stdout, "a pipe"
        self._asked, self._answers = self._process.stdin, self._process.stdout
        if self._line() != "ready":
            raise ValueError(f"motion does not stream in {code}, see above")

    def turn(self) -> tuple[float, float]:
        """Make a stretch of poses; return how many a second, by the clock and by CPU time."""
        self._asked.write(f"{STRETCH}\n")
        self._asked.flush()
        wall, cpu = map(float, self._line().split())
        return wall, cpu

    def _line(self) -> str:
        return self._answers.readline().strip()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


def ratio(
    other: str, checkpoints: Path, checkpoint: str, *, quick: bool, threads: int | None = None
) -> Row:
    """Return poses a second here and there, and the ratio of each turn's in the median."""
    with code_of(other) as (code, theirs):
        sides: list[Side] = []
        try:
            for where in ((ROOT, checkpoints.resolve()), (code, theirs)):
                sides.append(Side(*where, checkpoint, threads))
            for side in sides:
                side.turn()  # until every context is full
            turns = [[side.turn() for side in sides] for _ in range(4 if quick else 24)]
        finally:
            for side in sides:
                side.close()
    ratios = [here[0] / there[0] for here, there in turns]
    return {
        "poses_per_s": statistics.median(here[0] for here, _ in turns),
        "poses_per_s_there": statistics.median(there[0] for _, there in turns),
        "ratio": statistics.median(ratios),
        "ratio_quartiles": statistics.quantiles(ratios)[::2],
        "ratio_cpu": statistics.median(here[1] / there[1] for here, there in turns),
        "turns": len(turns),
        "there": other,
    }
