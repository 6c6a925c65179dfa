"""Captions in more words: other subjects, other forms of the verb, words of the same meaning.

People type "walk forward", "she waves" or "jogging backwards"; captions say "a person walks". Rules
are enough for that, and never say what the motion does not do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

SUBJECT = (
    r"(?:a|the|some|one) ?(?:person|man|woman|figure|character|human|one|body)|someone|somebody"
)
SUBJECTS = ("someone", "a man", "a woman", "the person", "the character", "he", "she", "a figure")
SAME = (
    ("walks", ("strolls", "strides")),
    ("jogs", ("runs slowly", "trots")),
    ("sprints", ("runs very fast", "dashes")),
    ("jumps", ("leaps",)),
    ("backwards", ("backward", "in reverse")),
    ("backward", ("backwards",)),
    ("forward", ("forwards", "ahead")),
    ("forwards", ("forward", "straight ahead")),
    ("quickly", ("fast", "rapidly", "at a fast pace")),
    ("fast", ("quickly", "swiftly")),
    ("slowly", ("at a slow pace", "in slow motion", "unhurriedly")),
    ("sits down", ("takes a seat", "sits", "sits on a chair")),
    ("stands up", ("gets up", "rises to their feet")),
    ("stands still", ("does not move", "stays in place", "stands", "waits")),
    ("lies down", ("lies on the floor", "lays down")),
    ("turns around", ("turns back", "spins around")),
    ("waves", ("gives a wave", "greets", "says hello by waving")),
    ("punches", ("throws punches", "boxes")),
    ("kicks", ("gives a kick", "does a kick")),
    ("raises", ("lifts", "puts up")),
    ("squats", ("crouches down", "does a squat")),
    ("picks up", ("grabs", "takes")),
    ("claps", ("applauds", "claps their hands")),
    ("steps", ("takes a step",)),
    ("dances", ("is dancing", "does a dance")),
)
"""Words and what means the same."""
_DOUBLED = r"(?:[^aeiou]|^)[aeiou][bdgmnpt]$"


def base(verb: str) -> str:
    """Return "carry" of "carries"."""
    if verb.endswith("ies") and len(verb) > 4:
        return verb[:-3] + "y"
    return verb[:-2] if re.search(r"(ch|sh|ss|x|zz|o)es$", verb) else verb[:-1]


def progressive(verb: str) -> str:
    """Return "running" of "runs"."""
    stem = base(verb)
    if stem.endswith("ie"):
        return stem[:-2] + "ying"
    if stem.endswith("e") and not stem.endswith("ee"):
        return stem[:-1] + "ing"
    return stem + (stem[-1] if re.search(_DOUBLED, stem) and len(stem) < 6 else "") + "ing"


def verbs_of(captions: Iterable[str]) -> set[str]:
    """Return what follows a subject and ends in s."""
    pattern = re.compile(rf"^(?:{SUBJECT}) (\w+s)\b")
    found = {m[1] for c in captions if (m := pattern.match(c.lower()))}
    return found - {"is", "has", "was", "this"}


class Paraphraser:
    """Say captions in other words; which ones follows from a seed."""

    def __init__(self, captions: Sequence[str], seed: int = 0) -> None:
        self._verbs, self._rng = verbs_of(captions), np.random.default_rng(seed)
        self._verb = re.compile(r"\b(" + "|".join(sorted(self._verbs)) + r")\b")

    def __call__(self, caption: str, number: int) -> list[str]:
        """Return at most so many other ways to say a caption."""
        plain = " ".join(caption.lower().rstrip(" .").split())
        found = [self._other(plain) for _ in range(number)] if plain.isascii() else []
        return [text for text in dict.fromkeys(found) if text != caption]

    def _other(self, text: str) -> str:
        for word, others in SAME:
            if re.search(rf"\b{word}\b", text) and self._rng.random() < 0.35:
                text = re.sub(rf"\b{word}\b", str(self._rng.choice(others)), text, count=1)
        match = re.match(rf"^({SUBJECT}) (.*)$", text)
        if not match or not self._verbs or not self._verb.match(match[2]):
            return text
        form, rest = int(self._rng.integers(5)), match[2]
        if form == 0:
            return f"{self._rng.choice(SUBJECTS)} {rest}"
        if form == 1:
            return self._verb.sub(lambda m: base(m[1]), rest)
        if form == 2:
            return self._verb.sub(lambda m: progressive(m[1]), rest)
        if form == 3:
            return f"{match[1]} is {self._verb.sub(lambda m: progressive(m[1]), rest)}"
        return text
