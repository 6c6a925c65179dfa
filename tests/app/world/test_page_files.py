"""The world page in real Chromium: beginnings, settings, recordings, phones."""

from __future__ import annotations

import base64
import json
import re

import pytest
from playwright.sync_api import expect

from app.protocol import Drive, Problem, Tune, World
from tests.support.fake_world import SEEDS, card, encode, paint
from tests.support.playing import WORLD, await_color, color, play, reach, stage, state, until

pytest_plugins = ["tests.support.playing"]
pytestmark = pytest.mark.browser

NO_LABEL = """() => [...document.querySelectorAll('.lw :is(button, input, select, [tabindex])')]
.filter((e) => e.checkVisibility()).filter((e) => !(e.ariaLabel || e.title || e.textContent.trim()
|| e.labels?.[0]?.control === e || document.getElementById(e.getAttribute('aria-labelledby'))))
.map((e) => e.outerHTML)"""


def test_a_picture_of_the_gallery_begins_a_world(open_world, server):
    page = open_world()
    gallery = page.get_by_role("group", name="Begin from")
    assert [tile.inner_text() for tile in gallery.locator("button").all()] == SEEDS
    gallery.get_by_role("button", name=SEEDS[2]).click()
    reach(page, 3)
    assert server.of(World)[-1].start == 2
    assert page.evaluate("document.activeElement.role") == "application"  # keys act at once
    gallery.get_by_role("button", name=SEEDS[4]).focus()
    page.keyboard.press("Enter")
    until(lambda: server.of(World)[-1].start == 4)
    assert page.evaluate("document.activeElement.className") == "lw-tile"  # goes on looking
    chosen = gallery.locator("[aria-pressed=true]")
    expect(chosen).to_have_text(SEEDS[4])


def test_an_uploaded_picture_is_sent_and_mistakes_get_sentences(open_world, server):
    page = open_world()
    chooser = page.get_by_label("Upload a picture to begin from")
    note = page.locator(".lw-begin-note")

    def choose(name: str, kind: str, data: bytes) -> None:
        chooser.set_input_files({"name": name, "mimeType": kind, "buffer": data})

    choose("notes.txt", "text/plain", b"hello")
    expect(note).to_have_text("notes.txt is not a picture.")
    choose("large.png", "image/png", bytes(9 * 2**20))
    expect(note).to_contain_text("larger than 8 MB")
    assert server.uploads == []
    picture = encode(paint(5, 3), ".png")
    choose("mine.png", "image/png", picture)
    reach(page, 3)
    assert server.uploads == [picture]
    assert server.of(World)[-1].start == -1
    page.locator(".lw-tile[data-start='-1'][aria-pressed=true]").wait_for()

    drop = """([bytes, type]) => { const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], 'dropped', {type}));
    const at = document.querySelector('.lw-gallery');
    at.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true})); }"""
    page.evaluate(drop, [list(picture), "image/png"])
    until(lambda: len(server.uploads) == 2)
    until(lambda: len(server.of(World)) == 2)
    server.tell(Problem(message="The picture is too narrow.", about="picture"))
    page.get_by_text("The picture is too narrow.").wait_for()


def test_sliders_act_at_once_and_the_seed_at_the_next_reset(open_world, server):
    page = open_world()
    play(page)
    page.get_by_label("Context noise").fill("0.25")
    page.get_by_label("Speculation").fill("0")
    page.get_by_label("Frames together").fill("3")
    until(lambda: len(server.of(Tune)) == 3)
    assert server.of(Tune) == [Tune(context_noise=0.25), Tune(ahead=0), Tune(together=3)]
    expect(page.get_by_label("Speculation")).to_have_attribute("aria-valuetext", "off")
    page.get_by_label("Seed", exact=True).fill("77")
    page.get_by_label("Seed", exact=True).press("Tab")
    page.get_by_text("Press Reset to use the new seed.").wait_for()
    page.get_by_role("button", name="Reset").click()
    until(lambda: len(server.of(World)) == 2)
    first, second = server.of(World)
    assert (first.seed, first.steps, first.context_noise, first.ahead) == (1, None, None, -1)
    assert (second.seed, second.steps, second.context_noise, second.together) == (77, None, 0.25, 3)
    expect(page.locator("[data-show=pending]")).to_have_text("")


def test_sliders_end_where_the_model_does(open_world, server):
    server.worlds.worlds.append(card("video-long", together=1))
    page = open_world()
    together = page.get_by_label("Frames together")
    together.fill("3")
    page.get_by_text("3 at once").wait_for()
    page.locator("[name=checkpoint]").select_option("video-teacher")
    page.get_by_text("2 at once").wait_for()
    assert (together.get_attribute("max"), together.input_value()) == ("2", "2")
    expect(together).to_have_attribute("aria-valuetext", "2")
    page.locator("[name=checkpoint]").select_option("video-long")
    assert together.is_hidden()
    play(page)
    assert (server.of(World)[-1].checkpoint, server.of(World)[-1].together) == ("video-long", 1)


