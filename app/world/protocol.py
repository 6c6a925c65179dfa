"""Messages of the world tab: held keys in, frames out."""

from __future__ import annotations

import dataclasses
import struct
from dataclasses import field
from typing import Annotated, Literal

from pydantic import FailFast, Field, model_validator
from typing_extensions import Self

from app.live.protocol import (
    FRAME,
    KEYS,
    SHOWN,
    VERSION,
    Index,
    Name,
    Readiness,
    Reason,
    Short,
    message,
)
from core.settings import AUTO, MOST_AHEAD, MOST_WORLD_STEPS
from core.video.log import UPLOADED, check_whole_place

KEYS_LAYOUT = struct.Struct("<BxHI")
SHOWN_LAYOUT = struct.Struct("<BxHI")
FRAME_LAYOUT = struct.Struct("<BBHIIf")
PLACE_LAYOUT = struct.Struct("<4f")
DRAFTED, RECORDED, TRUTH, PLACED, AS_IT_WAS, WHAT_IF = 1, 2, 4, 8, 16, 32
"""Flags of a frame; TRUTH is the real engine's, the last two belong to a past shown twice."""

# wider than core.settings: a message is refused only where it is absurd, and whatever else is out
# of range is told to the visitor in the engine's own sentence
WideSteps = Annotated[int, Field(ge=1, le=2 * MOST_WORLD_STEPS)]
WideNoise = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
WideAhead = Annotated[int, Field(ge=AUTO, le=8 * MOST_AHEAD)]
WideTogether = Annotated[int, Field(ge=1, le=16)]
Coordinate = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]


# ---- page to server


@message
class Change:
    """What was changed while a world was played, just before this frame was made."""

    frame: Index
    steps: WideSteps | None = None
    context_noise: WideNoise | None = None
    together: WideTogether | None = None
    x: Coordinate | None = None
    y: Coordinate | None = None
    """Where the visitor stood from then on."""
    degrees: Coordinate | None = None

    @model_validator(mode="after")
    def _whole_place(self) -> Self:
        check_whole_place(self.x, self.y, self.degrees)
        return self


@message
class World:
    """Begin a world in place of the old one; None leaves a value to the checkpoint."""

    tag: Literal["world"] = "world"
    checkpoint: Name = ""
    """Empty for the one the server offers first."""
    seed: Index = 0
    start: Annotated[int, Field(ge=UPLOADED, le=2**16 - 1)] = 0
    """Number in the gallery, or UPLOADED."""
    steps: WideSteps | None = None
    context_noise: WideNoise | None = None
    ahead: WideAhead = AUTO
    together: WideTogether = 1
    script: Annotated[str, Field(max_length=250_000)] = ""
    """Keys to replay before the visitor's count."""
    changes: Annotated[list[Change], FailFast(), Field(max_length=1000)] = field(
        default_factory=list[Change]
    )
    truth: bool = False
    """Show the real engine under the same keys, too."""


@message
class Drive:
    """Press one of the player's buttons; "keep" ends a recording."""

    tag: Literal["drive"] = "drive"
    do: Literal["play", "pause", "single", "record", "keep", "stop"]


@message
class Tune:
    """Change settings of the world that is played; None leaves a value as it is."""

    tag: Literal["tune"] = "tune"
    steps: WideSteps | None = None
    context_noise: WideNoise | None = None
    ahead: WideAhead | None = None
    together: WideTogether | None = None


@message
class Stand:
    """Be somewhere else in the world from the next frame on; None keeps the heading."""

    tag: Literal["stand"] = "stand"
    x: Coordinate
    y: Coordinate
    degrees: Coordinate | None = None


@message
class WhatIf:
    """Show what came after a past frame twice: as it was, and with these keys held instead."""

    tag: Literal["what_if"] = "what_if"
    frame: Index
    """The first that is made again."""
    mask: Short


@message
class Keys:
    """The keys that are held now. Sent as 8 bytes, not as JSON."""

    tag: Literal["keys"] = "keys"
    mask: Short
    """Bit i is key i of the world's table."""
    seq: Index
    """Grows by one with every change."""

    def pack(self) -> bytes:
        return KEYS_LAYOUT.pack(KEYS, self.mask, self.seq)

    @classmethod
    def unpack(cls, data: bytes) -> Keys:
        _, mask, seq = KEYS_LAYOUT.unpack(data)
        return cls(mask=mask, seq=seq)


