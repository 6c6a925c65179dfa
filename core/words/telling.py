"""The words in which the network does what is counted: those of captions whose motion is like it.

It was shown many kicks with the left or the right foot and few with no word of which; hardly
anybody waved, but many a hand was swung to and fro in front of a window.
"""

from __future__ import annotations

import re

from core.motion.attributes import wanted
from core.words.counting import KINDS, Kind
from core.words.grammar import PERSON, subject

_LIMBS = {"kick": "foot", "punch": "fist", "wave": "hand"}
_TIMES = re.compile(r"\s*\b(?:once|twice|thrice|(?:a single|\w+) times?)\b", re.IGNORECASE)
_WAVES = re.compile(r"\b(?:is\s+)?wav(?:e|es|ing)\b", re.IGNORECASE)


IN_PLACE = f"{PERSON} stands in place"
"""What the network is told for standing still after a count: told that, it shifts about."""


class Told(str):
    """What is asked for, with the words that the network is told in its place."""

    words: str

    def __new__(cls, text: str, words: str) -> Told:
        """`words` may be empty where they are the same."""
        told = super().__new__(cls, text)
        told.words = words
        return told


def better(text: str, kind: Kind) -> str:
    """Return the words for a sentence that says how often, empty where it does itself."""
    name = next((name for name, other in KINDS.items() if other is kind), "")
    asked = wanted(text)
    if name == "step" and asked.get("forward", 0) < 0:
        return f"{subject(text)[0] or PERSON} walks backwards"
    words = _WAVES.sub("washes windows", _TIMES.sub("", text)) if name == "wave" else text
    if name in _LIMBS and not {"hands", "legs"} & asked.keys():
        words += f" with the right {_LIMBS[name]}"
    return "" if words == text else words
