"""Two actors with tiny models: the same bytes as from an engine here, also when one is killed."""

from __future__ import annotations

import copy
import gc
import os
import signal
import time
from collections.abc import Iterator
from itertools import islice, repeat
from pathlib import Path

import numpy as np
import pytest

from app.live.loader import Loader, moved
from app.live.lobby import Lobby
from app.live.sharing import Limits
from app.protocol import Problem
from core.body.take import Take
from core.engine import Engine
from core.settings import CaptureSettings, MotionSettings, WorldSettings
from core.steering.wishes import Steer, Waypoint, Wishes
from tests.support.tiny import write_checkpoints, write_place_world, write_worlds
from tests.support.visitors import START, WORLD, MotionPage, WorldPage, until

ray = pytest.importorskip("ray")

from app.cluster.engine import ClusterEngine  # noqa: E402
from app.cluster.pool import Actor, Lost, Pool  # noqa: E402

ARRAYS = ("root", "rotations", "joints", "features", "unsolved")
PROMPTS = ["a person walks"] * 4 + ["a person jumps"] * 4
MOTION = {"checkpoint": "motion", "settings": MotionSettings(seed=3)}
WISHES = Wishes(waypoints=(Waypoint(place=(0.0, 0.0), at=0.5),))


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    return write_place_world(write_worlds(write_checkpoints(folder)))


@pytest.fixture(scope="module")
def far(checkpoints) -> Iterator[ClusterEngine]:
    yield ClusterEngine(Pool("local", checkpoints, "cpu", actors=2), checkpoints)
    ray.shutdown()


@pytest.fixture(scope="module")
def near(checkpoints) -> Engine:
    return Engine(checkpoints, device="cpu")


def held(far: ClusterEngine) -> list[int]:
    """How many things each actor holds."""
    until(lambda: all(actor.ready for actor in far._pool.actors), 120)
    return [actor.do("state").value[1] for actor in far._pool.actors]


def kill(far: ClusterEngine, actor: Actor) -> None:
    assert held(far)  # both are there: nobody has to wait for the one that is started anew
    process, _ = actor.do("state").value
    os.kill(process, signal.SIGKILL)


def assert_same(some, others) -> None:
    for one, other in zip(some, others, strict=True):
        assert (one.first, one.prompt) == (other.first, other.prompt)
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("steer", [None, Steer(), Steer(WISHES)], ids=["plain", "free", "steered"])
def test_a_motion_is_the_same(far, near, steer):
    other = copy.deepcopy(steer)
    here = [*near.motion(PROMPTS, steer=steer, **MOTION)]
    there = [*far.motion(PROMPTS, steer=other, **MOTION)]
    assert_same(there, here)
    if steer:
        assert (other.history, other.report) == (steer.history, steer.report)
        assert (other.due, other.words, other.readings) == (steer.due, steer.words, steer.readings)


def test_it_goes_on_from_a_take_as_here(far, near):
    take = Take.from_chunks([*near.motion(PROMPTS, **MOTION)])
    assert_same(
        islice(far.motion(repeat("a person bows"), after=take, **MOTION), 3),
        islice(near.motion(repeat("a person bows"), after=take, **MOTION), 3),
    )


def test_prompts_are_pulled_when_a_block_begins(far, near):
    def noted(pulled: list[int], made: list) -> Iterator[str]:
        for prompt in PROMPTS:
            pulled.append(len(made))
            yield prompt

    counts = []
    for engine in (near, far):
        pulled, made = [], []
        for chunk in engine.motion(noted(pulled, made), **MOTION):
            made.append(chunk)
        counts.append(pulled)
    assert counts[0] == counts[1]


def test_what_cannot_be_is_said_at_once_and_in_a_sentence(far):
    with pytest.raises(ValueError, match="checkpoint must be one of motion, got 'gone'"):
        far.motion(repeat("a person walks"), **{**MOTION, "checkpoint": "gone"})
    with pytest.raises(ValueError, match="the prompt is empty"):
        next(stream := far.motion(["?!"], **MOTION))
    assert next(stream, None) is None
    with pytest.raises(ValueError, match="or a picture, got 9"):
        far.play("video", start=9, settings=WorldSettings(), pause=lambda: None)
    with pytest.raises(ValueError, match="no index of real motions"):
        far.similar("a person walks", 5, checkpoint=None)


def test_a_killed_actors_motion_goes_on_elsewhere(far):
    steer, told = Steer(WISHES), []
    moved.set(lambda: told.append(1))
    stream = far.motion(repeat("a person walks"), steer=steer, **MOTION)
    chunks = [*islice(stream, 6)]
    assert len(steer.report) == 1
    kill(far, stream._hold.actor)
    chunks += islice(stream, 4)
    assert told == [1]
    ends = [chunk.first + len(chunk) for chunk in chunks]
    assert [chunk.first for chunk in chunks] == [0, *ends[:-1]]
    assert len(steer.report) == 1  # it does not go back there
    joints = np.concatenate([chunk.joints for chunk in chunks])
    steps = np.abs(np.diff(joints, axis=0)).max(axis=(1, 2))
    assert steps[ends[5] - 1] < 1.5 * steps[1 : ends[5] - 1].max()
    gc.disable()  # nothing that is left behind may wait for it
    del stream
    until(lambda: not any(actor.load for actor in far._pool.actors))
    gc.enable()


