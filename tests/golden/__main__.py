"""`python -m tests.golden` writes tests/golden.json anew; `--check` tells what differs from it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

import typer

import tests.conftest  # noqa: F401  precisions are the usual ones, as in tests
from tests.golden import record
from tests.golden.all_rows import ROWS


def main(
    only: Annotated[
        list[str] | None, typer.Option(help="Rows, or beginnings of their names; repeatable.")
    ] = None,
    check: Annotated[bool, typer.Option(help="Write nothing; 1 if any byte differs.")] = False,
    dump: Annotated[
        Path | None, typer.Option(help="Folder for the bytes themselves, to compare with diff -r.")
    ] = None,
) -> None:
    """Write the golden file anew, or tell which bytes differ from it."""
    kept, found = record.read(), {}
    names = [name for name in ROWS if not only or name.startswith(tuple(only))]
    for name in names:
        parts = dict(ROWS[name]())
        found[name] = {part: record.entry(value) for part, value in parts.items()}
        for part, value in parts.items() if dump else ():
            path = dump / f"{name} {part}".replace("/", "_")
            dump.mkdir(parents=True, exist_ok=True)
            path.write_bytes(record.to_bytes(value))
    gone = [] if only else sorted(set(kept) - set(ROWS))
    differing = [
        f"{name}: {part}"
        for name in names
        for part in sorted({*found[name], *kept.get(name, {})})
        if found[name].get(part, {}).get("sha256") != kept.get(name, {}).get(part, {}).get("sha256")
    ]
    for line in (*differing, *(f"{name}: gone" for name in gone)):
        print(line)
    print(f"{len(names)} rows, {len(differing)} parts differ", flush=True)
    if check:
        raise typer.Exit(bool(differing or gone))
    record.write({name: row for name, row in kept.items() if name in ROWS} | found)


if __name__ == "__main__":
    typer.run(main)
