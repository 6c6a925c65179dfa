"""Our own routes on Gradio's server: tabs, exports, characters, bodies, page files, figures."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from app.capture.routes import capture_routes
from app.character.routes import character_routes
from app.exports.routes import export_routes
from app.exports.store import Exports
from app.live.lobby import Lobby
from app.live.replies import problem, tagged
from app.metrics import metrics_routes
from app.motion.routes import motion_routes
from app.world.routes import world_routes
from core.body.mesh import BODIES, Body

STATIC = Path(__file__).parent / "static"
LANGUAGES = Path(__file__).parent / "web/languages"


def routes(lobby: Lobby, exports: Exports, metrics_token: str = "") -> list[BaseRoute]:
    """Everything below /livestep, to be put in front of Gradio's own routes."""

    async def health(_: Request) -> Response:
        """GET: what is loaded; an error where nothing could be."""
        loader = lobby.loader
        states = {"model": loader.model().state, "worlds": loader.worlds().state}
        return JSONResponse(states, 503 if {*states.values()} == {"failed"} else 200)

    return [
        Route("/livestep/health", health),
        Route("/livestep/body/{name}.glb", body),
        *motion_routes(lobby),
        *world_routes(lobby),
        *capture_routes(lobby),
        *export_routes(lobby, exports),
        *character_routes(lobby),
        *metrics_routes(lobby, exports, metrics_token),
        Mount("/livestep/languages", StaticFiles(directory=LANGUAGES)),
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
