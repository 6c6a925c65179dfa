"""The motion tab's live route: what its page may say, and whom it reaches."""

from __future__ import annotations

from starlette.routing import BaseRoute

from app.live.feed import PoseFeed
from app.live.lobby import Lobby
from app.live.stream import pose_channel
from app.motion.visitor import MotionVisitor
from app.protocol import Ack, FromPage, PageBytes, Prompt, Start, Stop


def motion_routes(lobby: Lobby) -> list[BaseRoute]:
    """Everything of the motion tab below /livestep but its exports."""
    channel = pose_channel(lobby.loader, lobby.motion_visitors.open, act)
    return [channel.route("/livestep/live")]


def act(visitor: MotionVisitor, feed: PoseFeed, item: FromPage | PageBytes) -> None:
    """Do what a motion page says."""
    match item:
        case Ack():
            visitor.acknowledge(feed, item)
        case Start():
            visitor.start(item)
        case Prompt():
            visitor.change(item)
        case Stop():
            visitor.stop()
