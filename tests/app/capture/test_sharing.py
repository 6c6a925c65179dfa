"""Several who have files followed: one thing at a time each, places, and files that go."""

from __future__ import annotations

import time

import pytest

from app.capture import take as footage
from app.protocol import Follow, MannerInfo, Onward, Reference, State
from tests.support.fake_capture import fake_film
from tests.support.visitors import IDS, START, Owner, Visitor, until

GO = Onward(id=1, prompt="and then jumps", seconds=1)


@pytest.fixture
def owner(make_lobby):
    return Owner(make_lobby(), IDS[0])


def shares(owner: Owner) -> list[float]:
    return [item.share for item in owner.seen if isinstance(item, State) and item.share]


def test_cancelling_keeps_what_was_there(owner, engine):
    owner.follow(fake_film(20))
    take = owner.take
    owner.upload(fake_film(4000, cost=0.01), "long.mp4")
    owner.session.follow(Follow())
    until(lambda: (owner.read(), len(shares(owner)) > 1)[-1])
    owner.session.stop()
    assert owner.wait().reason == "asked"
    assert len(engine.followed) == 2
    assert (owner.take, owner.end, len(owner.session.cut(0, 99))) == (take, 20, 20)


def test_only_one_thing_at_a_time(owner, monkeypatch):
    with pytest.raises(ValueError, match="no longer kept"):
        owner.session.follow(Follow())
    with pytest.raises(ValueError, match="choose a file first"):
        owner.session.go_on(GO)
    owner.follow(fake_film(20))
    owner.session.follow(Follow())
    owner.upload(fake_film(4000, cost=0.01))
    owner.session.follow(Follow())  # a newer wish takes the place of the older
    for busy in (
        owner.session.expect,
        lambda: owner.session.go_on(GO),
        lambda: owner.session.adjust(tilt=1, lens=1, turned=False),
    ):
        with pytest.raises(ValueError, match="cancel it first"):
            busy()
    owner.session.stop()
    owner.wait()
    monkeypatch.setattr(footage, "LONGEST", 2)
    with pytest.raises(ValueError, match="2 seconds long at most"):
        owner.session.go_on(Onward(id=1, prompt="jumps", seconds=1.1))


def test_two_visitors_follow_side_by_side_and_a_third_waits(make_lobby):
    lobby = make_lobby()
    first, second, third = (Owner(lobby, name) for name in IDS[:3])
    walker = Visitor(lobby, IDS[3])
    walker.session.start(START)
    for one in (first, second, third):
        one.upload(fake_film(4000, cost=0.005), f"{one.session.name[-2:]}.mp4")
        one.session.follow(Follow())
    until(lambda: (first.read(), second.read(), shares(first) and shares(second))[-1])
    third.read()
    assert (third.last(State).state, third.last(State).position) == ("waiting", 1)
    walker.play(40)  # whoever moves live is not held up
    first.session.stop()
    until(lambda: (third.read(), third.last(State).state == "running")[-1])
    third.session.stop()
    assert third.wait().reason == "asked"
    assert not first.poses
    second.session.detach(second.feed)  # a page that is gone gives its place back
    second.session.close()
    until(second.idle)


def test_a_page_that_is_closed_stops_its_work_and_its_file_goes(make_lobby):
    lobby = make_lobby(gone_seconds=0.1, forget_seconds=0.3)
    owner = Owner(lobby)
    owner.upload(fake_film(4000, cost=0.005))
    path = owner.session._upload.path
    owner.session.follow(Follow())
    until(lambda: (owner.read(), shares(owner))[-1])
    owner.session.detach(owner.feed)
    until(owner.idle)
    assert owner.session._state.reason == "away"
    until(lambda: not path.parent.exists(), 3)


def test_coming_back_in_time_keeps_the_file_and_shows_everything_again(make_lobby):
    lobby = make_lobby(forget_seconds=0.3)
    owner = Owner(lobby)
    owner.follow(fake_film(20))
    owner.session.go_on(Onward(id=1, prompt="jumps", seconds=1, manner=0.5))
    owner.wait()
    owner.session.detach(owner.feed)
    again = Owner(lobby)
    time.sleep(0.4)
    again.wait()
    assert again.end == 40
    assert again.last(Reference).poses == 20
    assert again.last(MannerInfo).weight == 0.5
    assert again.session._upload.path.is_file()
    again.session.close()
    assert not again.session._upload
