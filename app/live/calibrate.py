"""How much of this machine a body and a world take, measured once they are loaded."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import repeat

from app.live.loader import EngineLike
from app.live.places import Places
from app.live.sharing import Turnstile
from core.body.skeleton import FPS
from core.settings import MotionSettings, WorldSettings

SECONDS = 0.5
"""Computed of each; what comes first takes longer and does not count."""
log = logging.getLogger(__name__)


def calibrate(engine: EngineLike, places: Places, turnstile: Turnstile) -> None:
    """Measure what visitors of the live tabs will keep busy."""
    for kind, things in (("motion", poses(engine)), ("world", frames(engine))):
        try:
            places.costs[kind] = measure(things, turnstile)
        except StopIteration:  # there is no such model
            continue
    costs = {kind: round(cost, 3) for kind, cost in places.costs.items()}
    log.info("%.1f lanes; visitors take %s", places.budget, costs)


def measure(things: Iterator[float], turnstile: Turnstile) -> float:
    """Return how much of a lane is busy while this is made as fast as it is to be shown, 1 at most.

    The iterator yields the seconds that what was made lasts.
    """

    def make() -> tuple[float, float]:
        with turnstile.turn("calibration") as turn:
            lasts = next(things)
        return turn.seconds, lasts

    make()
    spent = shown = 0.0
    while spent < SECONDS:
        seconds, lasts = make()
        spent, shown = spent + seconds, shown + lasts
    return min(spent / shown, 1.0)


def poses(engine: EngineLike) -> Iterator[float]:
    """Move a body; yield how long each chunk lasts."""
    for name in engine.names[:1]:
        prompts = repeat("a person walks forward")
        settings = MotionSettings(seed=0)
        for chunk in engine.motion(prompts, checkpoint=name, settings=settings):
            yield len(chunk) / FPS


def frames(engine: EngineLike) -> Iterator[float]:
    """Play a world; yield how long each frame lasts."""
    for name in engine.worlds[:1]:
        dream = engine.play(name, start=0, settings=WorldSettings(ahead=0), pause=lambda: None)
        while True:
            dream.step(0)
            yield 1 / dream.fps
