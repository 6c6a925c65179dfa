"""What all tabs' messages are made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

VERSION = 1
"""Differs between page and server after an update; the page is then asked to reload."""

KEYS, ACK, SHOWN = 1, 2, 4
"""First byte of a message from the page that is not JSON."""
FRAME, POSES = 1, 2
"""First byte of a message from the server that is not JSON."""
JSON = 3

STRICT = ConfigDict(extra="forbid")
Index = Annotated[int, Field(ge=0, le=2**32 - 1)]
Short = Annotated[int, Field(ge=0, le=2**16 - 1)]
Text = Annotated[str, Field(max_length=2000)]
Name = Annotated[str, Field(max_length=64)]
Reason = Literal["", "asked", "away", "turn", "unattended", "problem"]
Readiness = Literal["loading", "ready", "failed"]


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
class Problem:
    """Something the visitor should know, as a sentence."""

    tag: Literal["problem"] = "problem"
    message: str
    about: Literal["prompt", "settings", "picture", "file", "server", "connection"] = "server"
