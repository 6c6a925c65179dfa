"""What the parts of a glTF description point to: checked once, so that all else can follow it.

Parts are told by their number. One below 0 is refused here: Python would count it from the end.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_LINKS = {
    "nodes": {"children": "nodes", "mesh": "meshes", "skin": "skins"},
    "skins": {"joints": "nodes", "inverseBindMatrices": "accessors"},
    "meshes": {},
    "accessors": {"bufferView": "bufferViews"},
    "bufferViews": {"buffer": "buffers"},
    "buffers": {},
    "images": {"bufferView": "bufferViews"},
    "animations": {},
}
"""By kind of part, which of its entries point to what."""


def check_links(description: Json) -> None:
    """Raise ValueError for lists of parts that are none, and what points to parts it lacks.

    What else is damaged raises AttributeError, LookupError or TypeError.
    """
    for kind in _LINKS:
        parts = description.get(kind, [])
        if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
            raise ValueError(f"its {kind} are no list of objects")
    for part in (*description.get("buffers", ()), *description.get("images", ())):
        if not isinstance(part.get("uri"), str | None):
            raise ValueError("where its numbers and pictures lie must be a text")
    for part in (*description.get("bufferViews", ()), *description.get("accessors", ())):
        start = part.get("byteOffset", 0)
        if type(start) is not int or start < 0:
            raise ValueError("its data lie nowhere")
    sizes = {kind: len(description.get(kind, ())) for kind in _LINKS}
    sizes["buffers"] = max(sizes["buffers"], 1)  # the one that a binary file holds
    for kind in ("meshes", "skins"):  # a motion may be sent without any
        sizes[kind] = sizes[kind] or sys.maxsize
    for kind, numbers in _links(description):
        if not _all_below(sizes[kind], numbers):
            raise ValueError(f"it points to {kind} that it does not have")
    for animation in description.get("animations", ()):
        samplers = [channel["sampler"] for channel in animation["channels"]]
        if not _all_below(len(animation["samplers"]), samplers):
            raise ValueError("it points to samplers that it does not have")


def _all_below(size: int, numbers: list[Any]) -> bool:
    return all(type(number) is int and 0 <= number < size for number in numbers)


def _links(description: Json) -> Iterator[tuple[str, list[Any]]]:
    """Yield kinds of parts and what is said to be numbers of such."""
    for kind, links in _LINKS.items():
        for part in description.get(kind, ()):
            for key in links.keys() & part.keys():
                told = part[key]
                yield links[key], told if key in ("children", "joints") else [told]
    for mesh in description.get("meshes", ()):
        for primitive in mesh["primitives"]:
            yield "accessors", [*primitive["attributes"].values()]
    for animation in description.get("animations", ()):
        yield "nodes", [node for node, _, _ in channels(animation)]
        for sampler in animation["samplers"]:
            yield "accessors", [sampler["input"], sampler["output"]]
    yield "nodes", [node for _, node in humanoid(description)]


def channels(animation: Json) -> Iterator[tuple[int, str, Json]]:
    """What moves nodes: node, path and sampler."""
    for channel in animation["channels"]:
        target, sampler = channel["target"], animation["samplers"][channel["sampler"]]
        if "node" in target and target["path"] in ("translation", "rotation", "scale"):
            yield target["node"], target["path"], sampler


def humanoid(description: Json) -> Iterator[tuple[str, int]]:
    """Yield the bones that VRM and VRMA name, and their nodes."""
    for version in ("VRMC_vrm_animation", "VRMC_vrm", "VRM"):
        told = description.get("extensions", {}).get(version, {})
        bones = told.get("humanoid", {}).get("humanBones", {})
        if isinstance(bones, list):  # VRM 0
            yield from ((bone["bone"], bone["node"]) for bone in bones)
        else:
            yield from ((name, bone["node"]) for name, bone in bones.items())
