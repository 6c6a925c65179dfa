"""Which words make legs go as fast as is wanted, where a prompt leaves that open.

Legs are made by words: what bends a path cannot make a standing body walk. A manner of walking that
a visitor asked for ("limps", "sneaks") is theirs and stays while the body has to go somewhere.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

STAND, WALK, RUN = "a person stands still", "a person walks forward", "a person runs forward"
BACK = "a person walks backwards"
LEFT, RIGHT = "a person side steps to the left", "a person side steps to the right"
TURN_LEFT, TURN_RIGHT = "a person turns left", "a person turns right"


@dataclass(frozen=True)
class Gait:
    """How fast (m/s) legs go by some words."""

    pace: float
    """By themselves."""
    most: float
    """As bending makes of it."""
    slow: float
    fast: float
    """What a network that is told speeds beside the words makes them do."""


GAITS = {
    WALK: Gait(1.2, 1.45, 0.8, 1.6),
    RUN: Gait(3.4, 4.4, 2.2, 3.4),
    BACK: Gait(1.2, 1.5, 0.5, 1.1),
    LEFT: Gait(0.8, 1.0, 0.3, 0.8),
    RIGHT: Gait(0.8, 1.0, 0.3, 0.8),
}
STOPPED, STARTED = 0.3, 0.45
"""Speeds (m/s) below which a walking body is told to stand, above which a standing one to go."""
WALKED, RAN = 2.0, 2.2
"""Below which a running one walks, above which a walking one runs."""
SHORTEST, LONGEST = 0.5, 1.3
"""Shares of the legs' own steps within which a path is followed."""
BESIDE, BEHIND = math.radians(50), math.radians(125)
"""Angles between where a body looks and goes from which it steps aside, and goes backwards."""

_PLAIN = re.compile(
    r"(?:(?:a|the|one|some)\s+)?(?:person|man|woman|someone|somebody|he|she|they|figure|human)?\s*"
    r"(?:is\s+)?(?:just\s+)?"
    r"(?:walk|run|jog|stroll|go|mov|stand|stop|wait)\w*"
    r"(?:\s+(?:still|forwards?|ahead|straight|around|about|along|backwards?|normally|there|here))*"
)
_GOES = re.compile(
    r"\b(?:(?:walk|run|jog|stroll|limp|sneak|creep|crawl|hop|skip|march|stride|strut|stagger|stumbl|"
    r"tip-?toe|shuffl|wander|sprint|danc|wad|hobbl|swagger|saunter|trudg|gallop)\w*|"
    r"go|goes|going|moves?|moving|paces?|pacing|steps|stepping)\b"
)


def goes(prompt: str) -> bool:
    """Whether a prompt speaks of a way to go."""
    return bool(_GOES.search(prompt.lower()))


def plain(prompt: str) -> bool:
    """Whether a prompt leaves it open how somebody goes, such as "a person walks"."""
    return bool(_PLAIN.fullmatch(prompt.lower().strip(" .!")))


def manner(prompt: str) -> bool:
    """Whether a prompt asks for a way of going that is to be kept, such as "a person limps"."""
    return goes(prompt) and not plain(prompt)


def words(prompt: str, speed: float, away: float, before: float) -> tuple[str, float]:
    """Return what to tell the network, and the speed (m/s) it stands for.

    `speed` is wanted, `before` was told last, `away` is how far (rad) to the left of where the body
    looks the path leads. A manner of going stays; who does not go at all stands in the manner asked
    for.
    """
    if speed < (STOPPED if before else STARTED):
        return (STAND if goes(prompt) or plain(prompt) else prompt), 0.0
    if manner(prompt):
        return prompt, max(before, GAITS[WALK].pace)
    if abs(away) > BEHIND:
        told = BACK
    elif abs(away) > BESIDE:
        told = LEFT if away > 0 else RIGHT
    else:
        told = RUN if speed > (WALKED if before > RAN else RAN) else WALK
    return told, GAITS[told].pace
