"""Messages of the tab that follows a file: it becomes a take, and the take goes on."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field

from app.live.protocol import Index, Name, Short, Text, message
from core.body.skeleton import JOINTS
from core.capture.joint_maps import MOST_NAME
from core.settings import MOTION_RATES

MOST_UPLOAD = 64 * 2**20
"""Bytes of a visitor's file."""
MOST_ONWARD = 20.0
"""Seconds that a take goes on at a time."""
MOST_MAP = 60_000
"""Bytes of a visitor's joint map."""
MOST_MESSAGE = MOST_MAP + 5000
"""Longest message of the tab, which may bring one."""

MOST_NODES = 1000
"""Of a skeleton; readers take no more."""

NodeName = Annotated[str, Field(max_length=MOST_NAME)]
NodeNumber = Annotated[int, Field(ge=0, lt=MOST_NODES)]
Node = NodeName | NodeNumber
Nodes = Node | Annotated[list[Node], Field(max_length=32)]
"""Nodes of a skeleton that a joint may be, best first, by name or counted from 0."""
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
    joints: Annotated[dict[Name, Nodes], Field(max_length=len(JOINTS))] | None = None
    """Which nodes of it are our joints, as the visitor says; see core.capture.joint_maps."""
    rate: Annotated[float, Field(ge=MOTION_RATES[0], le=MOTION_RATES[1])] | None = None
    """Poses a second of a motion file, where it is wrong or silent."""
    clip: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Which of its animations, counted from 1; None for the longest."""


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
class SkeletonInfo:
    """A motion file's skeleton, and which of its nodes are our joints."""

    names: list[str]
    """As joint maps have them."""
    parents: list[int]
    places: list[tuple[float, float, float]]
    """Meters, Y up, where that much is known; else as in the file."""
    joints: dict[str, int]
    how: str = ""
    """What told: "names", "tree", or "map"."""


@message
class Unmatched:
    """A motion file whose joints were not found: its visitor can say which they are."""

    tag: Literal["unmatched"] = "unmatched"
    name: str
    message: str
    skeleton: SkeletonInfo


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
    rate: float = 0.0
    """Poses a second of a motion file."""
    rate_asked: bool = False
    """Whether it was the visitor who said so."""
    clips: list[str] = field(default_factory=list[str])
    """Animations of a motion file that can hold several."""
    clip: int = 1
    """Which of them this is, counted from 1."""
    skeleton: SkeletonInfo | None = None


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
