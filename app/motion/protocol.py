"""Messages of the motion tab, and those about takes that the tab of videos shares."""

from __future__ import annotations

import dataclasses
import struct
from dataclasses import field
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from app.live.protocol import (
    ACK,
    POSES,
    VERSION,
    Index,
    Name,
    Readiness,
    Reason,
    Short,
    Text,
    message,
)
from core.settings import KEEP_SECONDS, MAX_PROMPT
from core.steering.wishes import Wishes

ACK_LAYOUT = struct.Struct("<BxHIIf")
POSES_LAYOUT = struct.Struct("<BxHIHHf")


# ---- page to server


@message
class Start:
    """Begin a new take; None leaves a value to the checkpoint."""

    tag: Literal["start"] = "start"
    id: Short
    prompt: Text
    seed: Index = 0
    checkpoint: Name = "motion"
    stagger: Annotated[int, Field(ge=1, le=1000)] | None = None
    guidance: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    foot_contacts: bool = True
    wishes: Wishes = Wishes()
    """What is wanted of its path and poses from the first pose on."""


@message
class Prompt:
    """Change what the body does, or go on after a stop."""

    tag: Literal["prompt"] = "prompt"
    id: Short
    text: Text


@message
class Resume:
    """Go on after a stop with what was asked for before it, such as the rest of a project."""

    tag: Literal["resume"] = "resume"


@message
class Steering:
    """What is wanted of path and poses from now on, in place of what was wanted before."""

    tag: Literal["steer"] = "steer"
    id: Index
    """Grows with every change."""
    wishes: Wishes


@message
class Stop:
    """End the motion; the take stays."""

    tag: Literal["stop"] = "stop"


@message
class Ack:
    """How far the page is. Sent as 16 bytes, not as JSON."""

    tag: Literal["ack"] = "ack"
    lead: Short
    """Poses the page wants ahead of the one it shows."""
    take: Index
    received: Index
    """One past the newest pose received."""
    shown: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """The pose on the screen; a fraction lies between two poses."""

    def pack(self) -> bytes:
        return ACK_LAYOUT.pack(ACK, self.lead, self.take, self.received, self.shown)

    @classmethod
    def unpack(cls, data: bytes) -> Ack:
        _, lead, take, received, shown = ACK_LAYOUT.unpack(data)
        return cls(lead=lead, take=take, received=received, shown=shown)


# ---- server to page


@message
class Checkpoint:
    """What the page says about a checkpoint."""

    name: str
    licence: str = ""
    data: str = ""
    non_commercial: bool = False
    steps: int = 10
    stagger: int | None = None
    guidance: float | None = None


@message
class BodyShape:
    """How a body stands in the world: shown root = root * scale + offset."""

    scale: float
    offset: tuple[float, float, float]


@message
class Model:
    """Whether the model is there yet, and what it offers."""

    tag: Literal["model"] = "model"
    version: int = VERSION
    state: Readiness
    message: str = ""
    checkpoints: list[Checkpoint] = field(default_factory=list[Checkpoint])
    bodies: dict[str, BodyShape] = field(default_factory=dict[str, BodyShape])
    prompt_length: int = MAX_PROMPT
    keep_seconds: int = KEEP_SECONDS


@message
class Mark:
    """From pose `start` on the body follows this prompt."""

    tag: Literal["mark"] = "mark"
    id: Short
    start: Index
    text: str


@message
class Note:
    """What is said of the prompt with this id that was not taken as it was typed; may be empty."""

    tag: Literal["note"] = "note"
    id: Short
    text: str


@message
class Outcome:
    """How a way-point or a key pose was met, once its time has come."""

    kind: Literal["waypoint", "key"]
    at: float
    """Its time, in seconds."""
    met: bool
    centimeters: float | None = None
    """By how much its place was missed, where one was asked for."""
    degrees: float | None = None
    """By how much its facing was, to the left, likewise."""
    pose: float | None = None
    """By how many centimeters the pose itself was missed, of a key: its worst part."""
    late: float = 0.0
    """Seconds by which it was put off, because nobody gets there in time."""


@message
class Outcomes:
    """What became of the wishes: which ones the motion knows, and from when on."""

    tag: Literal["met"] = "met"
    id: Index
    """Of the newest steering that poses were made for."""
    start: Index
    """The first of these poses."""
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    """Those that were not told before."""
    late: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """Way-points ahead that nobody reaches in time: their times, and seconds more it takes."""


@message
class TakeInfo:
    """The take whose poses follow; a number the page does not know means: forget the old one."""

    tag: Literal["take"] = "take"
    take: Index
    first: Index
    seed: Index
    checkpoint: str


@message
class State:
    """What the server is doing for this visitor."""

    tag: Literal["state"] = "state"
    state: Literal["idle", "waiting", "running", "stopped"]
    reason: Reason = ""
    position: int = 0
    """Place in the queue when waiting; 1 is next."""
    message: str = ""
    share: float = 0.0
    """How much of the job is done, 0 to 1, where that is known."""
    work: Literal["", "follow", "onward"] = ""
    """Which job, where there are several kinds."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Poses:
    """Poses in a row. Sent as bytes, not as JSON."""

    first: int
    prompt: int
    """Id of the prompt they were made for."""
    milliseconds: float
    """Time the server computed for them."""
    root: NDArray[np.floating]  # (T, 3), meters, on the source skeleton
    rotations: NDArray[np.floating]  # (T, J, 4), w x y z, local to the parent joint

    def pack(self) -> bytes:
        shape = self.rotations.shape[:2]
        header = POSES_LAYOUT.pack(POSES, self.prompt, self.first, *shape, self.milliseconds)
        root = self.root.astype(np.float32).tobytes()
        return header + root + self.rotations.astype(np.float16).tobytes()

    @classmethod
    def unpack(cls, data: bytes) -> Poses:
        _, prompt, first, length, joints, milliseconds = POSES_LAYOUT.unpack_from(data)
        start, shape = POSES_LAYOUT.size, (length, joints, 4)
        root = np.ndarray((length, 3), np.float32, data, start)
        rotations = np.ndarray(shape, np.float16, data, start + root.nbytes)
        return cls(
            first=first, prompt=prompt, milliseconds=milliseconds, root=root, rotations=rotations
        )
