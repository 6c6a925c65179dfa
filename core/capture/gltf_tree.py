"""Which nodes of a glTF file are a skeleton.

Files hold scenes: skeletons beside meshes and cameras, below whatever their program put above.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

MOST_JOINTS = 500
MOST_NODES = 600
"""Joints of a skeleton with all that is above them."""


@dataclass(frozen=True)
class Tree:
    """A skeleton among the nodes of a file."""

    parents: list[int]
    """Of all nodes of the file, -1 for roots."""
    order: list[int]
    """Nodes of the skeleton with all that is above them, parents first."""
    kept: list[int]
    """Those of the skeleton alone, in the same order."""
    skin: dict[str, Any]
    """Whose joints they are; empty where there is none."""


def skeleton(description: dict[str, Any], moved: set[int]) -> Tree:
    """Find the skeleton that an animation moves, `moved` being the nodes that have curves.

    It is what lies between a skin's joints and below them, but no mesh; all nodes where no skin
    moves. Raises ValueError for more than we take, and for loops.
    """
    nodes = description["nodes"]
    parents = _parents(nodes)
    skin = _skin(description, moved)
    chosen = _of_skin(nodes, parents, {*skin.get("joints", ())}) or {*range(len(nodes))}
    if len(chosen) > MOST_JOINTS:
        raise ValueError(f"its skeleton has {len(chosen)} joints; {MOST_JOINTS} are the most")
    depths: dict[int, int] = {}
    for node in chosen:
        path = _path(node, parents)
        depths |= {i: len(path) - steps for steps, i in enumerate(path)}
        if len(depths) > MOST_NODES:
            raise ValueError(f"its skeleton hangs from more than {MOST_NODES} nodes")
    order = sorted(depths, key=lambda i: (depths[i], i))
    return Tree(parents, order, [i for i in order if i in chosen], skin)


def above(node: int, parents: list[int], some: Container[int]) -> int:
    """Return the nearest of some nodes above one; -1 where there is none."""
    node = parents[node]
    while node >= 0 and node not in some:
        node = parents[node]
    return node


def upward(nodes: list[dict[str, Any]]) -> dict[int, int]:
    """Return the parent of each node of a file, -1 for roots, children before their parents.

    Raises ValueError for rings.
    """
    parents = _parents(nodes)
    left = Counter(parents)
    found = [node for node in range(len(nodes)) if not left[node]]
    for node in found:  # grows while it is gone through
        up = parents[node]
        left[up] -= 1
        if up >= 0 and not left[up]:
            found.append(up)
    if len(found) < len(nodes):
        raise ValueError("it has nodes that hang from each other")
    return {node: parents[node] for node in found}


def _parents(nodes: list[dict[str, Any]]) -> list[int]:
    parents = [-1] * len(nodes)
    for i, node in enumerate(nodes):
        for child in node.get("children", ()):
            parents[child] = i
    return parents


def _skin(description: dict[str, Any], moved: set[int]) -> dict[str, Any]:
    """Return the skin most of whose joints are moved, the largest of them; {} where none are."""
    skins = description.get("skins", ())
    best = max(skins, key=lambda s: (len(moved & {*s["joints"]}), len(s["joints"])), default={})
    return best if moved & {*best.get("joints", ())} else {}


def _of_skin(nodes: list[dict[str, Any]], parents: list[int], joints: set[int]) -> set[int]:
    if len(joints) > MOST_JOINTS:
        raise ValueError(f"its skeleton has {len(joints)} joints; {MOST_JOINTS} are the most")
    paths = [_path(joint, parents) for joint in joints]
    tops = [path for path in paths if not joints & {*path[1:]}]
    if not tops:
        return set()
    # several that hang from one node are one skeleton: its pelvis may have no skin
    shared = set(tops[0]).intersection(*tops)
    roots = {next(i for i in tops[0] if i in shared)} if shared else {path[0] for path in tops}
    found, left = set[int](), [*roots]
    while left:
        if (node := left.pop()) not in found:
            found.add(node)
            left += nodes[node].get("children", ())
    bare = {node for node in found if not {"mesh", "camera"} & nodes[node].keys()}
    chosen = joints | roots | bare
    return chosen if len(chosen) <= MOST_JOINTS else joints | roots


def _path(node: int, parents: list[int]) -> list[int]:
    """Return a node and all above it."""
    path = [node]
    while (node := parents[node]) >= 0:
        path.append(node)
        if len(path) > MOST_NODES:
            raise ValueError(
                f"its skeleton hangs from more than {MOST_NODES} nodes, or from itself"
            )
    return path
