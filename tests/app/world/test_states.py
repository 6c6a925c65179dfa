"""What a world page may press: stop, pause, reset, replay, settings; and what goes wrong."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from app.protocol import Change, DreamState, Problem, Tally, Tune
from tests.support.fake_dream import FakeTruth
from tests.support.visitors import IDS, WORLD, Gamer, until

W = 1


def test_stop_frees_the_place_within_a_frame_and_play_goes_on(make_lobby, engine):
    gamer = Gamer(make_lobby())
    gamer.player.begin(WORLD)
    gamer.play(5)
    made = len(engine.dreams[0].masks)
    gamer.do("stop")
    until(gamer.idle)
    assert gamer.await_state("stopped").reason == "asked"
    assert len(engine.dreams[0].masks) <= made + 1
    made = len(engine.dreams[0].masks)
    time.sleep(0.1)
    assert len(engine.dreams[0].masks) == made
    gamer.do("play")
    gamer.play(made + 5)
    assert gamer.last(DreamState).state == "playing"
    assert len(engine.dreams) == 1
    assert [frame.index for frame in gamer.frames] == list(range(len(gamer.frames)))


def test_pause_and_single_steps(make_lobby):
    gamer = Gamer(make_lobby())
    gamer.player.begin(WORLD)
    gamer.play(5)
    gamer.do("pause")
    gamer.await_state("paused")
    time.sleep(0.08)
    gamer.read()
    count = len(gamer.frames)
    time.sleep(0.1)
    gamer.read()
    assert len(gamer.frames) == count
    gamer.hold(W)
    gamer.do("single")
    gamer.play(count + 1)
    time.sleep(0.1)
    gamer.read()
    assert len(gamer.frames) == count + 1
    assert gamer.frames[-1].mask == W
    assert gamer.last(DreamState).state == "paused"
    gamer.do("play")
    gamer.play(count + 8)
    gamer.do("single")  # pauses, too
    gamer.await_state("paused")


def test_reset_begins_another_world(make_lobby, engine):
    gamer = Gamer(make_lobby())
    gamer.player.begin(WORLD)
    gamer.play(10)
    before = gamer.last(DreamState).world
    gamer.frames.clear()
    gamer.player.begin(replace(WORLD, seed=4, start=1))
    until(lambda: (gamer.read(), gamer.last(DreamState).world != before)[-1])
    gamer.play(5)
    assert gamer.frames[0].index == 0
    assert (gamer.last(DreamState).seed, gamer.last(DreamState).checkpoint) == (4, "video")
    until(lambda: sum(t.name == f"player-{IDS[0][:8]}" for t in threading.enumerate()) == 1)
    assert len(engine.dreams) == 2


def test_a_world_survives_a_lost_connection(make_lobby, engine):
    lobby = make_lobby()
    before = Gamer(lobby)
    before.player.begin(WORLD)
    before.hold(W)
    before.play(10)
    before.player.detach(before.feed)
    time.sleep(0.1)
    made = len(engine.dreams[0].masks)
    time.sleep(0.1)
    assert len(engine.dreams[0].masks) == made  # nobody to make frames for
    after = Gamer(lobby)
    after.read()
    assert after.last(DreamState).state == "playing"
    assert after.frames[0].index == made - 1  # the newest picture is there at once
    after.play(5)
    assert after.frames[-1].mask == 0  # who is gone holds no key
    assert len(engine.dreams) == 1


def test_settings_change_live_and_wrong_ones_are_refused(make_lobby, engine):
    gamer = Gamer(make_lobby())
    gamer.player.begin(WORLD)
    gamer.play(3)
    gamer.player.tune(Tune(steps=4, ahead=0))
    gamer.play(len(gamer.frames) + 4)
    assert engine.dreams[0].settings["steps"] == 4
    assert gamer.last(Tally) is None or gamer.last(Tally).depth == 0
    gamer.player.tune(Tune(steps=60))
    gamer.play(len(gamer.frames) + 4)
    assert gamer.last(Problem).message == "Steps must be in 1..50, got 60."
    assert engine.dreams[0].settings["steps"] == 4


def test_keys_beyond_the_table_are_refused(make_lobby):
    gamer = Gamer(make_lobby())
    gamer.hold(W)  # no world yet: nothing happens
    gamer.player.begin(WORLD)
    gamer.play(3)
    with pytest.raises(ValueError, match="6 keys"):
        gamer.hold(64)
    gamer.play(len(gamer.frames) + 3)


def test_errors_become_sentences(make_lobby, engine):
    gamer = Gamer(make_lobby())
    with pytest.raises(ValueError, match="no world yet"):
        gamer.do("play")
    for wrong, word in (
        (replace(WORLD, checkpoint="../secret"), "not on this server"),
        (replace(WORLD, start=9), "Start must be in"),
        (replace(WORLD, start=-1), "Upload a picture"),
        (replace(WORLD, steps=80), "Steps must be in"),
        (replace(WORLD, script="W:40,X:2"), "Unknown key"),
        (replace(WORLD, script="W40"), "Cannot read"),
    ):
        gamer.player.begin(wrong)
        until(lambda word=word: (gamer.read(), word in gamer.last(DreamState).message)[-1])
        assert (gamer.last(DreamState).state, gamer.last(DreamState).reason) == (
            "stopped",
            "problem",
        )
    engine.fail_at = 5
    gamer.player.begin(WORLD)
    until(lambda: (gamer.read(), "Press Reset" in gamer.last(DreamState).message)[-1])
    with pytest.raises(ValueError, match="press Reset"):
        gamer.do("play")
    until(gamer.idle)


def test_a_script_is_replayed_until_a_key_is_pressed(make_lobby):
    gamer = Gamer(make_lobby())
    gamer.player.begin(replace(WORLD, script="W:4,-:2,WL:200"))
    gamer.hold(0)  # letting go of everything is not a key
    gamer.play(20)
    assert [f.mask for f in gamer.frames][:8] == [1, 1, 1, 1, 0, 0, 17, 17]
    gamer.hold(2)
    gamer.play(len(gamer.frames) + 4)
    assert gamer.frames[-1].mask == 2
    gamer.hold(0)
    gamer.play(len(gamer.frames) + 4)
    assert gamer.frames[-1].mask == 0


def test_changed_settings_are_replayed(make_lobby, engine):
    gamer = Gamer(make_lobby())
    changes = [Change(frame=6, steps=3), Change(frame=3, together=2, context_noise=0.0)]
    gamer.player.begin(replace(WORLD, script="W:10", changes=changes))
    gamer.play(12)
    dream = engine.dreams[0]
    assert dream.settings == {"steps": 3, "context_noise": 0.0, "ahead": -1, "together": 2}
    assert [(c.frame, c.steps, c.together) for c in gamer.player._job.log.changes] == [
        (3, None, 2),
        (6, 3, None),
    ]


def test_the_real_engine_walks_along(make_lobby):
    made: list[FakeTruth] = []
    lobby = make_lobby(truth=lambda: made.append(FakeTruth()) or made[-1])
    assert lobby.loader.worlds().worlds[0].truth
    gamer = Gamer(lobby)
    gamer.player.begin(replace(WORLD, truth=True))
    gamer.hold(W)
    gamer.play(8)
    assert len(gamer.beside) >= 7
    assert gamer.beside[-1].index == gamer.frames[len(gamer.beside) - 1].index
    assert set(made[0].masks) == {W}
    gamer.do("stop")
    until(lambda: made[0].closed)
    gamer.player.begin(replace(WORLD, truth=True, start=2))
    gamer.play(len(gamer.frames) + 3)
    assert "nobody knows where" in gamer.last(Problem).message


def test_no_real_engine_is_said_in_a_sentence(make_lobby):
    lobby = make_lobby()
    assert not lobby.loader.worlds().worlds[0].truth
    gamer = Gamer(lobby)
    gamer.player.begin(replace(WORLD, truth=True))
    gamer.play(3)
    assert "--truth" in gamer.last(Problem).message
    assert not gamer.beside


def test_play_waits_for_the_model(make_lobby, engine):
    here = threading.Event()
    lobby = make_lobby(lambda: here.wait(5) and engine)
    gamer = Gamer(lobby)
    assert lobby.loader.worlds().state == "loading"
    gamer.player.begin(WORLD)
    assert gamer.await_state("warming").message == "Loading the model ..."
    here.set()
    gamer.play(3)
    assert [world.name for world in lobby.loader.worlds().worlds] == ["video", "video-teacher"]


def test_a_server_without_worlds_says_so(make_lobby, engine):
    engine.worlds = ()
    worlds = make_lobby().loader.worlds()
    assert worlds.state == "failed"
    assert worlds.message.startswith("There is no world to play")
