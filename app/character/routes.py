"""Routes of visitors' characters: bones are understood here, and takes go home on them.

The page shows a character by itself and sends its skeleton with the outlines of its feet. The file
comes here only to have a take written into it, and is gone before the answer is.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from app.capture.uploads import TOO_LONG, file_name
from app.exports import files
from app.exports.routes import KINDS, Wishes, cut, parse, take_wishes
from app.live.lobby import Lobby
from app.live.replies import problem, read_body, room_for_files, sentence
from app.protocol import MOST_UPLOAD
from core.body.take import Take
from core.settings import ExportSettings

OURS = Path(__file__).parents[2] / "assets/characters"
MOST_SKELETON = 2_000_000
"""Bytes of a skeleton with the outlines of its feet; 500 joints have some 300,000."""
AT_ONCE = 2
"""Characters that are read at the same time; others wait."""


def character_routes(lobby: Lobby) -> list[BaseRoute]:
    """Everything below /livestep that has to do with characters."""
    tables = {"export": lobby.motion_visitors, "followed": lobby.capture_visitors}
    room = asyncio.Semaphore(AT_ONCE)

    async def rig(request: Request) -> Response:
        """POST: a skeleton as glTF; answers how it is to be moved. `name` is that of its file."""
        try:
            data = await read_body(request, MOST_SKELETON, "The skeleton is too large.")
            name = file_name(request.query_params.get("name", ""))
            async with room:
                return JSONResponse(await run_in_threadpool(understand, data, name))
        except ValueError as error:
            return problem(sentence(error), 400)

    async def dress(request: Request) -> Response:
        """POST: a character's file; answers with a take on it. `wishes` are those of an export."""
        asked, announced = request.query_params, request.headers.get("content-length", "")
        visitors = tables.get(request.path_params["what"])
        if visitors is None:
            return problem("There are no takes of that kind.", 404)
        upload = None
        try:
            wishes = parse(asked.get("wishes", "").encode(), take_wishes)
            part = {name: wishes.pop(name) for name in ("start", "end", "part")}
            take = await run_in_threadpool(cut, visitors, request.path_params["session"], **part)
            if announced.isdigit() and int(announced) > MOST_UPLOAD:
                raise ValueError(TOO_LONG)
            upload = await lobby.uploads.receive(request.stream(), asked.get("name", ""))
            async with room:
                path = await run_in_threadpool(write, take, upload.path, wishes)
            data = await run_in_threadpool(path.read_bytes)
        except ValueError as error:
            return problem(sentence(error), 413 if str(error) == TOO_LONG else 400)
        except ClientDisconnect:
            return problem("The file did not arrive.", 400)
        finally:
            if upload is not None:
                upload.delete()
        return Response(
            data,
            media_type=KINDS.get(path.suffix, "application/octet-stream"),
            headers={
                "content-disposition": f'attachment; filename="{path.name}"',
                "cache-control": "no-store",
            },
        )

    return [
        Route("/livestep/rig", rig, methods=["POST"]),
        Route("/livestep/dress/{what}/{session}", dress, methods=["POST"]),
        Mount("/livestep/characters", StaticFiles(directory=OURS)),
    ]


def understand(data: bytes, name: str) -> dict[str, Any]:
    """Return how a skeleton is moved; raise ValueError, with a sentence, where it cannot be."""
    from core.character.character import read_character  # late: brings SciPy with it
    from core.character.wire import rig_to_json

    with room_for_files(), tempfile.TemporaryDirectory(prefix="livestep-") as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return rig_to_json(read_character(path))


def write(take: Take, path: Path, wishes: Wishes) -> Path:
    """Write a take on the character in a file beside it; raise ValueError where it cannot be."""
    from core.character.character import read_character
    from core.character.export import write_character

    how = dict(wishes)
    format, fps, body = (how.pop(name) for name in ("format", "fps", "body"))
    files.check(take, format=format, body=body, fps=fps)
    target = path.with_name("home") / f"{files.file_stem(take, path.stem)}.{format}"
    with room_for_files():
        target.parent.mkdir()
        settings = ExportSettings(**how)
        write_character(take, target, read_character(path), fps=fps, settings=settings)
    return target
