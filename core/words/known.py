"""Words and motions that the captions know, and what of them is nearest to something new.

Nearness is the cosine of mean token states without the subject, which is in all captions and says
nothing. `python -m train.words` makes the table and says where its bounds come from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from core.words.grammar import VERBS, base, stem, third

TABLE = Path(__file__).parents[2] / "assets" / "text" / "known_words.npz"
TOKENIZER = TABLE.with_name("minilm_tokenizer.json")
ENCODER = "minilm"
COMMON = frozenset(
    """
    a about above across after again against ahead all almost along also although always am an and
    another any anybody anyone are around as at away back backward backwards be because become been
    before behind being below beneath beside between both but by can could did direction directly do
    does doing done down during each either else even every few for forward forwards from front full
    had half has have having he her here herself him himself his how i if in inside into is it its
    itself just left less like little lot lots many may maybe me might more most much must my near
    next no nor not now of off often on once one only onto or other our out outside over own per
    perhaps place please pretty quite rather really right same several shall she should side sides
    sideways since slightly so some somebody someone something somewhere spot still straight such
    than that the their them themselves then there these they this those though through till times
    time to together too toward towards twice under until up upon upwards us very was way we were
    what when where whether which while who whole whose will with within without would you your
    human person people man men woman women guy girl boy kid child lady figure dancer character
    avatar body two three four five six seven eight nine ten hundred first second third last seconds
    sec secs minute minutes s clockwise counterclockwise anticlockwise counter anti
    don't doesn't didn't can't won't isn't aren't let make makes made use uses using want wants
    """.split()
)
"""Words that say nothing of the motion itself, or what everybody knows."""


@dataclass(frozen=True)
class Known:
    """What captions told."""

    stems: frozenset[str]
    """Of all of their words."""
    phrases: tuple[str, ...]
    """Short captions without their subject."""
    phrase_states: np.ndarray
    """(N, E) unit vectors."""
    verb_states: np.ndarray
    """(V, E) of the verbs of motion that captions have, in the order of `verbs`."""
    verbs: tuple[str, ...]
    near_phrase: float
    """Cosine from which on a phrase means about the same."""
    near_verb: float

    def has(self, word: str) -> bool:
        """Whether a word is known, in whatever form."""
        word = word.lower()
        if len(parts := re.split("[-']", word)) > 1 and word not in COMMON:
            return all(map(self.has, parts))
        forms = {word, base(word) or word, re.sub(r"(?<=\w{4})(er|est|ly)$", "", word)}
        stems = {stem(form) for form in forms}
        return len(word) < 2 or word.isdigit() or bool(forms & COMMON) or bool(stems & self.stems)

    def phrase(self, text: str) -> tuple[str, float]:
        """Return the known phrase nearest to a text, and the cosine."""
        return _nearest(embed([text])[0], self.phrase_states, self.phrases)

    def verb(self, word: str) -> tuple[str, float]:
        """Return the known verb nearest to a word, and the cosine."""
        return _nearest(embed([word])[0], self.verb_states, self.verbs)


def _nearest(x: np.ndarray, states: np.ndarray, names: Sequence[str]) -> tuple[str, float]:
    cosine = states @ x
    best = int(cosine.argmax())
    return names[best], float(cosine[best])


@lru_cache(1)
def load() -> Known:
    """Return the table that comes with the models."""
    with np.load(TABLE) as data:
        told = json.loads(str(data["told"]))
        phrase_states, verb_states = (
            data[name].astype(np.float32) for name in ("phrase_states", "verb_states")
        )
    return Known(
        stems=frozenset(told["stems"]),
        phrases=tuple(told["phrases"]),
        verbs=tuple(told["verbs"]),
        phrase_states=phrase_states,
        verb_states=verb_states,
        near_phrase=told["near_phrase"],
        near_verb=told["near_verb"],
    )


def embed(texts: Sequence[str]) -> np.ndarray:
    """Return unit vectors (N, E): the mean of the token states of each text."""
    from core.motion.text import load_text_encoder  # with torch, which few prompts need

    states, mask = load_text_encoder(ENCODER)(texts)
    mean = (states * mask[..., None]).sum(1).numpy()
    return mean / np.linalg.norm(mean, axis=-1, keepdims=True)


@lru_cache(1)
def _vocabulary() -> dict[str, int]:
    return json.loads(TOKENIZER.read_text(encoding="utf-8"))["model"]["vocab"]


def is_word(word: str) -> bool:
    """Whether it is a word of English that is in use, whatever it means."""
    forms = {word, stem(word), f"{stem(word)}e", re.sub("ies$", "y", word), word.removesuffix("ly")}
    return len(word) < 3 or any(form in _vocabulary() and len(form) > 2 for form in forms)


@lru_cache(1)
def _spellings() -> tuple[str, ...]:
    """Words that a mistyped one may stand for, those that are typed most first."""
    ways = "forward forwards backward backwards left right slowly quickly around sideways down up"
    more = "jumping walking running sitting standing waving turning dancing person once twice times"
    plain = "walk run jump sit stand wave turn dance kick punch clap crawl climb lie fall".split()
    rest = [verb for verb in sorted(VERBS) if verb not in plain]
    return (*map(third, plain), *plain, *ways.split(), *more.split(), *map(third, rest), *rest)


def respelled(word: str) -> str | None:
    """Return the common word of motion that differs by one slip of the finger, if there is one."""
    word = word.lower()
    if is_word(word):
        return None
    # the first letter is hardly ever wrong
    likely = (w for w in _spellings() if len(w) > 3 and w[0] == word[0])
    return next((w for w in likely if _one_off(word, w)), None)


def _one_off(a: str, b: str) -> bool:
    """Whether one letter is wrong, missing or too many, or two neighbors are exchanged."""
    if abs(len(a) - len(b)) > 1:
        return False
    i = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    swapped = a[i : i + 2] == b[i : i + 2][::-1] and a[i + 2 :] == b[i + 2 :]
    return a[i + 1 :] == b[i + 1 :] or a[i + 1 :] == b[i:] or a[i:] == b[i + 1 :] or swapped
