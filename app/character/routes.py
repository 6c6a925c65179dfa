"""Routes of visitors' characters: bones are understood here, and takes go home on them.

The page shows a character by itself and sends its skeleton with the outlines of its feet. The file
comes here only to have a take written into it, and is gone before the answer is. Both are read in a
process of their own, which ends with whoever asked.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from app.capture.uploads import TOO_LONG, announced, file_name
from app.exports import files
from app.exports.routes import KINDS, Wishes, cut, parse, take_wishes
from app.live.lobby import Lobby
from app.live.replies import problem, read_body, room_for_files, sentence
from app.live.shares import Turns, address_of
from core.body.take import Take
from core.settings import ExportSettings

OURS = Path(__file__).parents[2] / "assets/characters"
MOST_SKELETON = 2_000_000
"""Bytes of a skeleton with the outlines of its feet; 500 joints have some 300,000."""
AT_ONCE = 2
"""Characters that are read at the same time, of different addresses; others wait."""
LOOKS = 0.5
"""Seconds between two looks at whether somebody still waits."""
Tell = Callable[[float, str], None]
T = TypeVar("T")


def character_routes(lobby: Lobby) -> list[BaseRoute]:
    """Everything below /livestep that has to do with characters."""
    tables = {"export": lobby.motion_visitors, "followed": lobby.capture_visitors}
    line = Turns(AT_ONCE)

    async def rig(request: Request) -> Response:
        """POST: a skeleton as glTF; answers how it is to be moved. `name` is that of its file."""
        name = file_name(request.query_params.get("name", ""))
        try:
            data = await read_body(request, MOST_SKELETON, "The skeleton is too large.")
            async with line.turn(address_of(request.client)):
                told = await _waited_for(request, lambda tell: understand(data, name, tell))
            return Response(told, media_type="application/json")
        except ValueError as error:
            return problem(sentence(error, name), 400)
        except ClientDisconnect:
            return problem("Nobody waits for it.", 400)

    async def dress(request: Request) -> Response:
        """POST: a character's file; answers with a take on it. `wishes` are those of an export."""
        asked, session = request.query_params, request.path_params["session"]
        visitors = tables.get(request.path_params["what"])
        if visitors is None:
            return problem("There are no takes of that kind.", 404)
        upload = None
        try:
            wishes = parse(asked.get("wishes", "").encode(), take_wishes)
            part = {name: wishes.pop(name) for name in ("start", "end", "part")}
            take = await run_in_threadpool(cut, visitors, session, **part)
            size, name = announced(request), asked.get("name", "")
            whose = {"owner": session, "address": address_of(request.client)}
            upload = await lobby.uploads.receive(request.stream(), name, size=size, **whose)
            path = upload.path
            async with line.turn(whose["address"]):
                name, data = await _waited_for(
                    request, lambda tell: write(take, path, wishes, tell)
                )
        except ValueError as error:
            said = sentence(error, upload.path.name if upload else "")
            return problem(said, 413 if str(error) == TOO_LONG else 400)
        except ClientDisconnect:
            return problem("The file did not arrive.", 400)
        finally:
            if upload is not None:
                upload.delete()
        return Response(
            data,
            media_type=KINDS.get(Path(name).suffix, "application/octet-stream"),
            headers={
                "content-disposition": f'attachment; filename="{name}"',
                "cache-control": "no-store",
            },
        )

    return [
        Route("/livestep/rig", rig, methods=["POST"]),
        Route("/livestep/dress/{what}/{session}", dress, methods=["POST"]),
        Mount("/livestep/characters", StaticFiles(directory=OURS)),
    ]


async def _waited_for(request: Request, work: Callable[[Tell], T]) -> T:
    """Let a thread work; what it is given to tell raises ClientDisconnect once nobody waits."""
    if await request.is_disconnected():  # while it stood in line
        raise ClientDisconnect
    gone = threading.Event()

    def tell(_share: float, _what: str) -> None:
        if gone.is_set():
            raise ClientDisconnect

    working = asyncio.ensure_future(run_in_threadpool(work, tell))
    try:
        while not (await asyncio.wait({working}, timeout=LOOKS))[0]:
            if await request.is_disconnected():
                gone.set()
        return working.result()
    finally:
        gone.set()


def understand(data: bytes, name: str, tell: Tell) -> str:
    """Return how a skeleton is moved, as JSON; raise ValueError, with a sentence, where it cannot
    be."""
    from core.character.apart import rig_apart

    with room_for_files(), tempfile.TemporaryDirectory(prefix="livestep-") as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return rig_apart(path, progress=tell)


def write(take: Take, path: Path, wishes: Wishes, tell: Tell) -> tuple[str, bytes]:
    """Write a take on the character in a file beside it; return what that is called and holds, or
    raise ValueError where it cannot be."""
    from core.character.apart import dress_apart

    how = dict(wishes)
    format, fps, body = (how.pop(name) for name in ("format", "fps", "body"))
    files.check(take, format=format, body=body, fps=fps)
    target = path.with_name("home") / f"{files.file_stem(take, path.stem)}.{format}"
    settings = ExportSettings(**how)
    with room_for_files():
        target.parent.mkdir()
        return target.name, dress_apart(
            take, path, target, fps=fps, settings=settings, progress=tell
        )
