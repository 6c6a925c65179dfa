"""Files of a video without watching: the form's function, and the API that it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.capture import tab
from app.capture.tab import asked
from app.protocol import Follow, Onward
from core.capture.joint_maps import NEEDED
from tests.support.fake_capture import fake_film

pytest_plugins = ["tests.support.browsing"]
PLAIN = {"tilt": 0.0, "lens": 0.9, "turned": False}


def test_a_film_is_followed_and_goes_on_as_on_the_page(lobby, tmp_path, monkeypatch):
    path = tmp_path / "dance.mp4"
    path.write_bytes(fake_film(30))

    def make(*asked):
        made = tab.make(lobby, lobby.turnstile.turn, *asked)
        return made.cut(0, made.end)

    take = make(path, Follow(), PLAIN, Onward(id=1, prompt="and then jumps", seconds=1))
    assert len(take) == 50
    assert take.prompts[-1].text == "a person jumps"
    assert take.info["reference"] == "dance.mp4"
    tilted = make(path, Follow(), {**PLAIN, "tilt": 20.0}, None)
    assert np.abs(tilted.joints - take.joints[:30]).max() > 0.05
    monkeypatch.setattr(tab, "MOST_UPLOAD", 10)
    with pytest.raises(ValueError, match="MB at most"):
        make(path, Follow(), PLAIN, None)


def test_how_a_motion_file_is_read_can_be_said():
    assert asked(0, 0, 0, "") == Follow()
    assert asked(2, 30, 3, " cmu ") == Follow(person=2, rate=30, clip=3, joint_map="cmu")
    joints = {joint: joint.title() for joint in NEEDED}
    assert asked(0, 0, 0, json.dumps({"joints": joints})).joints == joints
    for said, sentence in (
        ((0, 5000, 0, ""), "rate must be in 1..1000, got 5000"),
        ((0, 0, -1, ""), "clip must be in 1..10000, got -1"),
        ((0, 0, 0, "{"), "the joint map is not JSON"),
        ((0, 0, 0, '{"joints": {}}'), "the joint map does not map pelvis"),
    ):
        with pytest.raises(ValueError, match=sentence):
            asked(*said)


def test_api_makes_a_file(address, tmp_path):
    from gradio_client import Client, handle_file

    client = Client(address, verbose=False)
    path = tmp_path / "dance.mp4"
    path.write_bytes(fake_film(30))
    file = client.predict(handle_file(str(path)), "waves", 1, api_name="/video_to_motion")
    assert Path(file).name == "livestep-dance.bvh"
    assert "Frames: 50" in Path(file).read_text()
    path.write_bytes(b"no film")
    with pytest.raises(Exception, match=r"(?i)cannot be read as a video"):
        client.predict(handle_file(str(path)), api_name="/video_to_motion")


def test_api_answers_nonsense_in_sentences(address, tmp_path):
    from gradio_client import Client, handle_file

    client = Client(address, verbose=False)
    path = tmp_path / "dance.mp4"
    path.write_bytes(fake_film(30))
    film = handle_file(str(path))

    def refusal(api: str, **given) -> str:
        with pytest.raises(Exception, match=r"^[A-Z].*\.$") as caught:
            client.predict(api_name=api, **given)
        return str(caught.value)

    for given, words in (
        ({"clip": "/etc/passwd"}, "The file must be uploaded"),
        ({"animation": "x" * 99}, "Animation must be a number, got 'xxx"),
        ({"animation": 1e308}, "Animation must be a whole number, got 1000"),
        ({"animation": -3}, "Animation must be a number"),
        ({"person": 1e300}, "Person must be a whole number"),
        ({"person": 100}, "Person must be less than or equal to 99"),
        ({"person": "x"}, "Person must be a number"),
        ({"seconds": None}, "Seconds must be a number in 1..20"),
        ({"fps": 25}, "Fps must be one of 20, 24, 30, 60"),
        ({"root": "x" * 99}, "Root must be one of hips, floor, in-place"),
        ({"tilt": "x"}, "Tilt must be a number"),
    ):
        told = refusal("/video_to_motion", **{"clip": film, **given})
        assert words in told
        assert len(told) < 120
    assert Path(client.predict(film, person=None, animation=None, api_name="/video_to_motion"))
    assert "Seed must be" in refusal("/text_to_motion", prompt="walks", seed=1e308)
    assert "Seconds must be" in refusal("/text_to_motion", prompt="walks", seconds="x")
