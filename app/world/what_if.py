"""What if other keys had been held: a stretch of the past made twice, as it was and otherwise.

Noise, settings and whatever else was done stay as they were, so that all that differs is due to the
keys: the counterfactual of causal models such as LINA and CausalDiffAE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from app.live.sharing import Turn
from app.protocol import Change
from core.video.log import Change as LoggedChange


def obey(dream: Any, change: Change, *, ahead: int | None = None) -> None:
    """Change a dream; raise ValueError where that is not possible."""
    if ahead is not None:
        dream.tune(ahead=ahead)  # changes no frame, and comes first: what fails changes none
    LoggedChange(**asdict(change)).make(dream)


def compare(
    dream: Any, frame: int, mask: int, changes: Iterable[Change], turn: Turn
) -> Iterator[tuple[Any, Any] | None]:
    """Yield the frames since `frame` in pairs: as they were, and under the held mask.

    None is yielded on the way there; every frame takes a `turn` of its own. `changes` are those of
    the last seconds. Begins with the oldest frame that can be gone back to where it is older: play
    went on while it was asked for. Raises ValueError for a frame that is still to come.
    """
    with turn():
        frame = max(frame, dream.past.start)
        approach = dream.approach(frame)
        was = next(approach)
        masks, changes = dream.masks(frame), [c for c in changes if c.frame > frame]
    arrived = False
    while not arrived:
        yield None
        with turn():
            arrived = next(approach, None) is None
    with turn():
        other = was.branch(frame)
    for index, held in enumerate(masks, start=frame):
        for change in changes:
            if change.frame == index:
                obey(was, change)
                obey(other, change)
        with turn():
            first = was.step(held)
        with turn():
            second = other.step(mask)
        yield first, second
