"""Frames of a play, as it was logged, and beside it what another key would have made of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from core.video.actions import Key, parse_script
from core.video.log import Change

if TYPE_CHECKING:
    import numpy as np

    from core.video.dream import Dream
    from core.video.place import Place


@dataclass(frozen=True)
class WhatIf:
    """Other keys, held from a frame on."""

    frame: int
    names: str
    mask: int


def parse_place(text: str) -> Change:
    """Return the change that X,Y,DEGREES asks for, before the first frame."""
    try:
        x, y, degrees = map(float, text.split(","))
    except ValueError:
        raise ValueError(f"a place is X,Y,DEGREES, as in 320,220,90; got {text!r}") from None
    return Change(frame=0, x=x, y=y, degrees=degrees)


def parse_what_if(text: str, keys: Sequence[Key], frames: int) -> WhatIf:
    """Return what FRAME:KEYS asks for, in a play of so many frames."""
    number, _, names = text.partition(":")
    if not number.strip().isdecimal() or not names.strip() or set(names) & set(",:"):
        raise ValueError(f"what if is FRAME:KEYS, as in 30:L or 30:WR; got {text!r}")
    frame = int(number)
    if frame >= frames:
        raise ValueError(f"what if must begin at a frame in 0..{frames - 1}, got {frame}")
    return WhatIf(frame, names.strip().upper(), parse_script(f"{names}:1", keys)[0])


def where(place: Place | None) -> dict[str, Any] | None:
    """Return a place as `--json` prints it."""
    return place and {name: round(value, 3) for name, value in asdict(place).items()}


def perform(
    dream: Dream, masks: Sequence[int], changes: Sequence[Change], first: int = 0
) -> Iterator[np.ndarray]:
    """Yield one frame per mask, numbered from `first` on."""
    for index, mask in enumerate(masks, first):
        for change in changes:
            if change.frame == index:
                change.make(dream)
        yield dream.step(mask).frame


def side_by_side(
    dream: Dream, other: Dream, masks: Sequence[int], changes: Sequence[Change], what_if: WhatIf
) -> Iterator[np.ndarray]:
    """Yield pictures twice as wide: as it was, and in the `other` world with other keys held.

    Both stand before the frame of `what_if`. Noise and changes are the same, so that whatever
    differs is due to the keys.
    """
    import numpy as np

    rest = masks[what_if.frame :]
    was = perform(dream, rest, changes, what_if.frame)
    would_be = perform(other, [what_if.mask] * len(rest), changes, what_if.frame)
    return (np.concatenate(pair, axis=1) for pair in zip(was, would_be, strict=True))


def timed(frames: Iterable[np.ndarray], count: int, times: list[float]) -> Iterator[np.ndarray]:
    """Yield frames and show how far it is; `times` gets when each was there (s)."""
    from tqdm import tqdm

    start = time.perf_counter()
    for frame in tqdm(frames, total=count, unit="frame", leave=False, disable=None):
        times.append(time.perf_counter() - start)
        yield frame
