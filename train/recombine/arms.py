"""Arms of one on the legs of another: who stands and waves lends their arms to somebody who walks.

"Walks and waves" is then more than two words that were never seen together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from core.body.skeleton import FPS, INDEX
from train.recombine.source import STANDING, Made, Source

PAIRS = 240
"""Of arms and legs."""
_ARMS = re.compile(
    r"\b(?:wav|clap|punch|box|throw|rais|point|salut|stretch|conduct|direct|catch|applau|drum|arm|hand)"
)
_STILL = re.compile(
    r"\b(?:walk|run|jog|jump|step|sit|kneel|lie|squat|danc|turn|kick|climb|bend|leap|hop|leg|knee|stand)"
)
_SIDES = tuple(
    tuple(INDEX[f"{side}_{part}"] for part in ("shoulder", "elbow", "wrist"))
    for side in ("left", "right")
)


def recombined(sources: list[Source], rng: np.random.Generator) -> Iterator[Made]:
    """Yield random pairs of legs and arms."""
    legs = [
        s
        for s in sources
        if 0.5 < s.means["forward"] < 3.5
        and any(re.match(r"^\S+ ?\w* (?:walks?|runs?|jogs?)\b[^,]{0,24}$", c) for c in s.captions)
    ]
    arms = [
        s
        for s in sources
        if abs(s.means["forward"]) < 0.12
        and s.joints[:, 0, 1].min() > STANDING
        and any(_ARMS.search(c) and not _STILL.search(c) for c in s.captions)
    ]
    if not legs or not arms:
        return
    for _ in range(PAIRS):
        below, above = legs[rng.integers(len(legs))], arms[rng.integers(len(arms))]
        length = min(len(below.joints), len(above.joints), 8 * FPS)
        first = int(rng.integers(len(below.joints) - length + 1))
        x = with_arms(below.joints[first : first + length], above.joints[:length])
        walk = next(c for c in below.captions if re.match(r"^\S+ ?\w* (?:walks?|runs?|jogs?)\b", c))
        does = [c for c in above.captions if _ARMS.search(c) and not _STILL.search(c)]
        said = tuple(f"{walk.rstrip('.')} and {predicate(c)}" for c in does)
        yield Made(below, x, said, True)


def predicate(caption: str) -> str:
    """Return a caption without its subject."""
    return re.sub(r"^(?:(?:a|the) \w+|someone|somebody) ", "", caption.rstrip(" ."))


def with_arms(legs: np.ndarray, arms: np.ndarray) -> np.ndarray:
    """Return joints (T, 22, 3) of one body with the arms of another, as they hang off the chest."""
    out = legs.copy()
    ours, theirs = _chests(legs), _chests(arms)
    for shoulder, *rest in _SIDES:
        for joint in rest:
            offset = np.einsum("tij,tj->ti", theirs.mT, arms[:, joint] - arms[:, shoulder])
            out[:, joint] = legs[:, shoulder] + np.einsum("tij,tj->ti", ours, offset)
    return out


def _chests(joints: np.ndarray) -> np.ndarray:
    """Return frames (T, 3, 3) of the chest, columns left, up, forward."""
    left = joints[:, INDEX["left_shoulder"]] - joints[:, INDEX["right_shoulder"]]
    up = joints[:, INDEX["neck"]] - joints[:, INDEX["pelvis"]]
    forward = np.cross(left, up)
    up = np.cross(forward, left)
    frame = np.stack([left, up, forward], axis=-1)
    return frame / np.linalg.norm(frame, axis=1, keepdims=True)
