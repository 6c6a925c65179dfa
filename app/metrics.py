"""`/livestep/metrics`: how the server is doing, as Prometheus reads it, for who knows the token."""

from __future__ import annotations

import asyncio
import hmac
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.exports.store import Exports
from app.live.lobby import Lobby, Table
from app.live.replies import problem

KIND = "text/plain; version=0.0.4; charset=utf-8"
NAP = 0.02
"""Seconds slept to see how much later than that the event loop comes back."""
STATM = Path("/proc/self/statm")
"""Of Linux: sizes of this process, in pages."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """A server that is looked at."""

    lobby: Lobby
    exports: Exports
    uptime: float
    """Seconds since it began."""
    delay: float
    """Seconds by which its event loop was late."""


def here(*tables: Table[Any]) -> int:
    """Count the pages that are open, once each: a page has the same id in all tabs."""
    return len({one.name for table in tables for one in table.everybody() if one.feed is not None})


def remembered(*tables: Table[Any]) -> int:
    """Count the pages that are open, or of which something is kept, once each."""
    return len({one.name for table in tables for one in table.everybody()})


def memory() -> float:
    """Return the bytes of this process, or NaN where the system does not say."""
    if not STATM.is_file():
        return math.nan
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


FIGURES: dict[str, tuple[str, Callable[[Look], float]]] = {
    "visitors": ("Pages that are open, each counted once.", lambda at: here(*at.lobby.tables)),
    "visitors_motion": (
        "Pages that are open and have shown the motion tab.",
        lambda at: here(at.lobby.motion_visitors),
    ),
    "visitors_world": (
        "Pages that are open and have shown the world tab.",
        lambda at: here(at.lobby.world_visitors),
    ),
    "visitors_capture": (
        "Pages that are open and have shown the tab of videos.",
        lambda at: here(at.lobby.capture_visitors),
    ),
    "remembered": (
        "Visitors who are here, or whose take is kept.",
        lambda at: remembered(*at.lobby.tables),
    ),
    "moving": ("Bodies that move.", lambda at: at.lobby.places.inside("motion")),
    "playing": ("Worlds that are played.", lambda at: at.lobby.places.inside("world")),
    "following": ("Videos that are followed.", lambda at: at.lobby.places.inside("capture")),
    "waiting": ("Visitors in line for a place.", lambda at: at.lobby.places.waiting),
    "kept_poses": (
        "Poses of takes that are kept in memory, 2 kB each.",
        lambda at: sum(v.kept_poses for v in at.lobby.motion_visitors.everybody()),
    ),
    "poses_total": (
        "Poses made for pages, without files of forms, API and tools.",
        lambda at: at.lobby.made["poses"],
    ),
    "frames_total": (
        "Frames made for pages, without films of forms, API and tools.",
        lambda at: at.lobby.made["frames"],
    ),
    "exports_made_total": ("Files written.", lambda at: at.exports.made),
    "exports_failed_total": ("Files that could not be written.", lambda at: at.exports.failed),
    "cpu_seconds_total": (
        "Seconds computed, with processes that files are read in.",
        lambda _: sum(os.times()[:4]),
    ),
    "event_loop_delay_seconds": (
        "How late the server comes to what it is asked.",
        lambda at: at.delay,
    ),
    "uptime_seconds": ("Seconds since the start.", lambda at: at.uptime),
    "memory_bytes": ("Memory of the server's process.", lambda _: memory()),
}
"""Name -> what it says, and how it is read; those called ..._total only ever grow."""


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
        now = time.monotonic()
        delay = max(now - before - NAP, 0.0)
        look = Look(lobby=lobby, exports=exports, uptime=now - began, delay=delay)
        return Response(exposition(look), media_type=KIND)

    return [Route("/livestep/metrics", metrics)] if token else []


def exposition(look: Look) -> str:
    """Write the figures in Prometheus' text format."""
    lines = []
    for name, (about, read) in FIGURES.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        name, value = f"livestep_{name}", float(read(look))
        lines.append(f"# HELP {name} {about}\n# TYPE {name} {kind}\n{name} {value!r}\n")
    return "".join(lines)
