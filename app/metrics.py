"""`/livestep/metrics`: how the server is doing, as Prometheus reads it, for who knows the token."""

from __future__ import annotations

import asyncio
import hmac
import os
import time
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.exports.store import Exports
from app.live.lobby import Lobby
from app.live.replies import problem

KIND = "text/plain; version=0.0.4; charset=utf-8"
HELP = {
    "visitors": "Pages that are open.",
    "visitors_motion": "Pages that are open at the motion tab.",
    "visitors_world": "Pages that are open at the world tab.",
    "visitors_capture": "Pages that are open at the tab of videos.",
    "remembered": "Visitors who are here, or whose take is kept.",
    "moving": "Bodies that move.",
    "playing": "Worlds that are played.",
    "following": "Videos that are followed.",
    "waiting": "Visitors in line for a place.",
    "poses_total": "Poses made for visitors.",
    "frames_total": "Frames made for visitors.",
    "exports_made_total": "Files written.",
    "exports_failed_total": "Files that could not be written.",
    "cpu_seconds_total": "Seconds computed, with processes that files are read in.",
    "event_loop_delay_seconds": "How late the server comes to what it is asked.",
    "uptime_seconds": "Seconds since the start.",
    "memory_bytes": "Memory of the server's process.",
}
NAP = 0.02
"""Seconds slept to see how much later than that the event loop comes back."""
STATM = Path("/proc/self/statm")
"""Of Linux: sizes of this process, in pages."""


def metrics_routes(lobby: Lobby, exports: Exports, token: str) -> list[BaseRoute]:
    """The metrics, where there is a token."""
    began = time.monotonic()

    async def metrics(request: Request) -> Response:
        """GET: the figures, for `Authorization: Bearer TOKEN`."""
        told = request.headers.get("authorization", "")
        if not hmac.compare_digest(told.encode("latin-1"), f"Bearer {token}".encode()):
            reply = problem("Metrics are for those who send the token: Authorization: Bearer.", 401)
            reply.headers["www-authenticate"] = "Bearer"
            return reply
        before = time.monotonic()
        await asyncio.sleep(NAP)
        figures = {
            **counts(lobby),
            "exports_made_total": exports.made,
            "exports_failed_total": exports.failed,
            "cpu_seconds_total": sum(os.times()[:4]),  # of processes that files are read in, too
            "event_loop_delay_seconds": max(time.monotonic() - before - NAP, 0.0),
            "uptime_seconds": time.monotonic() - began,
        }
        if STATM.is_file():
            figures["memory_bytes"] = int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return Response(exposition(figures), media_type=KIND)

    return [Route("/livestep/metrics", metrics)] if token else []


def counts(lobby: Lobby) -> dict[str, float]:
    """Count who is here, by tab, and what was made for them."""
    tabs = {
        "motion": lobby.motion_visitors,
        "world": lobby.world_visitors,
        "capture": lobby.capture_visitors,
    }
    here = {
        f"visitors_{tab}": sum(one.feed is not None for one in table.everybody())
        for tab, table in tabs.items()
    }
    counted = lobby.counts()
    made = {f"{name}_total": counted.pop(name) for name in ("poses", "frames") if name in counted}
    return {**here, **counted, **made}


def exposition(figures: dict[str, float]) -> str:
    """Write figures in Prometheus' text format: those called ..._total only ever grow."""
    lines = []
    for name, value in figures.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        name, about = f"livestep_{name}", HELP[name]
        lines.append(f"# HELP {name} {about}\n# TYPE {name} {kind}\n{name} {float(value)!r}\n")
    return "".join(lines)
