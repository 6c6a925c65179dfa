"""Which words make legs go as fast as is wanted, where a prompt leaves that open.

Legs are made by words: what bends a path cannot make a standing body walk. A manner of walking that
a visitor asked for ("limps", "sneaks") is theirs and stays while the body has to go somewhere.
"""

from __future__ import annotations

import re

STAND, WALK, RUN = "a person stands still", "a person walks forward", "a person runs forward"
BACK = "a person walks backwards"
STOPPED, STARTED = 0.3, 0.45
"""Speeds (m/s) below which a walking body is told to stand, above which a standing one to go."""
WALKED, RAN = 2.0, 2.2
"""Below which a running one walks, above which a walking one runs."""
PACES = {STAND: (0.0, 0.0), WALK: (1.2, 1.45), RUN: (3.4, 4.4), BACK: (1.2, 1.5)}
"""What legs do by these words, and the most that bending makes of it (m/s)."""
SPEEDS = {WALK: (0.8, 1.6), RUN: (2.2, 3.4), BACK: (0.5, 1.1)}
"""What a network that is told speeds beside its words can make legs do (m/s)."""
SLOWEST, FASTEST = 0.5, 1.3
"""Shares of the legs' own speed within which a path is followed."""

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


def words(prompt: str, speed: float, behind: bool, before: float) -> tuple[str, float]:
    """Return what to tell the network, and the speed (m/s) it stands for.

    `speed` is wanted, `before` was told last, `behind` says that the path leads where the body does
    not look. A manner of going stays; who does not go at all stands in the manner asked for.
    """
    if speed < (STOPPED if before else STARTED):
        return (STAND if goes(prompt) or plain(prompt) else prompt), 0.0
    if manner(prompt):
        return prompt, max(before, PACES[WALK][0])
    if behind:
        return BACK, PACES[BACK][0]
    gait = RUN if speed > (WALKED if before > RAN else RAN) else WALK
    return gait, PACES[gait][0]
