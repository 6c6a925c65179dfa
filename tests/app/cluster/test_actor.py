"""What an actor does, without Ray: called as its mailbox calls it."""

from __future__ import annotations

import pickle
from queue import SimpleQueue
from threading import Thread

import pytest
import torch

from app.cluster.actor import EngineActor, Said
from core.engine import Engine
from core.settings import WorldSettings
from tests.support.tiny import write_place_world

HOW = {"start": 0, "settings": WorldSettings(seed=2)}


@pytest.fixture
def actor(tmp_path, monkeypatch) -> EngineActor:
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)  # it is not alone here
    return EngineActor(str(write_place_world(tmp_path)), "cpu")


def begin(actor: EngineActor) -> Said:
    return pickle.loads(actor.begin(1, "play", pickle.dumps(("world-room", HOW))))


def call(actor: EngineActor, method: str, *arguments) -> Said:
    """Call a dream, which must not wait for anybody."""
    packed, answers = pickle.dumps((arguments, {})), SimpleQueue[bytes]()
    Thread(target=lambda: answers.put(actor.call(1, method, packed)), daemon=True).start()
    return pickle.loads(answers.get(timeout=20))


def test_a_world_asks_for_pauses_only_while_it_begins(actor, tmp_path):
    actor.load()
    said, pauses = begin(actor), 0
    while said.word == "pause":
        said, pauses = pickle.loads(actor.go_on(1, pickle.dumps(None))), pauses + 1
    assert said.word == "over"
    here = Engine(tmp_path, device="cpu").play("world-room", **HOW)
    for mask in (1, 1, 0):
        made, _ = call(actor, "step", mask).value
        assert made.frame.tobytes() == here.step(mask).frame.tobytes()
        drafted, _ = call(actor, "draft").value
        assert drafted == here.draft()


def test_one_that_was_begun_anew_says_so(actor):
    assert begin(actor) == Said("lost", True)
    actor.drop(1)
    actor.load()
    assert call(actor, "step", 1) == Said("lost", False)
