"""What all benchmarks share: options, errors, fresh processes, memory, clocks, JSON and tables."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from core.processor import processor

Row = dict[str, Any]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")]
Quick = Annotated[bool, typer.Option(help="Within 50 seconds.")]
OneSize = Annotated[str, typer.Option(help="Measure one size, in this process.")]
Seeds = Annotated[int, typer.Option(min=1, help="How many, from --seed on.")]
Out = Annotated[Path | None, typer.Option(help="Also write the JSON here.")]
Checkpoints = Annotated[Path, typer.Option(help="Folder of checkpoints.")]
TheirFolder = Annotated[Path, typer.Option(help="Their folder.")]
WhichMotion = Annotated[str, typer.Option(help="Which motion checkpoint.")]
WhichWorld = Annotated[str, typer.Option(help="Which world.")]
MotionData = Annotated[
    Path, typer.Option(help="A training set, or a clips.jsonl with its .npz beside it.")
]
Split = Annotated[str, typer.Option(help="auto, val, train or all.")]
TheirEvaluator = Annotated[
    Path | None,
    typer.Option(help="Folder with HumanML3D's own evaluator; --data is HumanML3D then."),
]
Packs = Annotated[str, typer.Option(help="Only these packs, e.g. cmu,cc0,deepmimic.")]


@contextmanager
def told_errors() -> Iterator[None]:
    """End the program with exit code 2 and a sentence where a ValueError is raised."""
    try:
        yield
    except ValueError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error


def peak_rss_mb(pid: int | str = "self") -> float:
    """Largest resident memory (MB) of a process so far, of this one alone."""
    status = Path(f"/proc/{pid}/status")
    if status.is_file():  # ru_maxrss would also count the parent's memory before exec
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1000
    scale = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def machine() -> Row:
    """Say what the figures were measured on."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "cpu": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": load,
    }


def rounded(value: Any, digits: int = 4) -> Any:
    """Round every number to so many significant digits; more would only pretend."""
    if isinstance(value, dict):
        return {key: rounded(v, digits) for key, v in value.items()}
    if isinstance(value, list):
        return [rounded(v, digits) for v in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def in_process(module: str, arguments: Sequence[str], threads: int | None) -> Row:
    """Run `python -m module` afresh and return its JSON, so that its memory is its own.

    Raises ValueError where it fails; what it complained about is on stderr already.
    """
    env = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}  # as app.py runs
    if threads:
        env["OMP_NUM_THREADS"] = str(threads)
    command = [sys.executable, "-m", module, *arguments]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=env)
    if result.returncode:
        what = " ".join(arguments[:2])
        raise ValueError(f"{module} {what} ended with exit code {result.returncode}, see above")
    return json.loads(result.stdout)


def by_size(
    module: str,
    sizes: Sequence[str],
    measure: Callable[[str, Path, str, bool], Row],
    only: str,
    quick: bool,
    checkpoint: str,
    checkpoints: Path,
    threads: int | None,
) -> Row:
    """Return the figures of the size `only`, or of each size out of a process of its own."""
    if only:
        if only not in sizes:
            raise ValueError(f"--only must be one of {', '.join(sizes)}, got {only!r}")
        return rounded(measure(only, checkpoints, checkpoint, quick))
    flags = ["--quick"] * quick
    flags += ["--checkpoint", checkpoint, "--checkpoints", str(checkpoints)]
    return {size: in_process(module, ["--only", size, *flags], threads) for size in sizes}


def speed_table(result: dict[str, Row], rate: str) -> str:
    """Lay out the sizes, those that have a `rate`, as columns of a Markdown table."""
    return columns_table(result, {name for name, row in result.items() if rate in row})


def columns_table(result: dict[str, Row], names: Collection[str]) -> str:
    """Lay out the rows of these names as columns of a Markdown table, and the others below it."""
    sizes = {name: _flat(row) for name, row in result.items() if name in names}
    keys = dict.fromkeys(key for row in sizes.values() for key in row)
    lines = _grid([["", *sizes], *([k, *(_cell(row, k) for row in sizes.values())] for k in keys)])
    rest = {name: value for name, value in result.items() if name not in sizes}
    return "\n".join([*lines, "", *(f"{name}: {value}" for name, value in rest.items())])


