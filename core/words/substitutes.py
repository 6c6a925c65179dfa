"""Words put in the place of others, and what is said of it: slips, synonyms, who is to move."""

from __future__ import annotations

import re

from core.words import known
from core.words.grammar import PERSON, base, head, stem, subject, third

_MEANINGS = {
    "walk": "stroll strut saunter march hobble limp wander stomp trudge hike plod parade amble roam"
    " wade moonwalk waddle",
    "run": "gallop trot dash race rush flee chase hurry scamper",
    "jump": "vault hurdle frolic",
    "dance salsa": "tango waltz rumba samba bachata merengue mambo chacha flamenco foxtrot polka",
    "breakdance": "hiphop hip-hop krump disco",
    "kneel": "pray genuflect",
    "throw a ball": "bowl pitch",
    "wave with both arms": "fly",
    "raise the right hand": "salute",
    "lie down": "nap recline snooze",
    "cartwheel": "handstand",
    "spin": "whirl revolve swivel",
    "strike": "slap smack thump",
    "sneak": "tip-toe prowl skulk",
    "collapse": "faint swoon die",
}
SAME = {stem(word): same for same, words in _MEANINGS.items() for word in words.split()}
"""Words that captions do not have, and what they come to."""


def spelled(text: str, notes: list[str]) -> str:
    """Correct slips of the finger."""

    def right(match: re.Match[str]) -> str:
        word = match[0]
        found = (
            None if known.load().has(word) or stem(word.lower()) in SAME else known.respelled(word)
        )
        if found and found != word:
            notes.append(f"'{word}' is read as '{found}'.")
        return found or word

    return re.sub(r"[^\W\d_]{3,}", right, text)


def replaced(text: str, notes: list[str]) -> str:
    """Put what captions say in the place of words that mean about the same."""
    first = head(subject(text)[1])

    def same(match: re.Match[str]) -> str:
        word = match["word"]
        meant = None if known.load().has(word) else SAME.get(stem(word.lower()))
        if meant is None:
            return match[0]
        verb, _, rest = meant.partition(" ")
        acts = f"{verb if word.lower() == first == base(word) else third(verb)} {rest}".strip()
        told = acts if match["light"] or word.lower() == first else rest or verb
        notes.append(f"'{word}' is shown as '{told}', the nearest motion known.")
        return told

    light = r"(?P<light>\b(?:do|perform)\w*\s+(?:(?:a|an|the)\s+)?)?"
    pattern = light + r"(?:\b(?:is|are)\s+)?\b(?P<word>[a-z]+(?:-[a-z]+)?)"
    return re.sub(pattern, same, text, flags=re.IGNORECASE)


_SEVERAL = re.compile(
    r"\b(?:two|three|four|some|several|many|both)\s+(?:people|persons|men|women|\w+ers)\b|\bpeople\b",
    re.IGNORECASE,
)


def _is_ours(noun: str) -> bool:
    """Whether it is a part of a person, or says how they move."""
    ours = re.match("(?:arm|hand|leg|foot|feet|knee|head|fist)", noun)
    return noun in known.COMMON or ours is not None


def shown(text: str, notes: list[str]) -> str:
    """Put one person in the place of whoever else is to move."""
    if _SEVERAL.search(text):
        notes.append("Only one person is shown.")
    if subject(text)[0]:
        return text
    words = re.findall(r"\S+", text)
    for i, word in enumerate(words[:5]):
        verb = base(word.strip(",."))
        if verb is None:
            continue
        said = word.strip(",.").lower()
        who = [w for w in words[:i] if not re.fullmatch(r"(?:is|are|\w+ly)", w)]
        one = said == third(verb) or (said.endswith("ing") and words[i - 1] == "is")
        if not who or not (one or who[-1].endswith("s")) or _is_ours(who[-1].lower()):
            return text
        notes.append(f"Only a person can be shown, in the place of '{' '.join(who)}'.")
        return " ".join(
            [PERSON, "is " * said.endswith("ing") + (said if one else third(verb)), *words[i + 1 :]]
        )
    return text