def test_record_download_and_replay(open_world, server, tmp_path):
    page = open_world()
    mp4, log = page.get_by_role("button", name="MP4"), page.get_by_role("button", name="JSON")
    expect(page.get_by_role("button", name="Record")).to_be_disabled()
    play(page)
    page.get_by_role("button", name="Record").click()
    page.locator(".lw-recording").wait_for()
    reach(page, 20)
    expect(mp4).to_be_disabled()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("W:30,WD:12,-:8").wait_for()
    page.get_by_label("Video size").select_option("768 \u00d7 576")
    for button, name in ((mp4, "livestep-world.mp4"), (log, "livestep-world.json")):
        with page.expect_download() as download:
            button.click()
        assert download.value.suggested_filename == name
        page.get_by_text(f"{name}, 2 kB").wait_for()
    assert server.films == [{"format": "mp4", "scale": 6}, {"format": "json", "scale": 6}]
    assert [drive.do for drive in server.of(Drive)] == ["record", "keep"]

    chooser = page.get_by_label("Replay a log")
    path = tmp_path / "log.json"
    path.write_text("{}")
    chooser.set_input_files(path)
    page.get_by_text("This file is not an action log of this page.").wait_for()
    said = {
        "checkpoint": "video",
        "seed": 9,
        "start": 3,
        "steps": 2,
        "context_noise": 0.2,
        "ahead": 0,
        "together": 1,
        "script": "W:5,-:4",
        "changes": [],
    }
    path.write_text(json.dumps({"world": "blocks", **said}))
    chooser.set_input_files(path)
    until(lambda: server.of(World)[-1] == World(**said))
    expect(page.get_by_label("Seed", exact=True)).to_have_value("9")
    assert state(page, "scripted") == 9
    path.write_text(json.dumps({**said, "checkpoint": "other"}))
    chooser.set_input_files(path)
    page.get_by_text("played with the model other, which is not here").wait_for()
    path.write_text(json.dumps({**said, "start": -1}))
    chooser.set_input_files(path)
    page.get_by_text("begins from a picture that it does not carry").wait_for()
    picture = encode(paint(5, 3), ".png")
    packed = base64.b64encode(picture).decode()
    path.write_text(json.dumps({**said, "start": -1, "picture": packed}))
    chooser.set_input_files(path)
    until(lambda: server.of(World)[-1] == World(**{**said, "start": -1}))
    assert server.uploads == [picture]


def test_the_real_engine_is_shown_where_it_is_offered(open_world, server):
    page = open_world()
    beside = page.get_by_label("Real engine beside it")
    assert beside.is_hidden()
    page.locator("[name=checkpoint]").select_option("video-teacher")
    beside.check()
    play(page)
    assert server.of(World)[-1].truth
    page.locator(".lw-beside").wait_for()
    page.keyboard.down("s")
    await_color(page, color(page, 1))
    expect(page.get_by_text("Real engine", exact=True)).to_be_visible()


def test_readout_and_context_strip_fill_in_without_moving_the_page(open_world):
    page = open_world(viewport={"width": 1280, "height": 900})
    cards = "[...document.querySelectorAll('.lw .ls-card')]"
    where = f"{cards}.map((e) => e.getBoundingClientRect().y + scrollY)"
    before = page.evaluate(where)
    play(page)
    page.keyboard.press("w", delay=200)
    page.locator("[data-show=made]", has_text="31").wait_for()
    page.wait_for_function("document.querySelector('[data-show=shown]').textContent > 15")
    page.wait_for_function("document.querySelector('[data-show=latency]').textContent > 0")
    expect(page.locator("[data-show=accepted]")).to_have_text(re.compile(r"^[89]\d$"))
    expect(page.locator("[data-show=depth]")).to_have_text("\u00b7 3 ahead")
    assert page.evaluate(where) == before
    page.get_by_text("Frames in view of the model").click()
    page.wait_for_function("document.querySelector('.lw-strip img').naturalWidth === 8 * 128")
    assert page.evaluate(where)[:4] == before[:4]
    first = page.evaluate("document.querySelector('.lw-strip img').src")
    page.wait_for_function(f"document.querySelector('.lw-strip img').src !== '{first}'")
    assert page.evaluate(NO_LABEL) == []


def test_pictures_get_the_pixels_of_the_display(open_world, server):
    page = open_world()
    play(page)
    wide, shown, smooth = page.evaluate(
        """() => { const canvas = document.querySelector('.lw-canvas');
        const { imageSmoothingEnabled } = canvas.getContext('2d');
        return [canvas.width, canvas.clientWidth, imageSmoothingEnabled]; }"""
    )
    assert wide % 128 == 0
    assert shown <= wide < shown + 128
    assert smooth
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_text("Paused \u2013 click").wait_for()
    page.get_by_role("button", name="Crisp pixels").click()
    colors = page.evaluate(
        """() => { const canvas = document.querySelector('.lw-canvas'), times = canvas.width / 128;
        const { data } = canvas.getContext('2d').getImageData(50 * times, 50 * times, times, times);
        return new Set(new Uint32Array(data.buffer)).size; }"""
    )
    assert colors == 1  # one pixel of the frame


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_phone_width_shows_everything(open_world, theme):
    page = open_world(
        f"?__theme={theme}", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    stage(page).tap()
    reach(page, 3)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for name in ("Pause", "One frame", "Reset", "Record", "turn left", "turn right", "Full screen"):
        box = page.get_by_role("button", name=name).first.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert min(box["width"], box["height"]) >= 40
    pad = page.locator(".lw-pad").bounding_box()
    assert pad["y"] + pad["height"] < 844  # picture and thumbs fit one screen
    assert page.evaluate(NO_LABEL) == []
    assert page.evaluate(f"{WORLD}.padded")
