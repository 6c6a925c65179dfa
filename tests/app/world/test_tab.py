"""Films without playing: the form's function, and the API that it is."""

from __future__ import annotations

import imageio
import pytest

from app.protocol import World
from app.world import tab as video_tab
from app.world.tab import generate
from tests.support.visitors import WORLD

pytest_plugins = ["tests.support.browsing"]


def test_a_whole_script_is_recorded(lobby):
    recording = generate(lobby, "", World(seed=3, script="W:5,WL:4,-:2"))
    assert recording.count == 11
    assert list(recording.log.masks) == [1] * 5 + [17] * 4 + [0] * 2


def test_long_and_empty_scripts_are_refused(lobby, monkeypatch):
    monkeypatch.setattr(video_tab, "MOST_SECONDS", 1)
    with pytest.raises(ValueError, match="1 seconds long: 30 frames"):
        generate(lobby, "", World(script="W:31"))
    with pytest.raises(ValueError, match="cannot read"):
        generate(lobby, "", WORLD)


def test_api_makes_a_film(address):
    from gradio_client import Client

    client = Client(address, verbose=False)
    file = client.predict("W:20,D:10", 3, 1, 2, api_name="/keys_to_video")
    file = file["video"] if isinstance(file, dict) else file
    with imageio.get_reader(file) as reader:
        assert sum(1 for _ in reader) == 30
        assert reader.get_meta_data()["size"] == (256, 192)
    with pytest.raises(Exception, match=r"(?i)unknown key"):
        client.predict("X:20", 3, 1, 2, api_name="/keys_to_video")
    with pytest.raises(Exception, match=r"(?i)start must be"):
        client.predict("W:20", 3, 7, 2, api_name="/keys_to_video")
