"""Reading the animation of a GLB file: where the nodes of its skeleton go, 20 times a second.

Only what the file itself holds is read; a GLB that points to other files is refused.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from core.body.rotations import normalize, quat_slerp, quat_to_matrix
from core.body.skeleton import FPS
from core.capture.joint_maps import to_joints
from core.capture.resample import check_length

_TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_JSON, _BINARY = 0x4E4F534A, 0x004E4942
MOST_NODES = 500

Keys = dict[tuple[int, str], tuple[np.ndarray, np.ndarray, str]]
"""(node, path) -> times (K,), values (K, ...) and the kind of interpolation."""


def read_joints(
    path: str | Path,
    *,
    joint_map: str | Path | None = None,
    scale: float | None = None,
    up: str | None = None,
) -> np.ndarray:
    """Read the longest animation as (T, 22, 3) float32 joints: meters, Y up, 20 fps, SMPL order."""
    where = str(path)
    try:
        document, binary = _chunks(Path(path).read_bytes())
        longest = max(
            (_keys(document, binary, a) for a in document.get("animations", ())),
            key=_seconds, default={},
        )  # fmt: skip
        if not longest:
            raise ValueError("it has no animation")
        check_length(_seconds(longest))
        times = np.arange(int(_seconds(longest) * FPS + 1e-3) + 1) / FPS
        nodes = document["nodes"]
        parents = [-1] * len(nodes)
        for i, node in enumerate(nodes):
            for child in node.get("children", ()):
                parents[child] = i
        chosen = _skeleton(document, parents)
        positions = _positions(nodes, parents, chosen, longest, times)
    except (AttributeError, KeyError, IndexError, TypeError, struct.error) as error:
        raise ValueError(f"{where} is not a readable GLB file") from error
    except ValueError as error:
        raise ValueError(f"{where} cannot be read: {error}") from error
    names = [str(nodes[i].get("name", f"node{i}")) for i in chosen]
    kept = {node: i for i, node in enumerate(chosen)}
    parents = [kept.get(parents[node], -1) for node in chosen]
    return to_joints(positions, names, parents, FPS, where, joint_map=joint_map, scale=scale, up=up)


def _chunks(data: bytes) -> tuple[dict[str, Any], bytes]:
    if data[:4] != b"glTF":
        raise ValueError("it is no binary glTF")
    found, at = {}, 12
    while at + 8 <= len(data):
        length, kind = struct.unpack_from("<II", data, at)
        found.setdefault(kind, data[at + 8 : at + 8 + length])
        at += 8 + length
    if _JSON not in found:
        raise ValueError("it is cut off")
    document = json.loads(found[_JSON].decode())
    if any("uri" in buffer for buffer in document.get("buffers", ())):
        raise ValueError("its data lie in other files")
    if "EXT_meshopt_compression" in document.get("extensionsUsed", ()):
        raise ValueError("it is packed by meshopt; export it without compression")
    return document, found.get(_BINARY, b"")


def _array(document: dict[str, Any], binary: bytes, index: int) -> np.ndarray:
    """One accessor's numbers, (K, width) float64; integers stand for shares of 1."""
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    kind, width = np.dtype(_TYPES[accessor["componentType"]]), _WIDTHS[accessor["type"]]
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    count, packed = accessor["count"], kind.itemsize * width
    stride = view.get("byteStride", packed)
    if start < 0 or count < 1 or stride < packed:
        raise ValueError("its data lie nowhere")
    if start + stride * (count - 1) + packed > len(binary):
        raise ValueError("its data are cut off")
    rows = np.ndarray((count, width), kind, binary, start, (stride, kind.itemsize))
    values = rows.astype(np.float64)
    if kind.kind != "f":
        values = np.maximum(values / np.iinfo(kind).max, -1)
    if not np.isfinite(values).all():
        raise ValueError("it holds numbers that are not finite")
    return values


def _keys(document: dict[str, Any], binary: bytes, animation: dict[str, Any]) -> Keys:
    keys: Keys = {}
    for channel in animation["channels"]:
        target, sampler = channel["target"], animation["samplers"][channel["sampler"]]
        if "node" not in target or target["path"] not in ("translation", "rotation", "scale"):
            continue
        times = _array(document, binary, sampler["input"])[:, 0]
        values = _array(document, binary, sampler["output"])
        kind = sampler.get("interpolation", "LINEAR")
        if kind == "CUBICSPLINE":  # tangent, value, tangent; between keys a line is close enough
            values = values[1::3]
        if len(values) != len(times):
            raise ValueError("its keys do not match its times")
        keys[target["node"], target["path"]] = times, values, kind
    return keys


def _seconds(keys: Keys) -> float:
    return max((float(times[-1]) for times, _, _ in keys.values()), default=0.0)


def _sample(key: tuple[np.ndarray, np.ndarray, str], times: np.ndarray, turn: bool) -> np.ndarray:
    """Values (T, width) of a track of keys at `times`."""
    at, values, kind = key
    after = np.clip(np.searchsorted(at, times, side="right"), 1, max(len(at) - 1, 1))
    before, after = after - 1, np.minimum(after, len(at) - 1)
    share = np.clip((times - at[before]) / np.maximum(at[after] - at[before], 1e-9), 0, 1)
    if kind == "STEP":
        share = np.floor(share)
    if turn:
        return quat_slerp(normalize(values[before]), normalize(values[after]), share)
    return values[before] + share[:, None] * (values[after] - values[before])


def _positions(
    nodes: list[dict[str, Any]], parents: list[int], chosen: list[int], keys: Keys,
    times: np.ndarray,
) -> np.ndarray:  # fmt: skip
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
    if len(chosen) > MOST_NODES:
        raise ValueError(f"its skeleton has {len(chosen)} joints; {MOST_NODES} are the most")

    def depth(i: int) -> int:
        steps = 0
        while parents[i] >= 0:
            i, steps = parents[i], steps + 1
            if steps > MOST_NODES:
                raise ValueError("its nodes are their own parents")
        return steps

    return sorted(chosen, key=depth)
