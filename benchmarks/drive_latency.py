"""Key to turning body, in a real browser: `python -m benchmarks.drive_latency --json`.

The app is started and a walking body driven in Chromium, a quarter to the left or right every three
seconds. What is on the screen, and when, is noted at every frame; a turn is seen when the way that
the body goes has turned by SEEN of it, and half done when by half. Needs what key_latency needs.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks import reporting
from benchmarks.key_latency import BODY, in_browser, walk, watch
from benchmarks.reporting import emit, machine, quality_table, rounded, told_errors
from core.settings import CHECKPOINTS

ROUND = "wasd"
"""Each key is a quarter to the left of the one before."""
TURN_MS, SETTLE_MS = 3000, 4000
SEEN = 0.15
NOTE = f"""() => {{
    window.shown = [];
    const note = () => {{
        shown.push([performance.now(), {BODY}.player.time]);
        requestAnimationFrame(note);
    }};
    note();
}}"""
ROOTS = (
    f"(({{first, root, length}}) => [first, [...root.subarray(0, 3 * length)]])({BODY}.player.take)"
)


def drive(page: Any, turns: int, draw: random.Random) -> list[float]:
    """Turn again and again; return when each key was pressed (ms)."""
    walk(page, 60)
    page.locator(".ls-steer label").filter(has_text="Drive").click()
    page.evaluate(NOTE)
    place, pressed = 0, []
    page.keyboard.down(ROUND[place])
    page.wait_for_timeout(SETTLE_MS)
    for _ in range(turns):
        before, place = place, (place + draw.choice((1, -1))) % len(ROUND)
        pressed.append(page.evaluate("performance.now()"))
        page.keyboard.down(ROUND[place])
        page.keyboard.up(ROUND[before])
        page.wait_for_timeout(TURN_MS)
    return pressed


def ways(roots: np.ndarray) -> np.ndarray:
    """Return which way (T,), radians, a body with roots (T, 3) goes, the sway of steps smoothed."""
    path = np.pad(roots[:, [2, 0]], ((4, 4), (0, 0)), mode="edge")
    smooth = np.stack([np.convolve(x, np.full(9, 1 / 9), "valid") for x in path.T])
    ahead, aside = np.gradient(smooth, axis=1)
    return np.unwrap(np.arctan2(aside, ahead))


def latencies(pressed: list[float], shown: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Return (N, 2) ms from a key to a turn that is seen, and to half of it.

    `shown` (M, 2) says at which ms which pose was on the screen, `way` which way each goes.
    """
    found = []
    for start in pressed:
        ms, poses = shown[(shown[:, 0] >= start) & (shown[:, 0] < start + TURN_MS)].T
        seen = np.interp(poses, np.arange(len(way)), way)
        share = (seen - seen[0]) / (np.median(seen[-len(seen) // 6 :]) - seen[0])
        found.append([ms[np.argmax(share > least)] - start for least in (SEEN, 0.5)])
    return np.array(found)


def measure(checkpoints: Path, turns: int, seed: int = 0) -> dict[str, Any]:
    """Return latencies (ms) of so many turns."""
    with in_browser(checkpoints) as (browser, port):
        page = watch(browser, port, 640, 480)
        pressed = drive(page, turns, random.Random(seed))
        first, roots = page.evaluate(ROOTS)
        shown = np.array(page.evaluate("shown")) - [0, first]
    found = latencies(pressed, shown, ways(np.reshape(roots, (-1, 3))))
    return {
        f"{name}_ms_{told}": float(value)
        for name, column in zip(("seen", "half"), found.T, strict=True)
        for told, value in (("mean", column.mean()), ("p95", np.percentile(column, 95)))
    }


def main(
    checkpoints: reporting.Checkpoints = CHECKPOINTS,
    turns: Annotated[int, typer.Option(help="How often the body is turned.")] = 20,
    as_json: reporting.AsJson = False,
    out: reporting.Out = None,
) -> None:
    """Measure how soon a driven body turns in Chromium."""
    with told_errors():
        result: dict[str, Any] = {"drive": measure(checkpoints, turns), "machine": machine()}
    emit(rounded(result), quality_table, as_json=as_json, out=out)


if __name__ == "__main__":
    typer.run(main)
