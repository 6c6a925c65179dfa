"""Several players on one machine: turns, places, and worlds that nobody watches."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from app.protocol import DreamState, World
from app.world.pictures import decode
from tests.support.fake_dream import FPS
from tests.support.visitors import IDS, START, WORLD, Gamer, Visitor, until

W, L = 1, 16


def test_two_players_share_the_engine_but_nothing_else(make_lobby, engine):
    lobby = make_lobby()
    walker, turner = Gamer(lobby, IDS[0]), Gamer(lobby, IDS[1])
    walker.player.begin(WORLD)
    turner.player.begin(WORLD)
    walker.hold(W)
    turner.hold(L)
    while len(turner.frames) < 30:
        walker.play(len(walker.frames) + 1)
        turner.play(len(turner.frames) + 1)
    assert {frame.mask for frame in walker.frames[3:]} == {W}
    assert {frame.mask for frame in turner.frames[3:]} == {L}
    assert walker.last(DreamState).world != turner.last(DreamState).world
    assert engine.most_running == 1  # never two at once
    walker.do("stop")
    until(walker.idle)
    turner.play(len(turner.frames) + 10)


def test_a_heavy_neighbor_leaves_half_of_the_machine(make_lobby, engine):
    engine.frame_cost = 0.03
    lobby = make_lobby()
    two = [Gamer(lobby, name) for name in IDS[:2]]
    for gamer in two:
        gamer.player.begin(replace(WORLD, ahead=8))
    began = time.monotonic()
    while time.monotonic() - began < 1.5:
        for gamer in two:
            gamer.read()
        time.sleep(0.002)
    counts = sorted(len(gamer.frames) for gamer in two)
    assert counts[0] >= 0.6 * counts[1] > 2


def test_motion_and_worlds_take_turns(make_lobby, engine):
    lobby = make_lobby()
    visitor, gamer = Visitor(lobby), Gamer(lobby)  # one page may hold both tabs
    visitor.session.start(START)
    gamer.player.begin(WORLD)
    for _ in range(20):
        visitor.play(visitor.end + 4)
        gamer.play(len(gamer.frames) + 1)
    assert engine.most_running == 1


def test_nobody_drafts_while_others_compute(make_lobby, engine):
    lobby = make_lobby()
    gamer = Gamer(lobby)
    gamer.player.begin(WORLD)
    gamer.play(3)
    drafted = engine.dreams[0].tally.drafted
    with lobby.turnstile.turn():
        time.sleep(0.1)
        assert engine.dreams[0].tally.drafted <= drafted + 1
    gamer.play(len(gamer.frames) + 5)


def test_the_line_moves_when_somebody_stops(make_lobby):
    lobby = make_lobby(playing=1)
    first, second, third = (Gamer(lobby, name) for name in IDS[:3])
    for one in (first, second, third):
        one.player.begin(WORLD)
        one.read()
    assert third.last(DreamState).position == 2
    assert "number 2 in line" in third.last(DreamState).message
    second.do("stop")  # leaves the line
    until(lambda: (third.read(), third.last(DreamState).position == 1)[-1])
    first.do("stop")
    third.play(5)
    assert not second.frames
    second.do("play")
    assert second.await_state("waiting").position == 1


def test_a_turn_ends_when_others_wait(make_lobby):
    lobby = make_lobby(playing=1, turn_seconds=0.1)
    first, second = Gamer(lobby, IDS[0]), Gamer(lobby, IDS[1])
    first.player.begin(WORLD)
    first.play(8)  # nobody waits: goes on
    second.player.begin(WORLD)
    assert first.await_state("stopped").reason == "turn"
    second.play(3)
    made = len(first.frames)
    first.do("play")
    assert second.await_state("stopped").reason == "turn"
    first.play(made + 3)  # the same world
    assert [frame.index for frame in first.frames] == list(range(len(first.frames)))


def test_worlds_that_nobody_plays_or_watches_give_their_place_back(make_lobby):
    lobby = make_lobby(untouched_seconds=0.2)
    gamer = Gamer(lobby)
    gamer.player.begin(WORLD)
    gamer.play(3)
    assert gamer.await_state("stopped").reason == "unattended"
    until(gamer.idle)
    gamer.frames.clear()
    gamer.player.begin(World(script="W:30"))  # a replay needs nobody
    gamer.play(15)
    lobby = make_lobby(away_seconds=0.1)
    gamer = Gamer(lobby)
    gamer.player.begin(WORLD)
    gamer.play(3)
    until(lambda: (gamer.read(draw=False), gamer.last(DreamState).reason == "away")[-1])
    until(gamer.idle)
    gamer.do("play")
    gamer.play(len(gamer.frames) + 5)


def test_a_page_that_is_gone_gives_its_place_back_soon(make_lobby):
    lobby = make_lobby(gone_seconds=0.1)
    gamer = Gamer(lobby)
    gamer.player.begin(WORLD)
    gamer.play(3)
    gamer.player.detach(gamer.feed)
    until(gamer.idle)
    again = Gamer(lobby)
    again.do("play")
    again.play(5)


def test_a_pause_keeps_the_place_for_a_while(make_lobby):
    lobby = make_lobby(playing=1, away_seconds=0.3, gone_seconds=0.1)
    first, second = Gamer(lobby, IDS[0]), Gamer(lobby, IDS[1])
    first.player.begin(WORLD)
    first.play(3)
    first.do("pause")
    first.await_state("paused")
    time.sleep(0.15)
    assert not first.idle()
    until(first.idle)
    assert first.await_state("paused").message == ""
    second.player.begin(WORLD)
    second.play(3)
    first.do("play")
    assert first.await_state("waiting").position == 1
    second.do("pause")  # somebody waits: sooner than else
    first.play(len(first.frames) + 3)


def test_the_table_of_players_is_bounded_and_forgets(make_lobby):
    lobby = make_lobby(pages=1)
    first = Gamer(lobby, IDS[0])
    first.player.begin(WORLD)
    first.play(3)
    first.player.detach(first.feed)
    second = Gamer(lobby, IDS[1])  # in the place of the one that is away
    second.player.begin(WORLD)
    second.play(3)
    until(first.idle)
    assert lobby.world_visitors.everybody() == [second.player]


def test_the_frames_in_view_can_be_looked_at(make_lobby):
    gamer = Gamer(make_lobby())
    gamer.player.begin(WORLD)
    gamer.play(12)
    view = decode(gamer.player.strip())
    assert view.shape == (96, 8 * 128, 3)
    assert gamer.player.strip() is gamer.player.strip()  # not once for each who asks
    assert FPS == 30
    assert np.ptp(view) > 20
