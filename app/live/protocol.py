"""What all tabs' messages are made of."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import ArgsKwargs
from typing_extensions import dataclass_transform

from core.settings import refuse_many

VERSION = 1
"""Differs between page and server after an update; the page is then asked to reload."""

KEYS, ACK, SHOWN = 1, 2, 4
"""First byte of a message from the page that is not JSON."""
FRAME, POSES = 1, 2
"""First byte of a message from the server that is not JSON."""
JSON = 3

Index = Annotated[int, Field(ge=0, le=2**32 - 1)]
Short = Annotated[int, Field(ge=0, le=2**16 - 1)]
Text = Annotated[str, Field(max_length=2000)]
Name = Annotated[str, Field(max_length=64)]
Reason = Literal["", "asked", "away", "turn", "unattended", "problem"]
Readiness = Literal["loading", "ready", "failed"]

T = TypeVar("T")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def message(kind: type[T]) -> type[T]:
    """Make a class a message: frozen, its fields checked, given by name, and no others."""
    names = kind.__annotations__

    def few(values: dict[str, Any] | ArgsKwargs) -> dict[str, Any] | ArgsKwargs:
        if isinstance(values, dict):
            refuse_many(values, names)
        return values

    cast("Any", kind)._few = model_validator(mode="before")(staticmethod(few))
    make = dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
    return cast("type[T]", make(kind))


def unfit(error: ValidationError, *, depth: int = 0) -> str:
    """Say what is wrong with what was sent: "rate must be a valid number".

    `depth` is how many of the names that lead there are not the sender's.
    """
    first = error.errors(include_url=False, include_input=False)[0]
    # which member of a union was tried is not the sender's either
    names = [str(name) for name in first["loc"][depth:] if re.fullmatch(r"\w+", str(name))]
    where, said = ".".join(names), first["msg"].removeprefix("Value error, ")
    match first["type"]:
        case "json_invalid":
            return "it is not JSON"
        case "union_tag_invalid" | "union_tag_not_found":
            return "the server does not know this kind"
        case "value_error":
            return said
        case "missing":
            return f"{where} is missing"
        case "unexpected_keyword_argument":
            return f"{where} is not known"
        case _:
            return f"{where} {re.sub(r'^[A-Z][a-z]+ should ', 'must ', said)}"


@message
class Hello:
    """First message of a connection: who is there and which poses it already has."""

    tag: Literal["hello"] = "hello"
    version: int
    session: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    """Random id (122 bits) of the page's choice; to know it is to own the take."""
    take: Index = 0
    have: Index = 0


@message
class Problem:
    """Something the visitor should know, as a sentence."""

    tag: Literal["problem"] = "problem"
    message: str
    about: Literal["prompt", "settings", "picture", "file", "server", "connection"] = "server"
