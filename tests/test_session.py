"""Sessions against a fake engine: pacing, stopping, sharing, and takes that survive."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from fakes import CHUNK, FakeEngine

from app.feed import BATCH, WINDOW, Feed
from app.loader import Loader
from app.lobby import Lobby
from app.protocol import Ack, Mark, Model, Poses, Problem, Prompt, Start, State, TakeInfo
from app.protocol import unpack_from_server as unpack
from app.recording import Recording
from app.session import MOST_LEAD
from app.sharing import Limits, Slots, Turnstile
from core.motion.skeleton import FPS

IDS = [f"0b9f6a1e-3c57-4d1c-9d0a-5f6c7b8a9e{i:02d}" for i in range(10)]
START = Start(id=1, prompt="a person walks forward", seed=1)


def until(condition, seconds: float = 5.0):
    """Wait until `condition` holds; return what it returned."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.005)
    raise AssertionError("this did not happen in time")


class Visitor:
    """A page without a browser: reads everything, shows as much as it is told to."""

    def __init__(self, lobby: Lobby, name: str = IDS[0], *, take: int = 0, have: int = 0):
        self.session = lobby.session(name)
        self.feed = Feed(lambda: None, take=take, have=have)
        self.session.attach(self.feed)
        self.take, self.end = take, have
        self.poses: list[Poses] = []
        self.seen: list = []

    def read(self) -> list:
        new = []
        while data := self.session.collect(self.feed):
            new += [unpack(one) for one in data]
        for item in new:
            if isinstance(item, TakeInfo):
                if item.take != self.take:
                    self.poses, self.end = [], 0
                self.take = item.take
            if isinstance(item, Poses):
                self.poses.append(item)
                self.end = item.first + len(item.root)
        self.seen += new
        return new

    def show(self, pose: float | None = None, lead: int = 10) -> None:
        shown = self.end if pose is None else pose
        ack = Ack(lead=lead, take=self.take, received=self.end, shown=shown)
        self.session.acknowledge(self.feed, ack)

    def play(self, poses: int) -> None:
        """Read and show until there are this many poses."""
        until(lambda: (self.read(), self.show(), self.end >= poses)[-1])

    def last(self, kind: type):
        return next((item for item in reversed(self.seen) if isinstance(item, kind)), None)

    def idle(self) -> bool:
        run = self.session._run
        return run is None or run.worker is None


@pytest.fixture
def engine():
    return FakeEngine(milliseconds_per_pose=0.2)


@pytest.fixture
def make_lobby(engine):
    lobbies = []

    def make(load=None, **limits) -> Lobby:
        loader = Loader(load or (lambda: engine)).start()
        lobbies.append(Lobby(loader, Limits(**limits)))
        if load is None:
            assert loader.wait(10)
        return lobbies[-1]

    yield make
    for lobby in lobbies:
        for session in lobby._sessions.values():
            session.stop()


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
    assert late.end == first.session._run.recording.end


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


def test_two_visitors_share_the_engine_but_nothing_else(make_lobby, engine):
    lobby = make_lobby()
    walker, jumper = Visitor(lobby, IDS[0]), Visitor(lobby, IDS[1])
    walker.session.start(START)
    jumper.session.start(Start(id=1, prompt="a person jumps"))
    for _ in range(40):
        walker.play(walker.end + 4)
        jumper.play(jumper.end + 4)
    assert {p.prompt for p in walker.poses} == {1}
    assert walker.session.cut(0, 9).prompts[0].text == "a person walks forward"
    assert jumper.session.cut(0, 9).prompts[0].text == "a person jumps"
    assert engine.most_running == 1  # never two at once
    walker.session.stop()
    until(walker.idle)
    jumper.play(jumper.end + 20)


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


