"""What is made of a typed prompt: steps in words that the captions know, and what is said of it.

A prompt whose words are all known goes on as it was typed. Of others the nearest known meaning is
taken and told: a slip of the finger, another language, a synonym, a motion whose sentence is near.
What has no meaning here stands still.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from core.settings import MAX_PROMPT, check_prompt
from core.words import known
from core.words.grammar import PERSON, STILL, head, subject, verbs
from core.words.languages import Translation, translate
from core.words.steps import Step, split
from core.words.substitutes import replaced, shown, spelled
from core.words.telling import alone, better

LIGHT = frozenset(
    "act begin come continue do finish get give go keep make perform practice".split()
)
LIGHT |= frozenset(
    "repeat start take pretend put return move play use ride work open read type".split()
)
"""Verbs that say little by themselves: what else there is says what is done."""


_TIMES = re.compile(r"\d\s*times\b|\b(?:hundred|thousand|million|zero)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """A prompt understood."""

    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    """Sentences that say what was not taken as it was typed."""

    @property
    def plain(self) -> bool:
        """Whether it goes on as it was typed, for as long as nobody says otherwise."""
        first = self.steps[0]
        return not (self.notes or self.steps[1:] or first.seconds or first.count)


@lru_cache(256)
def read(text: str) -> Reading:
    """Understand a prompt; raise ValueError for what cannot be one."""
    text = check_prompt(text)
    strange = sum(not known.load().has(word) for word in _words(text))
    notes: list[str] = []
    if (told := translate(text, strange)) is not None:
        notes.append(_of_language(told))
        if not told.english:
            return Reading((Step(STILL),), tuple(notes))
        text = told.english
    steps = []
    for step in split(spelled(text, notes)):
        said, told = understand(step.text)
        said = _short(said)
        notes += told
        count = None if said == STILL else step.count
        words = better(said, step.kind) if count and step.kind else alone(said)
        steps.append(replace(step, text=said, count=count, words=words))
        if count is None and said != STILL and _TIMES.search(said):
            notes.append(f"How often is not understood in '{said}': say it as in '12 times'.")
    return Reading(tuple(steps), tuple(dict.fromkeys(notes)))


def _short(text: str) -> str:
    """Return a text that may have grown with its words, cut to what a prompt may be."""
    return text if len(text) <= MAX_PROMPT else text[:MAX_PROMPT].rsplit(" ", 1)[0]


def understand(text: str) -> tuple[str, list[str]]:
    """Return a sentence in known words, the same where it is one, and what is to be said of it."""
    table, asked, notes = known.load(), text, list[str]()
    text = replaced(shown(text, notes), notes)
    strange = [word for word in _words(text) if not table.has(word)]
    strong = [verb for verb in verbs(text) if verb not in LIGHT and table.has(verb)]
    who, phrase = subject(text)
    if not strange and (verbs(text) or (who and phrase)):
        return text, notes
    first = head(phrase)
    if strong and first not in strange:
        return text, [*notes, _may_not_show(strange)]
    near, cosine = table.phrase(phrase)
    if cosine >= table.near_phrase:
        return (f"{PERSON} {near}", [*notes, _nearest(phrase, near)]) if strange else (text, notes)
    verb, cosine = table.verb(first) if first.isalpha() else ("", 0.0)
    if first in strange and known.is_word(first) and cosine >= table.near_verb:
        said, more = understand(re.sub(rf"\b{first}\b", verb, text, flags=re.IGNORECASE))
        return said, [*notes, _nearest(first, verb), *more]
    return STILL, [_lost(subject(asked)[1] or asked)]


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:[-'][^\W_]+)*", text.lower())


def _listed(words: list[str]) -> str:
    quoted = [f"'{word}'" for word in dict.fromkeys(words)][:6]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _may_not_show(words: list[str]) -> str:
    many = len(set(words)) > 1
    return f"{_listed(words)} {'are' if many else 'is'} in no motion known and may not show."


def _nearest(typed: str, near: str) -> str:
    return f"'{typed}' is shown as '{near}', the nearest motion known."


def _lost(text: str) -> str:
    if all(known.is_word(word) for word in _words(text)):
        return f"No motion near '{text}' is known: the person stands still."
    return f"'{text}' is not understood: the person stands still."


def _of_language(told: Translation) -> str:
    if not told.english:
        return f"This is not understood ({told.language}): the person stands still. Try English."
    rest = f"; not understood: {_listed(list(told.left))}" if told.left else ""
    return f"Read from {told.language} as '{told.english}'{rest}."
