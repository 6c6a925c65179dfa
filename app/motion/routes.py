"""The motion tab's routes: what its page may say, whom it reaches, and projects as files."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.live.feed import PoseFeed
from app.live.lobby import Lobby
from app.live.replies import problem, read_body, sentence
from app.live.stream import pose_channel
from app.motion.visitor import MotionVisitor
from app.protocol import (
    MAX_STEERING,
    Ack,
    FromPage,
    PageBytes,
    Prompt,
    Resume,
    Start,
    Steering,
    Stop,
)
from core.steering.files import MOST_BYTES
from core.steering.project import Project, read_project
from core.steering.wishes import Wishes


def motion_routes(lobby: Lobby) -> list[BaseRoute]:
    """Everything of the motion tab below /livestep but its exports."""
    channel = pose_channel(lobby.loader, lobby.motion_visitors.open, act, MAX_STEERING)
    address = "/livestep/project/{session}"

    async def save(request: Request) -> Response:
        """GET: the project of a visitor's take."""
        try:
            visitor = lobby.motion_visitors.find(request.path_params["session"])
            body = request.query_params.get("body", "neutral")
            text = await run_in_threadpool(lambda: visitor.project(body).dump())
        except ValueError as error:
            return problem(sentence(error), 400)
        return Response(text, media_type="application/json")

    async def reopen(request: Request) -> Response:
        """POST: make a project's take again; answers what it asks for."""
        try:
            data = await read_body(request, MOST_BYTES, "The project is too long.")
            project = await run_in_threadpool(read_project, data)
            lobby.motion_visitors.find(request.path_params["session"]).reopen(project)
        except ValueError as error:
            return problem(sentence(error), 400)
        return JSONResponse(summary(project))

    return [
        *channel.routes("/livestep/live"),
        Route(address, save),
        Route(address, reopen, methods=["POST"]),
    ]


def summary(project: Project) -> dict[str, Any]:
    """What a page shows of a project: the last prompt, the last wishes."""
    wishes = project.wishes[-1].wishes if project.wishes else Wishes()
    return {
        "checkpoint": project.checkpoint,
        "settings": project.settings.model_dump(),
        "body": project.body,
        "prompts": [asked.text for asked in project.prompts],
        "poses": project.poses,
        "wishes": wishes.model_dump(mode="json"),
    }


def act(visitor: MotionVisitor, feed: PoseFeed, item: FromPage | PageBytes) -> None:
    """Do what a motion page says."""
    match item:
        case Ack():
            visitor.acknowledge(feed, item)
        case Start():
            feed.steered = 0
            visitor.start(item)
        case Prompt():
            visitor.change(item)
        case Resume():
            visitor.resume()
        case Steering() if item.id >= feed.steered:  # an older one is no longer wanted
            feed.steered = item.id
            visitor.steer(item)
        case Stop():
            visitor.stop()
