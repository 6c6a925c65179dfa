"""The page in real Chromium: downloads, lost connections, mistakes, phones; and the API."""

from __future__ import annotations

import re
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
    part = {"root": "in-place", "offset": "zero", "start": 0.5, "end": 1.25}
    file = client.predict("a person walks", 1.5, 3, "bvh", **part, api_name="/text_to_motion")
    assert "Frames: 15" in Path(file).read_text()
    with pytest.raises(Exception, match="Root must be one of hips"):
        client.predict("a person walks", 1, 3, "bvh", root="feet", api_name="/text_to_motion")
    with pytest.raises(Exception, match=r"(?i)prompt"):
        client.predict("  ", 1.5, 3, "bvh", api_name="/text_to_motion")
    with pytest.raises(Exception, match=r"(?i)checkpoint"):
        client.predict("a person walks", 2, 3, "bvh", checkpoint="../x", api_name="/text_to_motion")
    for values, said in {
        ("a person walks", 2, 1e308): r"^Seed must be a whole number, got \d+\.\.\.$",
        ("walk " * 2000, 2, 1): r"^Prompt must have at most 2000 characters\.$",
    }.items():
        with pytest.raises(Exception, match=said):
            client.predict(*values, api_name="/text_to_motion")


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
    for name in ("BVH", "GLB", "FBX", "VRMA", "NPZ", "MP4"):
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
def test_a_film_that_takes_too_long_is_canceled(open_page):
    page = open_page()
    generate(page)
    reach(page, 60)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_label("Frames a second").first.select_option("60")
    page.get_by_role("button", name="MP4").click()
    note = page.locator(".ls-export-note")
    expect(note).to_have_text(re.compile(r"Drawing the film: \d+ %, about .* to go Cancel"))
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(note).to_have_text("Canceled; nothing was written.")
    expect(page.get_by_role("button", name="BVH")).to_be_enabled()


@pytest.mark.browser
def test_handles_choose_a_part_by_mouse_and_keys(open_page):
    page = open_page()
    generate(page)
    reach(page, 45)
    page.get_by_role("button", name="Stop", exact=True).click()
    start = page.get_by_role("slider", name="Start of the part to export")
    end = page.get_by_role("slider", name="End of the part to export")
    expect(start).to_be_hidden()
    page.locator("label", has_text="Range").locator("input").check()
    start.scroll_into_view_if_needed()
    line, box = page.locator(".ls-timeline").bounding_box(), start.bounding_box()
    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(middle + line["width"] / 10, box["y"] + 20, steps=4)  # 10 s are shown
    page.mouse.up()
    expect(start).to_have_attribute("aria-valuenow", re.compile(r"^(0\.9|1\.0)"))
    expect(start).to_have_text(re.compile("0:0[01]"))
    expect(page.get_by_label("Range from, seconds")).not_to_have_value("0.00")
    end.focus()
    last = float(end.get_attribute("aria-valuenow"))
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("ArrowRight")
    expect(end).to_have_attribute("aria-valuenow", f"{last - 0.95:.2f}")
    page.keyboard.press("Home")  # no further than the other one
    length = "el => el.livestep.timeline.range[1] - el.livestep.timeline.range[0]"
    assert page.locator(".ls").first.evaluate(length) == 3
    page.keyboard.press("End")
    expect(end).to_have_attribute("aria-valuenow", f"{last:.2f}")
    assert not state(page, "player.reviewing")  # the playhead stayed
    page.get_by_label("Range to, seconds").fill("0.2")
    page.get_by_label("Range to, seconds").press("Tab")
    said = page.locator(".ls-export-note").first
    expect(said).to_contain_text("0.2 s: the take has 0.00 s to")
    expect(end).to_have_attribute("aria-valuenow", f"{last:.2f}")


@pytest.mark.browser
def test_what_would_be_too_long_cannot_be_asked_for_and_says_so(open_page):
    page = open_page()
    generate(page)
    reach(page, 45)
    page.get_by_role("button", name="Stop", exact=True).click()
    film, note = page.locator("[data-export=mp4]").first, page.locator(".ls-export-note").first
    expect(film).to_be_enabled()
    page.evaluate(f"Object.assign({PAGE}.timeline, {{ range: [0, 1201] }}), 0")
    expect(film).to_be_disabled()
    expect(page.locator("[data-export=glb]").first).to_be_enabled()
    expect(note).not_to_contain_text("at most")  # nobody chose it
    film.dispatch_event("click")
    expect(note).to_have_text(
        "At 30 frames a second MP4 has 60 s at most: choose a range or a lower rate."
    )
    page.get_by_label("Frames a second").first.select_option("20")
    expect(film).to_be_enabled()
    expect(note).not_to_contain_text("at most")
    page.locator("[data-export=webp]").first.dispatch_event("click")
    expect(note).to_contain_text("At 20 frames a second WEBP has 20 s at most: choose a range")


@pytest.mark.browser
def test_the_form_says_what_other_tools_need_to_know(open_page, tmp_path):
    page = open_page()
    note = page.locator(".ls-rate-note").first
    expect(note).to_contain_text("Frame Rate to 30")
    page.get_by_label("Frames a second").first.select_option("24")
    expect(note).to_have_text("24 frames a second: what Blender's scenes have.")
    generate(page)
    reach(page, 45)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_label("NPZ for").first.select_option("amass")
    expect(note).to_contain_text("want 30 or more")
    page.locator("label", has_text="Floor").first.locator("input").check()
    page.get_by_label("BVH at rest").first.select_option("zero")
    files = {}
    for name in ("BVH", "NPZ"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        files[name] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[name])
        page.get_by_text(f"{files[name].name}, ").wait_for()
    head = files["BVH"].read_text()[:300]
    assert "ROOT Root" in head
    assert "JOINT Hips\n\t{\n\t\tOFFSET 0.000000 0.000000" in head
    with np.load(files["NPZ"]) as data:
        assert data["poses"].shape[1] == 156
        assert data["mocap_framerate"] == 24
    page.get_by_label("Loop").first.check()
    page.get_by_role("button", name="GLB").click()
    expect(page.locator(".ls-export-note").first).to_contain_text(re.compile("loop|downloads"))


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
