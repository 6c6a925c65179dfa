"""More motions out of those there are, each told by what it was measured to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.body import features
from train.data import Record
from train.recombine.arms import recombined
from train.recombine.backwards import backwards
from train.recombine.low import low
from train.recombine.measured import STILL, measured, punches
from train.recombine.source import stretches
from train.recombine.tempo import tempos


def made(
    records: Sequence[Record], joints: Mapping[str, np.ndarray]
) -> list[tuple[Record, np.ndarray]]:
    """Return the records and joints (T, 22, 3) of all motions made out of these."""
    sources = stretches(records, joints)
    rng = np.random.default_rng(0)
    told = list(measured(records, joints, rng))
    stills = [m for m in told if m.captions == STILL]
    found = [
        *backwards(sources),
        *low(sources, stills),
        *punches(sources),
        *told,
        *tempos(sources),
        *recombined(sources, rng),
    ]
    return [
        (m.record(number), features.normalize_place(m.joints)) for number, m in enumerate(found)
    ]
