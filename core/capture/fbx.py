"""Reading an animation of a binary FBX file: where the nodes of its skeleton go, 20 times a second.

Between keys curves are straight, also where the file bends them: exported motion has a key for each
frame. Of several layers the first that moves something does, and scales undo none of those above.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.capture.fbx_file import Document
from core.capture.fbx_scene import PARTS, Scene, name, transform, vector
from core.capture.gltf_file import MOST_VALUE
from core.capture.gltf_pose import Curves
from core.capture.gltf_tree import skeleton
from core.capture.scene import choose, moved, rate_of, titles
from core.capture.source import Source

_SECOND = 46_186_158_000
"""On the format's clock."""
_STAYS = 0x2
"""Flag of keys whose value stays until the next."""
_AXES = ("d|X", "d|Y", "d|Z")

Channels = dict[tuple[str, int], int]
"""Numbers of curves by part and axis of what they move."""


def read(path: str | Path, clip: int | None = None) -> Source:
    """Read one animation of a file, `clip` from 1 or the longest, sampled 20 times a second.

    Raises ValueError with the file's name where it cannot be read.
    """
    path = Path(path)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what is no number is found where used
            return _read(Scene(Document(path)), clip)
    except (LookupError, TypeError, OverflowError, struct.error, zlib.error) as error:
        raise ValueError(f"{path.name} is not a readable FBX file") from error
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error


def _read(scene: Scene, clip: int | None) -> Source:
    animations = _animations(scene)
    times = {
        curve: _times(scene, curve)
        for _, driven in animations
        for channels in driven.values()
        for curve in channels.values()
    }
    spans = [_span(driven, times) for _, driven in animations]
    names = titles([title for title, _ in animations])
    chosen, wanted, notes = choose(names, spans, clip)
    driven, nodes = animations[chosen][1], scene.nodes()
    tree = skeleton({"nodes": nodes, "skins": scene.skins()}, {*driven})
    curves: Curves = {}
    for place in driven.keys() & {*tree.order}:
        told = scene.told[place]
        parts = {
            part: np.tile(vector(told, part, usual), (len(wanted), 1))
            for part, usual in PARTS.items()
        }
        for (part, axis), curve in driven[place].items():
            parts[part][:, axis] = _sample(scene, curve, times[curve], wanted)
        curves |= {(place, path): rows for path, rows in transform(told, *parts.values()).items()}
    source = moved(nodes, tree, curves, len(wanted), binds=scene.binds(), humanoid={})
    keys = max((times[i] for channels in driven.values() for i in channels.values()), key=len)
    rate = rate_of(len(keys), keys[0], keys[-1])
    return replace(source, stored_rate=rate, clips=names, clip=chosen, notes=notes)


def _animations(scene: Scene) -> list[tuple[str, dict[int, Channels]]]:
    """Return animations that move something: what each is called, and its curves by node."""
    found: dict[int, dict[int, Channels]] = {stack: {} for stack, _ in scene.all("AnimationStack")}
    layers: dict[int, int] = {}
    slots: dict[int, tuple[Channels, str]] = {}
    for layer, _ in scene.all("AnimationLayer"):
        layers.update((layer, stack) for stack, _ in scene.above[layer] if stack in found)
    for slot, _ in scene.all("AnimationCurveNode"):
        ends = scene.above[slot]
        stack = next((layers[i] for i, _ in ends if i in layers), None)
        for model, what in ends:
            if stack is not None and what in PARTS and model in scene.places:
                slots[slot] = found[stack].setdefault(scene.places[model], {}), what
    for curve, _ in scene.all("AnimationCurve"):
        for slot, axis in scene.above[curve]:
            if slot in slots and axis in _AXES:
                channels, part = slots[slot]
                channels.setdefault((part, _AXES.index(axis)), curve)
    return [
        (name(scene.objects[stack]), {place: some for place, some in driven.items() if some})
        for stack, driven in found.items()
        if any(driven.values())
    ]


def _times(scene: Scene, curve: int) -> np.ndarray:
    times = scene.numbers(scene.objects[curve].first("KeyTime")) / _SECOND
    if not len(times) or (np.diff(times) < 0).any():
        raise ValueError("a curve of it has no keys, or none in order")
    return times


def _span(driven: dict[int, Channels], times: dict[int, np.ndarray]) -> tuple[float, float]:
    """When the first and the last key of an animation are."""
    keys = [times[curve] for channels in driven.values() for curve in channels.values()]
    return min(float(k[0]) for k in keys), max(float(k[-1]) for k in keys)


def _sample(scene: Scene, curve: int, keys: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Values (T) of a curve."""
    values, flags, counts = (
        scene.numbers(scene.objects[curve].first(what))
        for what in ("KeyValueFloat", "KeyAttrFlags", "KeyAttrRefCount")
    )
    if len(values) != len(keys):
        raise ValueError("its keys do not match its times")
    if not (np.abs(values) < MOST_VALUE).all():
        raise ValueError("it holds numbers that are not finite")
    if len(flags) and (flags.astype(np.int64) & _STAYS).all() and counts.sum() == len(keys):
        return values[np.maximum(np.searchsorted(keys, times + 1e-4, side="right") - 1, 0)]
    return np.interp(times, keys, values)
