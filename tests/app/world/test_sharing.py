"""Several players on one machine: turns, places, and worlds that nobody watches."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from app.protocol import DreamState, World
from app.world.pictures import decode
from tests.support.fake_dream import FPS
from tests.support.visitors import IDS, START, WORLD, MotionPage, WorldPage, until

W, L = 1, 16


def test_two_players_share_the_engine_but_nothing_else(make_lobby, engine):
    lobby = make_lobby()
    walker, turner = WorldPage(lobby, IDS[0]), WorldPage(lobby, IDS[1])
    walker.visitor.begin(WORLD)
    turner.visitor.begin(WORLD)
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
    two = [WorldPage(lobby, name) for name in IDS[:2]]
    for page in two:
        page.visitor.begin(replace(WORLD, ahead=8))
    began = time.monotonic()
    while time.monotonic() - began < 1.5:
        for page in two:
            page.read()
        time.sleep(0.002)
    counts = sorted(len(page.frames) for page in two)
    assert counts[0] >= 0.6 * counts[1] > 2


def test_motion_and_worlds_take_turns(make_lobby, engine):
    lobby = make_lobby()
    mover, player = MotionPage(lobby), WorldPage(lobby)  # one page may hold both tabs
    mover.visitor.start(START)
    player.visitor.begin(WORLD)
    for _ in range(20):
        mover.play(mover.end + 4)
        player.play(len(player.frames) + 1)
    assert engine.most_running == 1


def test_nobody_drafts_while_others_compute(make_lobby, engine):
    lobby = make_lobby()
    page = WorldPage(lobby)
    page.visitor.begin(WORLD)
    page.play(3)
    drafted = engine.dreams[0].tally.drafted
    with lobby.turnstile.turn():
        time.sleep(0.1)
        assert engine.dreams[0].tally.drafted <= drafted + 1
    page.play(len(page.frames) + 5)


def test_the_line_moves_when_somebody_stops(make_lobby):
    lobby = make_lobby(playing=1)
    first, second, third = (WorldPage(lobby, name) for name in IDS[:3])
    for one in (first, second, third):
        one.visitor.begin(WORLD)
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
    first, second = WorldPage(lobby, IDS[0]), WorldPage(lobby, IDS[1])
    first.visitor.begin(WORLD)
    first.play(8)  # nobody waits: goes on
    second.visitor.begin(WORLD)
    assert first.await_state("stopped").reason == "turn"
    second.play(3)
    made = len(first.frames)
    first.do("play")
    assert second.await_state("stopped").reason == "turn"
    first.play(made + 3)  # the same world
    assert [frame.index for frame in first.frames] == list(range(len(first.frames)))


def test_worlds_that_nobody_plays_or_watches_give_their_place_back(make_lobby):
    lobby = make_lobby(untouched_seconds=0.2)
    page = WorldPage(lobby)
    page.visitor.begin(WORLD)
    page.play(3)
    assert page.await_state("stopped").reason == "unattended"
    until(page.idle)
    page.frames.clear()
    page.visitor.begin(World(script="W:30"))  # a replay needs nobody
    page.play(15)
    lobby = make_lobby(away_seconds=0.1)
    page = WorldPage(lobby)
    page.visitor.begin(WORLD)
    page.play(3)
    until(lambda: (page.read(draw=False), page.last(DreamState).reason == "away")[-1])
    until(page.idle)
    page.do("play")
    page.play(len(page.frames) + 5)


def test_a_page_that_is_gone_gives_its_place_back_soon(make_lobby):
    lobby = make_lobby(gone_seconds=0.1)
    page = WorldPage(lobby)
    page.visitor.begin(WORLD)
    page.play(3)
    page.visitor.detach(page.feed)
    until(page.idle)
    again = WorldPage(lobby)
    again.do("play")
    again.play(5)


def test_a_pause_keeps_the_place_for_a_while(make_lobby):
    lobby = make_lobby(playing=1, away_seconds=0.3, gone_seconds=0.1)
    first, second = WorldPage(lobby, IDS[0]), WorldPage(lobby, IDS[1])
    first.visitor.begin(WORLD)
    first.play(3)
    first.do("pause")
    first.await_state("paused")
    time.sleep(0.15)
    assert not first.idle()
    until(first.idle)
    assert first.await_state("paused").message == ""
    second.visitor.begin(WORLD)
    second.play(3)
    first.do("play")
    assert first.await_state("waiting").position == 1
    second.do("pause")  # somebody waits: sooner than else
    first.play(len(first.frames) + 3)


def test_the_table_of_players_is_bounded_and_forgets(make_lobby):
    lobby = make_lobby(pages=1, gone_seconds=0, recent_seconds=0)
    first = WorldPage(lobby, IDS[0])
    first.visitor.begin(WORLD)
    first.play(3)
    first.visitor.detach(first.feed)
    until(first.idle)
    second = WorldPage(lobby, IDS[1])  # in the place of the one that is away
    second.visitor.begin(WORLD)
    second.play(3)
    until(first.idle)
    assert lobby.world_visitors.everybody() == [second.visitor]


def test_the_frames_in_view_can_be_looked_at(make_lobby):
    page = WorldPage(make_lobby())
    page.visitor.begin(WORLD)
    page.play(12)
    view = decode(page.visitor.strip())
    assert view.shape == (96, 8 * 128, 3)
    assert page.visitor.strip() is page.visitor.strip()  # not once for each who asks
    assert FPS == 30
    assert np.ptp(view) > 20
