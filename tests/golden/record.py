"""What a row of the golden file is made of, and when two of them agree.

A part of a row is either text or bytes, which must be equal everywhere, or numbers. Of numbers a
few dozen are kept beside their hash: another processor or library may round them differently. Of
texts that a library lays out, a second hash says what they mean.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).parents[1] / "golden.json"
KEPT = 40
"""Numbers kept of an array."""
RUN = 192
"""Bytes of a picture that are averaged around each of them: single pixels flicker in films."""
MOTION, SEEN, PIXELS = 2e-3, 2e-2, 6.0
"""How far numbers may be off elsewhere: meters and the like, those out of a film, and colors."""


@dataclass(frozen=True)
class Numbers:
    """An array, or a file whose content these numbers are."""

    values: np.ndarray
    atol: float = MOTION
    data: bytes | None = None

    def bytes(self) -> bytes:
        return np.ascontiguousarray(self.values).tobytes() if self.data is None else self.data


@dataclass(frozen=True)
class Text:
    """A text that a library lays out, and what it lays out."""

    shown: str
    meant: list


Part = Numbers | Text | np.ndarray | str | bytes | dict | list | tuple
Row = Callable[[], Iterable[tuple[str, Part]]]
ROWS: dict[str, Row] = {}
SLOW: set[str] = set()


def row(name: str, *, slow: bool = False) -> Callable[[Row], Row]:
    """Register a generator of named parts as a row."""

    def register(make: Row) -> Row:
        assert name not in ROWS, name
        ROWS[name] = make
        SLOW.update({name} if slow else ())
        return make

    return register


def to_bytes(part: Part) -> bytes:
    """Return what is hashed of a part."""
    if isinstance(part, np.ndarray):
        part = Numbers(part)
    if isinstance(part, Numbers):
        return part.bytes()
    if isinstance(part, bytes):
        return part
    if isinstance(part, Text):
        part = part.shown
    text = part if isinstance(part, str) else json.dumps(part, indent=1, sort_keys=True)
    return text.encode()


def entry(part: Part) -> dict[str, Any]:
    """Return what the golden file keeps of a part."""
    found: dict[str, Any] = {"sha256": hashlib.sha256(to_bytes(part)).hexdigest()}
    if isinstance(part, np.ndarray):
        part = Numbers(part, PIXELS if part.dtype == np.uint8 else MOTION)
    if isinstance(part, Text):
        found["means"] = hashlib.sha256(to_bytes(part.meant)).hexdigest()
    if isinstance(part, Numbers):
        flat, run = part.values.reshape(-1), RUN if part.values.dtype == np.uint8 else 1
        last = max(flat.size - run, 0)
        picked = np.linspace(0, last, min(KEPT, flat.size)).astype(int)
        values = [float(f"{flat[i : i + run].mean():.6g}") for i in picked]
        found |= {
            "dtype": str(part.values.dtype),
            "shape": list(part.values.shape),
            "atol": part.atol,
            "values": values,
        }
    return found


def make(name: str) -> dict[str, dict[str, Any]]:
    """Compute a row as the golden file keeps it."""
    return {part: entry(value) for part, value in ROWS[name]()}


def agree(found: dict[str, Any], kept: dict[str, Any]) -> bool:
    """Tell whether a part is the same, but for how other libraries round or lay it out."""
    if found["sha256"] == kept["sha256"]:
        return True
    if "means" in kept:
        return found.get("means") == kept["means"]
    if any(found.get(name) != kept.get(name) for name in ("dtype", "shape")):
        return False
    return "values" in kept and np.allclose(found["values"], kept["values"], 0, kept["atol"])


def read() -> dict[str, dict[str, Any]]:
    """Return the golden file, row by row."""
    return json.loads(FILE.read_text()) if FILE.is_file() else {}


def write(rows: dict[str, dict[str, Any]]) -> None:
    """Write the golden file, a line for each part."""
    blocks = []
    for name in sorted(rows):
        parts = [f"  {json.dumps(part)}: {json.dumps(kept)}" for part, kept in rows[name].items()]
        blocks.append(f"{json.dumps(name)}: {{\n" + ",\n".join(parts) + "\n}")
    FILE.write_text("{\n" + ",\n".join(blocks) + "\n}\n")
