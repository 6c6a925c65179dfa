"""What our own routes share: reading little, sentences, files with a tag."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.live.protocol import unfit
from core.capture.kinds import FULL
from core.faults import trace

MOST_SAID = 600
"""Characters of a sentence."""
log = logging.getLogger(__name__)


def sentence(error: Exception, name: str = "") -> str:
    """An error's text as a sentence for the page; of what strangers gave, little is repeated.

    The `name` of a file with which it begins keeps its spelling.
    """
    text = unfit(error) if isinstance(error, ValidationError) else str(error)
    text = "".join(c for c in " ".join(text.split()) if c.isprintable())
    text = re.sub(r"(\d{17})\d{4,}|(\S{37})\S{4,}", r"\1\2...", text)
    text = text if len(text) <= MOST_SAID else text[: MOST_SAID - 3] + "..."
    text = text or "Something went wrong"
    first = text[0] if name and text.startswith(name[:37]) else text[0].upper()
    return first + text[1:] + ("" if text[-1] in ".!?" else ".")


@contextmanager
def room_for_files() -> Iterator[None]:
    """Have it said in a sentence, as a ValueError, when files cannot be written."""
    try:
        yield
    except ConnectionError:  # an OSError too, but of whoever sends
        raise
    except OSError as error:
        log.error("files cannot be written: %s", trace(error))
        why = "has no room for files" if error.errno in FULL else "cannot keep files now"
        raise ValueError(f"The server {why}; try again later.") from error


def problem(message: str, status: int) -> Response:
    """An error as a sentence the page can show."""
    return JSONResponse({"message": message}, status)


async def read_body(request: Request, most: int, too_long: str) -> bytes:
    """Read a request's body; raise ValueError, as soon as that is known, when it is too long."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise ValueError(too_long)
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > most:
            raise ValueError(too_long)
    return bytes(data)


def number_of(request: Request) -> int:
    """Return the number in a request's path; raise ValueError with a sentence for none."""
    number = request.path_params["number"]
    if not re.fullmatch("[0-9]{1,9}", number):
        raise ValueError("There is nothing of this number.")
    return int(number)


def tagged(request: Request, data: bytes, media_type: str, **headers: str) -> Response:
    """A file that the browser asks about again, and gets again only when it has changed."""
    tag = f'"{hashlib.sha256(data).hexdigest()[:24]}"'
    headers = {"etag": tag, "cache-control": "no-cache", **headers}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=media_type, headers=headers)
