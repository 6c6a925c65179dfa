"""English verbs of motion and their forms; words bare of their endings."""

from __future__ import annotations

import re

PERSON = "a person"
STILL = f"{PERSON} stands still"
"""What is asked for where there is nothing else to do."""

VERBS = frozenset(
    """
    act aim balance bark begin bend bike block bounce bow bowl box breakdance call carry
    cartwheel catch celebrate chase cheer chop circle clap clean climb collapse come continue
    cook crawl creep crouch cry dance dig dive do dodge dribble drink drive drop drum duck eat
    exercise extend faint fall fight finish flap flip fly follow freeze gallop gesture get give
    go grab greet hammer hang hide hike hit hobble hold hop hug imitate jab jog juggle jump keep
    kick kiss kneel knock land laugh lay lean leap levitate lie lift limp listen look lower
    lunge make march meditate mime moonwalk mop move nod open pace paddle paint pass pause
    perform pick pirouette pivot place play point pose practice practise pray prepare pretend
    pull pump punch push put raise reach read relax repeat rest return ride rise roam roll
    rotate row run salute scratch shake shimmy shiver shoot shrug shuffle sidestep sing sip sit
    skate ski skip slap slash sleep slide slip sneak sneeze spin spread sprint squat stagger
    stand start step stomp stoop stop straighten stretch stride strike stroll strut stumble surf
    sway sweep swim swing swivel take talk tango throw tilt tiptoe touch tread trip trot trudge
    turn twirl twist type unscrew use vault veer waddle wait wake walk waltz wander wash watch
    wave whirl windmill wipe wobble work write yawn yell
    """.split()
)
POSTURES = frozenset("sit lie lay kneel stand stop collapse fall rise get".split())
"""What ends going somewhere."""
TRAVELS = frozenset("walk run jog jump hop leap sprint dance step skip crawl march stroll".split())
_PAST: dict[str, str] = {
    past: verb
    for past, _, verb in (
        pair.partition("/")
        for pair in """
        does/do goes/go bent/bend begun/begin began/begin caught/catch came/come crept/creep did/do
        done/do drank/drink drove/drive ate/eat fell/fall fallen/fall fought/fight froze/freeze
        got/get gave/give went/go gone/go hung/hang held/hold kept/keep knelt/kneel leant/lean
        leapt/leap lain/lie made/make rose/rise risen/rise ran/run shook/shake shot/shoot sat/sit
        slept/sleep slid/slide snuck/sneak spun/spin stood/stand struck/strike swam/swim swung/swing
        took/take taken/take threw/throw thrown/throw woke/wake lying/lie laying/lay flew/fly
        wrote/write sang/sing rode/ride swept/sweep dug/dig
        """.split()
    )
}


def third(verb: str) -> str:
    """Return what he or she does: "walk" -> "walks"."""
    if re.search(r"(?:[sxzo]|ch|sh)$", verb):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if re.search(r"[^aeiou]y$", verb) else f"{verb}s"


def stem(word: str) -> str:
    """Return a word without the ending that only says when or how many: "waving" -> "wav"."""
    for ending in ("ing", "ed", "es", "s", "e"):
        bare = word.removesuffix(ending)
        left = len(bare) > 2 and re.search("[aeiouy]", bare)
        if bare != word and left and not (ending == "s" and bare.endswith("s")):
            break
    else:
        bare = word
    bare = re.sub(r"i$", "y", bare)
    return re.sub(r"([^aeiouls])\1$", r"\1", bare)


_BASES = {stem(verb): verb for verb in VERBS} | {stem(past): verb for past, verb in _PAST.items()}


def base(word: str) -> str | None:
    """Return the verb of motion that a word is a form of: "running" -> "run"."""
    word = word.lower()
    return _PAST.get(word) or _BASES.get(stem(word))


def verbs(text: str) -> list[str]:
    """Return the verbs of motion in a text, in order."""
    return [verb for word in re.findall(r"[a-z]+", text.lower()) if (verb := base(word))]


_SUBJECT = re.compile(
    r"\b(?:(?:(?:a|an|the|one|some|this|that|another|my|our)\s+)(?:[\w-]+\s+){0,2}?)?"
    r"(?:person|people|man|woman|human|guy|girl|boy|kid|child|lady|figure|someone|somebody|dancer"
    r"|character|avatar|body|player|boxer|acrobat|robot|zombie|he|she|they|it|i|you|we)\b",
    re.IGNORECASE,
)
_PRONOUNS = frozenset("he she they it i you we".split())
_HELPERS = re.compile(
    r"(?:is|are|was|were|am|be|will|can|should|has|have|had|who|to|please|now|also|first|let|\w+ly)\s+",
    re.IGNORECASE,
)


def subject(text: str) -> tuple[str, str]:
    """Split into who does it, empty where that is not said, and the rest."""
    match = _SUBJECT.match(text)
    if match is None or (not text[match.end() :].strip() and base(match[0].split()[-1])):
        return "", text
    return match[0], text[match.end() :].strip()


def named(clause: str, anywhere: bool = False) -> bool:
    """Whether a clause says by a noun who does it, ahead of all else or somewhere in it."""
    match = _SUBJECT.search(clause) if anywhere else _SUBJECT.match(clause)
    if match is None:  # "the jumping pattern resembles a game"
        return re.match(r"(?:the|a|an|his|her|their)\s+\w+\s+\w", clause, re.IGNORECASE) is not None
    return match[0].lower() not in _PRONOUNS


def head(phrase: str) -> str:
    """Return the first word that is not a helper or says how: "is slowly walking" -> "walking"."""
    while match := _HELPERS.match(phrase):
        phrase = phrase[match.end() :]
    return re.split(r"[^\w'-]", phrase, maxsplit=1)[0].lower()


_NUMBER = re.compile(r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten)$")
_HOW = re.compile(
    r"(?:left|right|forwards?|backwards?|back|up|down|ahead|sideways|around|again|to|in|on|at|with|for"
    r"|over|under|through|along|across|faster|slower|fast|quicker|\w+ly)$"
)


def sentence(clause: str, who: str = "", before: str = "") -> str:
    """Make a sentence of a clause; `who` did, and did `before` (a verb), what came before it."""
    own, rest = subject(clause)
    doer = next((w for w in (own, who) if w and w.lower() not in _PRONOUNS), PERSON)
    rest = re.sub(r"^(?:a|an|the)\s+(?=\w+$)", "", rest)  # "followed by a jump"
    word = head(rest)
    verb = base(word)
    if _NUMBER.match(word):
        rest = f"takes {rest}"
    elif verb is None and before and not own and _HOW.match(word):
        rest = f"{third(before)} {rest}"
    elif verb and not re.match(r"(?:who )?(?:is|are|was|were|am|has|had)\s", rest, re.IGNORECASE):
        rest = re.sub(rf"\b{re.escape(word)}\b", third(verb), rest, count=1, flags=re.IGNORECASE)
    return f"{doer} {rest}"


def alone(clause: str) -> bool:
    """Whether a clause is but somebody, who does what the next one says."""
    own, rest = subject(clause)
    return bool(own) and not rest
