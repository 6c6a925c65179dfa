"""Joint maps, which say outright what `matching` would find out, and how long files may be.

A map file (core/capture/maps/*.json, or the user's own) is
    {"about": "...", "joints": {"pelvis": ["Hips"], "left_hip": [...], ...}}
where each of our joints lists the names that file format gives it, best first. Namespaces
(`mixamorig:`), prefixes shared by all names, case and punctuation do not matter; the end site
below joint X is called EndSiteX. A number counts the file's nodes from 0, for those whose name is
not theirs alone. All but `NEEDED` may be left out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.body.skeleton import JOINTS
from core.capture.source import Skeleton

MOST_SECONDS = 120.0
"""Of a motion file."""
MOST_POSES = 30_000
"""Of a motion file: MOST_SECONDS at 250 a second."""
MOST_NAME = 200
"""Characters of a joint's name."""
MAPS = Path(__file__).parent / "maps"
BUILT_IN = ("cmu", "mixamo", "smpl", "unreal", "humanoid")
NEEDED = (
    "pelvis",
    *(f"{s}_{p}" for p in ("hip", "knee", "ankle", "shoulder", "elbow") for s in ("left", "right")),
)
"""Our joints without which a skeleton is no body's."""


def check_name(name: str) -> str:
    """Return a node's name, well formed; raise ValueError where it is too long."""
    if len(name) > MOST_NAME:
        raise ValueError(f"a joint's name has more than {MOST_NAME} characters")
    return well_formed(name)


def well_formed(text: str) -> str:
    """Replace halves of characters that JSON can escape and UTF-8 does not know."""
    return text.encode(errors="replace").decode()


def check_length(seconds: float, poses: int = 0) -> None:
    """Raise ValueError where a motion file lasts too long; ask before working through it."""
    if seconds > MOST_SECONDS:
        raise ValueError(
            f"it lasts {seconds:.5g} s; {MOST_SECONDS:g} s are the most, so cut out the part you"
            " want"
        )
    if poses > MOST_POSES:
        raise ValueError(
            f"it has {poses:,} poses; {MOST_POSES:,} are the most, so store fewer a second or cut"
            " out the part you want"
        )


def load_map(given: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """Load a built-in map by name, or a map file by path; or take the joints of one."""
    if isinstance(given, Mapping):
        return _checked({"joints": dict(given)}, "the joint map")
    path = MAPS / f"{given}.json" if str(given) in BUILT_IN else Path(given)
    if not path.is_file():
        told = ", ".join(BUILT_IN)
        raise ValueError(
            f"no joint map {Path(given).name!r}; use one of {told} or a path to a json file"
        )
    return parse_map(path.read_text(encoding="utf-8-sig", errors="replace"), path.name)


def parse_map(text: str, where: str = "the joint map") -> dict[str, Any]:
    """Read what a map file holds; raise ValueError, beginning with `where`, for anything else."""
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is not JSON: {error}") from error
    return _checked(table, where)


def _checked(table: Any, where: str) -> dict[str, Any]:
    if not isinstance(table, dict) or not isinstance(table.get("joints"), dict):
        raise ValueError(f'{where} is no joint map, which begins {{"joints": {{"pelvis": ["Hips"],')
    if unknown := set(table["joints"]) - set(JOINTS):
        raise ValueError(f"{where} maps joints we do not have: {', '.join(sorted(unknown))}")
    if missing := [joint for joint in NEEDED if joint not in table["joints"]]:
        raise ValueError(f"{where} does not map {', '.join(missing)}")
    for joint, nodes in table["joints"].items():
        if not all(isinstance(node, str | int) for node in as_list(nodes)):
            raise ValueError(f"{where} maps {joint} to something else than names and numbers")
    return table


def as_list(nodes: Any) -> list[Any]:
    """Return what a map says of a joint as a list."""
    return nodes if isinstance(nodes, list) else [nodes]


def spelled(names: Sequence[str], parents: Sequence[int]) -> list[str]:
    """Return the nodes' names as maps have them: end sites are called by their parents', cut."""
    return [
        name or (f"EndSite{names[parent]}"[:MOST_NAME] if parent >= 0 else "")
        for name, parent in zip(names, parents, strict=True)
    ]


def to_map(skeleton: Skeleton, about: str) -> dict[str, Any]:
    """Return a map that finds the same joints again: by name where that is one node's alone."""
    names = spelled(skeleton.names, skeleton.parents)
    bearers = Counter(names)
    nodes = {
        joint: names[i] if names[i] and bearers[names[i]] == 1 else int(i)
        for joint, i in skeleton.joints.items()
    }
    return {"about": about, "joints": nodes}
