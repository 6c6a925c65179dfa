"""What readers of motion files do with files that are damaged or made to do harm.

Valid files are changed at random and read in a process that is kept, watched and started anew where
it ends. Read or refused in a sentence is right; whatever else happens is a fault.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.mutations import MUTATIONS, mutate, pick, samples
from benchmarks.reporting import AsJson, Row, emit, peak_rss_mb, rounded, told_errors

SENTENCES = 8
"""Of the most frequent ones that are told."""
FAULTS = 30
GRACE = 2.0
"""Seconds by the clock beyond those of a core that `core.capture.apart` gives a file."""


class Reader:
    """A process that reads files, one after the other."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, path: Path) -> Row:
        """Say what becomes of a file."""
        from core.capture.apart import SECONDS

        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        start = time.perf_counter()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(f"{path}\n".encode())
            process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            ready = selector.select(SECONDS + GRACE)
        line = process.stdout.readline() if ready else b""
        seconds = time.perf_counter() - start
        if line:
            return {"seconds": seconds, **json.loads(line)}
        self.close()
        what = f"ended with {process.returncode}" if ready else f"takes more than {SECONDS:g} s"
        return {"seconds": seconds, "fault": what}

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "benchmarks.fuzz_files", "--work"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self) -> None:
        """End it."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None


def work() -> None:
    """Read the files that stdin names; say on stdout what became of each."""
    from core.capture import apart

    if sys.platform != "win32":
        import resource

        most = apart.MOST_MEMORY
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what readers print is no answer
    for line in sys.stdin:
        told = attempt(Path(line.rstrip("\n"))) | {"mb": peak_rss_mb()}
        print(json.dumps(told), file=answers, flush=True)


def attempt(path: Path) -> Row:
    """Read one file."""
    from core.capture.read import read_motion

    try:
        reading = read_motion(path)
    except ValueError as error:
        told = str(error).replace(path.name, "FILE")
        sentence = re.sub(r"\d[\d,.e+-]*", "N", told.replace(str(path.parent), "FOLDER"))
        if not sentence or "\n" in sentence or "FOLDER" in sentence:
            return {"fault": f"no sentence for visitors: {sentence[:200]}"}
        return {"refused": sentence}
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}:{last.lineno}"
        return {"fault": f"{type(error).__name__} at {place}: {error}"[:200]}
    if not (np.isfinite(reading.root).all() and np.isfinite(reading.rotations).all()):
        return {"fault": "the motion is not finite"}
    return {"read": len(reading.root)}


def fuzz(reader: str, count: int, seed: int, keep: Path | None) -> Row:
    """Read so many changed files; return what became of them."""
    valid, process = samples()[reader], Reader()
    outcomes, sentences, faults = Counter[str](), Counter[str](), Counter[str]()
    slowest = peak = 0.0
    try:
        with tempfile.TemporaryDirectory() as folder:
            for i in range(-len(valid), count):  # valid ones first
                rng = np.random.default_rng([seed, i + len(valid)])
                data = valid[i] if i < 0 else mutate(reader, pick(rng, valid), rng)
                path = Path(folder) / f"{seed}-{i}.{reader}"
                path.write_bytes(data)
                told = process.read(path)
                if i < 0 and "read" not in told:
                    told = {"fault": f"a valid file is not read: {told}", **told}
                path.unlink()
                slowest = max(slowest, told["seconds"])
                peak = max(peak, told.get("mb", 0.0))
                outcomes[
                    "fault" if "fault" in told else "read" if "read" in told else "refused"
                ] += 1
                if "fault" in told:
                    faults[told["fault"]] += 1
                    if keep:
                        (keep / path.name).write_bytes(data)
                elif "refused" in told:
                    sentences[told["refused"]] += 1
    finally:
        process.close()
    return {
        **{name: outcomes[name] for name in ("read", "refused", "fault")},
        "slowest_s": slowest,
        "peak_mb": peak,
        "sentences": dict(sentences.most_common(SENTENCES)),
        "faults": dict(faults.most_common(FAULTS)),
    }


def table(result: dict[str, Any]) -> str:
    lines = []
    for reader, row in result.items():
        lines.append(
            f"{reader}: {row['read']} read, {row['refused']} refused, {row['fault']} faults;"
            f" slowest {row['slowest_s']:.2f} s, {row['peak_mb']:.0f} MB"
        )
        for name in ("sentences", "faults"):
            lines += [f"  {count:5} {text}" for text, count in row[name].items()]
    return "\n".join(lines)


def main(
    count: Annotated[int, typer.Option(help="Changed files a reader.")] = 2000,
    reader: Annotated[str, typer.Option(help=f"Only one of {', '.join(MUTATIONS)}.")] = "",
    seed: Annotated[int, typer.Option(help="Of the changes.")] = 0,
    keep: Annotated[Path | None, typer.Option(help="Folder for files with a fault.")] = None,
    as_json: AsJson = False,
    work_: Annotated[bool, typer.Option("--work", hidden=True)] = False,
) -> None:
    """Read changed files of every kind; exit code 1 where one is neither read nor refused."""
    if work_:
        work()
        return
    with told_errors():
        if reader and reader not in MUTATIONS:
            raise ValueError(f"--reader must be one of {', '.join(MUTATIONS)}, got {reader!r}")
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
    readers = [reader] if reader else list(MUTATIONS)
    result = {name: rounded(fuzz(name, count, seed, keep)) for name in readers}
    emit(result, table, as_json=as_json, out=None)
    raise typer.Exit(int(any(row["fault"] for row in result.values())))


if __name__ == "__main__":
    typer.run(main)
