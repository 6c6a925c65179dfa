"""What a world page may press: stop, pause, reset, replay, settings; and what goes wrong."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from app.protocol import Change, DreamState, Problem, Tally, Tune
from tests.support.fake_dream import FakeTruth
from tests.support.visitors import IDS, WORLD, WorldPage, until

W = 1


def test_stop_frees_the_place_within_a_frame_and_play_goes_on(make_lobby, engine):
    page = WorldPage(make_lobby())
    page.visitor.begin(WORLD)
    page.play(5)
    made = len(engine.dreams[0].held)
    page.do("stop")
    until(page.idle)
    assert page.await_state("stopped").reason == "asked"
    assert len(engine.dreams[0].held) <= made + 1
    made = len(engine.dreams[0].held)
    time.sleep(0.1)
    assert len(engine.dreams[0].held) == made
    page.do("play")
    page.play(made + 5)
    assert page.last(DreamState).state == "playing"
    assert len(engine.dreams) == 1
    assert [frame.index for frame in page.frames] == list(range(len(page.frames)))


def test_pause_and_single_steps(make_lobby):
    page = WorldPage(make_lobby())
    page.visitor.begin(WORLD)
    page.play(5)
    page.do("pause")
    page.await_state("paused")
    time.sleep(0.08)
    page.read()
    count = len(page.frames)
    time.sleep(0.1)
    page.read()
    assert len(page.frames) == count
    page.hold(W)
    page.do("single")
    page.play(count + 1)
    time.sleep(0.1)
    page.read()
    assert len(page.frames) == count + 1
    assert page.frames[-1].mask == W
    assert page.last(DreamState).state == "paused"
    page.do("play")
    page.play(count + 8)
    page.do("single")  # pauses, too
    page.await_state("paused")


def test_reset_begins_another_world(make_lobby, engine):
    page = WorldPage(make_lobby())
    page.visitor.begin(WORLD)
    page.play(10)
    before = page.last(DreamState).world
    page.frames.clear()
    page.visitor.begin(replace(WORLD, seed=4, start=1))
    until(lambda: (page.read(), page.last(DreamState).world != before)[-1])
    page.play(5)
    assert page.frames[0].index == 0
    assert (page.last(DreamState).seed, page.last(DreamState).checkpoint) == (4, "video")
    until(lambda: sum(t.name == f"world-{IDS[0][:8]}" for t in threading.enumerate()) == 1)
    assert len(engine.dreams) == 2


def test_a_world_survives_a_lost_connection(make_lobby, engine):
    lobby = make_lobby()
    before = WorldPage(lobby)
    before.visitor.begin(WORLD)
    before.hold(W)
    before.play(10)
    before.visitor.detach(before.feed)
    time.sleep(0.1)
    made = len(engine.dreams[0].held)
    time.sleep(0.1)
    assert len(engine.dreams[0].held) == made  # nobody to make frames for
    after = WorldPage(lobby)
    after.read()
    assert after.last(DreamState).state == "playing"
    assert after.frames[0].index == made - 1  # the newest picture is there at once
    after.play(5)
    assert after.frames[-1].mask == 0  # who is gone holds no key
    assert len(engine.dreams) == 1


def test_settings_change_live_and_wrong_ones_are_refused(make_lobby, engine):
    page = WorldPage(make_lobby())
    page.visitor.begin(WORLD)
    page.play(3)
    page.visitor.tune(Tune(steps=4, ahead=0))
    page.play(len(page.frames) + 4)
    assert engine.dreams[0].settings["steps"] == 4
    assert page.last(Tally) is None or page.last(Tally).depth == 0
    page.visitor.tune(Tune(steps=60))
    page.play(len(page.frames) + 4)
    assert page.last(Problem).message == "Steps must be in 1..50, got 60."
    assert engine.dreams[0].settings["steps"] == 4


def test_keys_beyond_the_table_are_refused(make_lobby):
    page = WorldPage(make_lobby())
    page.hold(W)  # no world yet: nothing happens
    page.visitor.begin(WORLD)
    page.play(3)
    with pytest.raises(ValueError, match="6 keys"):
        page.hold(64)
    page.play(len(page.frames) + 3)


def test_errors_become_sentences(make_lobby, engine):
    page = WorldPage(make_lobby())
    with pytest.raises(ValueError, match="no world yet"):
        page.do("play")
    for wrong, word in (
        (replace(WORLD, checkpoint="../secret"), "not on this server"),
        (replace(WORLD, start=9), "Start must be in"),
        (replace(WORLD, start=-1), "Upload a picture"),
        (replace(WORLD, steps=80), "Steps must be in"),
        (replace(WORLD, script="W:40,X:2"), "Unknown key"),
        (replace(WORLD, script="W40"), "Cannot read"),
    ):
        page.visitor.begin(wrong)
        until(lambda word=word: (page.read(), word in page.last(DreamState).message)[-1])
        assert (page.last(DreamState).state, page.last(DreamState).reason) == ("stopped", "problem")
    engine.fail_at = 5
    page.visitor.begin(WORLD)
    until(lambda: (page.read(), "Press Reset" in page.last(DreamState).message)[-1])
    with pytest.raises(ValueError, match="press Reset"):
        page.do("play")
    until(page.idle)


def test_a_script_is_replayed_until_a_key_is_pressed(make_lobby):
    page = WorldPage(make_lobby())
    page.visitor.begin(replace(WORLD, script="W:4,-:2,WL:200"))
    page.hold(0)  # letting go of everything is not a key
    page.play(20)
    assert [f.mask for f in page.frames][:8] == [1, 1, 1, 1, 0, 0, 17, 17]
    page.hold(2)
    page.play(len(page.frames) + 4)
    assert page.frames[-1].mask == 2
    page.hold(0)
    page.play(len(page.frames) + 4)
    assert page.frames[-1].mask == 0


def test_changed_settings_are_replayed(make_lobby, engine):
    page = WorldPage(make_lobby())
    changes = [Change(frame=6, steps=3), Change(frame=3, together=2, context_noise=0.0)]
    page.visitor.begin(replace(WORLD, script="W:10", changes=changes))
    page.play(12)
    dream = engine.dreams[0]
    assert dream.settings == {"steps": 3, "context_noise": 0.0, "ahead": -1, "together": 2}
    assert [(c.frame, c.steps, c.together) for c in page.visitor._job.log.changes] == [
        (3, None, 2),
        (6, 3, None),
    ]


def test_the_real_engine_walks_along(make_lobby):
    made: list[FakeTruth] = []
    lobby = make_lobby(truth=lambda *what: made.append(FakeTruth(*what)) or made[-1])
    assert lobby.loader.worlds().worlds[0].truth
    page = WorldPage(lobby)
    page.visitor.begin(replace(WORLD, truth=True))
    page.hold(W)
    page.play(8)
    assert len(page.beside) >= 7
    assert page.beside[-1].index == page.frames[len(page.beside) - 1].index
    walked = [frame.mask for frame in page.frames]  # keys may come a frame late
    assert made[0].masks[: len(walked)] == walked[: len(made[0].masks)]
    assert W in walked
    assert made[0].land == "blocks"
    page.do("stop")
    until(lambda: made[0].closed)
    page.visitor.begin(replace(WORLD, truth=True, start=2))
    page.play(len(page.frames) + 3)
    assert "nobody knows where" in page.last(Problem).message


def test_no_real_engine_is_said_in_a_sentence(make_lobby):
    lobby = make_lobby()
    assert not lobby.loader.worlds().worlds[0].truth
    page = WorldPage(lobby)
    page.visitor.begin(replace(WORLD, truth=True))
    page.play(3)
    assert "--truth" in page.last(Problem).message
    assert not page.beside


def test_play_waits_for_the_model(make_lobby, engine):
    here = threading.Event()
    lobby = make_lobby(lambda: here.wait(5) and engine)
    page = WorldPage(lobby)
    assert lobby.loader.worlds().state == "loading"
    page.visitor.begin(WORLD)
    assert page.await_state("warming").message == "Loading the model ..."
    here.set()
    page.play(3)
    names = [world.name for world in lobby.loader.worlds().worlds]
    assert names == ["video", "video-teacher", "blocks"]


def test_a_server_without_worlds_says_so(make_lobby, engine):
    engine.worlds = ()
    worlds = make_lobby().loader.worlds()
    assert worlds.state == "failed"
    assert worlds.message.startswith("There is no world to play")
