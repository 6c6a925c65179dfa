"""Reading an animation of a glTF file: where the nodes of its skeleton go, 20 times a second.

Curves are sampled at our own poses, where they say exactly what the file says: more would be left
out afterwards, and files of 120 s stay small. They begin at their first key.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from core.body.rotations import normalize, quat_slerp
from core.body.skeleton import FPS
from core.capture.gltf_file import Document, Json, channels, decode
from core.capture.gltf_pose import Curves, at_bind, humanoid, inverse_binds, placed
from core.capture.gltf_tree import Tree, above, skeleton
from core.capture.joint_maps import check_length, check_name, well_formed
from core.capture.source import Source, astray

MOST_TOLD = 8
"""Animations whose names fit into a note."""
MOST_CLIPS = 200
"""Animations that are told of; all others can be chosen by their number alone."""


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
    chosen, times, notes = _choose(document, clip)
    animation = document.json["animations"][chosen]
    tree = skeleton(document.json, {node for node, _, _ in channels(animation)})
    curves = _curves(document, animation, times, {*tree.order})
    source = _source(document, tree, curves, len(times), chosen, notes)
    return replace(source, stored_rate=_rate(document, animation))


def _rate(document: Document, animation: Json) -> float | None:
    """Keys a second of the curve that has most of them; None where they are too few to tell."""
    inputs = {sampler["input"] for _, _, sampler in channels(animation)}
    keys = max((document.rows(i) for i in inputs), key=len)
    first, last = decode(keys[[0, -1]])[:, 0]
    if len(keys) < 3 or not last > first:
        return None
    rate = (len(keys) - 1) / float(last - first)
    return float(round(rate)) if abs(rate - round(rate)) < 0.02 * rate else rate


def _choose(document: Document, clip: int | None) -> tuple[int, np.ndarray, tuple[str, ...]]:
    """Pick an animation: its index, the times at which it is sampled, and what to say of it."""
    clips = document.json.get("animations", ())
    if clip is not None and not 1 <= clip <= len(clips):
        raise ValueError(f"it has {len(clips)} animations; there is no number {clip}")
    spans = [_span(document, animation) for animation in clips]
    lengths = [last - first for first, last in spans]
    chosen = clip - 1 if clip else int(np.argmax(lengths or [0]))
    if not clips or not any(channels(clips[chosen])):
        raise ValueError("it has no animation of a body")
    check_length(lengths[chosen])
    times = spans[chosen][0] + np.arange(int(lengths[chosen] * FPS + 1e-3) + 1) / FPS
    if clip or len(clips) == 1:
        return chosen, times, ()
    told = [
        f"{i} {name!r} of {length:.1f} s"
        for i, (name, length) in enumerate(zip(_names(clips), lengths, strict=False), start=1)
    ]
    more = [f"and {len(clips) - MOST_TOLD} more"] if len(clips) > MOST_TOLD else []
    note = (
        f"The file has {len(clips)} animations: {', '.join(told[:MOST_TOLD] + more)}. The longest,"
        f" number {chosen + 1}, is read; another can be chosen by its number."
    )
    return chosen, times, (note,)


def _names(clips: list[Json]) -> list[str]:
    named = (str(clip.get("name") or f"animation {i}") for i, clip in enumerate(clips, start=1))
    return [well_formed(name[:60]) for name in islice(named, MOST_CLIPS)]


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


def _source(
    document: Document, tree: Tree, curves: Curves, poses: int, chosen: int, notes: tuple[str, ...]
) -> Source:
    """Move the skeleton by the curves of the chosen animation."""
    nodes, kept = document.json["nodes"], tree.kept
    world = placed(nodes, tree, curves)
    positions = np.stack([np.broadcast_to(world[i][0], (poses, 3)) for i in kept], axis=1)
    if (far := astray(positions)) is not None:
        raise ValueError(f"its pose at {far / FPS:g} s lies far off all others; take it out")
    still = at_bind(nodes, tree, inverse_binds(document, tree.skin))
    names = {node: str(bone) for bone, node in humanoid(document.json)}
    column = {node: i for i, node in enumerate(kept)}
    return Source(
        names=tuple(
            check_name(names.get(i) or str(nodes[i].get("name") or f"node{i}")) for i in kept
        ),
        parents=tuple(column.get(above(i, tree.parents, column), -1) for i in kept),
        positions=positions,
        rotations=np.stack([np.broadcast_to(world[i][2], (poses, 4)) for i in kept], axis=1),
        rest=np.concatenate([still[i][0] for i in kept]),
        rest_rotations=np.concatenate([still[i][2] for i in kept]),
        up="y",
        rate=float(FPS),
        clips=tuple(_names(document.json["animations"])),
        clip=chosen,
        notes=notes,
    )
