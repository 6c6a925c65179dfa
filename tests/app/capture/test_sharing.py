"""Several who have files followed: one thing at a time each, places, and files that go."""

from __future__ import annotations

import time

import pytest

from app.capture import take
from app.live import feed
from app.live.clock import lived
from app.protocol import Follow, MannerInfo, Onward, Reference, State, pack
from tests.support.fake_capture import fake_film
from tests.support.visitors import GO, IDS, START, CapturePage, MotionPage, until


def test_cancelling_keeps_what_was_there(page, engine):
    page.follow(fake_film(20))
    take = page.take
    page.upload(fake_film(4000, cost=0.01), "long.mp4")
    page.visitor.follow(Follow())
    until(lambda: (page.read(), len(page.shares()) > 1)[-1])
    page.visitor.stop()
    assert page.wait().reason == "asked"
    assert len(engine.followed) == 2
    assert (page.take, page.end, len(page.visitor.cut(0, 99))) == (take, 20, 20)


def test_only_one_thing_at_a_time(page, monkeypatch):
    with pytest.raises(ValueError, match="no longer kept"):
        page.visitor.follow(Follow())
    with pytest.raises(ValueError, match="choose a file first"):
        page.visitor.go_on(GO)
    page.follow(fake_film(20))
    page.upload(fake_film(4000, cost=0.01))
    page.visitor.follow(Follow())
    page.visitor.follow(Follow())  # a newer wish takes the place of the older
    for busy in (
        page.visitor.expect,
        lambda: page.upload(b"x"),
        lambda: page.visitor.go_on(GO),
        lambda: page.visitor.adjust(tilt=1, lens=1, turned=False),
    ):
        with pytest.raises(ValueError, match="cancel it first"):
            busy()
    page.visitor.stop()
    page.wait()
    monkeypatch.setattr(take, "LONGEST", 2)
    with pytest.raises(ValueError, match="2 seconds long at most"):
        page.visitor.go_on(Onward(id=1, prompt="jumps", seconds=1.1))


def test_two_visitors_follow_side_by_side_and_a_third_waits(make_lobby):
    lobby = make_lobby()
    first, second, third = (CapturePage(lobby, name) for name in IDS[:3])
    walker = MotionPage(lobby, IDS[3])
    walker.visitor.start(START)
    for one in (first, second, third):
        one.upload(fake_film(4000, cost=0.005), f"{one.visitor.name[-2:]}.mp4")
        one.visitor.follow(Follow())
    until(lambda: (first.read(), second.read(), first.shares() and second.shares())[-1])
    third.read()
    assert (third.last(State).state, third.last(State).position) == ("waiting", 1)
    walker.play(40)  # whoever moves live is not held up
    first.visitor.stop()
    until(lambda: (third.read(), third.last(State).state == "running")[-1])
    third.visitor.stop()
    assert third.wait().reason == "asked"
    assert not first.poses
    second.visitor.detach(second.feed)  # a page that is gone gives its place back
    second.visitor.close()
    until(second.idle)


def test_who_asks_again_and_again_stands_in_line_again(make_lobby):
    lobby = make_lobby(starts=1000)
    pages = [CapturePage(lobby, name) for name in IDS[:4]]
    for page in pages:
        page.upload(fake_film(4000 if page in pages[:2] else 20, cost=0.005))
        page.visitor.follow(Follow())

    def served() -> bool:
        for greedy in pages[:2]:
            greedy.visitor.follow(Follow())
        return all(page.read() is not None and page.end for page in pages[2:])

    until(served, 10)
    for greedy in pages[:2]:
        greedy.visitor.stop()
        until(greedy.idle)


def test_a_page_that_is_closed_stops_its_work_and_its_file_goes(make_lobby):
    lobby = make_lobby(gone_seconds=0.1, forget_seconds=0.3)
    page = CapturePage(lobby)
    page.upload(fake_film(4000, cost=0.005))
    path = page.visitor._upload.path
    page.visitor.follow(Follow())
    until(lambda: (page.read(), page.shares())[-1])
    page.visitor.detach(page.feed)
    until(page.idle)
    assert page.visitor._state.reason == "away"
    assert path.parent.exists()
    lobby.capture_visitors.tidy(lived() + 1)
    assert not path.parent.exists()


def test_coming_back_in_time_keeps_the_file_and_shows_everything_again(make_lobby, monkeypatch):
    lobby = make_lobby(forget_seconds=0.3)
    page = CapturePage(lobby)
    page.follow(fake_film(20))
    page.visitor.go_on(Onward(id=1, prompt="jumps", seconds=1, manner=0.5))
    page.wait()
    page.visitor.detach(page.feed)
    again = CapturePage(lobby)
    time.sleep(0.4)
    with monkeypatch.context() as patched:
        packed: list[object] = []
        patched.setattr(feed, "pack", lambda item: (packed.append(item), pack(item))[1])
        again.wait()
    assert not any(isinstance(item, Reference | MannerInfo) for item in packed)  # once is enough
    assert again.end == 40
    assert again.last(Reference).poses == 20
    assert again.last(MannerInfo).weight == 0.5
    assert again.visitor._upload.path.is_file()
    again.visitor.close()
    assert not again.visitor._upload
