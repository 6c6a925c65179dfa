"""What a GLB file says of itself, read and bounded before any of its numbers is decoded."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

from core.capture.joint_maps import MOST_NAME

WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_JSON, _BINARY = 0x4E4F534A, 0x004E4942
MOST_CHUNKS = 16
"""Parts of a file; glTF knows two."""
MOST_JSON = 8_000_000
"""Bytes of a file's description."""
MOST_JOINTS = 500
MOST_NODES = 600
"""Joints of a skeleton with all that is above them."""
MOST_NUMBERS = 24_000_000
"""Of the keys of all animations, shared ones counted as often as they are used: 64 MB hold 21."""
_LENGTHS = {"translation": 3, "rotation": 4, "scale": 3, "matrix": 16}


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
    try:
        document = json.loads(bytes(found[_JSON]))
    except RecursionError as error:
        raise ValueError("its description is nested too deeply") from error
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
                numbers += accessor["count"] * WIDTHS[accessor["type"]]
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
