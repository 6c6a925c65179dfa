"""Common words of motion in other languages, read as English word by word.

Letters tell a language or a family of them, words do the rest. A star in `languages.json` stands
for any ending, an underscore for a space; what means nothing by itself is listed under "".
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core.words.grammar import PERSON, third

_PATH = Path(__file__).with_suffix(".json")
_SIDES, _LIMBS = ("left", "right"), ("hand", "arm", "leg", "foot")
_WAYS, _MANNERS = ("forward", "backward"), ("slowly", "quickly")
_COUNTS = ("once", "twice", "three times", "two steps", "three steps")
_VERBLESS = {
    *_SIDES,
    *_LIMBS,
    *_WAYS,
    *_MANNERS,
    *_COUNTS,
    "two",
    "three",
    "steps",
    "then",
    "and",
    "",
}
_SCRIPTS = {
    "CYRILLIC": "Russian",
    "HANGUL": "Korean",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
}
_NAMES = {"CJK": "Chinese", "DEVANAGARI": "Hindi"} | _SCRIPTS
_LATIN = ("German", "French", "Spanish", "Italian", "Portuguese")
UNSPACED = ("Japanese", "Chinese", "Korean")
"""Words of these are looked for anywhere."""


@dataclass(frozen=True)
class Translation:
    """A prompt in another language."""

    language: str
    english: str
    """Empty where nothing of it is a motion."""
    left: tuple[str, ...] = ()
    """Words that were not understood."""


@lru_cache(1)
def _lexicon() -> dict[str, list[tuple[re.Pattern[str], str]]]:
    """Return for each language patterns and what they mean, the most telling first."""
    lexicon = {}
    for language, meanings in json.loads(_PATH.read_text(encoding="utf-8")).items():
        words = [(w.replace("_", " "), m) for m, row in meanings.items() for w in row.split()]
        words.sort(key=lambda pair: ("*" in pair[0], -pair[0].count(" "), -len(pair[0])))
        lexicon[language] = [(_pattern(w, language not in UNSPACED), m) for w, m in words]
    return lexicon


def _pattern(word: str, spaced: bool) -> re.Pattern[str]:
    end = r"(?![\w'])" if spaced and not word.endswith("'") else ""
    return re.compile(re.escape(word).replace(r"\*", r"\w*") + end)


def bare(text: str) -> str:
    """Return lower case without accents, whose absence is no mistake."""
    parts = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss").replace("\u2019", "'"))
    return "".join(c for c in parts if not unicodedata.combining(c))


def script(text: str) -> str:
    """Return the script of most of the letters, as Unicode names it: LATIN, CYRILLIC, CJK ..."""
    letters = Counter(unicodedata.name(c, "?").split()[0] for c in text if c.isalpha())
    if {"HIRAGANA", "KATAKANA"} & set(letters):
        return "HIRAGANA"
    return letters.most_common(1)[0][0] if letters else ""


def translate(text: str, strange: int) -> Translation | None:
    """Read a prompt that is not English; None for one that may be.

    `strange` is how many of its words are no English that is known.
    """
    kind = script(text)
    if kind in ("LATIN", ""):
        if not strange:
            return None
        words = len(re.findall(r"[^\W\d_]+", text))
        translation, matched = max(
            (_read(text, name) for name in _LATIN), key=lambda found: found[1]
        )
        # more of it is of that language than of English
        share = 3 if translation.english else 2
        return translation if matched > words - strange and share * matched > words else None
    language = "Chinese" if kind == "CJK" else _SCRIPTS.get(kind)
    if language is None:
        return Translation(_NAMES.get(kind, kind.capitalize()), "")
    return _read(text, language)[0]


def _read(text: str, language: str) -> tuple[Translation, int]:
    """Return what a language makes of a text, and how many of its words it knows."""
    unspaced = language in UNSPACED
    text = unicodedata.normalize("NFKC", text) if unspaced else bare(text)
    meanings: list[str] = []
    left: list[str] = []
    matched = at = 0
    while at < len(text):
        for pattern, meaning in _lexicon()[language]:
            if match := pattern.match(text, at):
                at, matched = match.end(), matched + 1 + match[0].count(" ")
                meanings.append(meaning)
                break
        else:
            match = re.compile(r"." if unspaced else r"\w[\w'-]*|\W", re.DOTALL).match(text, at)
            assert match
            at = match.end()
            if match[0] in ",;.\u3001\u3002":
                meanings.append("then" if match[0] in ";.\u3002" else "and")
            elif (
                match[0].strip()
                and match[0][0].isalnum()
                and script(match[0]) not in ("HIRAGANA", "HANGUL")
            ):
                left.append(match[0])
    english = _compose(meanings)
    return Translation(language, english, tuple(left)), matched


def _compose(meanings: list[str]) -> str:
    """Return one English sentence for meanings in their order; empty where nothing moves."""
    clauses: list[list[str]] = [[]]
    for meaning in meanings:
        verb = meaning not in _VERBLESS
        if meaning == "then" or (verb and any(m not in _VERBLESS for m in clauses[-1])):
            clauses.append(["then"] if meaning == "then" or "then" in clauses[-1][-1:] else ["and"])
        if meaning and meaning not in ("then", "and"):
            clauses[-1].append(meaning)
    told = ""
    for clause in clauses:
        said = _clause([m for m in clause if m not in ("then", "and")])
        if said:
            told += f"{' then' if clause[0] == 'then' else ' and'} {said}" if told else said
    return f"{PERSON} {told}" if told else ""


def _clause(meanings: list[str]) -> str:
    def pick(choices: tuple[str, ...]) -> str:
        return next((m for m in meanings if m in choices), "")

    verb = next((m for m in meanings if m not in _VERBLESS), "")
    side, limb, way, count = pick(_SIDES), pick(_LIMBS), pick(_WAYS), pick(_COUNTS)
    if "steps" in meanings or count.endswith("steps"):
        verb, number = "take", count.removesuffix(" steps") or pick(("two", "three")) or "a few"
        count = f"{number} steps"
    if not verb:
        return ""
    first, _, rest = verb.partition(" ")
    words = [third(first), rest]
    if verb == "raise":
        words += ["the", side, limb or "arm"] if side else ["both", f"{limb or 'arm'}s"]
    elif side and (limb or verb == "wave") and verb in ("kick", "punch", "wave"):
        words += ["with the", side, limb or "hand"]
    elif side:
        words += [side] if verb == "turn" else ["to the", side]
    order = [count, way] if verb == "take" else [way, pick(_MANNERS), count]
    return " ".join(word for word in (*words, *order) if word)
