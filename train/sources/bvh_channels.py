"""Loading a BVH file with pybvh, also where every joint has position channels (Blender, 3ds Max).

pybvh reads three rotations a joint and positions for the root only. Position channels of other
joints repeat their OFFSET in all but stretchy rigs, so dropping those columns changes nothing.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pybvh

CHANNELS = re.compile(r"^\s*CHANNELS\s+(\d+)\s*(.*)$", re.MULTILINE)


def load_bvh(path: str | Path) -> pybvh.Bvh:
    """Read a BVH file; raise ValueError with its name where it cannot be read."""
    import pybvh

    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} does not exist; the captions file names it")
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
