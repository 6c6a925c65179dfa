"""Key to picture, in a real browser: `python -m benchmarks.key_latency --json`.

The app is started and its world played in Chromium by keys held at random, by one player and by two
at once; the page tells how long each press took until the first frame that obeys it was drawn.
Needs playwright and a Chromium (requirements-dev.txt), found as `chromium` or named by the
environment variable CHROMIUM.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks import reporting
from benchmarks.app_start import serving
from benchmarks.reporting import emit, machine, quality_table, rounded, told_errors
from core.settings import CHECKPOINTS

BODY = "document.querySelector('.ls').livestep"
WORLD = "document.querySelector('.lw').livestep"
KEYS = ("w", "a", "s", "d", "ArrowLeft", "ArrowRight")
HELD = 250, 900
"""Milliseconds that a key is held, and that none is held afterwards."""
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")


@contextmanager
def in_browser(checkpoints: Path, flags: Sequence[str] = FLAGS) -> Iterator[tuple[Any, int]]:
    """Lend a Chromium and the port of the app; raise ValueError where either is not to be had."""
    from playwright.sync_api import sync_playwright

    browser_path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not browser_path:
        raise ValueError("no Chromium; install it, or name it by the environment variable CHROMIUM")
    with serving(checkpoints) as (port, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(flags))
        yield browser, port
        browser.close()


def enter(browser: Any, port: int) -> Any:
    """Return a page of one player whose world is playing."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"http://127.0.0.1:{port}/")
    page.get_by_role("tab", name="World").click()
    page.wait_for_function(
        f"document.querySelector('.lw')?.livestep?.connection === 'open' && {WORLD}.ready",
        timeout=60_000,
    )
    page.get_by_role("application", name="The world").click()
    page.wait_for_function(f"{WORLD}.frames >= 60", timeout=60_000)
    return page


def watch(browser: Any, port: int, width: int, height: int) -> Any:
    """Return a page of so many pixels that shows a body and is ready to move it."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto(f"http://127.0.0.1:{port}/")
    page.wait_for_function(
        f"document.querySelector('.ls')?.livestep && {BODY}.model.state === 'ready'", timeout=60_000
    )
    return page


def walk(page: Any, poses: int) -> None:
    """Have the body walk, and wait until so many poses were shown."""
    page.get_by_placeholder("a person walks forward").first.fill("a person walks")
    page.keyboard.press("Enter")
    page.wait_for_function(f"{BODY}.player.time >= {poses}", timeout=60_000)


def press(pages: Sequence[Any], draw: random.Random) -> list[float]:
    """Hold a key in each page, the next one while the others hold theirs; return latencies (ms)."""
    for page in pages:
        page.evaluate(f"{WORLD}.meters.latencies = []")
    keys = [draw.choice(KEYS) for _ in pages]
    for act in ("down", "up"):
        for page, key in zip(pages, keys, strict=True):
            getattr(page.keyboard, act)(key)
            page.wait_for_timeout(draw.uniform(*HELD) / len(pages))
    return [ms for page in pages for ms in page.evaluate(f"{WORLD}.meters.latencies")]


def measure(checkpoints: Path, presses: int, players: int = 1, seed: int = 0) -> dict[str, Any]:
    """Return latencies (ms) over `presses` presses of each of the players, and frames a second.

    Of several players, the frames are those of whoever has the fewest. Raises ValueError where
    there is no browser, or the app does not start.
    """
    found: list[float] = []
    draw = random.Random(seed)
    clock = f"[{WORLD}.frames, performance.now()]"
    with in_browser(checkpoints) as (browser, port):
        pages = [enter(browser, port) for _ in range(players)]
        before = np.array([page.evaluate(clock) for page in pages])
        for _ in range(presses):
            found += press(pages, draw)
        frames, ms = (np.array([page.evaluate(clock) for page in pages]) - before).T
    return {
        "key_ms_p50": float(np.percentile(found, 50)),
        "key_ms_p95": float(np.percentile(found, 95)),
        "presses": len(found),
        "fps": float((1000 * frames / ms).min()),
    }


def main(
    checkpoints: reporting.Checkpoints = CHECKPOINTS,
    presses: Annotated[int, typer.Option(help="How many keys each player presses.")] = 60,
    players: Annotated[int, typer.Option(help="Most at once; fewer are measured, too.")] = 2,
    as_json: reporting.AsJson = False,
    out: reporting.Out = None,
) -> None:
    """Measure key to picture in Chromium."""
    with told_errors():
        result: dict[str, Any] = {
            f"players {n}": measure(checkpoints, presses, n) for n in range(1, players + 1)
        }
        result["machine"] = machine()
    emit(rounded(result), quality_table, as_json=as_json, out=out)


if __name__ == "__main__":
    typer.run(main)
