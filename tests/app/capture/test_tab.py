"""Files of a video without watching: the form's function, and the API that it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.capture import tab
from app.capture.tab import make
from app.protocol import Follow, Onward
from tests.support.fake_capture import fake_film

pytest_plugins = ["tests.support.browsing"]
PLAIN = {"tilt": 0.0, "lens": 0.9, "turned": False}


def test_a_film_is_followed_and_goes_on_as_on_the_page(lobby, tmp_path, monkeypatch):
    path = tmp_path / "dance.mp4"
    path.write_bytes(fake_film(30))
    take = make(lobby, path, Follow(), PLAIN, Onward(id=1, prompt="and then jumps", seconds=1))
    assert len(take) == 50
    assert take.prompts[-1].text == "a person jumps"
    assert take.info["reference"] == "dance.mp4"
    tilted = make(lobby, path, Follow(), {**PLAIN, "tilt": 20.0}, None)
    assert np.abs(tilted.joints - take.joints[:30]).max() > 0.05
    monkeypatch.setattr(tab, "MOST_UPLOAD", 10)
    with pytest.raises(ValueError, match="MB at most"):
        make(lobby, path, Follow(), PLAIN, None)


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
