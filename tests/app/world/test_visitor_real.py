"""The player on a real, tiny world: what was played is what the engine makes of its log."""

from __future__ import annotations

import gc
import time
import weakref

import numpy as np
import pytest

from app.protocol import Tune, World
from app.world.pictures import decode
from app.world.recording import keepsake
from core.engine import Engine
from core.video.actions import parse_script
from tests.support.tiny import write_checkpoints, write_worlds
from tests.support.visitors import WorldPage, until

W, L = 1, 16


@pytest.fixture
def tiny_engine(tmp_path):
    write_checkpoints(write_worlds(tmp_path))
    return Engine.load(tmp_path, device="cpu")


def test_a_log_of_live_play_makes_the_same_bytes(make_lobby, tiny_engine):
    lobby = make_lobby(lambda: tiny_engine)
    lobby.loader.worlds_known.result(20)
    card = lobby.loader.worlds().worlds[0]
    assert (card.width, card.height, len(card.keys), len(card.seeds)) == (32, 16, 6, 3)
    page = WorldPage(lobby)
    page.visitor.begin(World(seed=5, start=1))
    page.play(2)
    page.do("record")
    for mask, tune in (
        (W, None),
        (W | L, Tune(steps=1)),
        (0, Tune(ahead=4, together=2)),
        (L, None),
    ):
        page.hold(mask)
        if tune:
            page.visitor.tune(tune)
        page.play(len(page.frames) + 9)
        time.sleep(0.05)
        page.read()
    page.do("keep")
    page.do("stop")
    recording = page.visitor.recording()
    log = recording.log.play(recording.end)
    assert len(log.changes) == 2
    assert any(frame.flags & 1 for frame in page.frames)

    settings = {"steps": log.steps, "context_noise": log.context_noise, "together": log.together}
    dream = tiny_engine.play(log.checkpoint, seed=5, start=1, ahead=0, **settings)
    changes, again = list(log.changes), []
    for index, mask in enumerate(parse_script(log.script, dream.keys)):
        for change in changes:
            if change.frame == index:
                change.make(dream)
        again.append(dream.step(mask).frame)
    assert len(again) == recording.end
    for made, kept in zip(again[recording.first :], recording.frames(recording.count), strict=True):
        np.testing.assert_array_equal(decode(keepsake(made)), kept)


@pytest.mark.parametrize("stopped", [False, True])
def test_a_world_that_was_replaced_is_freed_at_once(make_lobby, tiny_engine, stopped):
    page = WorldPage(make_lobby(lambda: tiny_engine))
    gc.disable()  # it comes rarely
    try:
        page.visitor.begin(World(seed=1))
        page.play(2)
        dream = weakref.ref(page.visitor._job.dream)
        if stopped:
            page.do("stop")
            until(page.idle)
            assert dream()  # it may be gone on with
        page.visitor.begin(World(seed=2))
        until(lambda: not dream(), 5)
    finally:
        gc.enable()
