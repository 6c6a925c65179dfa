"""What all commands share: the folder of checkpoints, the engine, and how they fail."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from core.engine import Engine


def fail(error: object) -> NoReturn:
    """End with a sentence and exit code 2."""
    text = str(error).strip() or type(error).__name__
    typer.echo(f"error: {text}", err=True)
    raise typer.Exit(2)


def open_engine(checkpoints: Path, device: str | None) -> Engine:
    """Load an engine; torch comes with it, so this is late."""
    from core.engine import Engine

    return Engine.load(checkpoints, device=device)


def ms_since(start: float) -> float:
    """Milliseconds since a `time.perf_counter()`, as `--json` prints them."""
    return round(1000 * (time.perf_counter() - start), 1)
