"""Visitors who come, vanish and return at random while things break: takes stay whole, and in the
end nothing of it is left."""

from __future__ import annotations

import asyncio
import random
import threading
import time

import pytest
from starlette.requests import ClientDisconnect

from app.exports import files
from app.exports.store import Exports
from app.protocol import Follow, Onward, Prompt
from tests.support.fake_capture import fake_film
from tests.support.faulty import SECRET, Disk, FragileEngine
from tests.support.visitors import IDS, START, WORLD, CapturePage, MotionPage, WorldPage, until

STEPS = 200


@pytest.fixture
def engine():
    return FragileEngine(milliseconds_per_pose=0.2, milliseconds_per_frame=1)


class Chaos:
    """Throws dice for what happens next."""

    def __init__(self, seed: int, lobby, engine, disk: Disk):
        self.dice = random.Random(seed)
        self.lobby, self.engine, self.disk = lobby, engine, disk
        self.exports = Exports()
        self.walkers = [MotionPage(lobby, name) for name in IDS[:3]]
        self.players = [WorldPage(lobby, name) for name in IDS[3:5]]
        self.guests = [CapturePage(lobby, name) for name in IDS[5:8]]
        self.refused: list[str] = []

    def step(self) -> None:
        """Let something happen."""
        try:
            self.dice.choice([self.walk, self.play, self.bring, self.export, self.spoil])()
        except ValueError as error:
            self.refused.append(str(error))

    def walk(self) -> None:
        i = self.dice.randrange(len(self.walkers))
        page = self.walkers[i]
        match self.dice.choice(["start", "prompt", "read", "read", "vanish"]):
            case "start":
                page.visitor.start(START)
            case "prompt":
                page.visitor.change(Prompt(id=2, text="a person jumps"))
            case "read":
                page.read()
                page.show()
            case "vanish":
                page.read()
                page.visitor.detach(page.feed)
                again = MotionPage(self.lobby, IDS[i], take=page.take, have=page.end)
                again.poses = page.poses
                self.walkers[i] = again
        ends = [item.first + len(item.root) for item in self.walkers[i].poses]
        firsts = [item.first for item in self.walkers[i].poses]
        assert firsts[1:] == ends[:-1]  # none is missing, none comes twice

    def play(self) -> None:
        i = self.dice.randrange(len(self.players))
        page = self.players[i]
        match self.dice.choice(["begin", "hold", "record", "keep", "read", "vanish"]):
            case "begin":
                page.visitor.begin(WORLD)
            case "hold":
                page.hold(self.dice.randrange(16))
            case "vanish":
                page.visitor.detach(page.feed)
                self.players[i] = WorldPage(self.lobby, IDS[3 + i])
            case "read":
                page.read()
            case button:
                page.do(button)

    def bring(self) -> None:
        i = self.dice.randrange(len(self.guests))
        page = self.guests[i]
        match self.dice.choice(["film", "film", "fault", "cut off", "onward", "read", "vanish"]):
            case "film":
                page.upload(fake_film(20))
                page.visitor.follow(Follow())
            case "fault":
                page.upload(fake_film(20, problem=SECRET, fault=True))
                page.visitor.follow(Follow())
            case "cut off":
                with pytest.raises((ClientDisconnect, ValueError)):
                    asyncio.run(self.lobby.uploads.receive(cut_off(), "a.mp4"))
            case "onward":
                page.visitor.go_on(Onward(id=1, prompt="a person jumps", seconds=0.2))
            case "read":
                page.read()
                page.show()
            case "vanish":
                page.visitor.detach(page.feed)
                self.guests[i] = CapturePage(self.lobby, IDS[5 + i])

    def export(self) -> None:
        take = self.dice.choice(self.walkers).visitor.cut(0, 20)
        format = self.dice.choice(["bvh", "glb", "npz"])
        order = files.order(take, format=format, body="neutral", fps=20)
        self.exports.submit("a", *order)

    def spoil(self) -> None:
        if self.dice.random() < 0.3:
            self.engine.fault = self.dice.choice([RuntimeError(SECRET), MemoryError()])
        else:
            self.disk.full = not self.disk.full


async def cut_off():
    yield b"abc"
    raise ClientDisconnect


def workers() -> list[str]:
    kinds = ("motion-", "world-", "capture-")
    return [one.name for one in threading.enumerate() if one.name.startswith(kinds)]


@pytest.mark.parametrize("seed", [14, 15])
def test_chaos(make_lobby, engine, monkeypatch, caplog, seed):
    disk = Disk().patch(monkeypatch)
    lobby = make_lobby(starts=1000)
    chaos = Chaos(seed, lobby, engine, disk)
    for _ in range(STEPS):
        chaos.step()
        time.sleep(0.005)
    assert SECRET not in caplog.text + " ".join(chaos.refused)
    disk.full, engine.fault = False, None
    for walker in chaos.walkers:  # everybody can go on
        walker.visitor.start(START)
        walker.play(8)
    for guest in chaos.guests:
        guest.visitor.stop()
        until(guest.idle)
        assert guest.follow(fake_film(20)).reason == ""
    for player in chaos.players:
        player.visitor.begin(WORLD)
        player.play(len(player.frames) + 3)
    everybody = [*chaos.walkers, *chaos.players, *chaos.guests]
    for page in everybody:
        page.visitor.detach(page.feed)
        page.visitor.close()
    until(lambda: not workers())
    assert not lobby.uploads.kept
    assert not lobby.uploads._coming
    assert not lobby.turnstile.busy
    chaos.exports.close()
    assert not (chaos.exports._folder and chaos.exports._folder.exists())
