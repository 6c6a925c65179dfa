"""Messages between page and server: the only wire format.

Every WebSocket message is binary and little-endian; its first byte says what it is:

- `KEYS` (from the page), 8 bytes: the keys held, and a number that grows with every change.
- `ACK` (from the page), 16 bytes: poses wanted ahead, take, poses received, pose being shown.
- `SHOWN` (from the page), 8 bytes: the newest frame drawn.
- `FRAME` (from the server): 16 bytes, a JPEG, and where its flags say so a place, float32 (4,).
- `POSES` (from the server): 16 bytes, root float32 (T, 3), quaternions w x y z float16 (T, J, 4).
- `JSON` (from both): one of the dataclasses of this package; the field `tag` names it.

The page's copy of the numbers and tags is written by `python -m app.generate_protocol`.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from app.capture.protocol import (
    MOST_ONWARD,
    MOST_UPLOAD,
    Follow,
    MannerInfo,
    MatchInfo,
    Onward,
    Reference,
    SkeletonInfo,
    Unmatched,
)
from app.live.protocol import (
    ACK,
    FRAME,
    JSON,
    KEYS,
    POSES,
    SHOWN,
    VERSION,
    Hello,
    Problem,
    Reason,
    unfit,
)
from app.motion.protocol import (
    ACK_LAYOUT,
    POSES_LAYOUT,
    Ack,
    BodyShape,
    Checkpoint,
    Mark,
    Model,
    Note,
    Outcome,
    Outcomes,
    Poses,
    Prompt,
    Resume,
    Start,
    State,
    Steering,
    Stop,
    TakeInfo,
)
from app.world.protocol import (
    FRAME_LAYOUT,
    KEYS_LAYOUT,
    SHOWN_LAYOUT,
    UPLOADED,
    Change,
    DreamState,
    Drive,
    Frame,
    Ground,
    KeyInfo,
    Keys,
    Shown,
    Stand,
    Tally,
    Tune,
    WhatIf,
    World,
    WorldCard,
    Worlds,
)

MAX_MESSAGE = 8192
"""Longest message of most tabs, in bytes; the longest prompt takes a quarter of it."""
MAX_STEERING = 2**16
"""Longest message of the motion tab: all the way-points and key poses that there may be."""
MAX_WORLD_MESSAGE = 2**18
"""Longest message of the world tab; an hour's log of keys takes most of it."""

FromPage = (
    Hello
    | Start
    | Prompt
    | Resume
    | Stop
    | World
    | Drive
    | Tune
    | Stand
    | WhatIf
    | Follow
    | Onward
    | Steering
)
FromServer = (
    Model
    | TakeInfo
    | Mark
    | State
    | Problem
    | Worlds
    | DreamState
    | Tally
    | Reference
    | Unmatched
    | MannerInfo
    | Note
    | Outcomes
)
PageBytes = Ack | Keys | Shown
ServerBytes = Poses | Frame

_tagged = Field(discriminator="tag")
_from_page: TypeAdapter[FromPage] = TypeAdapter(Annotated[FromPage, _tagged])
_from_server: TypeAdapter[FromServer] = TypeAdapter(Annotated[FromServer, _tagged])
_PAGE_BYTES = {ACK: Ack, KEYS: Keys, SHOWN: Shown}


def pack(item: FromPage | PageBytes | FromServer | ServerBytes) -> bytes:
    """Turn a message into the bytes of one WebSocket message."""
    if isinstance(item, PageBytes | ServerBytes):
        return item.pack()
    # pages read no NaN; wishes are models: their fields
    data = json.dumps(asdict(item), separators=(",", ":"), allow_nan=False, default=vars)
    return bytes([JSON]) + data.encode()


def unpack_from_page(data: bytes, most: int = MAX_MESSAGE) -> FromPage | PageBytes:
    """Read what a page sent; raise ValueError with a sentence when it is not a message."""
    if len(data) > most:
        raise ValueError(f"A message may have at most {most} bytes, not {len(data)}.")
    first = data[0] if data else 0
    try:
        if first in _PAGE_BYTES:
            return _PAGE_BYTES[first].unpack(data)
        if first == JSON:
            return _from_page.validate_json(data[1:])
    except struct.error as error:
        raise ValueError("The message has the wrong length.") from error
    except ValidationError as error:
        raise ValueError(f"The message cannot be read: {unfit(error, depth=1)}.") from error
    raise ValueError("The server does not know this kind of message.")


def unpack_from_server(data: bytes) -> FromServer | ServerBytes:
    """Read what a server sent, as the page does; for tests and Python clients."""
    if data[0] == JSON:
        return _from_server.validate_json(data[1:])
    return Frame.unpack(data) if data[0] == FRAME else Poses.unpack(data)


__all__ = [
    "ACK",
    "ACK_LAYOUT",
    "FRAME",
    "FRAME_LAYOUT",
    "JSON",
    "KEYS",
    "KEYS_LAYOUT",
    "MAX_MESSAGE",
    "MAX_STEERING",
    "MAX_WORLD_MESSAGE",
    "MOST_ONWARD",
    "MOST_UPLOAD",
    "POSES",
    "POSES_LAYOUT",
    "SHOWN",
    "SHOWN_LAYOUT",
    "UPLOADED",
    "VERSION",
    "Ack",
    "BodyShape",
    "Change",
    "Checkpoint",
    "DreamState",
    "Drive",
    "Follow",
    "Frame",
    "FromPage",
    "FromServer",
    "Ground",
    "Hello",
    "KeyInfo",
    "Keys",
    "MannerInfo",
    "Mark",
    "MatchInfo",
    "Model",
    "Note",
    "Onward",
    "Outcome",
    "Outcomes",
    "PageBytes",
    "Poses",
    "Problem",
    "Prompt",
    "Reason",
    "Reference",
    "Resume",
    "ServerBytes",
    "Shown",
    "SkeletonInfo",
    "Stand",
    "Start",
    "State",
    "Steering",
    "Stop",
    "TakeInfo",
    "Tally",
    "Tune",
    "Unmatched",
    "WhatIf",
    "World",
    "WorldCard",
    "Worlds",
    "pack",
    "unpack_from_page",
    "unpack_from_server",
]
