"""Our own routes on Gradio's server: page files, bodies, the live stream, exports, health."""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import lru_cache
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from app.exports import Exports
from app.lobby import Lobby
from app.stream import live, same_origin
from core.motion.body import BODIES, Body

STATIC = Path(__file__).parent / "static"
MOST_BODY_BYTES = 2048


def routes(lobby: Lobby, exports: Exports) -> list[BaseRoute]:
    """Everything below /livestep, to be put in front of Gradio's own routes."""

    async def socket(socket: WebSocket) -> None:
        await live(socket, lobby)

    async def health(_: Request) -> Response:
        return JSONResponse({"model": lobby.loader.model().state})

    async def export(request: Request) -> Response:
        """POST: begin an export of the session's take."""
        if not same_origin(request):
            return problem("This request came from another site.", 403)
        try:
            asked = export_request(await short_body(request))
            session = lobby.find(request.path_params["session"])
            take = await run_in_threadpool(session.cut, asked.pop("start"), asked.pop("end"))
            job = exports.submit(session.name, take, **asked)
        except ValueError as error:
            return problem(str(error), 400)
        return JSONResponse(describe(job), 202)

    def describe(job) -> dict:
        return {
            "job": job.name,
            "state": job.state,
            "message": job.message,
            "ahead": exports.position(job),
            "file": job.path.name,
            "bytes": job.path.stat().st_size if job.state == "done" else 0,
        }

    async def job(request: Request) -> Response:
        """GET: how an export is doing."""
        try:
            found = exports.find(request.path_params["session"], request.path_params["job"])
        except ValueError as error:
            return problem(str(error), 404)
        return JSONResponse(describe(found))

    async def file(request: Request) -> Response:
        """GET: the finished file."""
        try:
            found = exports.find(request.path_params["session"], request.path_params["job"])
            if found.state != "done":
                raise ValueError("This file is not ready yet.")
        except ValueError as error:
            return problem(str(error), 404)
        kind = {".mp4": "video/mp4", ".glb": "model/gltf-binary"}
        return FileResponse(
            found.path,
            media_type=kind.get(found.path.suffix, "application/octet-stream"),
            filename=found.path.name,
            headers={"cache-control": "no-store", "x-content-type-options": "nosniff"},
        )

    return [
        WebSocketRoute("/livestep/live", socket),
        Route("/livestep/health", health),
        Route("/livestep/body/{name}.glb", body),
        Route("/livestep/export/{session}", export, methods=["POST"]),
        Route("/livestep/export/{session}/{job}", job),
        Route("/livestep/export/{session}/{job}/file", file),
        Mount("/livestep/static", StaticFiles(directory=STATIC)),
    ]


async def short_body(request: Request) -> bytes:
    """Read a request's body, but not more of it than an export request has."""
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > MOST_BODY_BYTES:
            raise ValueError("The export request is too long.")
    return data


def export_request(data: bytes) -> dict:
    """Read the wishes of an export; raise ValueError with a sentence."""
    try:
        asked = json.loads(data)
        wishes = {
            "format": str(asked["format"]),
            "body": str(asked.get("body", "neutral")),
            "fps": int(asked.get("fps", 20)),
            "start": int(asked.get("start", 0)),
            "end": int(asked.get("end", 2**31)),
        }
    except (KeyError, TypeError, AttributeError, OverflowError, ValueError) as error:
        raise ValueError("The export request cannot be read.") from error
    return wishes


def problem(message: str, status: int) -> Response:
    """An error as a sentence the page can show."""
    return JSONResponse({"message": message}, status)


async def body(request: Request) -> Response:
    """A skinned body as GLB."""
    name = request.path_params["name"]
    if name not in BODIES:
        return problem(f"There is no body called that; there are {', '.join(BODIES)}.", 404)
    data, packed, tag = await run_in_threadpool(body_file, name)
    headers = {"etag": tag, "cache-control": "no-cache", "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        data, headers["content-encoding"] = packed, "gzip"
    return Response(data, media_type="model/gltf-binary", headers=headers)


@lru_cache(maxsize=len(BODIES))
def body_file(name: str) -> tuple[bytes, bytes, str]:
    """Make a body's GLB: as it is, packed, and a tag of its content."""
    from core.export.glb import body_glb  # late: brings pygltflib with it

    data = body_glb(Body.load(name))
    return data, gzip.compress(data, 6), f'"{hashlib.sha256(data).hexdigest()[:24]}"'
