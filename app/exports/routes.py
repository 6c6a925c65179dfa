"""Routes of exports: ask for a file, see how it is doing, fetch or cancel it, for all tabs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.exports import files
from app.exports.store import Exports, Job, Order
from app.live.lobby import Lobby, Table
from app.live.replies import problem, read_body, sentence
from app.live.shares import address_of
from app.world import recording
from core.body.skeleton import FPS
from core.body.take import Take
from core.export.part import trimmed

MOST_BYTES = 2048
MOST_POSE = 2**31
KINDS = {
    ".mp4": "video/mp4",
    ".webp": "image/webp",
    **dict.fromkeys((".glb", ".vrma"), "model/gltf-binary"),
    ".json": "application/json",
}

HOW = ("convention", "root", "takes", "offset", "loop")
"""Fields of ExportSettings that the page may tell; `order` checks them."""

Wishes = dict[str, Any]


def export_routes(lobby: Lobby, exports: Exports) -> list[BaseRoute]:
    """Exports of takes under /livestep/export and /followed, of recordings under /film."""

    def of_take(
        visitors: Table[Any], session: str, *, start: int, end: int, part: bool, **how: Any
    ) -> Order:
        return files.order(cut(visitors, session, start=start, end=end, part=part), **how)

    def of_recording(session: str, **how: Any) -> Order:
        return recording.order(lobby.world_visitors.find(session).recording(), **how)

    def describe(job: Job) -> dict[str, Any]:
        return {
            "job": job.name,
            "state": job.state,
            "message": job.message,
            "ahead": exports.position(job),
            "share": round(job.progress.share, 3),
            "note": job.note,
            "file": job.path.name,
            "bytes": job.bytes,
        }

    def find(request: Request) -> Job:
        return exports.find(request.path_params["session"], request.path_params["job"])

    async def job(request: Request) -> Response:
        """GET: how an export is doing."""
        try:
            return JSONResponse(describe(find(request)))
        except ValueError as error:
            return problem(str(error), 404)

    async def cancel(request: Request) -> Response:
        """DELETE: an export that nobody waits for any more, or its file."""
        try:
            found = find(request)
        except ValueError as error:
            return problem(str(error), 404)
        exports.cancel(found)
        return JSONResponse(describe(found))

    async def file(request: Request) -> Response:
        """GET: the finished file."""
        try:
            found = find(request)
            if found.state != "done":
                raise ValueError("This file is not ready yet.")
        except ValueError as error:
            return problem(str(error), 404)
        return FileResponse(
            found.path,
            media_type=KINDS.get(found.path.suffix, "application/octet-stream"),
            filename=found.path.name,
            headers={"cache-control": "no-store"},
        )

    def under(
        what: str, read: Callable[[Wishes], Wishes], order: Callable[..., Order]
    ) -> list[BaseRoute]:
        address = f"/livestep/{what}/{{session}}"

        async def begin(request: Request) -> Response:
            """POST: begin an export."""
            session = request.path_params["session"]
            try:
                data = await read_body(request, MOST_BYTES, "The export request is too long.")
                wishes = parse(data, read)
                wanted = await run_in_threadpool(order, session, **wishes)
                job = exports.submit(session, *wanted, address=address_of(request.client))
                return JSONResponse(describe(job), 202)
            except ValueError as error:
                return problem(sentence(error), 400)

        return [
            Route(address, begin, methods=["POST"]),
            Route(f"{address}/{{job}}", job),
            Route(f"{address}/{{job}}", cancel, methods=["DELETE"]),
            Route(f"{address}/{{job}}/file", file),
        ]

    return [
        *under("export", take_wishes, partial(of_take, lobby.motion_visitors)),
        *under("followed", take_wishes, partial(of_take, lobby.capture_visitors)),
        *under("film", recording_wishes, of_recording),
    ]


def cut(visitors: Table[Any], session: str, *, start: int, end: int, part: bool) -> Take:
    """Return poses of a visitor's take, a `part` of it or all; raise ValueError for none."""
    for name, value in (("start", start), ("end", end)):
        if not 0 <= value <= MOST_POSE or value % 1:
            raise ValueError(f"The {name} must be a pose's number, from 0 on.")
    take = visitors.find(session).cut(start, end)
    if part:
        take = replace(take, info=take.info | trimmed(start / FPS, end / FPS))
    return take


def take_wishes(asked: Wishes) -> Wishes:
    """What is wanted of a take."""
    return {
        "format": str(asked["format"]),
        "body": str(asked.get("body", "neutral")),
        "fps": number(asked.get("fps", 20)),
        "start": number(asked.get("start", 0)),
        "end": number(asked.get("end", MOST_POSE)),
        "part": bool(asked.get("part", False)),
        **{name: asked[name] for name in HOW if name in asked},
    }


def recording_wishes(asked: Wishes) -> Wishes:
    """What is wanted of a recording."""
    return {"format": str(asked["format"]), "scale": number(asked.get("scale", 4))}


def number(given: Any) -> float:
    """Read a number, as an int where it is whole; raise an error that `parse` knows for none."""
    value = float(given)
    return int(value) if value.is_integer() else value


def parse(data: bytes, read: Callable[[Wishes], Wishes]) -> Wishes:
    """Read the wishes of an export; raise ValueError with a sentence."""
    try:
        return read(json.loads(data))
    except (LookupError, TypeError, AttributeError, ArithmeticError, ValueError) as error:
        raise ValueError("The export request cannot be read.") from error
    except RecursionError as error:
        raise ValueError("The export request is nested too deeply.") from error
