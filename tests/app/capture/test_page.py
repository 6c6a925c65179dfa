"""The page of videos in real Chromium: a rendered film goes in, its motion plays beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from benchmarks.capture_films import VIEWS, film
from tests.support.browsing import state as motion_state
from tests.support.drawn_films import ffmpeg
from tests.support.fake_capture import fake_film
from tests.support.fakes import FakeEngine

pytest_plugins = ["tests.support.browsing"]
pytestmark = pytest.mark.browser

FOLLOW = "document.querySelector('.lf')?.livestep"


def state(page, what: str):
    return page.evaluate(f"{FOLLOW}.{what}")


@pytest.fixture
def open_follow(open_page):
    """Open the page and its tab of videos."""

    def open_follow(**options):
        page = open_page(**options)
        page.get_by_role("tab", name="From video or file").click()
        page.wait_for_function(f"{FOLLOW}?.figure?.scene && {FOLLOW}.model.state === 'ready'")
        return page

    return open_follow


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    """A film of our own body, two seconds long."""
    path = tmp_path_factory.mktemp("film") / "wave hello.mp4"
    take = FakeEngine().walked("a person waves", 40)
    film(take, path, VIEWS[0], size=(320, 320), rate=20)
    return path


def choose(page, name: str, data: bytes) -> None:
    file = {"name": name, "mimeType": "video/mp4", "buffer": data}
    page.locator("[name=lf-file]").set_input_files([file])


def finish(page) -> None:
    page.wait_for_function(f"{FOLLOW}.server.state === 'stopped' && {FOLLOW}.reference")


def test_a_rendered_film_is_followed_plays_in_step_goes_on_and_is_exported(
    open_follow, rendered, tmp_path
):
    page = open_follow()
    page.set_default_timeout(60_000)
    expect(page.get_by_role("button", name="Continue")).to_be_disabled()
    page.locator("[name=lf-file]").set_input_files(str(rendered))
    page.get_by_role("progressbar", name="Progress").wait_for()
    page.get_by_text("of the video seen").first.wait_for()
    finish(page)
    reference = state(page, "reference")
    assert (reference["name"], reference["kind"]) == ("wave hello.mp4", "video")
    assert abs(reference["poses"] - 40) <= 3
    assert state(page, "mine.take.end") == reference["poses"]
    page.get_by_text("number 0").first.wait_for()  # what is like it came by itself

    # body and video are at the same second, while they play and when they stand
    page.wait_for_function(f"{FOLLOW}.mine.time > 8 && {FOLLOW}.mine.time < 30")
    at = f"{FOLLOW}.reference.kept[0] + {FOLLOW}.mine.time / 20"
    apart = f"{at} - {FOLLOW}.clip.video.currentTime"
    page.wait_for_function(f"Math.abs({apart}) < 0.2")
    pause_at_one_second(page)
    page.wait_for_function(f"{FOLLOW}.mine.time === 20 && Math.abs({apart}) < 0.03")
    assert page.evaluate(f"{FOLLOW}.clip.video.paused")
    assert state(page, "seen.time") == 20  # so is the body

    page.get_by_role("slider", name="Camera tilt").fill("12")
    page.wait_for_function(f"{FOLLOW}.reference.tilt === 12 && {FOLLOW}.mine.take.end > 30")
    page.wait_for_function(f"{FOLLOW}.mine.time === 20")  # still paused where it was

    page.get_by_role("slider", name="Length").fill("1")
    page.get_by_role("slider", name="Manner").fill("0.5")
    page.get_by_label("What happens next?").fill("and then jumps")
    page.keyboard.press("Enter")
    page.wait_for_function(f"{FOLLOW}.added && {FOLLOW}.server.state === 'stopped'")
    seam = reference["poses"]
    marks = state(page, "mine.take.marks")
    assert [(mark["start"], mark["text"]) for mark in marks] == [
        (0, "wave hello.mp4"),
        (seam, "a person jumps"),
    ]
    page.get_by_text("Looked at, with weight 0.50:").wait_for()
    page.get_by_text("CMU, free").first.wait_for()
    page.wait_for_function(f"{FOLLOW}.mine.time > {seam + 2}")
    page.get_by_text("The video ends here").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="NPZ").click()
    download.value.save_as(tmp_path / "take.npz")
    assert download.value.suggested_filename == "livestep-wave-hello.npz"
    with np.load(tmp_path / "take.npz") as data:
        assert len(data["poses"]) >= 1.4 * (seam + 20)  # thirty a second
    page.get_by_role("button", name="Redo").click()
    page.wait_for_function(f"{FOLLOW}.mine.take.marks.at(-1)?.id === 2")
    assert state(page, "mine.take.marks")[-1]["start"] == seam


def pause_at_one_second(page):
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("slider", name="Time in the take").last.focus()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")


@pytest.mark.parametrize(
    ("name", "how", "start"),
    [
        ("late.mkv", ("-i", "FILM", "-c", "copy", "-output_ts_offset", "5.017"), 5.017),
        (
            "sound first.mp4",
            ("-itsoffset", "1", "-i", "FILM", "-f", "lavfi", "-i", "sine=d=3", "-c:v", "copy"),
            1.0,
        ),
    ],
)
def test_a_film_that_does_not_begin_at_0_plays_in_step(
    open_follow, rendered, tmp_path, name, how, start
):
    ffmpeg(*(rendered if word == "FILM" else word for word in how), tmp_path / name)
    page = open_follow()
    page.set_default_timeout(60_000)
    page.locator("[name=lf-file]").set_input_files(str(tmp_path / name))
    finish(page)
    apart = f"{start} + {FOLLOW}.reference.kept[0] + {FOLLOW}.mine.time / 20"
    apart = f"Math.abs({apart} - {FOLLOW}.clip.video.currentTime)"
    page.wait_for_function(f"{FOLLOW}.mine.time > 8 && {FOLLOW}.mine.time < 36 && {apart} < 0.2")
    pause_at_one_second(page)
    page.wait_for_function(f"{FOLLOW}.mine.time === 20 && {apart} < 0.03")


def test_a_real_motion_plays_and_the_take_comes_back(open_follow):
    page = open_follow()
    choose(page, "walk.mp4", fake_film(40, people=3, unseen=[10, 16]))
    finish(page)
    page.get_by_text("were not seen and are filled in").wait_for()
    page.get_by_text("Hatched parts").wait_for()
    page.get_by_text("This browser cannot show this file").wait_for()  # but it was followed
    page.get_by_label("Search real motions by words").fill("somebody limps")
    page.keyboard.press("Enter")
    match = page.get_by_role("button", name="somebody limps, number 2")
    match.click()
    page.wait_for_function(f"{FOLLOW}.player !== {FOLLOW}.mine && {FOLLOW}.player.time > 2")
    expect(match).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".lf .ls-pill-text")).to_have_text("Real motion")
    expect(page.get_by_role("button", name="BVH").last).to_be_disabled()
    page.get_by_role("button", name="Back to your take").click()
    page.wait_for_function(f"{FOLLOW}.player === {FOLLOW}.mine")
    expect(match).to_have_attribute("aria-pressed", "false")
    page.get_by_label("Person").select_option("2")
    page.wait_for_function(f"{FOLLOW}.reference.person === 2")
    finish(page)
    number = state(page, "mine.take.number")
    page.reload()
    page.get_by_role("tab", name="From video or file").click()
    page.wait_for_function(f"{FOLLOW}?.mine.take.number === {number}")
    page.get_by_text("has stayed on your device").wait_for()
    assert motion_state(page, "player.take.length") == 0  # the motion tab has a take of its own


def test_cancel_bad_files_and_too_large_ones(open_follow):
    page = open_follow()
    choose(page, "long.mp4", fake_film(4000, cost=0.01))
    page.get_by_text("of the video seen").first.wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Drop a video of a person here").wait_for()
    choose(page, "broken.mp4", b"this is no film")
    page.get_by_text("Broken.mp4 cannot be read as a video").first.wait_for()
    page.evaluate(f"{FOLLOW}.send({{size: 70e6, name: 'big.mp4'}})")
    page.get_by_text("big.mp4 has 70 MB; 64 MB are the most.").first.wait_for()
    choose(page, "fine.mp4", fake_film(20))
    finish(page)
    choose(page, "nobody.mp4", fake_film(20, problem="no person was found"))
    page.locator(".lf .ls-toast", has_text="No person was found.").wait_for()
    page.get_by_text("nobody.mp4 \u2013 not used").wait_for()
    assert state(page, "mine.take.length") == 20  # what was made stays
    assert state(page, "clip.address === f.clip.kept".replace("f.", f"{FOLLOW}."))


def test_the_camera_records_a_clip(open_follow):
    page = open_follow(permissions=["camera"])
    clock = "[data-show=camera]"
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Record").click()
    page.wait_for_function(
        f"/^[1-9].* of 20 s/.test({FOLLOW}.root.querySelector('{clock}').textContent)"
    )
    page.get_by_role("button", name="Done").click()
    page.wait_for_function(f"{FOLLOW}.uploaded?.name === 'camera.webm'")
    page.locator(".lf-trouble", has_text="camera.webm").wait_for(timeout=60_000)  # nobody is there


def test_phone_width_shows_everything(open_follow):
    page = open_follow(
        query="?__theme=dark",
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
    )
    choose(page, "walk.mp4", fake_film(20))
    finish(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for name in ("Continue", "Redo", "Another file", "BVH"):
        box = page.locator(".lf").get_by_role("button", name=name).first.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["height"] >= 40
