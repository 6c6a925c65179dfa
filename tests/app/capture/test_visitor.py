"""Files become takes, takes go on: one thing at a time, and nothing that was made is lost."""

from __future__ import annotations

import numpy as np
import pytest

from app.exports.files import file_stem
from app.protocol import Follow, MannerInfo, Mark, Onward, Reference, State, TakeInfo
from core.body.mesh import Body
from core.export.bvh import write_bvh
from core.settings import whole
from tests.support.fake_capture import fake_film
from tests.support.visitors import IDS, Owner

GO = Onward(id=1, prompt="and then jumps", seconds=1)


@pytest.fixture
def owner(make_lobby):
    return Owner(make_lobby(), IDS[0])


def shares(owner: Owner) -> list[float]:
    return [item.share for item in owner.seen if isinstance(item, State) and item.share]


def test_a_file_becomes_a_take_with_what_is_known_of_it(owner):
    state = owner.follow(fake_film(40, people=2, unseen=[10, 16]), "my dance.mp4")
    assert (state.state, state.reason) == ("stopped", "")
    reference = owner.last(Reference)
    assert (reference.name, reference.kind, reference.poses) == ("my dance.mp4", "video", 40)
    assert reference.kept == (0, 1.95)
    assert reference.gaps == [(10, 16)]
    assert reference.people == 2
    assert any("filled in" in note for note in reference.notes)
    order = [type(item) for item in owner.seen]
    assert order.index(TakeInfo) < order.index(Reference)
    assert (owner.take, owner.end) == (reference.take, 40)
    take = owner.session.cut(0, 40)
    assert take.info["reference"] == "my dance.mp4"
    assert file_stem(take) == "livestep-my-dance"
    assert not any(mark.text for mark in take.prompts)
    root = np.concatenate([poses.root for poses in owner.poses])
    np.testing.assert_allclose(root, take.root, atol=1e-6)


def test_progress_is_told_and_grows(owner):
    owner.follow(fake_film(40, cost=0.02))
    told = shares(owner)
    assert len(told) >= 3
    assert told == sorted(told)
    messages = {item.message for item in owner.seen if isinstance(item, State)}
    assert any("of the video seen" in message for message in messages)


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (fake_film(problem="no person was found in it"), "a.mp4", "No person was found in it."),
        (fake_film(problem="secret path", fault=True), "a.mp4", "could not go on"),
        (b"this is no film", "film.mp4", "film.mp4 cannot be read as a video"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 50, "film.webm", "is a still picture"),
        (b"HIERARCHY\nnonsense", "film.mp4", "film.bvh"),
        (b"HIERARCHY" + b"\n" * 2**21, "x.bvh", "x.bvh cannot be read: its skeleton takes more"),
        (b"PK\x03\x04 but no archive", "x.npz", "not a readable NPZ"),
        (b"glTF but no model", "x.glb", "x.glb"),
    ],
)
def test_bad_files_get_a_sentence_and_take_nothing_away(owner, data, name, words):
    owner.follow(fake_film(20))
    state = owner.follow(data, name)
    assert (state.reason, state.work) == ("problem", "follow")
    assert words.lower() in state.message.lower()
    assert state.message.endswith(".")
    assert "secret" not in state.message
    assert "/" not in state.message.replace("..", "")
    assert len(owner.session.cut(0, 99)) == 20


def test_motion_files_are_read_by_what_is_in_them(owner, engine, tmp_path):
    path = tmp_path / "walk.bvh"
    write_bvh(engine.walked("a person walks", 40), path, body=Body.load())
    owner.follow(path.read_bytes(), "holiday.mp4")
    reference = owner.last(Reference)
    assert (reference.name, reference.kind) == ("holiday.bvh", "motion")
    assert abs(reference.poses - 40) <= 1
    assert owner.follow(path.read_bytes(), "w.bvh", joint_map="unreal").reason == "problem"
    assert engine.followed[-1]["joint_map"] == "unreal"
    with pytest.raises(ValueError, match="skeleton must be one of cmu"):
        owner.session.follow(Follow(joint_map="../../etc/passwd"))
    with pytest.raises(ValueError, match="for videos"):
        owner.session.adjust(tilt=1, lens=1, turned=False)


