"""Fixtures and helpers: the page in real Chromium on a real server with the fake engine."""

from __future__ import annotations

import os
import shutil
import socket
from contextlib import closing, contextmanager

import pytest

from app.exports.store import Exports
from app.hosting import Hosting
from app.live.loader import Loader
from app.live.lobby import Lobby
from app.live.sharing import Limits
from tests.support.fakes import FakeEngine

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
PAGE = "document.querySelector('.ls')?.livestep"
# software WebGL complains about its own screenshots, Gradio about a label it translates
NOISE = ("GPU stall due to ReadPixels", "[svelte-i18n]")


@pytest.fixture(scope="module")
def page_engine():
    return FakeEngine()


@contextmanager
def serving(engine, hosting: Hosting | None = None):
    """A server as `python app.py` starts it; yields its port."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["FORWARDED_ALLOW_IPS"] = ""
    from app.ui import build, launch_options

    port = free_port()
    lobby = Lobby(Loader(lambda: engine).start(), Limits(moving=16))
    exports = Exports()
    page = build(lobby, exports, tools=bool(hosting and hosting.tools))
    page.launch(
        server_name="127.0.0.1",
        server_port=port,
        prevent_thread_lock=True,
        **launch_options(lobby, exports, hosting),
    )
    yield port
    page.close(verbose=False)
    exports.close()


def free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def address(page_engine):
    with serving(page_engine) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.skip("no Chromium here; set CHROMIUM to its path")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def watched(browser, width: int, height: int, seconds: float = 20):
    """Yield what opens a page; at the end nothing may have gone wrong or left this host."""
    contexts, faults = [], []

    def note(message) -> None:
        noise = any(known in message.text for known in NOISE)
        if message.type in ("error", "warning") and not noise:
            faults.append(f"{message.type}: {message.text}")

    def check(request) -> None:
        if request.url.startswith(("http", "ws")) and "//127.0.0.1:" not in request.url:
            faults.append(f"external request: {request.url}")

    def open_page(address: str, ready: str, **options):
        context = browser.new_context(**{"viewport": {"width": width, "height": height}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1000 * seconds)
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("console", note)
        page.on("request", check)
        page.goto(address)
        page.wait_for_function(ready)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def open_page(browser, address):
    """Open the app's page and wait for its figure."""
    ready = f"{PAGE}?.figure?.scene && {PAGE}.model.state === 'ready'"
    with watched(browser, 900, 640) as open_page:
        yield lambda query="", **options: open_page(f"{address}/{query}", ready, **options)


def generate(page, text: str = "a person walks forward") -> None:
    page.get_by_label("What should the body do?").fill(text)
    page.keyboard.press("Enter")


def reach(page, pose: float) -> None:
    """Wait until this pose is on the screen."""
    page.wait_for_function(f"{PAGE}.player.live >= {pose}")


def state(page, what: str):
    return page.evaluate(f"{PAGE}.{what}")
