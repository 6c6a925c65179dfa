"""Files become takes, takes go on: one thing at a time, and nothing that was made is lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.capture.take import CapturedTake
from app.exports.files import file_stem
from app.live.feed import PoseFeed
from app.protocol import (
    Follow,
    MannerInfo,
    Mark,
    Note,
    Onward,
    Reference,
    State,
    TakeInfo,
    Unmatched,
    unpack_from_server,
)
from core.body.mesh import Body
from core.body.skeleton import JOINTS
from core.body.take import Take
from core.export import write
from core.settings import whole
from tests.support.fake_capture import fake_film
from tests.support.visitors import GO, free


def test_a_file_becomes_a_take_with_what_is_known_of_it(page):
    state = page.follow(fake_film(40, people=2, unseen=[10, 16]), "my dance.mp4")
    assert (state.state, state.reason) == ("stopped", "")
    reference = page.last(Reference)
    assert (reference.name, reference.kind, reference.poses) == ("my dance.mp4", "video", 40)
    assert reference.kept == (0, 1.95)
    assert reference.gaps == [(10, 16)]
    assert reference.people == 2
    assert any("filled in" in note for note in reference.notes)
    order = [type(item) for item in page.seen]
    assert order.index(TakeInfo) < order.index(Reference)
    assert (page.take, page.end) == (reference.take, 40)
    take = page.visitor.cut(0, 40)
    assert take.info["reference"] == "my dance.mp4"
    assert file_stem(take) == "livestep-my-dance"
    assert not any(mark.text for mark in take.prompts)
    root = np.concatenate([poses.root for poses in page.poses])
    fitted, _ = Body.load().fit(take.root, take.rotations)
    np.testing.assert_allclose(root, fitted, atol=1e-6)


def test_others_have_the_lock_while_a_take_is_cut(page, monkeypatch):
    page.follow(fake_film(40))
    original, seen = Take.from_chunks, []

    def join(*args):
        seen.append(free(page.visitor))
        return original(*args)

    monkeypatch.setattr(Take, "from_chunks", join)
    assert len(page.visitor.cut(0, 20)) == 20
    assert seen == [True]


def test_progress_is_told_and_grows(page):
    page.follow(fake_film(40, cost=0.02))
    told = page.shares()
    assert len(told) >= 3
    assert told == sorted(told)
    messages = {item.message for item in page.seen if isinstance(item, State)}
    assert any("of the video seen" in message for message in messages)


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (fake_film(problem="no person was found in it"), "a.mp4", "No person was found in it."),
        (fake_film(problem="secret path", fault=True), "a.mp4", "could not go on"),
        (b"this is no film", "film.mp4", "film.mp4 cannot be read as a video"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 50, "film.webm", "is a still picture"),
        (b"HIERARCHY\nnonsense", "film.mp4", "film.mp4 cannot be read: line 2"),
        (b"Kaydara FBX Binary", "W\u00e4lking.fbx", "W\u00e4lking.fbx is not a readable FBX"),
        (b"HIERARCHY" + b"\n" * 2**21, "x.bvh", "x.bvh cannot be read: its skeleton takes more"),
        (b"PK\x03\x04 but no archive", "x.npz", "not a readable NPZ"),
        (b"glTF but no model", "x.glb", "x.glb"),
    ],
)
def test_bad_files_get_a_sentence_and_take_nothing_away(page, data, name, words):
    page.follow(fake_film(20))
    state = page.follow(data, name)
    assert (state.reason, state.work) == ("problem", "follow")
    assert words.lower() in state.message.lower()
    assert state.message.endswith(".")
    assert "secret" not in state.message
    assert "/" not in state.message.replace("..", "")
    assert len(page.visitor.cut(0, 99)) == 20


@pytest.fixture
def walk(engine, tmp_path) -> bytes:
    """Our own BVH file of a walk."""
    write(engine.walked("a person walks", 40), tmp_path / "walk.bvh", body=Body.load())
    return (tmp_path / "walk.bvh").read_bytes()


def test_motion_files_are_read_by_what_is_in_them(page, engine, walk):
    page.follow(walk, "holiday.mp4")
    reference = page.last(Reference)
    assert (reference.name, reference.kind) == ("holiday.mp4", "motion")
    assert abs(reference.poses - 40) <= 1
    assert page.follow(walk, "w.bvh", joint_map="unreal").reason == "problem"
    assert engine.followed[-1]["joint_map"] == "unreal"
    with pytest.raises(ValueError, match="skeleton must be one of cmu"):
        page.visitor.follow(Follow(joint_map="../../etc/passwd"))
    with pytest.raises(ValueError, match="joint map does not map left_hip"):
        page.visitor.follow(Follow(joints={"pelvis": 0}))
    with pytest.raises(ValueError, match="for videos"):
        page.visitor.adjust(tilt=1, lens=1, turned=False)


def test_a_motion_files_skeleton_is_told_and_obeyed_as_put_right(page, walk):
    page.follow(walk, "walk.bvh")
    before = page.last(Reference)
    found = before.skeleton
    assert found.how == "names"
    assert found.joints.keys() == set(JOINTS)
    assert len(found.names) == len(found.parents) == len(found.places)
    assert (before.rate, before.rate_asked, before.clips, before.clip) == (20, False, [], 1)
    high = max(place[1] for place in found.places) - min(place[1] for place in found.places)
    assert 1.4 < high < 2  # meters

    swapped = {mirrored(joint): node for joint, node in found.joints.items() if joint != "head"}
    page.visitor.follow(Follow(joints=swapped, rate=40))
    assert page.wait().reason == ""
    after = page.last(Reference)
    assert (after.skeleton.joints, after.skeleton.how) == (swapped, "map")
    assert (after.rate, after.rate_asked) == (40, True)
    assert after.seconds == pytest.approx(before.seconds / 2, abs=0.1)


def test_a_skeleton_whose_joints_are_not_found_is_told_until_they_are(page, walk):
    page.follow(fake_film(20))
    joints = dict.fromkeys(JOINTS, "Nowhere")
    state = page.follow(walk, "odd.bvh", joints=joints)
    assert "looked for pelvis as Nowhere" in state.message
    unmatched = page.last(Unmatched)
    assert (unmatched.name, unmatched.message) == ("odd.bvh", state.message)
    assert "Nowhere" not in unmatched.skeleton.names
    again = PoseFeed(lambda: None)  # the page comes back
    page.visitor.attach(again)
    told = [unpack_from_server(data) for data in page.visitor.collect(again)]
    assert [type(item) for item in told if isinstance(item, Reference | Unmatched)] == [
        Reference,
        Unmatched,
    ]
    page.visitor.attach(page.feed)
    page.follow(walk, "odd.bvh")
    page.visitor.attach(again := PoseFeed(lambda: None))
    told = [unpack_from_server(data) for data in page.visitor.collect(again)]
    assert not any(isinstance(item, Unmatched) for item in told)


def test_what_is_not_finite_is_never_told(page, monkeypatch):
    page.follow(fake_film(20))
    kept = page.take
    describe = CapturedTake._describe
    monkeypatch.setattr(
        CapturedTake, "_describe", lambda self: replace(describe(self), seconds=float("inf"))
    )
    state = page.follow(fake_film(30))
    assert (state.reason, state.message[:20]) == ("problem", "The server could not")
    assert page.take == kept


def mirrored(joint: str) -> str:
    """The joint on the other side."""
    side, _, part = joint.partition("_")
    return {"left": f"right_{part}", "right": f"left_{part}"}.get(side, joint)


def test_adjusting_lifts_anew_without_looking_again(page, engine):
    page.follow(fake_film(40))
    before = page.visitor.cut(0, 40).joints
    page.visitor.adjust(tilt=20, lens=1.2, turned=False)
    page.wait()
    reference = page.last(Reference)
    assert (reference.tilt, reference.lens, reference.take) == (20, 1.2, page.take)
    assert np.abs(page.visitor.cut(0, 40).joints - before).max() > 0.05
    assert page.visitor.cut(0, 40).info["tilt"] == "20"
    assert len(engine.followed) == 1


def test_a_continuation_has_steps_and_notes(page):
    page.follow(fake_film(40))
    page.visitor.go_on(Onward(id=1, prompt="and then a dog jumps, then sits", seconds=2.4))
    assert page.wait().reason == ""
    assert page.end == 88
    marks = [(item.id, item.text) for item in page.seen if isinstance(item, Mark)]
    assert marks == [(0, ""), (1, "a person jumps"), (1, "a person sits")]
    assert "'a dog'" in page.last(Note).text
    assert page.visitor.cut(0, 88).info["prompt_notes"] == page.last(Note).text


def test_a_take_goes_on_and_says_from_where(page, engine):
    page.follow(fake_film(40))
    number = page.take
    page.visitor.go_on(GO)
    assert page.wait().reason == ""
    assert (page.take, page.end) == (number, 60)
    marks = [item for item in page.seen if isinstance(item, Mark)]
    assert [(mark.id, mark.start, mark.text) for mark in marks] == [
        (0, 0, ""),
        (1, 40, "a person jumps"),
    ]
    assert len(engine.opened[-1]["after"]) == 40
    take = page.visitor.cut(0, 60)
    assert take.info["licence"] == "Apache-2.0; before 2 s: that of the reference"
    assert (take.info["checkpoint"], take.info["reference"]) == ("motion", "clip.mp4")
    assert page.visitor.cut(0, 40).info["licence"] == "that of the reference"
    assert [(mark.start, mark.text) for mark in take.prompts] == [(40, "a person jumps")]

    # once more from the seam, in the manner of real motions
    page.visitor.go_on(Onward(id=2, prompt="a man waves", start=40, seconds=2, manner=0.4))
    page.wait()
    assert page.take != number
    assert page.end == 80
    manner = page.last(MannerInfo)
    assert [match.licence for match in manner.matches] == ["CMU, free"] * 2
    info = page.visitor.cut(0, 80).info
    assert info["manner"] == "0.4"
    assert info["manner_clips"] == "cmu_00 (CMU, free); cmu_01 (CMU, free)"
    assert page.visitor.match("manner", 1).root.shape == (40, 3)
    # and on from there
    page.visitor.go_on(Onward(id=3, prompt="sits down", seconds=1))
    page.wait()
    assert page.end == 100
    assert len(engine.opened[-1]["after"]) == 80


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Onward(id=1, prompt="  "), "prompt is empty"),
        (Onward(id=1, prompt="walk", checkpoint="../x"), "not on this server"),
    ],
)
def test_a_continuation_that_cannot_be_is_told_at_its_prompt(page, request_, words):
    page.follow(fake_film(20))
    page.visitor.go_on(request_)
    state = page.wait()
    assert (state.work, state.reason) == ("onward", "problem")
    assert words in state.message
    assert page.end == 20


def test_a_continuation_that_breaks_leaves_what_there_was(page, engine):
    page.follow(fake_film(40))
    engine.fail_at = 52
    page.visitor.go_on(Onward(id=1, prompt="jumps", seconds=10))
    assert page.wait().reason == "problem"
    assert len(page.visitor.cut(0, 999)) == 52
    engine.fail_at = 0
    page.visitor.go_on(Onward(id=2, prompt="waves", start=40, seconds=10))
    assert page.wait().reason == "problem"
    assert len(page.visitor.cut(0, 999)) == 52  # the old part stays until there is a new one
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
