"""Messages between page and server: the only wire format.

Every WebSocket message is binary and little-endian; its first byte says what it is:

- `ACK` (from the page), 16 bytes: poses wanted ahead, take, poses received, pose being shown.
- `POSES` (from the server): 16 bytes, root float32 (T, 3), quaternions w x y z float16 (T, J, 4).
- `JSON` (from both): one of the dataclasses below; the field `tag` names it.

`app/web/src/protocol.js` mirrors this file; `tests/test_protocol.py` compares the two.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from dataclasses import asdict, field
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

VERSION = 1
"""Differs between page and server after an update; the page is then asked to reload."""

ACK, POSES, JSON = 2, 2, 3
"""First byte of a message. Page: 1 is kept for held keys. Server: 1 is kept for video frames."""

MAX_MESSAGE = 8192
"""Longest message the server reads, in bytes; the longest prompt takes a quarter of it."""

ACK_LAYOUT = struct.Struct("<BxHIIf")
POSES_LAYOUT = struct.Struct("<BxHIHHf")

STRICT = ConfigDict(extra="forbid")
Index = Annotated[int, Field(ge=0, le=2**32 - 1)]
Short = Annotated[int, Field(ge=0, le=2**16 - 1)]
Text = Annotated[str, Field(max_length=2000)]
Reason = Literal["", "asked", "away", "turn", "unattended", "problem"]


# ---- page to server


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Hello:
    """First message of a connection: who is there and which poses it already has."""

    tag: Literal["hello"] = "hello"
    version: int
    session: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    """Random id (122 bits) of the page's choice; to know it is to own the take."""
    take: Index = 0
    have: Index = 0


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Start:
    """Begin a new take; None leaves a value to the checkpoint."""

    tag: Literal["start"] = "start"
    id: Short
    prompt: Text
    seed: Index = 0
    checkpoint: Annotated[str, Field(max_length=64)] = "motion"
    stagger: Annotated[int, Field(ge=1, le=1000)] | None = None
    guidance: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    foot_contacts: bool = True


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Prompt:
    """Change what the body does, or go on after a stop."""

    tag: Literal["prompt"] = "prompt"
    id: Short
    text: Text


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Stop:
    """End the motion; the take stays."""

    tag: Literal["stop"] = "stop"


@dataclass(frozen=True, kw_only=True, config=STRICT)
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


# ---- server to page


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Checkpoint:
    """What the page says about a checkpoint."""

    name: str
    licence: str = ""
    data: str = ""
    non_commercial: bool = False
    steps: int = 10
    stagger: int | None = None
    guidance: float | None = None


@dataclass(frozen=True, kw_only=True, config=STRICT)
class BodyShape:
    """How a body stands in the world: shown root = root * scale + offset."""

    scale: float
    offset: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Model:
    """Whether the model is there yet, and what it offers."""

    tag: Literal["model"] = "model"
    version: int = VERSION
    state: Literal["loading", "ready", "failed"]
    message: str = ""
    checkpoints: list[Checkpoint] = field(default_factory=list[Checkpoint])
    bodies: dict[str, BodyShape] = field(default_factory=dict[str, BodyShape])
    prompt_length: int = 300
    keep_seconds: int = 600


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Mark:
    """From pose `start` on the body follows this prompt."""

    tag: Literal["mark"] = "mark"
    id: Short
    start: Index
    text: str


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TakeInfo:
    """The take whose poses follow; a number the page does not know means: forget the old one."""

    tag: Literal["take"] = "take"
    take: Index
    first: Index
    seed: Index
    checkpoint: str


@dataclass(frozen=True, kw_only=True, config=STRICT)
class State:
    """What the server is doing for this visitor."""

    tag: Literal["state"] = "state"
    state: Literal["idle", "waiting", "running", "stopped"]
    reason: Reason = ""
    position: int = 0
    """Place in the queue when waiting; 1 is next."""
    message: str = ""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Problem:
    """Something the visitor should know, as a sentence."""

    tag: Literal["problem"] = "problem"
    message: str
    about: Literal["prompt", "settings", "server", "connection"] = "server"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Poses:
    """Poses in a row. Sent as bytes, not as JSON."""

    first: int
    prompt: int
    """Id of the prompt they were made for."""
    milliseconds: float
    """Time the server computed for them."""
    root: NDArray[np.floating]  # (T, 3), metres, on the source skeleton
    rotations: NDArray[np.floating]  # (T, J, 4), w x y z, local to the parent joint

    def pack(self) -> bytes:
        shape = self.rotations.shape[:2]
        header = POSES_LAYOUT.pack(POSES, self.prompt, self.first, *shape, self.milliseconds)
        root = self.root.astype(np.float32).tobytes()
        return header + root + self.rotations.astype(np.float16).tobytes()


FromPage = Hello | Start | Prompt | Stop
FromServer = Model | TakeInfo | Mark | State | Problem

_tagged = Field(discriminator="tag")
_from_page: TypeAdapter[FromPage] = TypeAdapter(Annotated[FromPage, _tagged])
_from_server: TypeAdapter[FromServer] = TypeAdapter(Annotated[FromServer, _tagged])


def pack(item: FromPage | FromServer | Poses | Ack) -> bytes:
    """Turn a message into the bytes of one WebSocket message."""
    if isinstance(item, Poses | Ack):
        return item.pack()
    return bytes([JSON]) + json.dumps(asdict(item), separators=(",", ":")).encode()


def unpack_from_page(data: bytes) -> FromPage | Ack:
    """Read what a page sent; raise ValueError with a sentence when it is not a message."""
    if len(data) > MAX_MESSAGE:
        raise ValueError(f"A message may have at most {MAX_MESSAGE} bytes, not {len(data)}.")
    try:
        if data[:1] == bytes([ACK]):
            _, lead, take, received, shown = ACK_LAYOUT.unpack(data)
            return Ack(lead=lead, take=take, received=received, shown=shown)
        if data[:1] == bytes([JSON]):
            return _from_page.validate_json(data[1:])
    except struct.error as error:
        raise ValueError("The acknowledgement has the wrong length.") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "message"
        raise ValueError(f"The message cannot be read: {where}: {first['msg']}.") from error
    raise ValueError("The server does not know this kind of message.")


def unpack_from_server(data: bytes) -> FromServer | Poses:
    """Read what a server sent, as the page does; for tests and Python clients."""
    if data[0] == JSON:
        return _from_server.validate_json(data[1:])
    _, prompt, first, length, joints, milliseconds = POSES_LAYOUT.unpack_from(data)
    start, shape = POSES_LAYOUT.size, (length, joints, 4)
    root = np.ndarray((length, 3), np.float32, data, start)
    rotations = np.ndarray(shape, np.float16, data, start + root.nbytes)
    return Poses(
        first=first, prompt=prompt, milliseconds=milliseconds, root=root, rotations=rotations
    )
