"""The words in which the network does what is asked: those of captions whose motion is like it.

It was shown many kicks with the left or the right foot and few with no word of which, nobody who
takes two steps back but many who walk backwards, hardly a waving hand but arms waved around. Who
turns, and no more is said, was mostly cut out of a dance; who bows was a jester; a chair is what
makes a dancer sit.
"""

from __future__ import annotations

import re

from core.motion.attributes import wanted
from core.words.counting import KINDS, Kind
from core.words.grammar import PERSON, STILL, subject

_LIMBS = {"kick": "foot", "punch": "fist"}
_ALONE = {
    r"turns? (?:to (?:the|his|her|their) )?(?:left|right)|turns? around": "{} and stops",
    r"bows?": "{} down and stands up",
    r"sits?(?: down)?|takes a seat|is sitting(?: down)?": "sits down on a chair",
}
"""What is said alone, and what the network is told that somebody does."""
STANDING = f"{PERSON} stops and stands still"
"""What the network is told for standing still: told only that, it holds its forearms up."""


class Told(str):
    """What is asked for, with the words that the network is told in its place."""

    words: str

    def __new__(cls, text: str, words: str) -> Told:
        """`words` may be empty where they are the same."""
        told = super().__new__(cls, text)
        told.words = words or (STANDING if text == STILL else "")
        return told

    def __getnewargs__(self) -> tuple[str, str]:
        return str(self), self.words


def alone(text: str) -> str:
    """Return the words for a sentence that is no count, empty where it does itself."""
    who, said = subject(text.rstrip(".! "))
    words = (words for asked, words in _ALONE.items() if re.fullmatch(asked, said, re.IGNORECASE))
    return f"{who or PERSON} {found.format(said)}" if (found := next(words, "")) else ""


def better(text: str, kind: Kind) -> str:
    """Return the words for a sentence that says how often, empty where it does itself."""
    name = next((name for name, other in KINDS.items() if other is kind), "")
    who, asked = subject(text)[0] or PERSON, wanted(text)
    if name == "step" and asked.get("forward", 0) < 0:
        return f"{who} walks backwards"
    if name == "wave":
        hand = asked.get("hands", 0)
        arm = "both arms" if not hand else "the left arm" if hand > 0 else "the right arm"
        return f"{who} is waving around {arm}"
    if name in _LIMBS and not {"hands", "legs"} & asked.keys():
        return f"{text} with the right {_LIMBS[name]}"
    return ""