def test_the_line_moves_when_somebody_stops(make_lobby):
    lobby = make_lobby(moving=1)
    first, second, third = (Visitor(lobby, name) for name in IDS[:3])
    for one in (first, second, third):
        one.session.start(START)
        one.read()
    assert second.last(State).position == 1
    assert third.last(State).position == 2
    assert "number 2 in line" in third.last(State).message
    second.session.stop()  # leaves the line
    until(lambda: (third.read(), third.last(State).position == 1)[-1])
    first.session.stop()
    until(lambda: (third.read(), third.last(State).state == "running")[-1])
    third.play(8)
    assert not second.poses


def test_a_turn_ends_when_others_wait(make_lobby):
    lobby = make_lobby(moving=1, turn_seconds=0.05)
    first, second = Visitor(lobby, IDS[0]), Visitor(lobby, IDS[1])
    first.session.start(START)
    first.play(8)
    time.sleep(0.1)
    first.play(16)  # nobody waits: goes on
    second.session.start(START)
    until(lambda: (first.read(), first.show(), first.last(State).reason == "turn")[-1])
    second.play(8)


def test_a_page_that_is_away_gives_its_place_back(make_lobby):
    visitor = Visitor(make_lobby(away_seconds=0.1))
    visitor.session.start(START)
    visitor.play(8)
    until(lambda: (visitor.read(), visitor.last(State).reason == "away")[-1])
    until(visitor.idle)
    visitor.session.change(Prompt(id=2, text="a person walks forward"))
    visitor.play(40)


def test_a_page_that_is_gone_gives_its_place_back_sooner(make_lobby):
    visitor = Visitor(make_lobby(gone_seconds=0.1))
    visitor.session.start(START)
    visitor.play(8)
    visitor.session.detach(visitor.feed)
    until(visitor.idle)


def test_errors_become_sentences(make_lobby, engine):
    visitor = Visitor(make_lobby())
    visitor.session.start(replace(START, prompt="   "))
    problem = until(lambda: (visitor.read(), visitor.last(State))[-1].reason and visitor.last(State))
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


def test_the_table_of_sessions_is_bounded(make_lobby):
    lobby = make_lobby(pages=2)
    first, second = Visitor(lobby, IDS[0]), Visitor(lobby, IDS[1])
    with pytest.raises(ValueError, match="takes no more"):
        lobby.session(IDS[2])
    first.session.detach(first.feed)  # its take goes to make room
    lobby.session(IDS[2])
    with pytest.raises(ValueError, match="does not know this take"):
        lobby.find(IDS[0])
    assert lobby.find(IDS[1]) is second.session


def test_a_recording_keeps_the_newest_minutes(engine):
    recording = Recording(keep_seconds=10)
    texts = iter(text for text in ["a", "b", "c", "d"] for _ in range(12))
    stream = engine.motion(texts)
    for _ in range(90):
        chunk = next(stream)
        recording.append(chunk, prompt="abcd".index(chunk.prompt), milliseconds=1)
    assert 10 * FPS <= recording.end - recording.first <= 10 * FPS * 1.04
    assert recording.marks[0].start <= recording.first < recording.marks[1].start
    assert recording.read(0, 50).first == recording.first
    assert recording.read(recording.end, 50) is None
    take = recording.cut(0, recording.end, {})
    assert take.prompts[0].start == 0
    assert len(recording.cut(recording.end - 7, 10**9, {})) == 7


def test_the_turnstile_is_fair():
    turnstile, order = Turnstile(), []

    def work(name: int) -> None:
        for _ in range(5):
            with turnstile.turn():
                order.append(name)
                time.sleep(0.002)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(set(order[i : i + 3])) == 3 for i in range(3, 9, 3))


def test_slots_let_in_as_many_as_there_are_places():
    slots, inside, positions = Slots(2), [], {}
    for who in "abcd":
        slots.ask(
            who,
            enter=lambda who=who: inside.append(who),
            wait=lambda position, who=who: positions.__setitem__(who, position),
        )
    assert (inside, positions, slots.waiting) == (["a", "b"], {"c": 1, "d": 2}, 2)
    slots.leave("a")
    slots.leave("a")
    assert (inside, positions["d"]) == (["a", "b", "c"], 1)
