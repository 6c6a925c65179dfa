"""The page in real Chromium wherever people put it: under a path, behind proxies, in a frame."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager

import pytest
from playwright.sync_api import Frame, Page, expect

from app.hosting import Hosting
from tests.support.browsing import CHROMIUM, FLAGS, PAGE, serving, state, watched
from tests.support.fakes import FakeEngine
from tests.support.proxies import caddy, location, nginx, plain_site

pytest_plugins = ["tests.support.browsing"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
READY = f"{PAGE}?.figure?.scene && {PAGE}.model.state === 'ready'"
STORED = "() => { try { return sessionStorage.length } catch (e) { return e.name } }"
WORLD = "document.querySelector('.lw')?.livestep"


@contextmanager
def visiting(browser, address: str):
    """A page that has its time, as those of `watched`, but also its errors."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(address)
    yield page
    context.close()


def walk(page: Page | Frame) -> None:
    """Have a body walk."""
    page.wait_for_function(READY)
    prompt = page.get_by_label("What should the body do?")
    prompt.fill("a person walks")
    prompt.press("Enter")
    page.wait_for_function(f"{PAGE}.player.live >= 8")


def test_under_a_path_without_its_slash(browser, tmp_path):
    with serving(FakeEngine(), Hosting.read(root="x")) as port:
        at_x = location(port, "/x/", "/") + location(port, "= /x", "/")
        with nginx(tmp_path, at_x) as host, watched(browser, 1280, 800, 60) as open_page:
            page = open_page(f"{host}/x", READY)
            walk(page)
            assert not state(page, "socket.slow")


@pytest.mark.parametrize("slash", ["", "/"])
def test_under_a_path_that_was_not_told(browser, tmp_path, slash):
    with serving(FakeEngine()) as port:
        at_x = location(port, "/x/", "/") + location(port, "= /x", "/")
        with nginx(tmp_path, at_x) as host, visiting(browser, f"{host}/x{slash}") as page:
            walk(page)
            assert not state(page, "socket.slow")
            page.get_by_role("button", name="Make a file without watching").click()
            page.get_by_label("Prompt", exact=True).fill("a person walks")
            page.get_by_role("button", name="Make the file").click()
            page.locator("a[href*='gradio_api/file']").first.wait_for()


def test_over_tls_on_another_port_under_a_path_files_come_too(browser, tmp_path):
    with serving(FakeEngine(), Hosting.read(root="/x/")) as port:
        site = f"handle_path /x/* {{\nreverse_proxy 127.0.0.1:{port}\n}}"
        with caddy(tmp_path, site, "https") as host, watched(browser, 1280, 800, 60) as open_page:
            page = open_page(f"{host}/x/", READY, ignore_https_errors=True)
            walk(page)
            page.get_by_role("button", name="Stop", exact=True).click()
            with page.expect_download() as download:
                page.get_by_role("button", name="BVH").click()
            assert download.value.suggested_filename == "livestep-a-person-walks.bvh"
            page.get_by_role("button", name="Make a file without watching").click()
            page.get_by_label("Prompt", exact=True).fill("a person walks")
            page.get_by_role("button", name="Make the file").click()
            made = page.locator("a[href*='gradio_api/file']").first
            made.wait_for()
            assert made.get_attribute("href").startswith(f"{host}/x/gradio_api/")


def test_in_a_frame_of_another_site_with_storage_blocked(browser, tmp_path):
    profile = tmp_path / "profile" / "Default" / "Preferences"
    profile.parent.mkdir(parents=True)
    blocked = {"block_third_party_cookies": True, "cookie_controls_mode": 1}
    profile.write_text(json.dumps({"profile": blocked}))
    with plain_site(tmp_path) as port:
        ours = Hosting.read(sites=f"http://localhost:{port}")  # another site than 127.0.0.1
        with serving(FakeEngine(), ours) as inner:
            text = f'<iframe width="1200" height="760" src="http://127.0.0.1:{inner}/"></iframe>'
            (tmp_path / "blog.html").write_text(f"<link rel=icon href=data:,>{text}")
            context = browser.browser_type.launch_persistent_context(
                str(profile.parents[1]), executable_path=CHROMIUM, args=FLAGS
            )
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.goto(f"http://localhost:{port}/blog.html")
            frame = next(frame for frame in page.frames if f":{inner}" in frame.url)
            assert frame.evaluate(STORED) == "SecurityError"
            walk(frame)
            page.goto(f"http://127.0.0.1:{port}/blog.html")  # the same files, but not that site
            page.wait_for_load_state()
            assert not any(f":{inner}" in frame.url for frame in page.frames)
            context.close()


def test_where_no_websocket_comes_through_it_is_said_and_goes_on(browser, tmp_path):
    with serving(FakeEngine()) as port:
        stripped = location(port, "/", upgrade=False)
        with nginx(tmp_path, stripped) as host, visiting(browser, host) as page:
            page.wait_for_function(READY)
            expect(page.locator(".ls-toast").first).to_contain_text("No WebSocket comes through")
            walk(page)
            assert state(page, "socket.slow")
            expect(page.locator(".ls-toast").first).not_to_contain_text("WebSocket")
            expect(page.locator(".ls-pill-text").first).to_have_text(re.compile("slow line$"))
            expect(page.locator(".ls-pill").first).to_have_attribute("title", re.compile("Upgrade"))
            page.get_by_role("tab", name="World").click()
            page.wait_for_function(f"{WORLD}?.ready")
            page.locator(".lw-stage").click()
            page.wait_for_function(f"{WORLD}.lastIndex > 10")
            page.keyboard.down("w")
            page.wait_for_function(f"{WORLD}.obeyed > 0")
            page.keyboard.up("w")
            page.wait_for_function(f"{WORLD}.obeyed === 0")


def test_a_proxy_that_hides_the_host_is_told_of(browser, tmp_path):
    with serving(FakeEngine()) as port:
        hiding = f"location / {{ proxy_pass http://127.0.0.1:{port}; proxy_buffering off; }}"
        with nginx(tmp_path, hiding) as host:
            host = host.replace("127.0.0.1", "localhost")
            with visiting(browser, host) as page:
                said = f"shown as {host}, but its server is asked for 127.0.0.1:{port}"
                page.get_by_text(said).first.wait_for()
                expect(page.locator(".ls-pill-text").first).to_have_text("Refused")
