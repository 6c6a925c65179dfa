"""Our own routes on Gradio's server: page files, bodies, live streams, pictures, files, health."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from app.capture.routes import follow_routes
from app.channels import follow_channel, motion_channel, world_channel
from app.exports.routes import export_routes
from app.exports.store import Exports
from app.live.lobby import Lobby
from app.live.replies import problem, tagged
from app.live.stream import serve
from app.world.routes import world_routes
from core.body.mesh import BODIES, Body

STATIC = Path(__file__).parent / "static"


def routes(lobby: Lobby, exports: Exports) -> list[BaseRoute]:
    """Everything below /livestep, to be put in front of Gradio's own routes."""
    motion, worlds, videos = motion_channel(lobby), world_channel(lobby), follow_channel(lobby)

    async def live(socket: WebSocket) -> None:
        await serve(socket, motion)

    async def play(socket: WebSocket) -> None:
        await serve(socket, worlds)

    async def follow(socket: WebSocket) -> None:
        await serve(socket, videos)

    async def health(_: Request) -> Response:
        loader = lobby.loader
        return JSONResponse({"model": loader.model().state, "worlds": loader.worlds().state})

    return [
        WebSocketRoute("/livestep/live", live),
        WebSocketRoute("/livestep/play", play),
        WebSocketRoute("/livestep/follow", follow),
        Route("/livestep/health", health),
        Route("/livestep/body/{name}.glb", body),
        *world_routes(lobby),
        *follow_routes(lobby),
        *export_routes(lobby, exports),
        Mount("/livestep/static", StaticFiles(directory=STATIC)),
    ]


async def body(request: Request) -> Response:
    """A skinned body as GLB."""
    name = request.path_params["name"]
    if name not in BODIES:
        return problem(f"There is no body called that; there are {', '.join(BODIES)}.", 404)
    data, packed = await run_in_threadpool(body_file, name)
    headers = {"vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        data, headers["content-encoding"] = packed, "gzip"
    return tagged(request, data, "model/gltf-binary", **headers)


@lru_cache(maxsize=len(BODIES))
def body_file(name: str) -> tuple[bytes, bytes]:
    """Make a body's GLB: as it is, and packed."""
    from core.export.glb import body_glb  # late: brings pygltflib with it

    data = body_glb(Body.load(name))
    return data, gzip.compress(data, 6)
