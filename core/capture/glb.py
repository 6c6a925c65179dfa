"""Reading an animation of a glTF file: where the nodes of its skeleton go, 20 times a second.

Curves are sampled at our own poses, where they say exactly what the file says: more would be left
out afterwards, and files of 120 s stay small. They begin at their first key.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.body.rotations import normalize, quat_slerp
from core.capture.gltf_file import Document, decode
from core.capture.gltf_links import Json, channels, humanoid
from core.capture.gltf_pose import Curves, inverse_binds
from core.capture.gltf_tree import skeleton
from core.capture.scene import MOST_CLIPS, choose, moved, rate_of, titles
from core.capture.source import Source

Spots = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Keys before and after times, and the share (T) of the way from the one to the other."""


def read(path: str | Path, clip: int | None = None) -> Source:
    """Read one animation of a file, `clip` from 1 or the longest, sampled 20 times a second.

    Raises ValueError with the file's name where it cannot be read.
    """
    path = Path(path)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what is no number is found where used
            return _read(Document(path), clip)
    except (AttributeError, LookupError, TypeError, OverflowError, struct.error) as error:
        raise ValueError(f"{path.name} is not a readable glTF file") from error
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error


def _read(document: Document, clip: int | None) -> Source:
    clips = document.json.get("animations", ())
    names = titles([str(clip.get("name") or "") for clip in clips[:MOST_CLIPS]])
    spans = [_span(document, animation) for animation in clips]
    chosen, times, notes = choose(names, spans, clip)
    if not any(channels(clips[chosen])):
        raise ValueError("it has no animation of a body")
    animation = clips[chosen]
    tree = skeleton(document.json, {node for node, _, _ in channels(animation)})
    source = moved(
        document.json["nodes"],
        tree,
        _curves(document, animation, times, {*tree.order}),
        len(times),
        binds=inverse_binds(document, tree.skin),
        humanoid={node: str(bone) for bone, node in humanoid(document.json)},
    )
    rate = _rate(document, animation)
    return replace(source, stored_rate=rate, clips=names, clip=chosen, notes=notes)


def _rate(document: Document, animation: Json) -> float | None:
    """Keys a second of the curve that has most of them; None where they are too few to tell."""
    inputs = {sampler["input"] for _, _, sampler in channels(animation)}
    keys = max((document.rows(i) for i in inputs), key=len)
    first, last = decode(keys[[0, -1]])[:, 0]
    return rate_of(len(keys), float(first), float(last))


def _span(document: Document, animation: Json) -> tuple[float, float]:
    """When the first and the last key of an animation are."""
    keys = [document.rows(i) for i in {sampler["input"] for _, _, sampler in channels(animation)}]
    ends = [decode(rows[[0, -1]])[:, 0] for rows in keys] or [np.zeros(2)]
    if not np.isfinite(ends).all():
        raise ValueError("it holds numbers that are not finite")
    return float(np.min(ends)), float(np.max(ends))


def _curves(document: Document, animation: Json, times: np.ndarray, nodes: set[int]) -> Curves:
    """Sample what moves some nodes; what channels share is decoded once."""
    curves: Curves = {}
    spots: dict[int, Spots] = {}
    samples: dict[tuple[int, int, str, str], np.ndarray] = {}
    for node, path, sampler in channels(animation):
        if node not in nodes:
            continue
        kind, begin, end = (
            sampler.get("interpolation", "LINEAR"),
            sampler["input"],
            sampler["output"],
        )
        if begin not in spots:
            spots[begin] = _spots(decode(document.rows(begin))[:, 0], times)
        if (begin, end, kind, path) not in samples:
            rows = document.rows(end)
            if kind == "CUBICSPLINE":  # tangent, value, tangent; a line between is close enough
                rows = rows[1::3]
            told = document.json["accessors"][begin]["count"], 4 if path == "rotation" else 3
            if rows.shape != told:
                raise ValueError("its keys do not match its times")
            samples[begin, end, kind, path] = _sample(rows, spots[begin], kind, path)
        curves[node, path] = samples[begin, end, kind, path]
    return curves


def _spots(keys: np.ndarray, times: np.ndarray) -> Spots:
    """Between which keys each of `times` lies, and how far it is from the one to the other."""
    after = np.clip(np.searchsorted(keys, times, side="right"), 1, max(len(keys) - 1, 1))
    before, after = after - 1, np.minimum(after, len(keys) - 1)
    share = np.clip((times - keys[before]) / np.maximum(keys[after] - keys[before], 1e-9), 0, 1)
    return before, after, share


def _sample(rows: np.ndarray, spots: Spots, kind: str, path: str) -> np.ndarray:
    """Values (T, width) of a curve."""
    before, after, share = spots
    # values are decoded where they are wanted: there can be far more of them than times
    low, high = decode(rows[before]), decode(rows[after])
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError("it holds numbers that are not finite")
    if kind == "STEP":
        share = np.floor(share + 1e-4)  # times of keys are rounded to 32 bits
    if path == "rotation":
        return quat_slerp(normalize(low), normalize(high), share)
    return low + share[:, None] * (high - low)
