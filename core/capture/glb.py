"""Reading the animation of a GLB file: where the nodes of its skeleton go, 20 times a second.

Only what the file itself holds is read; a GLB that points to other files is refused. Its
description is checked before any number is decoded, and only the longest animation is.

The description stays plain JSON. pygltflib, which writes our exports, would make an object of every
part, wanted or not, at half a millisecond each (160 kB took 26 s), and decodes no accessor.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from core.body.rotations import normalize, quat_slerp, quat_to_matrix
from core.body.skeleton import FPS
from core.capture.joint_maps import MOST_NAME, check_length, to_joints

_TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_JSON, _BINARY = 0x4E4F534A, 0x004E4942
MOST_CHUNKS = 16
"""Parts of a file; glTF knows two."""
MOST_JSON = 8_000_000
"""Bytes of a file's description."""
MOST_VALUES = 400_000
"""Values in it: that many are read in a twentieth of a second."""
MOST_JOINTS = 500
MOST_NODES = 600
"""Joints of a skeleton with all that is above them."""
MOST_NUMBERS = 24_000_000
"""Of the keys of all animations, shared ones counted as often as they are used: 64 MB hold 21."""
_LENGTHS = {"translation": 3, "rotation": 4, "scale": 3, "matrix": 16}

Curve = tuple[np.ndarray, np.ndarray, str]
"""Times (K, 1) and values (K, width) as they are stored, and the kind of interpolation."""
Keys = dict[tuple[int, str], Curve]
"""By node and path."""


def read_joints(path: str | Path, *, joint_map: str | Path | None = None) -> np.ndarray:
    """Read the longest animation as (T, 22, 3) float32 joints: meters, Y up, 20 fps, SMPL order."""
    where = str(path)
    try:
        document, binary = read_document(Path(path).read_bytes())
        animations = document.get("animations", ())
        seconds = [_seconds(document, binary, animation) for animation in animations]
        longest = max(seconds, default=0.0)
        check_length(longest)
        keys = _keys(document, binary, animations[seconds.index(longest)]) if seconds else {}
        if not keys:
            raise ValueError("it has no animation")
        times = np.arange(int(longest * FPS + 1e-3) + 1) / FPS
        nodes = document["nodes"]
        parents = [-1] * len(nodes)
        for i, node in enumerate(nodes):
            for child in node.get("children", ()):
                parents[child] = i
        chosen = _skeleton(document, parents)
        positions = _positions(nodes, parents, chosen, keys, times)
    except (AttributeError, LookupError, TypeError, OverflowError, struct.error) as error:
        raise ValueError(f"{where} is not a readable GLB file") from error
    except ValueError as error:
        raise ValueError(f"{where} cannot be read: {error}") from error
    names = [str(nodes[i].get("name", f"node{i}")) for i in chosen]
    kept = {node: i for i, node in enumerate(chosen)}
    parents = [kept.get(parents[node], -1) for node in chosen]
    return to_joints(positions, names, parents, FPS, where, joint_map=joint_map)


