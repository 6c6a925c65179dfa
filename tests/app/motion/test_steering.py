"""Wishes on their way from a page to the stream, and what came of them on the way back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from threading import Condition
from typing import Any

import numpy as np
import pytest

from app.live.take_buffer import TakeBuffer
from app.motion import job
from app.motion.job import MOST_OUTCOMES, MotionJob, outcome
from app.protocol import (
    MAX_STEERING,
    Ack,
    Outcomes,
    Problem,
    Prompt,
    Start,
    State,
    Steering,
    TakeInfo,
    pack,
    unpack_from_page,
)
from core.body.skeleton import REST_JOINTS
from core.body.take import Take
from core.cli.motion import again, direct
from core.export.render.media import prompt_at
from core.motion.decode import DELAY
from core.steering.project import Asked, Project, read_project
from core.steering.wishes import MOST_KEYS, MOST_WAYPOINTS, Drive, KeyPose, Met, Waypoint, Wishes
from tests.support.fakes import BLOCK, CHUNK, FakeEngine
from tests.support.server import LIVE, hello, receive, record
from tests.support.visitors import START, MotionPage, free, until

JOINTS = tuple(tuple(round(float(x), 3) for x in joint) for joint in REST_JOINTS)
DRIVE = Wishes(drive=Drive(velocity=(1.0, 0.0)))


def drive(page: MotionPage, id: int, wishes: Wishes = DRIVE) -> Outcomes:
    """Steer, and play until poses are made for it."""
    page.visitor.steer(Steering(id=id, wishes=wishes))

    def known() -> Outcomes | None:
        page.read()
        page.show()
        met = page.last(Outcomes)
        return met if met and met.id == id else None

    return until(known)


def test_a_key_turns_the_body_within_a_chunk_and_the_page_is_told_from_when_on(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(24)
    end = page.end
    met = drive(page, 7)
    assert end <= met.start <= end + 10 + 8
    page.play(met.start + 20)
    root = np.concatenate([poses.root for poses in page.poses])
    assert abs(root[: met.start - CHUNK, 0]).max() < 0.02  # no later than it says
    assert root[met.start + 16, 0] - root[met.start, 0] == pytest.approx(0.8, abs=0.02)


def test_a_start_brings_wishes_and_a_stop_keeps_them(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor.start(replace(START, wishes=DRIVE))
    page.play(16)
    assert page.poses[-1].root[-1, 0] > 0.4
    page.visitor.stop()
    until(page.idle)
    page.visitor.steer(Steering(id=3, wishes=Wishes(drive=Drive(velocity=(-1.0, 0.0)))))
    page.visitor.change(Prompt(id=2, text="a person walks forward"))
    page.play(page.end + 24)
    assert page.poses[-1].root[-1, 0] < page.poses[-1].root[0, 0]


def test_steering_where_there_is_no_take_does_nothing(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor.steer(Steering(id=1, wishes=DRIVE))
    page.read()
    assert page.last(State).state == "idle"


def test_what_was_met_is_told_once_and_again_after_a_lost_connection(make_lobby):
    lobby = make_lobby()
    page = MotionPage(lobby)
    page.visitor.start(START)
    page.play(16)
    point = Waypoint(place=(1.0, 2.0), at=1.5, facing=90)
    page.visitor._job.steer.report.append(Met(wish=point, at=1.55, missed=0.081, turned=-4.26))
    page.play(page.end + 16)
    drive(page, 3)
    told = [item for item in page.seen if isinstance(item, Outcomes)]
    assert [len(item.outcomes) for item in told] == [1, 0]
    (result,) = told[0].outcomes
    assert (result.kind, result.at, result.met) == ("waypoint", 1.5, True)
    assert (result.centimeters, result.degrees, result.late) == (8.1, -4.3, 0.05)
    page.visitor.detach(page.feed)
    again = MotionPage(lobby, take=page.take, have=page.end)
    again.read()
    assert [item for item in again.seen if isinstance(item, Outcomes)] == told


@pytest.mark.parametrize(("missed", "turned", "at"), [(0.3, 0, 1.5), (0.1, 20, 1.5), (0.1, 0, 2.5)])
def test_far_turned_or_late_is_not_met(missed, turned, at):
    point = Waypoint(place=(1.0, 2.0), at=1.5, facing=90)
    assert not outcome(Met(wish=point, at=at, missed=missed, turned=turned)).met


def test_outcomes_fit_into_a_message(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(8)
    key = KeyPose(at=1.0, joints=JOINTS)
    report = page.visitor._job.steer.report
    report += [Met(wish=key, at=1.0, missed=None, turned=None)] * (2 * MOST_OUTCOMES)
    page.play(page.end + 8)
    assert len(page.last(Outcomes).outcomes) == MOST_OUTCOMES


def test_all_the_wishes_that_there_may_be_fit_into_a_message():
    points = [Waypoint(place=(-99.999, 99.999), at=999.999, facing=-180)] * MOST_WAYPOINTS
    joints = tuple((-0.123, 1.234, -0.567) for _ in JOINTS)
    parts = ("left_hand", "right_hand", "left_foot", "right_foot")
    key = KeyPose(at=999.999, joints=joints, parts=parts, place=(-99.999, 9.999), facing=-180)
    wishes = Wishes(waypoints=tuple(points), keys=(key,) * MOST_KEYS)
    for item in (
        Steering(id=1, wishes=wishes),
        Start(id=1, prompt="\u00fc" * 300, seed=2**32 - 1, wishes=wishes),
    ):
        assert unpack_from_page(pack(item), MAX_STEERING) == item


def steering(wishes: str) -> bytes:
    return b'\x03{"tag":"steer","id":1,"wishes":' + wishes.encode() + b"}"


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ('{"drive":{"velocity":[NaN,0]}}', "velocity"),
        ('{"drive":{"velocity":[7,0]}}', "velocity"),
        ('{"drive":{"velocity":[1]}}', "velocity"),
        ('{"drive":{"velocity":[1,0],"speed":2}}', "speed"),
        ('{"waypoints":[{"place":[1e9,0],"at":1}]}', "place"),
        ('{"waypoints":[{"place":[0,0],"at":-1}]}', "at must be"),
        ('{"waypoints":[{"place":[0,0],"at":1,"facing":1e999}]}', "facing"),
        ('{"keys":[{"at":1,"joints":[[0,0,0]]}]}', "joints"),
        ('{"keys":[{"at":1,"joints":' + json.dumps([[0, 0, 11]] * 22) + "}]}", "joints"),
        ('{"keys":[{"at":1,"joints":' + json.dumps([[0, -9, 0]] * 22) + "}]}", "above the floor"),
        ('{"self":1}', "self"),
        ('{"drive":7}', "drive"),
        ("null", "wishes"),
    ],
)
def test_wishes_that_cannot_be_are_refused_in_a_sentence(wishes, said):
    with pytest.raises(ValueError, match=r"^The message cannot be read: .*\.$") as caught:
        unpack_from_page(steering(wishes), MAX_STEERING)
    assert said in str(caught.value)
    assert type(caught.value) is ValueError


@pytest.mark.parametrize(
    "wishes",
    [
        '{"waypoints":[' + ",".join(["{}"] * 21_000) + "]}",
        '{"waypoints":[{' + ",".join(f'"{n}":0' for n in range(6_000)) + "}]}",
        '{"keys":[' + ",".join(['{"at":0,"joints":[]}'] * 3_000) + "]}",
        '{"keys":[{"at":0,"joints":[' + ",".join(["[]"] * 21_000) + "]}]}",
        '{"keys":[{"at":0,"joints":[],"parts":[' + ",".join("0" * 32_000) + "]}]}",
        "{" + ",".join(f'"{n}":0' for n in range(6_000)) + "}",
        '{},"waypoints":0,' + ",".join(f'"{n}":0' for n in range(6_000)) + ',"last":{}',
    ],
)
def test_a_large_message_that_is_wrong_is_refused_at_once(wishes):
    took = []
    for _ in range(3):
        began = time.process_time()
        with pytest.raises(ValueError, match=r"^The message cannot be read: .*\.$"):
            unpack_from_page(steering(wishes), MAX_STEERING)
        took.append(time.process_time() - began)
    assert min(took) < 0.05  # a few milliseconds; half a second when each error is told


def test_older_wishes_are_not_taken_but_a_page_that_comes_anew_counts_from_one(client, lobby):
    greeting = hello()

    def wished(socket, *ids: int) -> int:
        for n in ids:
            wishes = Wishes(drive=Drive(velocity=(n / 100, 0)))
            socket.send_bytes(pack(Steering(id=n, wishes=wishes)))
        socket.send_bytes(b"\xff")  # its answer comes once the others are read
        receive(socket, Problem)
        drive = lobby.motion_visitors.find(greeting.session)._job.steer.wishes.drive
        return round(100 * drive.velocity[0])

    with client.websocket_connect(LIVE) as socket:
        socket.send_bytes(pack(greeting))
        socket.send_bytes(pack(START))
        assert wished(socket, 100, 3) == 100
        assert wished(socket, 101) == 101
    with client.websocket_connect(LIVE) as socket:
        socket.send_bytes(pack(greeting))
        assert wished(socket, 1) == 1


def test_wishes_come_over_the_wire_and_too_many_bytes_are_refused(client):
    with client.websocket_connect(LIVE) as socket:
        socket.send_bytes(pack(hello()))
        socket.send_bytes(steering("[" * (MAX_STEERING + 1)))
        assert str(MAX_STEERING) in receive(socket, Problem).message
        socket.send_bytes(pack(START))
        take = receive(socket, TakeInfo).take
        socket.send_bytes(pack(Steering(id=9, wishes=DRIVE)))
        socket.send_bytes(pack(Ack(lead=60, take=take, received=0, shown=0)))
        assert receive(socket, Outcomes).id == 9


# ---- projects


def ask(client, session: str, data: bytes | None = None):
    address = f"/livestep/project/{session}"
    return client.get(address) if data is None else client.post(address, content=data)


def test_a_project_makes_the_same_take_again_and_rests_at_its_end(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(24)
    drive(page, 1)
    page.play(page.end + 16)
    page.visitor.change(Prompt(id=2, text="a person jumps"))
    page.play(page.end + 24)
    drive(page, 2, Wishes(waypoints=(Waypoint(place=(3.0, 4.0), at=20.0),)))
    page.play(page.end + 16)
    page.visitor.stop()
    until(page.idle)
    page.read()
    project = read_project(page.visitor.project("male").dump())
    made = page.visitor.cut(0, page.end)
    assert [asked.text for asked in project.prompts] == [START.prompt, "a person jumps"]
    assert project.poses == page.end

    page.visitor.reopen(project)
    until(lambda: (page.read(), page.show(), page.last(State).state == "stopped")[-1])
    page.play(project.poses)
    until(page.idle)
    again = page.visitor.cut(0, page.end)
    np.testing.assert_array_equal(again.root, made.root)
    assert again.prompts == made.prompts
    assert page.visitor.project("male") == project


def test_a_project_goes_on_after_a_lost_connection(make_lobby):
    page = MotionPage(make_lobby(gone_seconds=0.2))
    page.visitor.start(START)
    page.play(16)
    page.visitor.change(Prompt(id=2, text="a person jumps"))
    page.play(page.end + 40)
    project = page.visitor.project("neutral")
    page.visitor.reopen(project)
    until(lambda: (page.read(), page.show(), 4 <= page.end < project.poses - 16)[-1])
    page.visitor.detach(page.feed)
    until(page.idle)

    again = MotionPage(page.lobby, take=page.take, have=page.end)
    again.read()
    assert again.last(State).reason == "away"
    again.visitor.resume()
    again.play(project.poses)
    until(again.idle)
    assert again.visitor.project("neutral") == project


class Eager(FakeEngine):
    """An engine that asks some times more before its first poses come."""

    def __init__(self, hear: Iterable[Any]) -> None:
        super().__init__(milliseconds_per_pose=0)
        self.hear = hear

    def motion(self, prompts: Iterable[str], **options: Any) -> Iterator[Any]:
        source = iter(prompts)
        for heard in self.hear:
            next(source)
            heard()
        return super().motion(source, **options)


def made(job: MotionJob, engine: FakeEngine, poses: int) -> Take:
    """Make a take of so many poses."""
    job.open(engine)
    while job.buffer.end < poses:
        job.append(*job.compute())
    return job.cut(0, poses, engine.card("motion"))


def new_job(project: Project | None = None) -> MotionJob:
    start = replace(START, prompt=project.prompts[0].text) if project else START
    return MotionJob(start, lock=Condition(), keep_seconds=60, project=project)


def test_of_prompts_at_one_pose_a_take_and_its_project_know_the_newest():
    job = new_job()
    later = [
        lambda: job.ask(2, "a person jumps"),
        lambda: job.ask(3, "a person sits"),
        lambda: job.ask(3, "a person waves"),  # of a page that was loaded anew
    ]
    take = made(job, Eager(later), 4 * BLOCK)
    project = job.project("neutral")
    assert project.prompts == (Asked(start=0, text="a person waves"),)
    assert [mark.text for mark in take.prompts] == ["a person waves"]
    job.ask(4, "a person jumps")
    job._hear()  # for poses that are not there yet
    assert job.project("neutral") == project


def test_prompts_a_pose_apart_are_heard_as_on_the_command_line():
    asked = {0: "a person walks", 8: "a person jumps", 9: "a person waves", 40: "a person sits"}
    prompts = tuple(Asked(start=start, text=text) for start, text in asked.items())
    project = Project(checkpoint="motion", poses=48, prompts=prompts)
    take = made(new_job(project), FakeEngine(milliseconds_per_pose=0), 48)
    assert [(mark.start, mark.text) for mark in take.prompts] == [
        (0, "a person walks"),
        (8, "a person waves"),
        (40, "a person sits"),
    ]


def test_steps_share_the_poses_that_were_planned_for_them_as_on_the_command_line():
    text = "a person walks, then a person waves, then a person sits"
    prompts = (Asked(start=0, text=text, poses=80), Asked(start=80, text="he stands", poses=16))
    planned = Project(checkpoint="motion", poses=96, prompts=prompts)
    live = planned.changed(prompts=tuple(asked.changed(poses=None) for asked in prompts))
    starts = []
    for project in (planned, live):
        script = again(project)
        director, told = direct(script), []
        for made_so_far, said in zip(range(0, 96, BLOCK), director, strict=False):
            told.append(said)
            script.made = director._made = made_so_far + BLOCK
        job = new_job(project)
        take = made(job, FakeEngine(milliseconds_per_pose=0), 96)
        assert [prompt_at(take, pose) for pose in range(0, 96, BLOCK)] == told
        starts.append(take.prompts[1].start)
        assert job.project("neutral").prompts == project.prompts
    assert starts[0] < starts[1]


@pytest.mark.parametrize(
    ("export", "busy"),
    [
        (lambda visitor: visitor.cut(0, 16), "describe_steer"),
        (lambda visitor: visitor.cut(0, 16), "provenance"),
        (lambda visitor: visitor.project("neutral"), "remembered"),
        (lambda visitor: visitor.project("neutral"), "Project"),
    ],
)
def test_the_stream_goes_on_while_a_take_is_described(make_lobby, monkeypatch, export, busy):
    page = MotionPage(make_lobby())
    page.visitor.start(replace(START, wishes=DRIVE))
    page.play(24)
    page.visitor.stop()
    until(page.idle)
    original, seen = getattr(job, busy), []

    def watched(*args: Any, **options: Any) -> Any:
        seen.append(free(page.visitor))
        return original(*args, **options)

    monkeypatch.setattr(job, busy, watched)
    export(page.visitor)
    assert seen
    assert all(seen)


def test_an_edit_takes_over_from_a_project(make_lobby, engine):
    page = MotionPage(make_lobby())
    page.visitor.start(replace(START, wishes=DRIVE))
    page.play(40)
    project = page.visitor.project("neutral")
    page.visitor.reopen(project)
    until(lambda: len(engine.opened) == 2 and (page.read(), page.end >= 4)[-1])
    drive(page, 5, Wishes(drive=Drive(velocity=(0.0, -1.0))))
    page.play(project.poses + 20)  # it does not rest
    assert engine.opened[1]["steer"].wishes.drive.velocity == (0.0, -1.0)


def test_a_project_with_steps_of_its_own_is_not_for_the_page(make_lobby):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(16)
    project = page.visitor.project("neutral")
    dear = project.changed(settings=project.settings.changed(steps=100))
    with pytest.raises(ValueError, match="sampling steps"):
        page.visitor.reopen(dear)


def test_prompts_after_an_hour_are_heard(make_lobby, monkeypatch):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(16)
    job = page.visitor._shown
    job._heard = [(0, "a person walks", None), (72_001, "a person jumps", None)]
    with monkeypatch.context() as hour:
        hour.setattr(TakeBuffer, "end", 72_002)
        with pytest.raises(ValueError, match="72000"):
            page.visitor.project("neutral")
    page.visitor.change(Prompt(id=2, text="a person jumps"))
    page.play(page.end + 24)
    assert page.last(State).state == "running"


def test_a_take_whose_first_prompts_are_forgotten_is_not_saved(make_lobby, monkeypatch):
    monkeypatch.setattr(job, "MOST_PROMPTS", 2)
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(16)
    assert page.visitor.project("neutral").prompts
    for n in (2, 3):
        page.visitor.change(Prompt(id=n, text=f"a person jumps {n} times"))
        page.play(page.end + 40)
    with pytest.raises(ValueError, match="at most 2 prompts"):
        page.visitor.project("neutral")


def test_projects_are_files_that_the_server_reads_with_care(client):
    session = record(client)
    reply = ask(client, session)
    assert reply.status_code == 200
    assert read_project(reply.content).checkpoint == "motion"
    answer = ask(client, session, reply.content).json()
    assert answer["prompts"][0] == "a person walks: 10% <b>faster</b>"
    assert answer["settings"]["seed"] == 1
    values = json.loads(reply.content)
    for wrong in (
        b"{}",
        b"\xff",
        b"[" * 100_000,
        json.dumps({**values, "wishes": [{"reading": 0, "wishes": {"drive": 1}}]}).encode(),
        json.dumps({**values, "settings": {**values["settings"], "seed": 2**40}}).encode(),
        b" " * 4_000_001,
    ):
        refused = ask(client, session, wrong)
        assert refused.status_code == 400
        assert refused.json()["message"].endswith(".")
    unknown = "0b9f6a1e-3c57-4d1c-9d0a-5f6c7b8a9eff"
    assert "does not know this take" in ask(client, unknown).json()["message"]
    from_elsewhere = client.post(
        f"/livestep/project/{session}", content=b"{}", headers={"origin": "https://else.where"}
    )
    assert from_elsewhere.status_code == 403


def test_a_take_cannot_be_steered_without_end(make_lobby, monkeypatch):
    monkeypatch.setattr(job, "MOST_STEERED", 30)
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(8)
    drive(page, 1, Wishes(keys=(KeyPose(at=1.0, joints=JOINTS),)))
    drive(page, 2, Wishes(keys=(KeyPose(at=2.0, joints=JOINTS),)))
    with pytest.raises(ValueError, match="press Restart"):
        page.visitor.steer(Steering(id=3, wishes=DRIVE))


def test_who_drives_with_many_keys_pays_for_the_keys_once(make_lobby, monkeypatch):
    monkeypatch.setattr(job, "MOST_STEERED", 2 * job.KEY_WEIGHT + 12)
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(8)
    for n in range(1, 11):
        keys = tuple(KeyPose(at=at, joints=JOINTS) for at in (60.0, 70.0))
        drive(page, n, Wishes(keys=keys, drive=Drive(velocity=(n / 10, 0.0))))
    first, *_, last = page.visitor.project("male").wishes
    assert last.wishes.keys is first.wishes.keys


def test_prompts_are_asked_for_as_far_ahead_as_the_decoder_holds_back():
    assert job.HELD_BACK == DELAY
