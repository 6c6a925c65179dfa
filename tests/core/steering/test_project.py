"""A project read back is the project written, and nothing else passes for one."""

from __future__ import annotations

import json

import pytest

from core.settings import MotionSettings
from core.steering import project
from core.steering.project import Asked, Project, Wished, fitted, read_project
from core.steering.wishes import Drive, KeyPose, Waypoint, Wishes

POSE = tuple((0.0, 1.0, 0.1) for _ in range(22))
PROJECT = Project(
    checkpoint="motion",
    settings=MotionSettings(seed=3, guidance=2.5),
    poses=120,
    prompts=(Asked(start=0, text="a person walks"), Asked(start=46, text="he waves")),
    wishes=(
        Wished(
            reading=2,
            wishes=Wishes(
                waypoints=(Waypoint(place=(1, 2.25), at=3, facing=30),),
                keys=(KeyPose(at=4, joints=POSE, parts=("head",)),),
            ),
        ),
        Wished(reading=9, wishes=Wishes(drive=Drive(velocity=(0, 1)))),
    ),
)


def test_round_trip():
    assert read_project(PROJECT.dump()) == PROJECT
    assert read_project(PROJECT.dump().encode()) == PROJECT


def test_a_prompt_beyond_the_last_pose_is_refused():
    with pytest.raises(ValueError, match="no project of Livestep: its last prompt must begin"):
        read_project(PROJECT.changed(poses=46).dump())


def test_a_checkpoint_that_takes_fewer_steps_answers_fastest():
    slow = PROJECT.settings.changed(stagger=7)
    assert fitted(slow, 2).stagger == 2
    assert fitted(slow, 10) == slow
    assert fitted(slow.changed(steps=5), 2).stagger == 5
    assert fitted(PROJECT.settings, 2) == PROJECT.settings


def test_a_change_of_drive_repeats_no_keys():
    keys = PROJECT.wishes[0].wishes
    told = json.loads(PROJECT.dump())["wishes"]
    assert [{*wished["wishes"]} for wished in told] == [
        {"waypoints", "keys"},
        {*"waypoints keys drive".split()},
    ]
    held = [Wished(reading=n, wishes=keys.changed(drive=Drive(velocity=(0, n)))) for n in range(3)]
    driven = PROJECT.changed(wishes=tuple(held))
    told = json.loads(driven.dump())["wishes"]
    assert [{*wished["wishes"]} for wished in told[1:]] == [{"drive"}] * 2
    read = read_project(driven.dump())
    assert read == driven
    assert read.wishes[2].wishes.keys is read.wishes[0].wishes.keys


def test_the_first_form_of_projects_has_all_wishes_each_time():
    values = PROJECT.model_dump(mode="json") | {"livestep": 1}
    assert read_project(json.dumps(values)) == PROJECT


def test_what_could_not_be_opened_again_is_not_saved(monkeypatch):
    monkeypatch.setattr(project, "MOST_CHANGES", 1)
    with pytest.raises(ValueError, match="at most 1,000 prompts and 1 wishes"):
        PROJECT.dump()
    monkeypatch.undo()
    monkeypatch.setattr(project, "MOST_BYTES", 100)
    with pytest.raises(ValueError, match="at most 100 bytes"):
        PROJECT.dump()


def test_wishes_change_though_one_of_their_fields_is_called_keys():
    wishes = PROJECT.wishes[0].wishes.changed(drive=Drive(velocity=(0, 1)))
    assert wishes.keys == PROJECT.wishes[0].wishes.keys


def test_it_says_what_to_wish():
    steer = PROJECT.steer
    read = [steer.read() for _ in range(10)]
    assert read[:2] == [Wishes()] * 2
    assert read[2:9] == [PROJECT.wishes[0].wishes] * 7
    assert steer.history == [(2, PROJECT.wishes[0].wishes), (9, PROJECT.wishes[1].wishes)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"livestep": 3}, '"livestep": 2'),
        ({"livestep": True}, '"livestep": 2'),
        ({"prompts": []}, "first prompt"),
        ({"prompts": [{"start": 4, "text": "walk"}]}, "first prompt"),
        ({"prompts": [{"start": 0, "text": "\x00"}]}, "prompt 1"),
        ({"prompts": [{"start": 0, "text": "walk"}] * 2}, "follow each other"),
        ({"poses": 10**9}, "poses must be"),
        ({"checkpoint": "x" * 1000}, "characters"),
        ({"settings": {"steps": 0}}, "steps must be"),
        ({"settings": 3}, "settings"),
        ({"wishes": [{"reading": 0, "wishes": {"drive": {"velocity": [99, 0]}}}]}, "wish 1"),
        ({"body": "x" * 1000}, "body must be one of neutral, male, female, got 'x{40}'$"),
        ({"body": ["male"]}, "body: "),
        ({"more": 1}, "more"),
    ],
)
def test_what_is_none_is_told_in_a_sentence(change, told):
    text = json.dumps({**json.loads(PROJECT.dump()), **change})
    with pytest.raises(ValueError, match=told) as error:
        read_project(text)
    assert str(error.value).startswith("this is no project of Livestep: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "null", b"\xff\xfe", "{" * 10_000])
def test_what_is_no_json_neither(text):
    with pytest.raises(ValueError, match="no project of Livestep"):
        read_project(text)
