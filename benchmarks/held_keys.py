"""Keys as they were held in recorded play: 47 held-out episodes of the `blocks` set, one a line.

They change every 12 frames in the mean, and every 9 in the median.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, cycle, islice
from pathlib import Path

from core.video.actions import Key, parse_script

FILE = Path(__file__).with_name("held_keys.txt")


def recorded_masks(keys: Sequence[Key], count: int) -> list[int]:
    """Return the first `count` masks; the recording starts over where it ends."""
    episodes = [parse_script(line, keys) for line in FILE.read_text().splitlines()]
    return list(islice(cycle(chain.from_iterable(episodes)), count))
