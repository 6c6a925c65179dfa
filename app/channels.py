"""The live routes: what a page of each tab may say, and whom it reaches."""

from __future__ import annotations

from app.capture.visitor import CaptureVisitor
from app.live.feed import PoseFeed
from app.live.lobby import Lobby
from app.live.stream import Channel
from app.motion.visitor import MotionVisitor
from app.protocol import (
    MAX_MESSAGE,
    MAX_WORLD_MESSAGE,
    Ack,
    Drive,
    Follow,
    FromPage,
    Keys,
    Onward,
    PageBytes,
    Prompt,
    Shown,
    Start,
    Stop,
    Tune,
    World,
)
from app.world.frame_feed import FrameFeed
from app.world.visitor import WorldVisitor


def motion_channel(lobby: Lobby) -> Channel[MotionVisitor, PoseFeed]:
    """The motion tab's; its page sends about ten messages a second."""
    return Channel(
        open=lobby.motion_visitors.open,
        connect=lambda wake, hello: PoseFeed(wake, take=hello.take, have=hello.have),
        greet=lobby.loader.model,
        known=lobby.loader.engine_known,
        act=move,
        most_bytes=MAX_MESSAGE,
        most_messages=100,
        replaced="This take was opened in another tab.",
    )


def world_channel(lobby: Lobby) -> Channel[WorldVisitor, FrameFeed]:
    """The world tab's; its page sends a message for each frame drawn and each key moved."""
    return Channel(
        open=lobby.world_visitors.open,
        connect=lambda wake, hello: FrameFeed(wake),
        greet=lobby.loader.worlds,
        known=lobby.loader.worlds_known,
        act=play,
        most_bytes=MAX_WORLD_MESSAGE,
        most_messages=200,
        replaced="This world was opened in another tab.",
    )


def follow_channel(lobby: Lobby) -> Channel[CaptureVisitor, PoseFeed]:
    """The tab of videos'; its page talks as the motion tab's does."""
    return Channel(
        open=lobby.capture_visitors.open,
        connect=lambda wake, hello: PoseFeed(wake, take=hello.take, have=hello.have),
        greet=lobby.loader.model,
        known=lobby.loader.engine_known,
        act=follow,
        most_bytes=MAX_MESSAGE,
        most_messages=100,
        replaced="This take was opened in another tab.",
    )


def move(session: MotionVisitor, feed: PoseFeed, item: FromPage | PageBytes) -> None:
    """Do what a motion page says."""
    match item:
        case Ack():
            session.acknowledge(feed, item)
        case Start():
            session.start(item)
        case Prompt():
            session.change(item)
        case Stop():
            session.stop()


def play(player: WorldVisitor, feed: FrameFeed, item: FromPage | PageBytes) -> None:
    """Do what a world page says; ValueError is a sentence for it."""
    match item:
        case Keys():
            player.press(item)
        case Shown():
            player.show(feed, item)
        case World():
            player.begin(item)
        case Drive():
            player.drive(item)
        case Tune():
            player.tune(item)


def follow(follower: CaptureVisitor, feed: PoseFeed, item: FromPage | PageBytes) -> None:
    """Do what a page of the tab of videos says; ValueError is a sentence for it."""
    match item:
        case Ack():
            follower.acknowledge(feed, item)
        case Follow():
            follower.follow(item)
        case Onward():
            follower.go_on(item)
        case Stop():
            follower.stop()