@message
class Shown:
    """The newest frame that was drawn. Sent as 8 bytes, not as JSON."""

    tag: Literal["shown"] = "shown"
    index: Index

    def pack(self) -> bytes:
        return SHOWN_LAYOUT.pack(SHOWN, 0, self.index)

    @classmethod
    def unpack(cls, data: bytes) -> Shown:
        return cls(index=SHOWN_LAYOUT.unpack(data)[2])


# ---- server to page


@message
class KeyInfo:
    """A key of a world; its place in the table is its bit."""

    name: str
    codes: tuple[str, ...]
    label: str = ""


@message
class Ground:
    """Where one can stand in a world, for drawing."""

    low: tuple[float, float]
    """South-west corner, x and y in the world's units."""
    texel: float
    """Units a side of a cell."""
    rows: list[str]
    """From the south on, cells from the west on: "." where one can stand."""


@message
class WorldCard:
    """What the page says about a world."""

    name: str
    width: int
    height: int
    fps: float
    keys: list[KeyInfo]
    seeds: list[str]
    """Titles of the pictures to begin from."""
    steps: int
    context_noise: float
    context: int
    """Frames in view."""
    most_together: int
    """Frames that may be denoised jointly."""
    licence: str = ""
    data: str = ""
    truth: bool = False
    """Whether the real engine can be shown beside it."""
    ground: Ground | None = None
    """None for a world that does not know where it is."""


@message
class Worlds:
    """Which worlds there are to play."""

    tag: Literal["worlds"] = "worlds"
    version: int = VERSION
    state: Readiness
    message: str = ""
    worlds: list[WorldCard] = field(default_factory=list[WorldCard])


@message
class DreamState:
    """What the server is doing for this visitor; frames that follow belong to this world."""

    tag: Literal["dream"] = "dream"
    state: Literal["idle", "waiting", "warming", "playing", "paused", "stopped"]
    reason: Reason = ""
    position: int = 0
    """Place in the queue when waiting; 1 is next."""
    message: str = ""
    world: Index = 0
    """Number of the world, another one after each `World`; 0 before the first."""
    checkpoint: str = ""
    seed: Index = 0
    fit: str = ""
    """How well the picture that it began from fits the place, as a sentence; empty where that is
    known or where there is no place."""
    what_if: bool = False
    """Whether a past is being shown twice."""


@message
class Tally:
    """How it is going, about twice a second."""

    tag: Literal["tally"] = "tally"
    made_fps: float = 0.0
    frame_ms: float = 0.0
    """Time computed for a frame, drafts included."""
    waited_ms: float = 0.0
    """Time a frame waited for the page to have drawn earlier ones."""
    quality: int = 0
    """Of the JPEGs that are sent."""
    accepted: int = 0
    dropped: int = 0
    depth: int = 0
    """Frames that are drafted ahead now."""
    recorded: int = 0
    script: str = ""
    """Keys from the world's first frame on; sent once, when a recording ends."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Frame:
    """A frame. Sent as bytes, not as JSON."""

    flags: int
    mask: int
    """The keys that led to it."""
    index: int
    seq: int
    """Newest `Keys` it obeys."""
    milliseconds: float
    """Time the server computed for it."""
    jpeg: bytes
    place: tuple[float, float, float, float] | None = None
    """Where it is seen from: x, y, degrees, and the units by which that may be off."""

    def pack(self) -> bytes:
        numbers = self.mask, self.index, self.seq, self.milliseconds
        placed = PLACED * (self.place is not None)
        place = PLACE_LAYOUT.pack(*self.place) if self.place else b""
        # behind the JPEG, where readers of pictures do not look
        return FRAME_LAYOUT.pack(FRAME, self.flags | placed, *numbers) + self.jpeg + place

    @classmethod
    def unpack(cls, data: bytes) -> Frame:
        _, flags, mask, index, seq, milliseconds = FRAME_LAYOUT.unpack_from(data)
        place = None
        if flags & PLACED:
            data, end = data[: -PLACE_LAYOUT.size], data[-PLACE_LAYOUT.size :]
            place = PLACE_LAYOUT.unpack(end)
        return cls(
            flags=flags & ~PLACED,
            mask=mask,
            index=index,
            seq=seq,
            milliseconds=milliseconds,
            jpeg=data[FRAME_LAYOUT.size :],
            place=place,
        )
