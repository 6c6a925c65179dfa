"""Sessions against a fake engine: pacing, stopping, and takes that survive."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from app.live.feed import BATCH, WINDOW
from app.motion.visitor import MOST_LEAD
from app.protocol import Mark, Model, Note, Problem, Prompt, State, TakeInfo
from core.body.mesh import Body
from tests.support.fakes import CHUNK
from tests.support.visitors import IDS, START, MotionPage, until


def test_poses_follow_each_other_and_are_what_the_take_holds(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(60)
    firsts = [poses.first for poses in page.poses]
    assert firsts == [sum(len(p.root) for p in page.poses[:i]) for i in range(len(firsts))]
    take = page.visitor.cut(0, page.end)
    fitted, _ = Body.load().fit(take.root, take.rotations)
    np.testing.assert_allclose(np.concatenate([p.root for p in page.poses]), fitted, atol=1e-6)
    assert take.info["seed"] == "1"
    assert take.info["licence"] == "Apache-2.0"
    assert [mark.text for mark in take.prompts] == ["a person walks forward"]


def test_a_take_outlives_one_that_cannot_begin(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(BATCH + WINDOW)
    page.visitor.stop()
    until(lambda: page.read() == [] and page.visitor._worker is None)
    number, end = page.take, page.end
    for wrong in (replace(START, prompt="?!"), START):
        page.visitor.start(wrong)
        until(lambda: (page.read(), page.show(), page.visitor._worker is None)[-1] or page.end > 8)
        if wrong is not START:
            until(lambda: (page.read(), page.show(), page.end == end)[-1])
            assert page.take == number
            assert page.seen[-1] is not None
            assert len(page.visitor.cut(0, end)) == end
    page.play(8)
    assert page.take != number


@pytest.mark.parametrize("prompts", [["a person runs"], ["a person runs"] * 4, [" ", " "]])
def test_a_take_outlives_those_that_never_had_a_pose(make_lobby, prompts):
    lobby = make_lobby(moving=1)
    page, other = MotionPage(lobby), MotionPage(lobby, IDS[1])
    page.visitor.start(START)
    page.play(40)
    page.visitor.stop()
    until(page.idle)
    number, end = page.take, page.end
    other.visitor.start(START)  # so that all others stand in line
    until(lambda: lobby.places.inside("motion"))
    for i, prompt in enumerate(prompts, start=2):
        page.visitor.start(replace(START, id=i, prompt=prompt))
        assert len(page.visitor.cut(0, end)) == end
    page.visitor.stop()
    page.read()
    assert (page.take, page.end) == (number, end)
    assert len(page.visitor.cut(0, end)) == end
    other.visitor.stop()


def test_what_is_known_not_to_be_possible_leaves_the_running_take_alone(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(40)
    number, project = page.take, page.visitor.project("neutral")
    for wrong, said in (
        (replace(START, stagger=11), "stagger"),
        (replace(START, guidance=50.0), "guidance"),
        (replace(START, checkpoint="../secret"), "not on this server"),
    ):
        with pytest.raises(ValueError, match=said):
            page.visitor.start(wrong)
    with pytest.raises(ValueError, match="not on this server"):
        page.visitor.reopen(project.changed(checkpoint="gone"))
    page.play(page.end + 40)
    assert page.take == number
    assert len(page.visitor.cut(0, page.end)) == page.end


def test_a_chunk_that_was_on_its_way_does_not_throw_its_take_away(make_lobby, engine):
    engine.cost = 0.02  # the worker is in the middle of a chunk when the next take is asked for
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(40)
    page.visitor.start(replace(START, prompt="?!"))
    until(lambda: (page.read(), page.idle())[-1])
    assert len(page.visitor.cut(0, 40)) == 40
    assert page.visitor.project("neutral").poses >= 40


def test_an_old_project_of_more_steps_answers_fastest_with_those_there_are(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(16)
    page.visitor.stop()
    project = page.visitor.project("neutral")
    page.visitor.reopen(project.changed(settings=project.settings.changed(stagger=40)))
    page.play(project.poses)
    assert page.visitor.project("neutral").settings.stagger == 10


def test_a_page_that_shows_nothing_holds_the_worker_back(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    until(lambda: page.read() and page.end >= CHUNK)
    page.show(0, lead=10)
    time.sleep(0.15)
    page.read()
    assert page.end < 10 + CHUNK
    page.show(0, lead=5000)  # no page may ask for more than the server allows
    time.sleep(0.3)
    page.read()
    assert page.end < MOST_LEAD + CHUNK


def test_a_page_that_reads_nothing_costs_no_memory(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(4)
    for _ in range(20):
        page.show(10**9)  # claims to have shown everything, reads nothing
        time.sleep(0.002)
    assert len(page.feed._notices) == 0
    assert len(page.visitor.collect(page.feed)) <= 3  # one message of poses at a time


def test_catching_up_is_cut_into_messages_that_wait_for_acks(make_lobby):
    lobby = make_lobby()
    first = MotionPage(lobby)
    first.visitor.start(START)
    first.play(WINDOW + 4 * BATCH)
    first.visitor.stop()
    until(first.idle)
    late = MotionPage(lobby)
    late.read()
    assert max(len(poses.root) for poses in late.poses) <= BATCH
    assert late.end <= WINDOW + BATCH
    late.play(first.end)
    assert late.end == first.visitor._job.buffer.end


def test_a_prompt_changes_the_motion_without_a_new_take(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(24)
    page.visitor.change(Prompt(id=2, text="  a person jumps "))
    asked_at = page.end
    until(lambda: (page.read(), page.show(), page.poses[-1].prompt == 2)[-1])
    mark = page.last(Mark)
    assert (mark.id, mark.text) == (2, "a person jumps")
    assert mark.start - asked_at <= 2 * 8 + 10
    assert len({item.take for item in page.seen if isinstance(item, TakeInfo)}) == 1


def test_what_is_not_understood_is_noted_until_the_next_prompt(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor.start(replace(START, prompt="a dog runs"))
    page.play(24)
    assert (page.last(Note).id, page.last(Mark).text) == (1, "a person runs")
    assert "'a dog'" in page.last(Note).text
    take = page.visitor.cut(0, page.end)
    assert take.info["asked"] == "a dog runs"
    assert take.info["prompt_notes"] == page.last(Note).text
    late = MotionPage(page.lobby)  # the page loaded anew is told too
    late.read()
    assert late.last(Note) == page.last(Note)
    late.visitor.change(Prompt(id=2, text="a person walks"))
    late.play(48)
    assert late.last(Note) == Note(id=2, text="")


def test_a_count_ends_by_standing_still_and_begins_anew_when_asked_again(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor.start(replace(START, prompt="a person jumps once"))
    page.play(48)
    page.visitor.change(Prompt(id=2, text="a person jumps once"))
    page.play(120)
    marks = [(item.id, item.text) for item in page.seen if isinstance(item, Mark)]
    jump, still = "a person jumps once", "a person stands still"
    assert marks == [(1, jump), (1, still), (2, jump), (2, still)]
    page.visitor.stop()
    until(page.idle)
    page.visitor.change(Prompt(id=2, text="a person jumps once"))  # goes on where it stopped
    page.play(160)
    assert page.last(Mark).text == still


def test_stop_frees_the_worker_within_a_chunk_and_continue_has_no_seam(make_lobby, engine):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(20)
    page.visitor.stop()
    until(page.idle, 0.5)
    page.read()
    assert (page.last(State).state, page.last(State).reason) == ("stopped", "asked")
    end = page.end
    time.sleep(0.05)
    page.read()
    assert page.end == end
    page.visitor.change(Prompt(id=2, text="a person walks forward"))
    page.play(end + 20)
    assert len(engine.opened) == 1  # the same stream went on
    steps = np.diff(np.concatenate([p.root for p in page.poses])[:, 2])
    assert abs(steps - steps[0]).max() < 1e-4


def test_restart_begins_a_new_take(make_lobby, engine):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(20)
    before = page.take
    page.visitor.start(replace(START, id=2, seed=5, checkpoint="motion-styles", guidance=4.0))
    until(lambda: (page.read(), page.take != before)[-1])
    page.play(12)
    assert page.poses[0].first == 0
    assert engine.opened[1]["settings"].seed == 5
    assert page.visitor.cut(0, 10).info["licence"] == "CC BY-NC 4.0"
    until(lambda: sum(t.name == f"motion-{IDS[0][:8]}" for t in threading.enumerate()) == 1)


def test_a_take_survives_a_lost_connection(make_lobby):
    lobby = make_lobby()
    before = MotionPage(lobby)
    before.visitor.start(START)
    before.play(30)
    before.visitor.detach(before.feed)
    after = MotionPage(lobby, take=before.take, have=before.end)
    after.play(before.end + 12)
    assert after.poses[0].first == before.end
    reloaded = MotionPage(lobby)  # a page that knows nothing gets the whole take
    reloaded.play(before.end)
    assert reloaded.poses[0].first == 0
    assert reloaded.last(Mark).start == 0


def test_errors_become_sentences(make_lobby, engine):
    page = MotionPage(make_lobby())
    page.visitor.start(replace(START, prompt="   "))
    problem = until(lambda: (page.read(), page.last(State))[-1].reason and page.last(State))
    assert problem.reason == "problem"
    assert problem.message.endswith((".", "!"))
    engine.fail_at = 8
    page.visitor.start(START)
    until(lambda: (page.read(), page.show(), "Restart" in page.last(State).message)[-1])
    assert page.end == 8  # what was made before stays
    page.visitor.change(Prompt(id=3, text="a person walks"))
    page.read()
    assert "Restart" in page.last(Problem).message
    until(page.idle)


def test_a_bad_prompt_does_not_stop_the_motion(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(8)
    page.visitor.change(Prompt(id=2, text=" "))
    page.read()
    assert page.last(Problem).about == "prompt"
    page.play(24)
    assert page.poses[-1].prompt == 1


def test_generate_waits_for_the_model(make_lobby, engine):
    here = threading.Event()

    def load():
        here.wait(5)
        return engine

    lobby = make_lobby(load)
    page = MotionPage(lobby)
    assert lobby.loader.model().state == "loading"
    page.visitor.start(START)
    page.read()
    assert page.last(State).message == "Loading the model ..."
    here.set()
    page.play(8)
    assert lobby.loader.model().checkpoints[1].non_commercial


@pytest.mark.parametrize("kind", [FileNotFoundError, ValueError, RuntimeError])
def test_what_keeps_models_from_loading_is_told_in_the_log_alone(make_lobby, caplog, kind):
    def load():
        raise kind("/srv/checkpoints/motion does not exist")

    lobby = make_lobby(load)
    until(lambda: lobby.loader.model().state == "failed")
    assert "/srv/checkpoints/motion" in caplog.text
    said = "This server could not load its models; its host finds why in the log."
    assert lobby.loader.model().message == lobby.loader.worlds().message == said
    page = MotionPage(lobby)
    page.visitor.start(START)
    until(lambda: (page.read(), page.last(State).reason == "problem")[-1])
    assert isinstance(lobby.loader.model(), Model)
