"""Messages of the tab that follows a video: a file becomes a take, and the take goes on."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field

from app.live.protocol import Index, Name, Short, Text, message

MOST_UPLOAD = 64 * 2**20
"""Bytes of a visitor's file."""
MOST_ONWARD = 20.0
"""Seconds that a take goes on at a time."""

Weight = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


# ---- page to server


@message
class Follow:
    """Make a take of the file that was uploaded last, in place of the old take."""

    tag: Literal["follow"] = "follow"
    person: Annotated[int, Field(ge=1, le=99)] | None = None
    """Whom to follow, counted from the left; None for the largest."""
    joint_map: Name = ""
    """Skeleton of a motion file; empty to find out."""


@message
class Onward:
    """Let the take go on with a prompt."""

    tag: Literal["onward"] = "onward"
    id: Short
    prompt: Text
    start: Index | None = None
    """Pose from which it goes on; later ones are dropped. None for the end."""
    seconds: Annotated[float, Field(ge=0.2, le=MOST_ONWARD, allow_inf_nan=False)] = 4.0
    seed: Index = 0
    checkpoint: Name = "motion"
    manner: Weight = 0.0
    """How much real motions like the take are looked at; 0 for not at all."""


# ---- server to page


@message
class Reference:
    """What the file was found to show; belongs to the take of this number."""

    tag: Literal["reference"] = "reference"
    take: Index
    name: str
    kind: Literal["video", "motion"]
    poses: int
    """Poses of the take that are out of the file; the others continue them."""
    seconds: float
    """Length of the file."""
    kept: tuple[float, float]
    """From which second to which the poses are: pose i shows kept[0] + i / 20, counted from the
    file's first picture."""
    gaps: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Poses start..end - 1 that were not seen."""
    notes: list[str] = field(default_factory=list[str])
    people: int = 1
    person: int | None = None
    joint_map: str = ""
    tilt: float = 0.0
    lens: float = 0.0
    turned: bool = False


@message
class MatchInfo:
    """A real motion that is like the take; its number in the list is how it is asked for."""

    label: str
    caption: str
    licence: str
    pack: str
    score: float
    seconds: float
    mirrored: bool = False
    """Whether left and right are exchanged."""


@message
class MannerInfo:
    """The real motions that the newest continuation looked at."""

    tag: Literal["manner"] = "manner"
    weight: Weight
    matches: list[MatchInfo]
