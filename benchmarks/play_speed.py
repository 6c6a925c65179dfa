"""Speed of a world as it is played: frames one by one, drafts in idle time, frames made jointly."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.reporting import Step, timed
from core.video.actions import Key, parse_script
from core.video.dream import Dream

FILE = Path(__file__).with_name("held_keys.txt")
"""Keys as they were held in recorded play: 47 held-out episodes of the `blocks` set, one a line.
They change every 12 frames in the mean, and every 9 in the median."""
MOST_DEBT = 0.5
"""Seconds that play which comes late is behind at most; the page forgets more."""
CHUNK = 30
"""Frames after which two ways of sampling take turns, so that a busy machine slows both."""


def recorded_masks(keys: Sequence[Key], count: int) -> list[int]:
    """Return the first `count` masks; the recording starts over where it ends."""
    episodes = [parse_script(line, keys) for line in FILE.read_text().splitlines()]
    return list(islice(cycle(chain.from_iterable(episodes)), count))


def stream(dream: Dream, masks: Sequence[int], seconds: float) -> list[Step]:
    """Time one frame per mask, decoding included, until the masks or the seconds run out."""
    found: list[Step] = []
    end = time.perf_counter() + seconds
    for mask in tqdm(masks, desc="frames", unit="frame", leave=False, disable=None):
        found.append(timed(lambda mask=mask: dream.step(mask)))
        if time.perf_counter() > end and len(found) > 1:  # the first one only warms up
            break
    return found


def frame_figures(steps: Sequence[Step]) -> dict[str, float]:
    """Frames a second and what a frame takes; the first is left out, it warms up."""
    ms = [1000 * step.wall for step in steps[1:]]
    return {
        "fps": 1000 / float(np.mean(ms)),
        "frame_ms_p50": float(np.percentile(ms, 50)),
        "frame_ms_p95": float(np.percentile(ms, 95)),
    }


def paced(dream: Dream, masks: Sequence[int], seconds: float) -> dict[str, float]:
    """Play at the world's own rate by a clock that is not waited for; idle time goes to drafts.

    As in the page: with nothing ready a draft is the next frame itself, begun earlier; more are
    made where there is time. `key_ms` is how long after its time, at which keys are looked at, a
    frame is there.
    """
    now = due = cost = 0.0
    waits: list[float] = []
    tally = dream.tally
    end = time.perf_counter() + seconds
    for mask in masks:
        now = max(now, due)
        due = max(due, now - MOST_DEBT)
        now += timed(lambda mask=mask: dream.step(mask)).wall
        waits.append(1000 * (now - due))
        due += 1 / dream.fps
        while now < due:
            ready = tally.drafted - tally.accepted - tally.dropped
            start = time.perf_counter()
            if (ready and now + cost > due) or not dream.draft():
                break
            cost = time.perf_counter() - start
            now += cost
        if time.perf_counter() > end:
            break
    return {
        "accept_rate": tally.accepted / max(tally.accepted + tally.dropped, 1),
        "drafted_share": tally.accepted / tally.made,
        "key_ms_p50": float(np.percentile(waits, 50)),
        "key_ms_p95": float(np.percentile(waits, 95)),
    }


def together_gain(
    play: Callable[[int], Dream], masks: Sequence[int], together: int, seconds: float
) -> dict[str, float]:
    """Frames a second with so many frames made jointly, over those of the plain sampler.

    Both play the same keys. What is dropped when a key changes has been paid for.
    """
    dreams = {1: play(1), together: play(together)}
    wall = dict.fromkeys(dreams, 0.0)
    end = time.perf_counter() + seconds
    for start in range(0, len(masks), CHUNK):
        chunk = masks[start : start + CHUNK]
        for number, dream in dreams.items():
            step = timed(lambda dream=dream, chunk=chunk: [dream.step(m) for m in chunk])
            wall[number] += step.wall if start else 0.0  # the first chunk warms up
        if time.perf_counter() > end and start:
            break
    tally = dreams[together].tally
    return {
        "gain": wall[1] / wall[together],
        "accept_rate": tally.accepted / max(tally.accepted + tally.dropped, 1),
    }


def speculation(
    play: Callable[[int], Dream], masks: Sequence[int], numbers: Sequence[int], seconds: float
) -> dict[str, Any]:
    """The paper's speculation: `speculation_gain` of two frames together, and all of `numbers`.

    Nothing where a world has no room for more than one.
    """
    if not numbers:
        return {}
    found = {n: together_gain(play, masks, n, seconds / len(numbers)) for n in numbers}
    return {
        "speculation_gain": found[numbers[0]]["gain"],
        "together": {str(n): figures for n, figures in found.items()},
    }
