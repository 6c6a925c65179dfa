"""Make the table of what captions know: `python -m train.words --data SET`.

Nothing is trained: words and short captions of the training split are listed, and embedded as
prompts are. Two bounds say how near is near enough; they part captions that were held out, and
synonyms, from what nobody has recorded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from core.words import known
from core.words.grammar import VERBS, base, head, stem, subject, third
from core.words.reading import LIGHT
from core.words.substitutes import SAME
from train.data import Record, read_records

LONGEST = 9
"""Words of a phrase."""
MOST = 420
"""Phrases; those that say most in fewest words come first."""
PASS = 0.05
"""Share of verbs without a counterpart that may get one."""
STRANGE = (
    "plays the tuba; a keyboard; asdf qwer; 12345; the stock market crashed; cooks dinner;"
    " saws wood; plays golf; plays tennis; paints a wall; lorem ipsum dolor sit amet; blue;"
    " sings a song; thinks about philosophy; plays the drums; what is the weather today;"
    " reads a newspaper; types on a keyboard; quibbles; sneezes; knits a sweater;"
    " fries an egg; writes a letter; eine Person geht; un homme marche; una persona salta;"
    " xkcd blorp; photosynthesis; taxes;"
    " digs a hole; shrugs; milks a cow; flies a plane; repairs a computer; hello world; a big house"
).split("; ")
STRANGE_VERBS = (
    "cooks paints reads writes sings types knits fries sneezes shrugs thinks bakes sews mows votes"
    " calculates borrows believes owns smells invents repairs counts hears speaks teaches wins buys"
    " pays answers measures prints"
).split()


def captions(records: Iterable[Record], train: bool) -> list[str]:
    """Return the captions of a split, each once."""
    chosen = [r for r in records if (r.split == "train") == train]
    found = {
        " ".join(c.lower().strip(" .").split())
        for r in chosen
        for s in r.segments
        for c in s.captions
    }
    return sorted(found)


def phrase(caption: str) -> str:
    """Return what is done, as "he walks forward": without him, and in the third person."""
    rest = subject(caption)[1]
    rest = re.sub(r"^(?:is|are|was|were|who is|that is)\s+", "", rest)
    word = head(rest)
    verb = base(word)
    return re.sub(rf"\b{re.escape(word)}\b", third(verb), rest, count=1) if verb else rest


def phrases(texts: Iterable[str]) -> list[str]:
    """Return phrases that can stand for others, each once."""
    short = [p for t in texts if len((p := phrase(t)).split()) <= LONGEST and ":" not in p]
    fit = {p for p in short if (verb := base(p.split()[0])) and p.split()[0] == third(verb)}
    return sorted(sorted(fit, key=lambda p: (len(p.split()), p))[:MOST])


def bound(near: np.ndarray, far: np.ndarray) -> float:
    """Return the cosine that parts two sets best."""
    values = np.sort(np.concatenate([near, far]))
    middles = (values[1:] + values[:-1]) / 2
    scores = [(near >= m).mean() + (far < m).mean() for m in middles]
    return round(float(middles[int(np.argmax(scores))]), 3)


def main(
    data: Annotated[Path, typer.Option(help="Training set, made by train.data.")],
    out: Annotated[Path, typer.Option(help="File to write.")] = known.TABLE,
) -> None:
    """Make the table of what captions know."""
    records = read_records(data)
    texts, held = captions(records, train=True), captions(records, train=False)
    stems = sorted({stem(word) for text in texts for word in re.findall(r"[a-z]+", text)})
    kept = phrases(texts)
    verbs = sorted(third(v) for v in VERBS - LIGHT if stem(v) in stems)
    states, verb_states = known.embed(kept), known.embed(verbs)

    new = [phrase(t) for t in held if t not in texts and len(t.split()) <= LONGEST + 2]
    near, far = ((known.embed(x) @ states.T).max(1) for x in (new, STRANGE))
    far_verb = (known.embed(STRANGE_VERBS) @ verb_states.T).max(1)
    # synonyms that somebody wrote down; what is nearest to them need not be what they mean
    near_verb = (known.embed([third(w) for w in SAME if base(w)]) @ verb_states.T).max(1)
    near_enough = round(float(np.quantile(far_verb, 1 - PASS)), 3)
    bounds = {"near_phrase": bound(near, far), "near_verb": near_enough}

    for name, good, bad in (("phrase", near, far), ("verb", near_verb, far_verb)):
        least = bounds[f"near_{name}"]
        print(
            f"{name}: near from {least:g} on; so are {100 * (good >= least).mean():.0f} % of"
            f" {len(good)} known meanings, {100 * (bad >= least).mean():.0f} % of {len(bad)} others"
        )
    told = {"stems": stems, "phrases": kept, "verbs": verbs, **bounds}
    np.savez_compressed(
        out,
        told=np.array(json.dumps(told)),
        phrase_states=states.astype(np.float16),
        verb_states=verb_states.astype(np.float16),
    )
    print(
        f"{len(stems)} words, {len(kept)} phrases, {len(verbs)} verbs: {out.stat().st_size} bytes"
    )


if __name__ == "__main__":
    typer.run(main)
