"""`python -m core keys take.npz --at 2.5 --part hands --out poses.json`: poses to be in again.

With `--path` the places where a motion was, as way-points. `motion --keys` and `--path` read both.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from core.cli import shared
from core.steering.keys import key_of
from core.steering.wishes import MOST_KEYS, MOST_WAYPOINTS, PARTS, KeyPose, Waypoint

if TYPE_CHECKING:
    from core.body.take import Take

PAIRS = {"hands": ("left_hand", "right_hand"), "feet": ("left_foot", "right_foot")}
"""What may be said for two of PARTS."""


def pose_at(take: Take, second: float) -> np.ndarray:
    """Return joints (22, 3) at a second of a take; raise ValueError for one that it has not."""
    if not 0 <= second <= take.seconds:
        raise ValueError(f"the motion has seconds 0..{take.seconds:g}, --at asks for {second:g}")
    return take.joints[min(round(second * take.fps), len(take) - 1)].astype(np.float64)


def held(parts: Sequence[str]) -> tuple[str, ...]:
    """Return those of PARTS that words stand for; raise ValueError for words that do for none."""
    if unknown := {*parts} - {*PARTS, *PAIRS}:
        told = ", ".join((*PARTS, *PAIRS))
        raise ValueError(f"--part must be one of {told}, got {min(unknown)!r}")
    return tuple(dict.fromkeys(end for part in parts for end in PAIRS.get(part, (part,))))


def written(wishes: Sequence[KeyPose | Waypoint], kind: str) -> str:
    """Return a file's text: a line for each wish, numbers to a tenth of a millimeter."""
    lines = [
        json.dumps(json.loads(wish.model_dump_json(exclude_defaults=True), parse_float=_short))
        for wish in wishes
    ]
    return f'{{"{kind}": [\n' + ",\n".join(lines) + "\n]}\n"


def _short(number: str) -> float:
    return round(float(number), 4)


@shared.sentences()
def keys(
    file: Annotated[Path, typer.Argument(help="A motion: our .npz, or any file `follow` reads.")],
    at: Annotated[
        list[float] | None, typer.Option(help="At which second of it; repeatable. [at every one]")
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(help=f"What is held: {', '.join((*PARTS, *PAIRS))}; repeatable. [body]"),
    ] = None,
    there: Annotated[
        bool, typer.Option("--there", help="Also where the body stands and looks.")
    ] = False,
    path: Annotated[bool, typer.Option("--path", help="Way-points instead of key poses.")] = False,
    to: Annotated[
        float | None, typer.Option(help="Second at which the first one is wanted. [as it was]")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write, JSON. [printed]")] = None,
) -> None:
    """Take key poses or a path out of a motion, for `motion --keys` and `motion --path`."""
    if path and part:
        raise ValueError("--part is about key poses; a path has places only")
    if out is not None and not out.parent.is_dir():
        raise ValueError(f"there is no folder {out.parent}")
    parts, take = held(part or ["body"]), shared.read_take(file)
    seconds = sorted({*(at or range(1, int(take.seconds) + 1))})
    most = MOST_WAYPOINTS if path else MOST_KEYS
    if not 0 < len(seconds) <= most:
        raise ValueError(f"say with --at which 1 to {most} seconds are meant, not {len(seconds)}")
    later = 0.0 if to is None else to - seconds[0]
    found: Sequence[KeyPose | Waypoint] = [
        key_of(pose_at(take, second), second + later, parts, there=there or path)
        for second in seconds
    ]
    if path:
        found = [
            Waypoint(place=key.place, at=key.at, facing=key.facing if there else None)
            for key in found
        ]
    kind = "waypoints" if path else "keys"
    text = written(found, kind)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
        typer.echo(f"{out}: {kind} from {found[0].at:g} to {found[-1].at:g} s", err=True)
