"""What visitors write down: paths and key poses as JSON, held keys as lines of text.

Nothing in them is trusted: sizes, numbers and names are checked, and what is wrong is said in one
sentence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from core.settings import Settings
from core.steering.wishes import MOST_KEYS, MOST_WAYPOINTS, RUNS, WALKS, Drive, KeyPose, Waypoint

MOST_BYTES = 4_000_000
MOST_LINES = 10_000
KEYS = {"W": (0, 1), "S": (0, -1), "A": (1, 0), "D": (-1, 0)}
"""Where keys lead, x and z."""

S = TypeVar("S", bound=Settings)


def read_text(path: Path) -> str:
    """Return a small file's text; raise ValueError where it is none."""
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path.name} is larger than {MOST_BYTES:,} bytes")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path.name} is not a text file") from None


def parse(text: str | bytes) -> Any:
    """Return JSON's values; raise ValueError for what is too long, too deep or none."""
    if len(text) > MOST_BYTES:
        raise ValueError(f"it is longer than {MOST_BYTES:,} bytes")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        told = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ValueError(f"it is not JSON{told}") from None


def entries(values: Any, kind: type[S], told: str, most: int) -> tuple[S, ...]:
    """Return a list's objects as settings of a kind; raise ValueError naming the one at fault."""
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise ValueError(f'expected a list of objects of the kind "{told}"')
    if len(values) > most:
        raise ValueError(
            f"it has {len(values):,} entries of the kind {told!r}; {most:,} are the most"
        )
    found = []
    for number, value in enumerate(values, start=1):
        try:
            found.append(kind(**value))
        except ValueError as error:
            raise ValueError(f"{told} {number}: {error}") from None
    return tuple(found)


def read_path(text: str) -> tuple[Waypoint, ...]:
    """Return way-points by time out of `{"waypoints": [...]}` or the list alone."""
    points = entries(_listed(parse(text), "waypoints"), Waypoint, "waypoint", MOST_WAYPOINTS)
    return tuple(sorted(points, key=lambda point: point.at))


def read_keys(text: str) -> tuple[KeyPose, ...]:
    """Return key poses by time out of `{"keys": [...]}` or the list alone."""
    keys = entries(_listed(parse(text), "keys"), KeyPose, "key", MOST_KEYS)
    return tuple(sorted(keys, key=lambda key: key.at))


def read_drive(text: str) -> list[tuple[float, Drive]]:
    """Return what is driven from which second on, out of lines such as "2.5 shift W D"."""
    lines = [line.split("#")[0].split() for line in text.splitlines()]
    if len(lines) > MOST_LINES:
        raise ValueError(f"it has {len(lines):,} lines; {MOST_LINES:,} are the most")
    drives: list[tuple[float, Drive]] = []
    for number, words in enumerate(lines, start=1):
        if not words:
            continue
        try:
            at = float(words[0])
        except ValueError:
            at = math.nan
        if not 0 <= at < math.inf or (drives and at < drives[-1][0]):
            raise ValueError(
                f"line {number} must begin with seconds, not earlier than the line before,"
                f" got {words[0][:20]!r}"
            )
        try:
            drives.append((at, drive(words[1:])))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    return drives


def drive(keys: Sequence[str]) -> Drive:
    """Return what keys of W A S D and shift ask for; "-" and none of them to stand.

    Another one such as "@90" says where to look meanwhile, in degrees.
    """
    looks = [key[1:] for key in keys if key.startswith("@")]
    held = {key.upper() for key in keys if not key.startswith("@")} - {"-"}
    if unknown := held - {*KEYS, "SHIFT"}:
        told = min(unknown)[:20]
        raise ValueError(f"keys are W, A, S, D, shift, - and @degrees, got {told!r}")
    x, z = (sum(KEYS[key][axis] for key in held & {*KEYS}) for axis in (0, 1))
    speed = (RUNS if "SHIFT" in held else WALKS) / max(math.hypot(x, z), 1)
    try:
        facing = float(looks[-1]) if looks else None
    except ValueError:
        raise ValueError(f"@ is followed by degrees, got {looks[-1][:20]!r}") from None
    return Drive(velocity=(x * speed, z * speed), facing=facing)


def _listed(values: Any, name: str) -> Any:
    return values.get(name) if isinstance(values, dict) else values