def over_seeds(found: list[Row]) -> Row:
    """Return the means of rows by several seeds, and beside them `spread`, their deviations.

    `about` stays the first's, with all seeds; what one seed found is returned as it is.
    """
    if len(found) == 1:
        return found[0]
    about = [row["about"] for row in found]
    rows = [{name: row for name, row in one.items() if name != "about"} for one in found]
    return {
        **_folded(rows, np.mean),
        "spread": _folded(rows, partial(np.std, ddof=1)),
        "about": about[0] | {key: [a[key] for a in about] for key in ("seed", "seconds")},
    }


def _folded(values: Sequence[Any], fold: Callable[[Sequence[float]], Any]) -> Any:
    """Fold numbers at the same place of structures; what not all have is left out."""
    first = values[0]
    if isinstance(first, dict):
        keys = [key for key in first if all(key in value for value in values)]
        return {key: _folded([value[key] for value in values], fold) for key in keys}
    if isinstance(first, list):
        return [_folded(column, fold) for column in zip(*values, strict=True)]
    return float(fold(values)) if isinstance(first, float | int) else first


def quality_table(result: dict[str, Row]) -> str:
    """Lay the rows out as a Markdown table, with `spread` where there is one; not `about`."""
    rows = {name: _flat(row) for name, row in result.items() if name not in ("about", "spread")}
    spread = {name: _flat(row) for name, row in result.get("spread", {}).items()}
    keys = dict.fromkeys(key for row in rows.values() for key in row)

    def cell(name: str, key: str) -> str:
        off = _cell(spread.get(name, {}), key)
        return _cell(rows[name], key) + (f" +- {off}" if off not in ("", "0") else "")

    cells = ([name, *(cell(name, key) for key in keys)] for name in rows)
    return "\n".join(_grid([["", *keys], *cells]))


def _grid(rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "|---" * len(rows[0]) + "|", *lines[1:]]


def _flat(row: Row) -> Row:
    """Spread nested figures out: {"psnr": {"1": 20}} becomes {"psnr 1": 20}."""
    flat: Row = {}
    for key, value in row.items():
        if isinstance(value, dict):
            flat |= {f"{key} {inner}": v for inner, v in _flat(value).items()}
        else:
            flat[key] = value
    return flat


def _cell(row: Row, key: str) -> str:
    value = row.get(key, "")
    if isinstance(value, list):
        return " / ".join(f"{v:.3f}" for v in value)
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)


def emit(result: Row, table: Callable[[Row], str], *, as_json: bool, out: Path | None) -> None:
    """Print JSON or a table, and write the JSON to a file where one is named."""
    text = json.dumps(result, indent=2)
    if out is not None:
        out.write_text(text + "\n")
    typer.echo(text if as_json else table(result))


@dataclass(frozen=True)
class Step:
    """One piece of a stream: poses or frames in it, and seconds by the clock and of the CPU."""

    made: int
    wall: float
    cpu: float


def timed(make: Callable[[], Any], made: int = 1) -> Step:
    """Call `make`, which produces so many poses or frames, and time it."""
    wall, cpu = time.perf_counter(), time.process_time()
    make()
    return Step(made, time.perf_counter() - wall, time.process_time() - cpu)


def late_over_early(steps: list[Step], *, context: int, minute: int) -> dict[str, Any]:
    """Cost late in a stream over that early in it, by the clock and by CPU time.

    Minute 10 over minute 1 where there are ten; else the last third over as much from where the
    `context` is full, because a stream's first seconds, with little to look back on, are cheaper
    and would weigh more than they do in a minute. `minutes` says what was compared.
    """
    total = sum(step.made for step in steps)
    whole = total >= 10 * minute
    skip = steps[0].made if whole else min(context, total // 4)  # the first piece is latency
    length = minute if whole else (total - skip) // 3

    def cost(part: Iterable[Step], skip: int) -> dict[str, float]:
        made, spent = 0, {"wall": 0.0, "cpu": 0.0}
        for step in part:
            if skip > 0:
                skip -= step.made
            elif made < length:
                made += step.made
                spent = {k: v + getattr(step, k) for k, v in spent.items()}
        return {k: v / made for k, v in spent.items()}

    early, late = cost(steps, skip), cost(reversed(steps), 0)
    ranges = {"early": (skip, skip + length), "late": (total - length, total)}
    return {
        "late_over_early": late["wall"] / early["wall"],
        "late_over_early_cpu": late["cpu"] / early["cpu"],
        "minutes": {k: [round(v / minute, 2) for v in pair] for k, pair in ranges.items()},
    }
