"""One prompt as steps in time: "walks for 3 seconds, then turns left and waves"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.motion.attributes import wanted
from core.words.counting import ANYTHING, KINDS, Kind
from core.words.grammar import (
    POSTURES,
    STILL,
    TRAVELS,
    alone,
    base,
    head,
    named,
    sentence,
    stem,
    subject,
    verbs,
)

MOST_STEPS, MOST_COUNT, MOST_SECONDS = 12, 999, 600.0
_NUMBERS: dict[str, float] = dict(
    zip(
        "half a an one two three four five six seven eight nine ten".split(),
        (0.5, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
        strict=True,
    )
)
_NUMBER = rf"(\d{{1,4}}(?:[.,]\d+)?|(?:half an?|{'|'.join(_NUMBERS)})(?=[\s-]))"
_SECONDS = re.compile(
    rf",?\s*\b(?:(?:for|during|lasting)\s+)?-?(?:about\s+|some\s+|the next\s+)?{_NUMBER}\s*-?"
    r"(seconds?|secs?|(?<=\d)s|(?<=\d )s|minutes?|mins?)(?:\s+long)?\b",
    re.IGNORECASE,
)
_THEN = re.compile(
    r"\s*[;.!]+\s+|\s*(?:->|=>)\s*|[\s,]+followed by\s+"
    r"|(?:^|[\s,]+)(?:and\s+|but\s+)?(?:then|after that|after this|after which|afterwards?"
    r"|next(?!\s+to)|finally|subsequently|at last)\b[\s,]*",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"[\s,]+before\s+(?=\w+ing\b)", re.IGNORECASE)
_FREE = [KINDS[name] for name in ("wave", "clap", "punch", "lift")]
"""What hands can do while legs do something else."""
_AND = re.compile(r",?\s+and\s+|,\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Step:
    """A sentence to follow, and what ends it; where nothing does, it goes on."""

    text: str
    seconds: float | None = None
    count: int | None = None
    kind: Kind | None = None
    """What is counted, or ends the step by itself where another one follows."""
    words: str = ""
    """What the network is told, where the text says it less well."""


def split(text: str) -> tuple[Step, ...]:
    """Return the steps of a prompt; one that is neither timed, counted nor in parts stays as is."""
    clauses: list[str] = []
    for part in _THEN.split(re.sub(r"^first,?\s+", "", text, flags=re.IGNORECASE)):
        for piece in _BEFORE.split(part):
            clauses += _listed(piece)
    clauses = [clause.strip(" ,;.!") for clause in clauses]
    clauses = [c for c in clauses if re.search(r"\w", c) and not alone(c)]
    if len(clauses) < 2:
        return (_step(text, text),)
    steps, who, before = [], "", ""
    for clause in clauses[:MOST_STEPS]:
        bare = _SECONDS.sub("", clause).strip(" ,")
        keeps = named(bare) if steps else named(bare, anywhere=True)
        said = bare if keeps else sentence(bare, who, before) if bare else STILL
        if bare.lower() in ("again", "repeat", "repeats") and steps:
            said = steps[-1].text
        who = who or subject(clause)[0]
        before = next(iter(verbs(said)), before)
        steps.append(_step(clause, said))
    return tuple(steps)


def _listed(part: str) -> list[str]:
    """Split "walks, jumps and sits"; what can be done at once stays together."""
    if re.match(r"\s*(?:while|whilst|as|when)\b", part, re.IGNORECASE) or ":" in part:
        return [part]
    pieces, joints = _AND.split(part), _AND.findall(part)
    clauses, is_list = [pieces[0]], False
    for joint, piece in zip(joints, pieces[1:], strict=True):
        verb, last = base(head(subject(piece)[1])), verbs(clauses[-1])
        # "walks, turning" is done at once, "legs" and "turns" in "quick turns" are no verbs
        begins = verb is not None and not re.match(r"\w+(?:ing|ed)\b", head(piece)) and bool(last)
        comma = "," in joint and not re.search(r"\bwith \w+s$", clauses[-1])
        apart = begins and (comma or is_list or _apart(clauses[-1], piece, verb or "", last))
        is_list = is_list or (apart and comma)
        if apart:
            clauses.append(piece)
        else:
            clauses[-1] += joint + piece
    return clauses


def _apart(clause: str, piece: str, verb: str, last: list[str]) -> bool:
    """Whether a piece that follows on "and" cannot be done while the clause is."""
    if _SECONDS.search(clause) or "count" in wanted(clause):
        return True
    if (count := wanted(piece).get("count")) and last[-1] in TRAVELS:
        return _kind(piece, int(count)) not in _FREE
    if verb in POSTURES:
        return last[-1] not in POSTURES
    return last[-1] in POSTURES and verb in TRAVELS


def _step(clause: str, said: str) -> Step:
    match = _SECONDS.search(clause)
    seconds = None
    if match:
        number = _NUMBERS.get(match[1].lower().split()[0]) or float(match[1].replace(",", "."))
        seconds = min(number * (60 if match[2].lower().startswith("m") else 1), MOST_SECONDS)
        said = _SECONDS.sub("", said).strip(" ,") or STILL
    if verbs(said) in (["stop"], ["wait"], ["pause"]) and clause != said:
        said = STILL
    count = wanted(clause).get("count")
    count = None if count is None else min(max(int(count), 1), MOST_COUNT)
    if count and re.search(r"\b(?:climb\w*|up|down)\b.*\bsteps\b", clause):
        return Step(said, seconds)  # those of stairs
    return Step(said, seconds, count, _kind(clause, count))


def _kind(clause: str, count: int | None) -> Kind | None:
    """Return what is counted in a clause, or what it is about."""
    words = re.findall(r"[a-z]+", clause.lower())
    if count is not None:
        at = [i for i, word in enumerate(words) if word in ("once", "twice", "times", "time")]
        # "three jumps" has it behind its number, "jumps high three times" ahead of it
        words = words[: at[0]][::-1] if at else words[::-1]
    name = next((n for word in words for n, kind in KINDS.items() if stem(word) in kind.stems), "")
    if name == "quarter":
        name = "round" if count else "half" if "around" in words else name
    return KINDS.get(name, ANYTHING if count else None)
