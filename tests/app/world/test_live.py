"""The world tab in real Chromium on the real server: played, filmed, replayed."""

from __future__ import annotations

import json

import cv2
import pytest

from core.video.actions import parse_script
from tests.support.playing import WORLD, play, reach, stage, state, until

pytest_plugins = ["tests.support.browsing"]
pytestmark = pytest.mark.browser


def open_tab(open_page, query: str = "", **options):
    page = open_page(query, **options)
    page.get_by_role("tab", name="World").click()
    page.wait_for_function(f"{WORLD}?.connection === 'open' && {WORLD}.ready")
    return page


def test_keys_steer_and_another_tab_rests_the_world(open_page, page_engine):
    page = open_tab(open_page)
    play(page)
    page.keyboard.down("w")
    page.keyboard.down("ArrowLeft")
    page.wait_for_function(f"{WORLD}.obeyed === 17")
    page.keyboard.press("Escape")
    page.wait_for_function(f"{WORLD}.obeyed === 0")
    assert state(page, "latency") > 0
    page.wait_for_function("document.querySelector('[data-show=accepted]').textContent > 50")
    page.get_by_role("tab", name="Motion").click()
    page.wait_for_function(f"{WORLD}.dream.state === 'paused'")
    made = len(page_engine.dreams[-1].held)
    page.get_by_label("What should the body do?").fill("wasd")
    page.get_by_role("tab", name="World").click()
    page.wait_for_function(f"{WORLD}.dream.state === 'playing' && {WORLD}.lastIndex > {made}")
    assert not any(page_engine.dreams[-1].held[made:])  # typing did not steer
    number = state(page, "dream.world")
    page.reload()
    page.get_by_role("tab", name="World").click()
    page.wait_for_function(f"{WORLD}?.dream.world === {number} && {WORLD}.frames > 3")


def test_a_film_has_every_frame_and_its_log_makes_them_again(open_page, page_engine, tmp_path):
    page = open_tab(open_page)
    page.get_by_role("button", name="brick corner").click()
    reach(page, 5)
    stage(page).focus()
    page.keyboard.down("d")
    page.get_by_role("button", name="Record").click()
    page.locator(".lw-recording").wait_for()
    reach(page, 25)
    page.keyboard.up("d")
    reach(page, 35)
    page.get_by_role("button", name="Stop", exact=True).click()
    files = {}
    for name in ("MP4", "JSON"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        files[name] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[name])
    frames = state(page, "recording.frames")
    film = cv2.VideoCapture(str(files["MP4"]))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == frames > 10
    assert film.get(cv2.CAP_PROP_FRAME_WIDTH) == 512

    played = page_engine.dreams[-1]
    log = json.loads(files["JSON"].read_text())
    masks = parse_script(log["script"], played.keys)
    assert masks == played.held[: len(masks)]
    assert 8 in masks
    page.get_by_label("Replay a log").set_input_files(files["JSON"])
    until(lambda: page_engine.dreams[-1] is not played)
    again = page_engine.dreams[-1]
    page.wait_for_function(f"{WORLD}.scripted === {len(masks)}")
    page.locator(".ls-pill-text", has_text="Replay").wait_for()
    page.wait_for_function(f"{WORLD}.lastIndex > {WORLD}.scripted")
    assert again.held[: len(masks)] == masks
    assert again.settings == played.settings


def test_a_picture_is_uploaded_and_the_context_is_shown(open_page, page_engine, tmp_path):
    page = open_tab(open_page, "?__theme=dark")
    picture = tmp_path / "mine.png"
    cv2.imwrite(str(picture), page_engine.seed_picture("video", 2))
    page.get_by_label("Upload a picture to begin from").set_input_files(picture)
    reach(page, 3)
    page.get_by_text("Frames in view of the model").click()
    page.wait_for_function("document.querySelector('.lw-strip img').naturalWidth >= 8 * 128")
