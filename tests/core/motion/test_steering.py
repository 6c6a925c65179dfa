"""Steered streams of a tiny model: told where to go at any time, the same again by replay."""

from __future__ import annotations

from itertools import islice, repeat

import numpy as np
import pytest

from core.body.take import PoseChunk, Take
from core.engine import Engine
from core.steering.gait import STAND, WALK
from core.steering.wishes import Drive, Steer, Waypoint, Wishes
from tests.support.tiny import write_checkpoints

AHEAD = Wishes(drive=Drive(velocity=(0, 1.2)))
LEFT = Wishes(drive=Drive(velocity=(1.2, 0)))


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return Engine.load(write_checkpoints(tmp_path_factory.mktemp("checkpoints"), motion="CC0 1.0"))


def stream(engine, steer=None, count=6, prompts=None, **options) -> list[PoseChunk]:
    prompts = repeat("a person walks") if prompts is None else prompts
    return list(islice(engine.motion(prompts, seed=4, steer=steer, **options), count))


def same(some: list[PoseChunk], others: list[PoseChunk]) -> bool:
    a, b = Take.from_chunks(some), Take.from_chunks(others)
    return all(
        np.array_equal(getattr(a, n), getattr(b, n)) for n in ("root", "rotations", "joints")
    )


def test_without_wishes_a_stream_is_the_same_bytes(engine):
    steer = Steer()
    assert same(stream(engine), stream(engine, steer))
    assert steer.history == []
    assert steer.words == "a person walks"


def test_wishes_bend_the_path_and_choose_words(engine):
    steer = Steer(LEFT)
    steered = stream(engine, steer)
    assert steer.words == WALK
    assert {chunk.prompt for chunk in steered} == {"a person walks"}
    assert not same(stream(engine), steered)
    steer = Steer(Wishes(drive=Drive(velocity=(0, 0))))
    stream(engine, steer)
    assert steer.words == STAND


def test_traits_make_no_other_condition_where_the_network_is_told_none(engine):
    model = engine.model("motion")
    assert model.dit.cfg.traits == 0
    assert model.prompt("walk", values={"forward": 0.9}) is model.prompt("walk")
    assert model.prompt("walk", "a person walks") is not model.prompt("walk")


def test_a_change_is_felt_in_the_next_block(engine):
    def made(change_at: int | None) -> list[PoseChunk]:
        steer, chunks = Steer(AHEAD), []
        for number, chunk in enumerate(engine.motion(repeat("walk"), seed=4, steer=steer)):
            chunks.append(chunk)
            if number == change_at:
                steer.wishes = LEFT
            if number == 5:
                return chunks
        raise AssertionError

    plain, changed = made(None), made(3)
    assert same(plain[:4], changed[:4])
    assert not same(plain[4:5], changed[4:5])


def test_wishes_that_come_in_the_middle_take_one_block_and_go_again(engine):
    steer, pulled = Steer(), []

    def prompts():
        for number in repeat(None):
            pulled.append(number)
            yield "walk"

    chunks, counts = [], []
    for number, chunk in enumerate(engine.motion(prompts(), seed=4, steer=steer)):
        chunks.append(chunk)
        counts.append(len(pulled))
        if number == 3:
            steer.wishes = AHEAD
        if number == 8:
            steer.wishes = Wishes()
        if number == 14:
            break
    in_flight = np.array(counts) - np.arange(15)
    assert in_flight[0] == 2  # a window of two blocks
    assert in_flight[14] <= 3  # and one that was dropped when the wishes came
    assert sum(map(len, chunks)) == chunks[-1].first + len(chunks[-1])


def test_a_replay_is_the_same_bytes(engine):
    steer = Steer(AHEAD)
    chunks = []
    for number, chunk in enumerate(engine.motion(repeat("walk"), seed=4, steer=steer)):
        chunks.append(chunk)
        if number in (1, 3):
            steer.wishes = LEFT if number == 1 else Wishes()
        if number == 6:
            break
    assert len(steer.history) == 3
    assert same(chunks, stream(engine, Steer(replay=steer.history), 7, repeat("walk")))


def test_points_are_reported_as_they_come_by(engine):
    points = (Waypoint(place=(0, 0.5), at=0.5), Waypoint(place=(1, 1), at=30))
    steer = Steer(Wishes(waypoints=points))
    chunks = stream(engine, steer, 8)
    assert [met.wish for met in steer.report] in ([], [points[0]])
    take = Take.from_chunks(chunks)
    assert np.isfinite(take.joints).all()
    assert steer.due[-1][0] == points[1]


def test_a_stream_that_goes_on_knows_where_it_stands(engine):
    before = Take.from_chunks(stream(engine, count=8))
    steer = Steer(Wishes(waypoints=(Waypoint(place=(50, 50), at=before.seconds),)))
    chunks = stream(engine, steer, 4, after=before)
    assert chunks[0].first == len(before)
    ((_, due),) = steer.due
    assert due > before.seconds + 5
    step = np.diff(np.concatenate([before.root[-1:], chunks[0].root]), axis=0)
    assert np.abs(step).max() < 0.3
