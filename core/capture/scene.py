"""A skeleton among the nodes of a scene, moved by curves: what glTF and FBX have in common.

Nodes are what glTF calls so: a translation, rotation (x y z w) and scale, or a matrix, relative to
the node above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.body.skeleton import FPS, HUMANOID, JOINTS
from core.capture.gltf_file import Json
from core.capture.gltf_pose import Binds, Curves, at_bind, placed
from core.capture.gltf_tree import Tree, above
from core.capture.joint_maps import check_length, check_name, well_formed
from core.capture.source import Source, astray

MOST_TOLD = 8
"""Animations whose names fit into a note."""
MOST_CLIPS = 200
"""Animations that are told of; all others can be chosen by their number alone."""

_OURS = dict(zip(HUMANOID, JOINTS, strict=True))


def choose(
    names: Sequence[str], spans: Sequence[tuple[float, float]], clip: int | None
) -> tuple[int, np.ndarray, tuple[str, ...]]:
    """Pick an animation, `clip` from 1 or the longest.

    Return its index, the times at which it is to be sampled, and what to say of it. Raises
    ValueError where there is none, or it is too long.
    """
    if clip is not None and not 1 <= clip <= len(spans):
        raise ValueError(f"it has {len(spans)} animations; there is no number {clip}")
    lengths = [last - first for first, last in spans]
    chosen = clip - 1 if clip else int(np.argmax(lengths or [0]))
    if not spans:
        raise ValueError("it has no animation of a body")
    check_length(lengths[chosen])
    times = spans[chosen][0] + np.arange(int(lengths[chosen] * FPS + 1e-3) + 1) / FPS
    if clip or len(spans) == 1:
        return chosen, times, ()
    told = [
        f"{i} {name!r} of {length:.1f} s"
        for i, (name, length) in enumerate(zip(names, lengths, strict=False), start=1)
    ]
    more = [f"and {len(spans) - MOST_TOLD} more"] if len(spans) > MOST_TOLD else []
    note = (
        f"The file has {len(spans)} animations: {', '.join(told[:MOST_TOLD] + more)}. The longest,"
        f" number {chosen + 1}, is read; another can be chosen by its number."
    )
    return chosen, times, (note,)


def titles(named: Sequence[str]) -> tuple[str, ...]:
    """Return what animations are called, those without a name by their number."""
    return tuple(
        well_formed((name or f"animation {i}")[:60])
        for i, name in enumerate(named[:MOST_CLIPS], start=1)
    )


def rate_of(keys: int, first: float, last: float) -> float | None:
    """Return so many keys' number a second; None where they are too few to tell."""
    if keys < 3 or not last > first:
        return None
    rate = (keys - 1) / (last - first)
    return float(round(rate)) if abs(rate - round(rate)) < 0.02 * rate else rate


def moved(
    nodes: list[Json],
    tree: Tree,
    curves: Curves,
    poses: int,
    *,
    binds: Binds,
    humanoid: Mapping[int, str],
) -> Source:
    """Move a skeleton by the curves of an animation; `humanoid` says what VRM calls some nodes."""
    kept = tree.kept
    world = placed(nodes, tree, curves)
    positions = np.stack([np.broadcast_to(world[i][0], (poses, 3)) for i in kept], axis=1)
    if (far := astray(positions)) is not None:
        raise ValueError(f"its pose at {far / FPS:g} s lies far off all others; take it out")
    rest = at_bind(nodes, tree, binds)
    column = {node: i for i, node in enumerate(kept)}
    return Source(
        names=tuple(
            check_name(humanoid.get(i) or str(nodes[i].get("name") or f"node{i}")) for i in kept
        ),
        parents=tuple(column.get(above(i, tree.parents, column), -1) for i in kept),
        positions=positions,
        rotations=np.stack([np.broadcast_to(world[i][2], (poses, 4)) for i in kept], axis=1),
        rest=np.concatenate([rest[i][0] for i in kept]),
        rest_rotations=np.concatenate([rest[i][2] for i in kept]),
        up="y",
        rate=float(FPS),
        told={
            _OURS[bone]: column[i] for i, bone in humanoid.items() if bone in _OURS if i in column
        },
    )
