"""Reading BVH files with pybvh, also where every joint has position channels (Blender, 3ds Max).

pybvh reads three rotations a joint and positions for the root only. Position channels of other
joints repeat their OFFSET in all but stretchy rigs, so dropping those columns changes nothing.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.capture.joint_maps import to_joints

if TYPE_CHECKING:
    import pybvh

CHANNELS = re.compile(r"^\s*CHANNELS\s+(\d+)\s*(.*)$", re.MULTILINE)
LENGTH = re.compile(r"^\s*Frames:\s*(\d+)\s+Frame Time:\s*(\S+)", re.MULTILINE)


def read_joints(
    path: str | Path,
    *,
    joint_map: str | Path | None = None,
    scale: float | None = None,
    up: str | None = None,
) -> np.ndarray:
    """Read one BVH file as (T, 22, 3) float32 joints: meters, Y up, 20 fps, SMPL order.

    joint_map, scale and up replace what is otherwise guessed from names, leg length and posture.
    """
    bvh = load_bvh(path)
    if not 0 < bvh.frame_time < 1:
        raise ValueError(f"{path} says that a frame lasts {bvh.frame_time:g} s")
    if not (np.isfinite(bvh.root_pos).all() and np.isfinite(bvh.joint_angles).all()):
        raise ValueError(f"{path} holds numbers that are not finite")
    parent_of = {id(node): i for i, node in enumerate(bvh.nodes)}
    parents = [-1 if n.parent is None else parent_of[id(n.parent)] for n in bvh.nodes]
    return to_joints(
        bvh.node_positions(), [n.name for n in bvh.nodes], parents, 1.0 / bvh.frame_time,
        str(path), joint_map=joint_map, scale=scale, up=up,
    )  # fmt: skip


def told_seconds(path: str | Path) -> float:
    """How long a file says it lasts, without reading its frames; 0 where it does not say."""
    told = LENGTH.search(Path(path).read_text(encoding="utf-8", errors="replace"))
    try:
        return int(told[1]) * float(told[2]) if told else 0.0
    except ValueError:
        return 0.0


def load_bvh(path: str | Path) -> pybvh.Bvh:
    """Read a BVH file; raise ValueError with its name where it cannot be read."""
    import pybvh

    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} does not exist")
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        reduced = without_joint_positions(text)
        if reduced == text and path.suffix == ".bvh":
            return _read(pybvh, path)
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "reduced.bvh"
            copy.write_text(reduced, encoding="utf-8")
            return _read(pybvh, copy)
    except (ValueError, IndexError) as error:
        raise ValueError(f"{path} is not a readable BVH file: {error}") from error


def without_joint_positions(text: str) -> str:
    """Drop the position channels of every joint but the root, in hierarchy and frames."""
    lists = [match[2].split() for match in CHANNELS.finditer(text)]
    drop = [[c.lower().endswith("position") for c in names] for names in lists]
    if drop:
        drop[0] = [False] * len(drop[0])
    if not any(any(d) for d in drop):
        return text
    kept = iter(zip(lists, drop, strict=True))

    def reduce(match: re.Match) -> str:
        names, dropped = next(kept)
        names = [n for n, d in zip(names, dropped, strict=True) if not d]
        return f"CHANNELS {len(names)} {' '.join(names)}"

    head, found, frames = text.partition("Frame Time:")
    if not found:
        raise ValueError("it has no `Frame Time:` line")
    time, _, values = frames.partition("\n")
    keep = [not d for dropped in drop for d in dropped]
    rows = [line.split() for line in values.splitlines() if line.strip()]
    if bad := [i for i, row in enumerate(rows) if len(row) != len(keep)]:
        raise ValueError(f"frame {bad[0]} has {len(rows[bad[0]])} values, not {len(keep)}")
    lines = (" ".join(v for v, k in zip(row, keep, strict=True) if k) for row in rows)
    return CHANNELS.sub(reduce, head) + found + time + "\n" + "\n".join(lines) + "\n"


def _read(pybvh, path: Path) -> pybvh.Bvh:
    return pybvh.read_bvh_file(path, world_up="+y", warn_on_world_up_disagreement=False)