def test_adjusting_lifts_anew_without_looking_again(owner, engine):
    owner.follow(fake_film(40))
    before = owner.session.cut(0, 40).joints
    owner.session.adjust(tilt=20, lens=1.2, turned=False)
    owner.wait()
    reference = owner.last(Reference)
    assert (reference.tilt, reference.lens, reference.take) == (20, 1.2, owner.take)
    assert np.abs(owner.session.cut(0, 40).joints - before).max() > 0.05
    assert owner.session.cut(0, 40).info["tilt"] == "20"
    assert len(engine.followed) == 1


def test_a_take_goes_on_and_says_from_where(owner, engine):
    owner.follow(fake_film(40))
    number = owner.take
    owner.session.go_on(GO)
    assert owner.wait().reason == ""
    assert (owner.take, owner.end) == (number, 60)
    marks = [item for item in owner.seen if isinstance(item, Mark)]
    assert [(mark.id, mark.start, mark.text) for mark in marks] == [
        (0, 0, ""),
        (1, 40, "a person jumps"),
    ]
    assert len(engine.opened[-1]["after"]) == 40
    take = owner.session.cut(0, 60)
    assert take.info["licence"] == "Apache-2.0; before 2 s: that of the reference"
    assert (take.info["checkpoint"], take.info["reference"]) == ("motion", "clip.mp4")
    assert owner.session.cut(0, 40).info["licence"] == "that of the reference"
    assert [(mark.start, mark.text) for mark in take.prompts] == [(40, "a person jumps")]

    # once more from the seam, in the manner of real motions
    owner.session.go_on(Onward(id=2, prompt="a man waves", start=40, seconds=2, manner=0.4))
    owner.wait()
    assert owner.take != number
    assert owner.end == 80
    manner = owner.last(MannerInfo)
    assert [match.licence for match in manner.matches] == ["CMU, free"] * 2
    info = owner.session.cut(0, 80).info
    assert info["manner"] == "0.4"
    assert info["manner_clips"] == "cmu_00 (CMU, free); cmu_01 (CMU, free)"
    assert owner.session.match("manner", 1).root.shape == (40, 3)
    # and on from there
    owner.session.go_on(Onward(id=3, prompt="sits down", seconds=1))
    owner.wait()
    assert owner.end == 100
    assert len(engine.opened[-1]["after"]) == 80


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Onward(id=1, prompt="  "), "prompt is empty"),
        (Onward(id=1, prompt="walk", checkpoint="../x"), "not on this server"),
    ],
)
def test_a_continuation_that_cannot_be_is_told_at_its_prompt(owner, request_, words):
    owner.follow(fake_film(20))
    owner.session.go_on(request_)
    state = owner.wait()
    assert (state.work, state.reason) == ("onward", "problem")
    assert words in state.message
    assert owner.end == 20


def test_a_continuation_that_breaks_leaves_what_there_was(owner, engine):
    owner.follow(fake_film(40))
    engine.fail_at = 52
    owner.session.go_on(Onward(id=1, prompt="jumps", seconds=10))
    assert owner.wait().reason == "problem"
    assert len(owner.session.cut(0, 999)) == 52
    engine.fail_at = 0
    owner.session.go_on(Onward(id=2, prompt="waves", start=40, seconds=10))
    assert owner.wait().reason == "problem"
    assert len(owner.session.cut(0, 999)) == 52  # the old part stays until there is a new one
    engine.fail_at = None


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("and then jumps", "a person jumps"),
        ("Then, waves with both hands", "a person waves with both hands"),
        ("and then the man sits down", "the man sits down"),
        ("a person walks and then jumps", "a person walks and then jumps"),
        ("jumps", "jumps"),
        ("and then", "and then"),
    ],
)
def test_what_only_says_how_it_goes_on_gets_a_subject(text, prompt):
    assert whole(text) == prompt
