"""What requests may bring: bodies that come at a pace, and to Gradio no more than this page needs.

Our own routes measure what they read. Gradio's keep all that they are given: a folder of limited
size holds it, and is swept.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.live.clock import lived
from app.live.replies import problem, sentence
from app.live.shares import address_of, lacking
from app.protocol import MOST_UPLOAD
from core.capture.kinds import FULL

PATIENCE, LEAST_PACE = 20.0, 2**15
"""Seconds that are waited for a body in all, and for how many bytes there is another one."""
MOST_ASKED, MOST_AROUND = 2**20, 2**16
"""Bytes of a question to Gradio, and of what lies around a file."""
MOST_KEPT, LEAST_FILE = 2**29, 2**16
"""Bytes of all files in Gradio's folder, and what the smallest of them counts."""
KEEP, SPARE = 1800.0, 60.0
"""Seconds for which its files stay, and for which they do where the folder is half full."""
GRADIOS, CALL = "/gradio_api/", "call/"
CLOSED = (
    *("component_server", "deep_link", "process_recording", "stream", "run-history", "proxy="),
    *("vibe-edit", "undo-vibe-edit", "vibe-code", "vibe-starter-queries", "dev/"),
)
"""Gradio's routes that write or fetch something and that this page has no use for."""

_drafts: ContextVar[list[Any]] = ContextVar("drafts")
"""Files in which what an upload brings lies until it is whole."""


class Refused(ValueError):
    """Why a body is not read to its end: a sentence, and the answer's status."""

    def __init__(self, why: str, status: int):
        super().__init__(why)
        self.status = status


class Body:
    """A request's body as it comes; raises Refused where it is too long or too slow."""

    def __init__(self, receive: Receive, most: float):
        self._receive, self._most = receive, most
        self._patience, self._got, self._whole = PATIENCE, 0, False

    async def __call__(self) -> Message:
        """Wait for the next part, or after the last one for the end of the connection."""
        if self._whole:
            return await self._receive()
        began = lived()
        while (left := began + self._patience - lived()) > 0:
            with contextlib.suppress(asyncio.TimeoutError):
                return self._taken(await asyncio.wait_for(self._receive(), left), lived() - began)
        raise Refused("This came too slowly; try again with a better connection.", 408)

    def _taken(self, message: Message, seconds: float) -> Message:
        size = len(message.get("body", b""))
        self._got += size
        self._patience += size / LEAST_PACE - seconds
        self._whole = not message.get("more_body")
        measure(self._got, self._most)
        return message


def measure(size: float, most: float) -> None:
    """Raise Refused where there are more bytes than are taken."""
    if size > most:
        raise Refused(f"This is too long: {most / 2**20:.0f} MB are taken.", 413)


def most_of(name: str) -> int:
    """Return the bytes that one of Gradio's routes takes; tools may be given a file as base64."""
    files = {"upload": MOST_UPLOAD, "mcp": MOST_UPLOAD * 4 // 3}
    return files.get(name.split("/")[0], MOST_ASKED) + MOST_AROUND


def misread(error: TypeError | KeyError) -> Response:
    """Say what Gradio, which would say nothing, found wrong with a call."""
    if isinstance(error, KeyError):
        return problem("There is nothing here.", 404)
    why = str(error).partition(" Please click")[0].rstrip(".").replace("`", "'")
    all_there_are = '"Use via API" at the foot of the page lists what there is'
    return problem(sentence(ValueError(f"{why}; {all_there_are}")), 400)


def draft(**how: Any) -> Any:
    """Make a file for what an upload brings: Gradio's way, which does not say which it left."""
    file = tempfile.NamedTemporaryFile(**how)  # noqa: SIM115  whoever asks closes it
    _drafts.get([]).append(file)
    return file


class Folder:
    """Gradio's folder of what was uploaded and made."""

    def __init__(self, path: Path):
        self._path = path
        self._coming: list[tuple[str, int]] = []
        """Where files that are announced come from, and their bytes."""
        self._met: dict[tuple[Path, int], float] = {}
        """File and its date -> when it was first seen: dates go by a clock that may be set."""

    @contextlib.contextmanager
    def room(self, size: int, address: str) -> Iterator[None]:
        """Keep room for a file that comes; raise Refused where there is none.

        What was written of it goes if it does not arrive.
        """
        one = address, max(size, LEAST_FILE)
        files = self._files().items()
        kept = sum(n for (path, _), n in files if path.parent != self._path)  # without drafts
        try:
            full = lacking(self._coming, one[1], address, kept=kept, most=MOST_KEPT)
        except ValueError as error:
            raise Refused(str(error), 503) from error
        if full:
            raise Refused("The server has too many files; try again in a minute.", 503)
        self._coming.append(one)
        _drafts.set(drafts := [])
        try:
            yield
        except OSError as error:
            if error.errno not in FULL:
                raise
            self.sweep(full=True)
            raise Refused("The server has no room for files; try again later.", 507) from error
        finally:
            self._coming.remove(one)
            for file in drafts:
                with contextlib.suppress(OSError):  # what it still holds finds no room
                    file.close()
                Path(file.name).unlink(missing_ok=True)

    def sweep(self, *, full: bool = False) -> None:
        """Delete what is old, and sooner where there is much, or the disk is full."""
        files, now = self._files(), lived()
        self._met = met = {file: self._met.get(file, now) for file in files}
        kept = sum(files.values())
        for (path, date), since in sorted(met.items(), key=lambda one: one[1]):
            if now - since > (SPARE if full or kept > MOST_KEPT / 2 else KEEP):
                path.unlink(missing_ok=True)
                kept -= files[path, date]
                with contextlib.suppress(OSError):  # something else is in it
                    path.parent.rmdir()

    def _files(self) -> dict[tuple[Path, int], int]:
        """Return all files with their dates, and the bytes that they count."""
        found = {}
        for path in self._path.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # deleted just now
                if path.is_file():
                    about = path.stat()
                    found[path, about.st_mtime_ns] = max(about.st_size, LEAST_FILE)
        return found


class Intake:
    """Every request's way in behind the `Doorway`."""

    def __init__(self, app: ASGIApp, folder: Folder):
        self._app, self._folder = app, folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        _, gradios, name = scope["path"].partition(GRADIOS)
        said = headers.get("content-length", "0" if "transfer-encoding" not in headers else "")
        upload = name.rstrip("/") == "upload"
        most = most_of(name) if gradios else float("inf")
        try:
            if gradios and name.startswith(CLOSED):
                return await problem("There is nothing here.", 404)(scope, receive, send)
            measure(int(said or 0), most)
            with contextlib.ExitStack() as held:
                if upload:
                    held.enter_context(
                        self._folder.room(int(said or most), address_of(scope["client"]))
                    )
                await self._app(scope, Body(receive, most), send)
        except Refused as error:
            await problem(str(error), error.status)(scope, receive, send)
        except (TypeError, KeyError) as error:
            # a call only joins a line: what is wrong this early is what was asked for
            if not (gradios and name.startswith(CALL)):
                raise
            await misread(error)(scope, receive, send)
        except ClientDisconnect:
            pass  # nobody is there to be told
        return None
