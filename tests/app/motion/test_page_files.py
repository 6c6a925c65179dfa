"""The page in real Chromium: downloads, lost connections, mistakes, phones; and the API."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.support.browsing import PAGE, generate, reach, state

pytest_plugins = ["tests.support.browsing"]


def test_api_makes_a_file(address):
    from gradio_client import Client

    client = Client(address, verbose=False)
    file = client.predict(
        "a person walks", 1.5, 3, "bvh", "neutral", 20, api_name="/text_to_motion"
    )
    assert Path(file).name == "livestep-a-person-walks.bvh"
    assert "Frames: 30" in Path(file).read_text()
    with pytest.raises(Exception, match=r"(?i)prompt"):
        client.predict("  ", 1.5, 3, "bvh", api_name="/text_to_motion")
    with pytest.raises(Exception, match=r"(?i)checkpoint"):
        client.predict("a person walks", 2, 3, "bvh", checkpoint="../x", api_name="/text_to_motion")


@pytest.mark.browser
def test_exports_download_and_parse(open_page, tmp_path):
    page = open_page()
    expect(page.get_by_role("button", name="BVH")).to_be_disabled()
    generate(page)
    reach(page, 45)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.locator("label", has_text="Range").locator("input").check()
    page.get_by_label("Range from, seconds").fill("0.5")
    page.get_by_label("Range to, seconds").fill("2")
    page.get_by_label("Range to, seconds").press("Tab")
    page.get_by_label("Frames a second").first.select_option("20")
    files = {}
    for name in ("BVH", "GLB", "NPZ", "MP4"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        files[name] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[name])
        page.get_by_text(f"{files[name].name}, ").wait_for()
    assert files["BVH"].name == "livestep-a-person-walks-forward.bvh"
    import pybvh
    from pygltflib import GLTF2

    assert pybvh.read_bvh_file(str(files["BVH"])).frame_count == 30
    assert len(GLTF2().load(str(files["GLB"])).animations) == 1
    with np.load(files["NPZ"]) as data:
        assert data["joints"].shape == (30, 22, 3)
    assert files["MP4"].read_bytes()[4:8] == b"ftyp"


@pytest.mark.browser
def test_a_take_survives_a_lost_connection_and_a_reload(open_page, page_engine):
    page = open_page()
    generate(page)
    reach(page, 20)
    opened = len(page_engine.opened)
    number = state(page, "player.take.number")
    page.evaluate(f"{PAGE}.socket.socket.close()")
    page.wait_for_function(f"{PAGE}.connection === 'lost'")
    page.wait_for_function(f"{PAGE}.connection === 'open'")
    reach(page, 50)
    assert state(page, "player.take.number") == number
    assert state(page, "player.take.first") == 0
    page.reload()
    page.wait_for_function(f"{PAGE}?.player.take.number === {number}")
    reach(page, 60)
    assert state(page, "player.take.first") == 0
    assert len(page_engine.opened) == opened
    expect(page.get_by_label("What should the body do?")).to_have_value("a person walks forward")


@pytest.mark.browser
def test_mistakes_get_sentences(open_page):
    page = open_page()
    hint = page.locator(".ls-hint")
    page.get_by_role("button", name="Generate").click()
    expect(hint).to_contain_text("Type what the body should do")
    page.get_by_label("What should the body do?").fill("walk " * 70)
    page.keyboard.press("Enter")
    expect(hint).to_have_text("The prompt has 349 characters; at most 300 fit.")
    assert state(page, "server.state") == "idle"
    page.get_by_role("button", name="walk backwards").click()
    reach(page, 4)
    expect(hint).to_have_text("")
    page.get_by_label("Seed").first.fill("77")
    page.get_by_label("Seed").first.press("Tab")
    page.get_by_text("Press Restart to use the new seed.").wait_for()
    page.get_by_label("Model").first.select_option("motion-styles")
    page.get_by_text("Not for commercial use.").wait_for()


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_phone_width_shows_everything(open_page, theme):
    page = open_page(
        f"?__theme={theme}", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    generate(page)
    reach(page, 5)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for name in ("Change prompt", "Stop", "Restart", "BVH"):
        box = page.get_by_role("button", name=name).first.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["height"] >= 40
    page.locator("label", has_text="Male").last.locator("input").check()
    page.wait_for_function(f"{PAGE}.figure.name === 'male'")
    assert page.evaluate("document.body.classList.contains('dark')") is (theme == "dark")
