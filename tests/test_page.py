"""The page in real Chromium against a real server with the fake engine, and the API by its client."""

from __future__ import annotations

import os
import shutil
import socket
import time
from contextlib import closing
from pathlib import Path

import pytest
from fakes import FakeEngine

from app.exports import Exports
from app.loader import Loader
from app.lobby import Lobby
from app.sharing import Limits

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
PAGE = "document.querySelector('.ls')?.livestep"
NOISE = "GPU stall due to ReadPixels"  # software WebGL complains about its own screenshots


@pytest.fixture(scope="module")
def engine():
    return FakeEngine()


@pytest.fixture(scope="module")
def address(engine):
    """A server as `python app.py` starts it."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    from app.ui import build, launch_options

    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lobby = Lobby(Loader(lambda: engine).start(), Limits(moving=16))
    exports = Exports()
    page = build(lobby, exports)
    page.launch(
        server_name="127.0.0.1",
        server_port=port,
        prevent_thread_lock=True,
        **launch_options(lobby, exports),
    )
    yield f"http://127.0.0.1:{port}"
    page.close(verbose=False)
    exports.close()


def test_api_makes_a_file(address):
    from gradio_client import Client

    client = Client(address, verbose=False)
    file = client.predict(
        "a person walks", 1.5, 3, "bvh", "neutral", 20, api_name="/text_to_motion"
    )
    assert Path(file).name == "livestep-a-person-walks.bvh"
    assert "Frames: 30" in Path(file).read_text()
    with pytest.raises(Exception, match="(?i)prompt"):
        client.predict("  ", 1.5, 3, "bvh", api_name="/text_to_motion")
    with pytest.raises(Exception, match="(?i)checkpoint"):
        client.predict(
            "a person walks", 2, 3, "bvh", checkpoint="../x", api_name="/text_to_motion"
        )


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.skip("no Chromium here; set CHROMIUM to its path")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Open the page; at the end nothing may have gone wrong or left this host."""
    contexts, faults = [], []

    def open_page(query: str = "", **options):
        context = browser.new_context(**{"viewport": {"width": 900, "height": 640}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on(
            "console",
            lambda message: message.type in ("error", "warning")
            and NOISE not in message.text
            and faults.append(f"{message.type}: {message.text}"),
        )
        page.on(
            "request",
            lambda request: request.url.startswith(("http", "ws"))
            and "//127.0.0.1:" not in request.url
            and faults.append(f"external request: {request.url}"),
        )
        page.goto(f"{address}/{query}")
        page.wait_for_function(f"{PAGE}?.figure?.scene && {PAGE}.model.state === 'ready'")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


def generate(page, text: str = "a person walks forward") -> None:
    page.get_by_label("What should the body do?").fill(text)
    page.keyboard.press("Enter")


def reach(page, pose: float) -> None:
    """Wait until this pose is on the screen."""
    page.wait_for_function(f"{PAGE}.player.live >= {pose}")


def state(page, what: str):
    return page.evaluate(f"{PAGE}.{what}")


@pytest.mark.browser
def test_generate_moves_the_body_and_a_new_prompt_changes_it(open_page):
    page = open_page()
    still = page.locator(".ls-stage").screenshot()
    assert page.get_by_role("button", name="Stop", exact=True).is_disabled()
    generate(page)
    began = time.monotonic()
    reach(page, 0.5)
    assert time.monotonic() - began < 2  # 0.2 s on a quiet machine
    reach(page, 20)
    assert page.locator(".ls-stage").screenshot() != still
    assert state(page, "stats.arrival") < 1000
    assert page.get_by_role("button", name="Change prompt").is_enabled()
    assert page.locator(".ls-pill-text").inner_text() in ("Live", "Buffering")

    generate(page, "a person jumps up and down")
    page.wait_for_function(f"{PAGE}.stats.sight !== null")
    assert page.locator(".ls-caption").inner_text() == "a person jumps up and down"
    marks = state(page, "player.take.marks")
    assert [mark["text"] for mark in marks] == [
        "a person walks forward",
        "a person jumps up and down",
    ]
    # nothing is missing between two poses: over the floor the body moves as it does in a walk
    jump = page.evaluate(
        f"""() => {{ const t = {PAGE}.player.take; let most = 0;
        for (let i = 3; i < 3 * t.length; i += 3) most = Math.max(most,
          Math.hypot(...[0, 2].map((k) => t.root[i + k] - t.root[i + k - 3])));
        return most; }}"""
    )
    assert jump < 0.1
    page.locator("[data-show=rate]", has_text="0").wait_for()
    assert float(page.locator("[data-show=rate]").inner_text()) > 50
    assert float(page.locator("[data-show=slide]").inner_text()) > 0

    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_function(f"{PAGE}.player.atEnd && {PAGE}.server.state === 'stopped'")
    end = state(page, "player.take.end")
    time.sleep(0.4)
    assert state(page, "player.take.end") == end
    page.get_by_role("button", name="Continue").click()
    reach(page, end + 10)
    first = state(page, "player.take.number")
    page.get_by_role("button", name="Restart").click()
    page.wait_for_function(f"{PAGE}.player.take.number !== {first} && {PAGE}.player.live > 4")


@pytest.mark.browser
def test_timeline_scrubs_and_returns_to_live(open_page):
    page = open_page()
    generate(page)
    reach(page, 50)
    line = page.get_by_role("slider", name="Time in the take")
    box = line.bounding_box()
    page.mouse.click(box["x"] + 0.1 * box["width"], box["y"] + 15)
    page.wait_for_function(f"{PAGE}.player.reviewing && {PAGE}.player.time < 45")
    live = state(page, "player.live")
    line.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Home")
    page.wait_for_function(f"{PAGE}.player.time === 0")
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_function(f"{PAGE}.player.time === 20")
    assert line.get_attribute("aria-valuetext").startswith("0:0")
    page.get_by_role("button", name="Live", exact=True).click()
    reach(page, live + 10)
    assert not state(page, "player.reviewing")

    # typing is typing: the same keys do nothing to the take
    page.get_by_label("What should the body do?").focus()
    page.keyboard.type(" lfcr")
    assert not state(page, "player.paused")
    assert not state(page, "player.reviewing")
    assert state(page, "stage.follow")


@pytest.mark.browser
def test_exports_download_and_parse(open_page, tmp_path):
    page = open_page()
    assert page.get_by_role("button", name="BVH").is_disabled()
    generate(page)
    reach(page, 45)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.locator("label", has_text="Range").locator("input").check()
    page.get_by_label("Range from, seconds").fill("0.5")
    page.get_by_label("Range to, seconds").fill("2")
    page.get_by_label("Range to, seconds").press("Tab")
    page.get_by_label("Frames a second").first.select_option("20")
    files = {}
    for name in ("BVH", "GLB", "NPZ"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        files[name] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[name])
        page.get_by_text("is in your downloads").wait_for()
    assert files["BVH"].name == "livestep-a-person-walks-forward.bvh"
    import numpy as np
    import pybvh
    from pygltflib import GLTF2

    assert pybvh.read_bvh_file(str(files["BVH"])).frame_count == 30
    assert len(GLTF2().load(str(files["GLB"])).animations) == 1
    with np.load(files["NPZ"]) as data:
        assert data["joints"].shape == (30, 22, 3)


@pytest.mark.browser
def test_a_take_survives_a_lost_connection_and_a_reload(open_page, engine):
    page = open_page()
    generate(page)
    reach(page, 20)
    opened = len(engine.opened)
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
    assert len(engine.opened) == opened
    assert page.get_by_label("What should the body do?").input_value() == "a person walks forward"


@pytest.mark.browser
def test_mistakes_get_sentences(open_page):
    page = open_page()
    hint = page.locator(".ls-hint")
    page.get_by_role("button", name="Generate").click()
    assert "Type what the body should do" in hint.inner_text()
    page.get_by_label("What should the body do?").fill("walk " * 70)
    page.keyboard.press("Enter")
    assert hint.inner_text() == "The prompt has 349 characters; at most 300 fit."
    assert state(page, "server.state") == "idle"
    page.get_by_role("button", name="walk backwards").click()
    reach(page, 4)
    assert hint.inner_text() == ""
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
