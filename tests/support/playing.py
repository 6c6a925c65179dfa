"""Fixtures and helpers: the world page in real Chromium on a server that does as the test says."""

from __future__ import annotations

import time

import pytest

from tests.support.browsing import watched
from tests.support.fake_world import FakeWorld

pytest_plugins = ["tests.support.browsing"]

WORLD = "document.querySelector('.lw')?.livestep"


@pytest.fixture
def server():
    world = FakeWorld()
    yield world
    world.close()


@pytest.fixture
def open_world(browser, server):
    """Open a page that holds nothing but the world."""
    ready = f"{WORLD}?.connection === 'open' && {WORLD}.offer.worlds.length"
    with watched(browser, 1000, 760) as open_page:
        yield lambda query="", **options: open_page(f"{server.address}/{query}", ready, **options)


def stage(page):
    return page.get_by_role("application", name="The world")


def play(page) -> None:
    """Click the picture and wait until it moves."""
    stage(page).click()
    reach(page, 4)


def reach(page, frames: int) -> None:
    """Wait until this many frames have been drawn."""
    page.wait_for_function(f"{WORLD}.frames >= {frames}")


def state(page, what: str):
    return page.evaluate(f"{WORLD}.{what}")


def until(condition, seconds: float = 10) -> None:
    """Wait until the server has seen something."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def color(page, canvas: int = 0) -> list[int]:
    """A pixel of the picture away from its bar and number."""
    return page.evaluate(
        f"""() => {{ const copy = new OffscreenCanvas(1, 1).getContext('2d');
        const canvas = document.querySelectorAll('.lw-canvas')[{canvas}];
        copy.drawImage(canvas, -120, -6, 128, 96);
        return [...copy.getImageData(0, 0, 1, 1).data].slice(0, 3); }}"""
    )


def await_color(page, wanted, canvas: int = 0) -> None:
    until(lambda: max(abs(a - b) for a, b in zip(color(page, canvas), wanted, strict=True)) < 12)