def read_document(data: bytes) -> tuple[dict[str, Any], memoryview]:
    """Split a file into its description and its numbers; raise ValueError where it is unfit."""
    if data[:4] != b"glTF":
        raise ValueError("it is no binary glTF")
    found, at = {}, 12
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(data):
            break
        length, kind = struct.unpack_from("<II", data, at)
        found.setdefault(kind, memoryview(data)[at + 8 : at + 8 + length])
        at += 8 + length
    if _JSON not in found:
        raise ValueError("it is cut off")
    if len(found[_JSON]) > MOST_JSON:
        raise ValueError(f"its description has more than {MOST_JSON // 10**6} MB")
    text = bytes(found[_JSON])
    if sum(map(text.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise ValueError(f"its description has more than {MOST_VALUES} values")
    try:
        document = json.loads(text)
    except RecursionError as error:
        raise ValueError("its description is nested too deeply") from error
    except ValueError as error:  # what is no JSON, no UTF-8, or a number without end
        raise ValueError("its description is damaged") from error
    check_document(document)
    if any("uri" in buffer for buffer in document.get("buffers", ())):
        raise ValueError("its data lie in other files")
    if "EXT_meshopt_compression" in document.get("extensionsUsed", ()):
        raise ValueError("it is packed by meshopt; export it without compression")
    return document, found.get(_BINARY, memoryview(b""))


def check_document(document: dict[str, Any]) -> None:
    """Raise ValueError where a description asks for more than we decode, or for odd shapes."""
    for node in document.get("nodes", ()):
        if len(str(node.get("name", ""))) > MOST_NAME:
            raise ValueError(f"a node's name has more than {MOST_NAME} characters")
        for part, length in _LENGTHS.items():
            if part in node and [type(n) in (int, float) for n in node[part]] != [True] * length:
                raise ValueError(f"the {part} of a node must be {length} numbers")
    numbers = 0
    for animation in document.get("animations", ()):
        for _, _, sampler in channels(animation):
            for end in ("input", "output"):
                accessor = document["accessors"][sampler[end]]
                if type(accessor["count"]) is not int or accessor["count"] < 1:
                    raise ValueError("the count of its keys must be a number above 0")
                numbers += accessor["count"] * _WIDTHS[accessor["type"]]
    if numbers > MOST_NUMBERS:
        raise ValueError(
            f"its animations have {numbers:,} numbers; {MOST_NUMBERS:,} are the most, so export"
            " only the part you want"
        )


def channels(animation: dict[str, Any]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """What moves nodes: node, path and sampler."""
    for channel in animation["channels"]:
        target, sampler = channel["target"], animation["samplers"][channel["sampler"]]
        if "node" in target and target["path"] in ("translation", "rotation", "scale"):
            yield target["node"], target["path"], sampler


def _rows(document: dict[str, Any], binary: memoryview, index: int) -> np.ndarray:
    """One accessor's numbers, (K, width), where and as they are stored."""
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    kind, width = np.dtype(_TYPES[accessor["componentType"]]), _WIDTHS[accessor["type"]]
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    count, packed = accessor["count"], kind.itemsize * width
    stride = view.get("byteStride", packed)
    if start < 0 or stride < packed:
        raise ValueError("its data lie nowhere")
    if start + stride * (count - 1) + packed > len(binary):
        raise ValueError("its data are cut off")
    return np.ndarray((count, width), kind, binary, start, (stride, kind.itemsize))


def _decode(rows: np.ndarray) -> np.ndarray:
    """Stored numbers as float64; integers stand for shares of 1."""
    values = rows.astype(np.float64)
    if rows.dtype.kind != "f":
        values /= np.iinfo(rows.dtype).max
        np.maximum(values, -1, out=values)
    return values


def _seconds(document: dict[str, Any], binary: memoryview, animation: dict[str, Any]) -> float:
    """When the last key of an animation is."""
    inputs = {sampler["input"] for _, _, sampler in channels(animation)}
    lasts = [float(_decode(_rows(document, binary, i)[-1:])[0, 0]) for i in inputs]
    if not np.isfinite(lasts).all():
        raise ValueError("it holds numbers that are not finite")
    return max(lasts, default=0.0)


def _keys(document: dict[str, Any], binary: memoryview, animation: dict[str, Any]) -> Keys:
    keys: Keys = {}
    for node, path, sampler in channels(animation):
        times = _rows(document, binary, sampler["input"])
        values = _rows(document, binary, sampler["output"])
        kind = sampler.get("interpolation", "LINEAR")
        if kind == "CUBICSPLINE":  # tangent, value, tangent; between keys a line is close enough
            values = values[1::3]
        if len(values) != len(times):
            raise ValueError("its keys do not match its times")
        if not (np.isfinite(times).all() and np.isfinite(values).all()):
            raise ValueError("it holds numbers that are not finite")
        keys[node, path] = times, values, kind
    return keys


def _sample(curve: Curve, times: np.ndarray, turn: bool) -> np.ndarray:
    """Values (T, width) of a curve at `times`."""
    at, kind = _decode(curve[0])[:, 0], curve[2]
    after = np.clip(np.searchsorted(at, times, side="right"), 1, max(len(at) - 1, 1))
    before, after = after - 1, np.minimum(after, len(at) - 1)
    share = np.clip((times - at[before]) / np.maximum(at[after] - at[before], 1e-9), 0, 1)
    if kind == "STEP":
        share = np.floor(share)
    # values are decoded where they are wanted: there can be far more of them than times
    low, high = _decode(curve[1][before]), _decode(curve[1][after])
    if turn:
        return quat_slerp(normalize(low), normalize(high), share)
    return low + share[:, None] * (high - low)


def _positions(
    nodes: list[dict[str, Any]],
    parents: list[int],
    chosen: list[int],
    keys: Keys,
    times: np.ndarray,
) -> np.ndarray:
    """Where the chosen nodes are, (T, N, 3), by their transforms from the roots down."""
    world: dict[int, np.ndarray] = {}

    def matrix(i: int) -> np.ndarray:
        """Transform (T, 4, 4) of a node relative to its parent."""
        node, local = nodes[i], np.tile(np.eye(4), (len(times), 1, 1))
        if "matrix" in node:
            local[:] = np.array(node["matrix"], np.float64).reshape(4, 4).T
            return local
        parts = {"translation": (0, 0, 0), "rotation": (0, 0, 0, 1), "scale": (1, 1, 1)}
        for name, rest in parts.items():
            value = np.array(node.get(name, rest), np.float64)[None].repeat(len(times), axis=0)
            if (i, name) in keys:
                value = _sample(keys[i, name], times, turn=name == "rotation")
            parts[name] = value
        turn = quat_to_matrix(normalize(parts["rotation"])[:, [3, 0, 1, 2]])
        local[:, :3, :3] = turn * parts["scale"][:, None]
        local[:, :3, 3] = parts["translation"]
        return local

    def place(i: int) -> np.ndarray:
        if i not in world:
            up = parents[i]
            world[i] = matrix(i) if up < 0 else place(up) @ matrix(i)
        return world[i]

    return np.stack([place(i)[:, :3, 3] for i in chosen], axis=1)


def _skeleton(document: dict[str, Any], parents: list[int]) -> list[int]:
    """Nodes of the largest skin, parents first; all nodes where there is no skin."""
    skins = [list(skin["joints"]) for skin in document.get("skins", ())]
    chosen = max(skins, key=len, default=list(range(len(parents))))
    if len(chosen) > MOST_JOINTS:
        raise ValueError(f"its skeleton has {len(chosen)} joints; {MOST_JOINTS} are the most")
    placed: set[int] = set()

    def depth(i: int) -> int:
        steps = 0
        while i >= 0:
            placed.add(i)
            if len(placed) > MOST_NODES:
                raise ValueError(f"its skeleton hangs from more than {MOST_NODES} nodes")
            if steps > MOST_NODES:
                raise ValueError("its nodes are their own parents")
            i, steps = parents[i], steps + 1
        return steps

    return sorted(chosen, key=depth)