@pytest.mark.parametrize("name", ["video", "world-room"])
def test_a_world_is_the_same(far, near, name):
    how = {"start": 0, "settings": WorldSettings(seed=2), "pause": lambda: None}
    here, there = near.play(name, **how), far.play(name, **how)
    masks = [1, 1, 1, 0, 3, 3, 1]
    for mask in masks:
        one, other = here.step(mask), there.step(mask)
        assert one.frame.tobytes() == other.frame.tobytes()
        assert (one.place, one.drafted, one.index) == (other.place, other.drafted, other.index)
        assert here.draft() == there.draft()
        assert (here.tally, here.past, here.place) == (there.tally, there.past, there.place)
    assert here.branch(3).step(0).frame.tobytes() == there.branch(3).step(0).frame.tobytes()
    assert here.masks(3) == there.masks(3)
    np.testing.assert_array_equal(here.context(), there.context())
    with pytest.raises(ValueError, match="steps"):
        there.tune(steps=5000)
    with pytest.raises(ValueError, match=r"nobody can stand|knows? where"):
        there.check_place(24, 24)


def test_a_killed_actors_world_goes_on_elsewhere(far):
    told = []
    moved.set(lambda: told.append(1))
    world = far.play("world-room", start=0, settings=WorldSettings(seed=2), pause=lambda: None)
    before = [world.step(mask) for mask in (1, 1, 0)][-1]
    other = world.branch(1)
    kill(far, world._hold.actor)
    world.tune(steps=1)
    made = world.step(0)
    assert told == [1]
    assert made.index == before.index + 1
    assert world.past == range(made.index, made.index + 2)
    assert world.settings["steps"] == 1
    assert np.hypot(made.place.x - before.place.x, made.place.y - before.place.y) < 1
    assert world.branch(made.index).step(0).frame.tobytes() == made.frame.tobytes()
    with pytest.raises(ValueError, match="this past is lost"):
        other.step(1)


class Stuck:
    """What nobody ever has read."""

    def __reduce__(self):
        return time.sleep, (600,)


def test_a_stuck_actor_is_begun_anew_and_its_world_goes_on_elsewhere(far, monkeypatch):
    world = far.play("video", start=0, settings=WorldSettings(seed=2), pause=lambda: None)
    world.step(1)
    held(far)
    actor = world._hold.actor
    process, _ = actor.do("state").value
    monkeypatch.setattr("app.cluster.pool.SILENCE", 1.0)
    with pytest.raises(Lost, match="stuck"):
        world._hold.call("step", Stuck())
    monkeypatch.undo()
    assert world.step(1).index == 1
    assert world._hold.actor is not actor
    held(far)
    assert actor.do("state").value[0] != process


def test_a_file_is_followed_there(far, tmp_path, near):
    from core.export import write

    take = Take.from_chunks([*near.motion(PROMPTS, **MOTION)])
    write(take, tmp_path / "walk.bvh")
    how = {"settings": CaptureSettings(), "apart": True}
    told = []
    captured = far.follow(tmp_path / "walk.bvh", progress=lambda *said: told.append(said), **how)
    here = near.follow(tmp_path / "walk.bvh", **how)
    np.testing.assert_array_equal(captured.take.joints, here.take.joints)
    assert captured.take.info == here.take.info


def test_who_leaves_leaves_nothing_behind(far):
    until(lambda: held(far) == [0, 0])
    streams = [far.motion(repeat("a person walks"), **MOTION) for _ in range(4)]
    for stream in streams:
        next(stream)
    assert held(far) == [2, 2]
    dream = far.play("video", start=0, settings=WorldSettings(), pause=lambda: None)
    dream.step(1)
    dream.branch(1)
    until(lambda: sorted(held(far)) == [2, 3])
    del stream, streams, dream
    until(lambda: held(far) == [0, 0])
    assert [actor.load for actor in far._pool.actors] == [0, 0]


def test_pages_are_told_and_play_on(far):
    loader = Loader(lambda: far).start()
    loader.worlds_known.result(10)
    lobby = Lobby(loader, Limits())
    motion, world = MotionPage(lobby), WorldPage(lobby)
    motion.visitor.start(START)
    world.visitor.begin(WORLD)
    motion.play(40)
    world.play(5)
    kill(far, far._pool.actors[0])
    motion.play(motion.end + 80)
    world.play(30)
    for page in (motion, world):
        page.visitor.close()
        until(page.idle)
    told = [*motion.seen, *world.seen]
    assert any(isinstance(item, Problem) and "another one goes on" in item.message for item in told)
    lobby.close()
