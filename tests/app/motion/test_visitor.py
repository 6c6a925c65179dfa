"""Sessions against a fake engine: pacing, stopping, and takes that survive."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np

from app.live.feed import BATCH, WINDOW
from app.motion.visitor import MOST_LEAD
from app.protocol import Mark, Model, Problem, Prompt, State, TakeInfo
from tests.support.fakes import CHUNK
from tests.support.visitors import IDS, START, Visitor, until


def test_poses_follow_each_other_and_are_what_the_take_holds(make_lobby):
    visitor = Visitor(make_lobby())
    visitor.session.start(START)
    visitor.play(60)
    firsts = [poses.first for poses in visitor.poses]
    assert firsts == [sum(len(p.root) for p in visitor.poses[:i]) for i in range(len(firsts))]
    take = visitor.session.cut(0, visitor.end)
    np.testing.assert_array_equal(take.root, np.concatenate([p.root for p in visitor.poses]))
    assert take.info["seed"] == "1"
    assert take.info["licence"] == "Apache-2.0"
    assert [mark.text for mark in take.prompts] == ["a person walks forward"]


def test_a_page_that_shows_nothing_holds_the_worker_back(make_lobby):
    visitor = Visitor(make_lobby())
    visitor.session.start(START)
    until(lambda: visitor.read() and visitor.end >= CHUNK)
    visitor.show(0, lead=10)
    time.sleep(0.15)
    visitor.read()
    assert visitor.end < 10 + CHUNK
    visitor.show(0, lead=5000)  # no page may ask for more than the server allows
    time.sleep(0.3)
    visitor.read()
    assert visitor.end < MOST_LEAD + CHUNK


def test_a_page_that_reads_nothing_costs_no_memory(make_lobby):
    visitor = Visitor(make_lobby())
    visitor.session.start(START)
    visitor.play(4)
    for _ in range(20):
        visitor.show(10**9)  # claims to have shown everything, reads nothing
        time.sleep(0.002)
    assert len(visitor.feed._notices) == 0
    assert len(visitor.session.collect(visitor.feed)) <= 3  # one message of poses at a time


def test_catching_up_is_cut_into_messages_that_wait_for_acks(make_lobby):
    lobby = make_lobby()
    first = Visitor(lobby)
    first.session.start(START)
    first.play(WINDOW + 4 * BATCH)
    first.session.stop()
    until(first.idle)
    late = Visitor(lobby)
    late.read()
    assert max(len(poses.root) for poses in late.poses) <= BATCH
    assert late.end <= WINDOW + BATCH
    late.play(first.end)
    assert late.end == first.session._job.recording.end


def test_a_prompt_changes_the_motion_without_a_new_take(make_lobby):
    visitor = Visitor(make_lobby())
    visitor.session.start(START)
    visitor.play(24)
    visitor.session.change(Prompt(id=2, text="  a person jumps "))
    asked_at = visitor.end
    until(lambda: (visitor.read(), visitor.show(), visitor.poses[-1].prompt == 2)[-1])
    mark = visitor.last(Mark)
    assert (mark.id, mark.text) == (2, "a person jumps")
    assert mark.start - asked_at <= 2 * 8 + 10
    assert len({item.take for item in visitor.seen if isinstance(item, TakeInfo)}) == 1


def test_stop_frees_the_worker_within_a_chunk_and_continue_has_no_seam(make_lobby, engine):
    visitor = Visitor(make_lobby())
    visitor.session.start(START)
    visitor.play(20)
    visitor.session.stop()
    until(visitor.idle, 0.5)
    visitor.read()
    assert (visitor.last(State).state, visitor.last(State).reason) == ("stopped", "asked")
    end = visitor.end
    time.sleep(0.05)
    visitor.read()
    assert visitor.end == end
    visitor.session.change(Prompt(id=2, text="a person walks forward"))
    visitor.play(end + 20)
    assert len(engine.opened) == 1  # the same stream went on
    steps = np.diff(np.concatenate([p.root for p in visitor.poses])[:, 2])
    assert abs(steps - steps[0]).max() < 1e-4


def test_restart_begins_a_new_take(make_lobby, engine):
    visitor = Visitor(make_lobby())
    visitor.session.start(START)
    visitor.play(20)
    before = visitor.take
    visitor.session.start(replace(START, id=2, seed=5, checkpoint="motion-styles", guidance=4.0))
    until(lambda: (visitor.read(), visitor.take != before)[-1])
    visitor.play(12)
    assert visitor.poses[0].first == 0
    assert engine.opened[1]["seed"] == 5
    assert visitor.session.cut(0, 10).info["licence"] == "CC BY-NC 4.0"
    until(lambda: sum(t.name == f"session-{IDS[0][:8]}" for t in threading.enumerate()) == 1)


def test_a_take_survives_a_lost_connection(make_lobby):
    lobby = make_lobby()
    before = Visitor(lobby)
    before.session.start(START)
    before.play(30)
    before.session.detach(before.feed)
    after = Visitor(lobby, take=before.take, have=before.end)
    after.play(before.end + 12)
    assert after.poses[0].first == before.end
    reloaded = Visitor(lobby)  # a page that knows nothing gets the whole take
    reloaded.play(before.end)
    assert reloaded.poses[0].first == 0
    assert reloaded.last(Mark).start == 0


def test_errors_become_sentences(make_lobby, engine):
    visitor = Visitor(make_lobby())
    visitor.session.start(replace(START, prompt="   "))
    problem = until(
        lambda: (visitor.read(), visitor.last(State))[-1].reason and visitor.last(State)
    )
    assert problem.reason == "problem"
    assert problem.message.endswith((".", "!"))
    visitor.session.start(replace(START, guidance=50))
    until(lambda: (visitor.read(), "guidance" in visitor.last(State).message.lower())[-1])
    visitor.session.start(replace(START, checkpoint="../secret"))
    until(lambda: (visitor.read(), "not on this server" in visitor.last(State).message)[-1])
    engine.fail_at = 8
    visitor.session.start(START)
    until(lambda: (visitor.read(), visitor.show(), "Restart" in visitor.last(State).message)[-1])
    assert visitor.end == 8  # what was made before stays
    visitor.session.change(Prompt(id=3, text="a person walks"))
    visitor.read()
    assert "Restart" in visitor.last(Problem).message
    until(visitor.idle)


def test_a_bad_prompt_does_not_stop_the_motion(make_lobby):
    visitor = Visitor(make_lobby())
    visitor.session.start(START)
    visitor.play(8)
    visitor.session.change(Prompt(id=2, text=" "))
    visitor.read()
    assert visitor.last(Problem).about == "prompt"
    visitor.play(24)
    assert visitor.poses[-1].prompt == 1


def test_generate_waits_for_the_model(make_lobby, engine):
    here = threading.Event()

    def load():
        here.wait(5)
        return engine

    lobby = make_lobby(load)
    visitor = Visitor(lobby)
    assert lobby.loader.model().state == "loading"
    visitor.session.start(START)
    visitor.read()
    assert visitor.last(State).message == "Loading the model ..."
    here.set()
    visitor.play(8)
    assert lobby.loader.model().checkpoints[1].non_commercial


def test_a_missing_checkpoint_is_said_in_a_sentence(make_lobby):
    def load():
        raise FileNotFoundError("checkpoints/motion does not exist")

    lobby = make_lobby(load)
    until(lambda: lobby.loader.model().state == "failed")
    assert "checkpoints/motion" in lobby.loader.model().message
    visitor = Visitor(lobby)
    visitor.session.start(START)
    until(lambda: (visitor.read(), visitor.last(State).reason == "problem")[-1])
    assert isinstance(lobby.loader.model(), Model)
