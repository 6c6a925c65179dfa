"""Worlds that know where they are: places on the wire, standing elsewhere, how a start fits."""

from __future__ import annotations

from dataclasses import replace
from threading import Condition

import numpy as np
import pytest

from app.protocol import UPLOADED, Change, DreamState, Stand, Tune
from app.world.job import WorldJob, describe_fit
from tests.support.fake_dream import PLACED, FakeTruth
from tests.support.visitors import WORLD, WorldPage, until

W, L = 1, 16
PLACE = replace(WORLD, checkpoint=PLACED)


def places(page: WorldPage) -> list[tuple]:
    return [frame.place for frame in page.frames]


def await_place(page: WorldPage, *wanted) -> None:
    until(lambda: (page.read(), wanted in places(page))[-1])


@pytest.fixture
def page(make_lobby) -> WorldPage:
    page = WorldPage(make_lobby())
    page.visitor.begin(PLACE)
    page.play(3)
    return page


def test_frames_say_where_they_are_seen_from(page):
    assert page.frames[0].place == (8, 8, 90, 0.5)
    page.hold(W)
    await_place(page, 10, 8, 90, 0.5)


def test_worlds_without_a_place_have_none(make_lobby):
    page = WorldPage(make_lobby())
    page.visitor.begin(WORLD)
    page.play(3)
    assert set(places(page)) == {None}
    with pytest.raises(ValueError, match="this world does not know where it is"):
        page.stand(8, 8)
    page.play(len(page.frames) + 3)


def test_standing_elsewhere_changes_only_the_place(page):
    page.stand(40, 8)
    await_place(page, 40, 8, 90, 0.5)
    page.stand(56, 40, -45)
    await_place(page, 56, 40, -45, 0.5)
    with pytest.raises(ValueError, match="nobody can stand at 24, 24 in this world"):
        page.stand(24, 24)
    page.play(len(page.frames) + 3)
    assert page.frames[-1].place == (56, 40, -45, 0.5)


def test_standing_elsewhere_is_seen_in_a_pause(page):
    page.do("pause")
    page.await_state("paused")
    page.stand(40, 8)
    await_place(page, 40, 8, 90, 0.5)
    page.read()
    assert page.last(DreamState).state == "paused"
    with pytest.raises(ValueError, match="nobody can stand"):
        page.stand(24, 24)
    assert page.visitor._job.singles == 0  # and no frame is made for that


def test_standing_elsewhere_is_seen_in_a_pause_that_lasted_too_long(make_lobby):
    page = WorldPage(make_lobby(away_seconds=0.2))
    page.visitor.begin(PLACE)
    page.play(3)
    page.do("pause")
    until(lambda: (page.read(), not page.visitor._job.active)[-1])
    assert page.last(DreamState).state == "paused"
    page.stand(40, 8)
    await_place(page, 40, 8, 90, 0.5)


def test_what_is_refused_changes_nothing_and_takes_nothing_with_it(engine):
    job = WorldJob(PLACE, None, lock=Condition())
    job.open(engine, lambda: None)
    job.wishes = [Tune(steps=60, ahead=3), Stand(x=40, y=8), Stand(x=24, y=24), Tune(steps=4)]
    assert job.retune() == "Nobody can stand at 24, 24 in this world."
    assert (job.dream.place.x, job.dream.settings["steps"]) == (40, 4)
    assert [(c.x, c.steps) for c in job.log.changes] == [(40, None), (None, 4)]


def test_of_many_places_between_two_frames_only_the_last_is_stood_at(engine):
    job = WorldJob(PLACE, None, lock=Condition())
    job.open(engine, lambda: None)
    job.wishes = [Stand(x=40, y=8, degrees=0), Tune(steps=4), Stand(x=8, y=8, degrees=10)]
    assert job.retune() == ""
    assert (job.dream.place.x, job.dream.settings["steps"]) == (8, 4)
    assert [c.x for c in job.log.changes] == [None, 8]
    job.wishes = [Stand(x=40, y=8, degrees=0), Stand(x=8, y=8)]  # its heading is the first one's
    job.retune()
    assert job.dream.place.degrees == 0


def test_changes_before_one_frame_are_made_in_their_order(engine):
    changes = [Change(frame=1, x=40, y=8, degrees=0), Change(frame=1, x=8, y=8, degrees=10)]
    job = WorldJob(replace(PLACE, changes=changes), None, lock=Condition())
    job.open(engine, lambda: None)
    for _ in range(2):
        job.retune()
        job.step()
    assert (job.dream.place.x, job.dream.place.degrees) == (8, 10)


def test_where_one_stood_is_logged_and_replayed(page, make_lobby):
    page.do("record")
    page.hold(L)
    page.play(len(page.frames) + 3)
    page.stand(40, 8)
    until(lambda: (page.read(), page.frames[-1].place[:2] == (40, 8))[-1])
    page.stand(56, 40, 0)
    page.play(len(page.frames) + 8)
    page.do("keep")
    recording = page.visitor.recording()
    log = recording.log.play(recording.end)
    assert [(c.x, c.y, c.degrees) for c in log.changes] == [(40, 8, None), (56, 40, 0)]
    walked = places(page)[: recording.end]

    again = WorldPage(make_lobby())
    changes = [Change(**change.model_dump()) for change in log.changes]
    again.visitor.begin(replace(PLACE, script=log.script, changes=changes))
    again.play(recording.end)
    assert places(again)[: recording.end] == walked


def test_a_flood_of_places_is_cut_off(page):
    for i in range(200):
        page.visitor.stand(Stand(x=8 + i % 3, y=8))
    assert len(page.visitor._job.wishes) <= 51
    page.play(len(page.frames) + 5)


def test_the_real_engine_stands_there_too(make_lobby):
    made: list[FakeTruth] = []
    page = WorldPage(make_lobby(truth=lambda *what: made.append(FakeTruth(*what)) or made[-1]))
    page.visitor.begin(replace(PLACE, truth=True))
    page.play(3)
    assert page.beside[0].place == (0, 0, 0, 0)
    page.stand(40, 8, 45)
    until(lambda: (page.read(), page.beside[-1].place == (40, 8, 45, 0))[-1])


def test_looking_for_where_a_picture_was_taken_is_told(engine):
    def beginning(world, picture) -> str:
        return WorldJob(world, picture, lock=Condition()).beginning(engine)

    picture = np.zeros((96, 128, 3), np.uint8)
    looking = "Looking for where your picture was taken ..."
    assert beginning(replace(PLACE, start=UPLOADED), picture) == looking
    usual = [(PLACE, picture), (replace(WORLD, start=UPLOADED), picture)]
    usual += [(replace(PLACE, start=UPLOADED), None), (replace(WORLD, checkpoint="no"), picture)]
    assert {beginning(*what) for what in usual} == {"Opening the world ..."}


@pytest.mark.parametrize(
    ("error", "words"),
    [(None, ""), (0.04, "well (96 %)"), (0.25, "partly (75 %)"), (0.5, "hardly"), (3.0, "(0 %)")],
)
def test_how_well_a_picture_fits_is_told(error, words):
    assert words in describe_fit(error)


def test_the_page_hears_how_well_its_picture_fits(make_lobby):
    page = WorldPage(make_lobby())
    page.visitor.upload(np.zeros((40, 60, 3), np.uint8))
    page.visitor.begin(replace(PLACE, start=-1))
    page.play(2)
    assert page.last(DreamState).fit == "This picture fits the place well (96 %)."
    page.visitor.begin(PLACE)
    page.play(4)
    assert page.last(DreamState).fit == ""
