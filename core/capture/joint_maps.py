"""From a file's joints to our 22: joint maps, names, missing joints, units, up axis, rate, length.

A map file (core/capture/maps/*.json, or the user's own) is
    {"detect": ["Name|Other name", ...], "joints": {"pelvis": ["Hips"], "left_hip": [...], ...}}
where each of our joints lists the names that file format gives it, best first. Namespaces
(`mixamorig:`), prefixes shared by all names, case and punctuation do not matter; the end site
below joint X is called EndSiteX. A number counts the file's nodes from 0, for those whose name is
not theirs alone. All but `NEEDED` may be left out.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.body.feet import leg_lengths
from core.body.skeleton import ANKLES, BONE_LENGTHS, FPS, HIPS, INDEX, JOINTS, KNEES, LEG
from core.capture.source import Skeleton

MOST_SECONDS = 120.0
"""Of a motion file."""
MOST_POSES = 30_000
"""Of a motion file: MOST_SECONDS at 250 a second."""
MOST_RATE = 1000.0
"""Poses a second that a motion file may say it has."""
MOST_NAME = 200
"""Characters of a joint's name."""
MAPS = Path(__file__).parent / "maps"
BUILT_IN = ("cmu", "mixamo", "smpl", "unreal", "humanoid")
"""In the order they are tried: a CMU file would pass as a Mixamo one, not the other way round."""

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254, "cmu": 0.0254 / 0.45}
"""Meters in one unit. CMU's skeletons are in inches divided by 0.45."""

CHAINS = (
    ("pelvis", "spine1", "spine2", "spine3", "neck", "head"),
    ("spine3", "left_collar", "left_shoulder"),
    ("spine3", "right_collar", "right_shoulder"),
)
"""Chains whose inner joints can be interpolated, in the order that makes their ends known."""
NEEDED = (
    "pelvis",
    *(f"{s}_{p}" for p in ("hip", "knee", "ankle", "shoulder", "elbow") for s in ("left", "right")),
)
"""Our joints without which a skeleton is no body's."""
OPTIONAL = {"spine1", "spine2", "spine3", "neck", "head", "left_collar", "right_collar"}


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


def to_joints(
    nodes: np.ndarray,
    names: list[str],
    parents: list[int],
    rate: float,
    where: str,
    *,
    joint_map: str | Path | None = None,
    scale: float | None = None,
    up: str | None = None,
) -> np.ndarray:
    """Bring node positions (T, N, 3) to (T, 22, 3) float32: meters, Y up, 20 a second, SMPL order.

    joint_map, scale and up replace what is otherwise guessed from names, leg length and posture.
    """
    if up not in (None, "y", "z"):
        raise ValueError(f"{where}: up must be y or z, got {up!r}")
    if scale is not None and not scale > 0:
        raise ValueError(f"{where}: scale must be meters per unit, above 0, got {scale}")
    if not np.isfinite(nodes).all():
        raise ValueError(f"{where} holds numbers that are not finite")
    plain = plain_names(names, parents)
    table = load_map(joint_map) if joint_map else detect(plain, where)
    joints = to_smpl(nodes, plain, table, where)
    joints = joints * (scale or meters_per_unit(joints, where))
    if (up or up_axis(joints)) == "z":
        joints = y_up(joints)
    return resample(joints, rate).astype(np.float32)


def load_map(given: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """Load a built-in map by name, or a map file by path; or take the joints of one."""
    if isinstance(given, Mapping):
        table, where = {"joints": dict(given)}, "the joint map"
    else:
        path = MAPS / f"{given}.json" if str(given) in BUILT_IN else Path(given)
        if not path.is_file():
            raise ValueError(
                f"no joint map {str(given)!r}; use one of {', '.join(BUILT_IN)} or a path to a json"
                " file"
            )
        where = path.name
        try:
            table = json.loads(path.read_text(encoding="utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{where} is not JSON: {error}") from error
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
    """Return the nodes' names as maps have them: end sites are called by their parents'."""
    return [
        name or (f"EndSite{names[parent]}" if parent >= 0 else "")
        for name, parent in zip(names, parents, strict=True)
    ]


def to_map(skeleton: Skeleton, about: str) -> dict[str, Any]:
    """Return a map that finds the same joints again: by name where that is one node's alone."""
    names = spelled(skeleton.names, skeleton.parents)
    bearers = Counter(names)
    nodes = {
        joint: [names[i] if names[i] and bearers[names[i]] == 1 else i]
        for joint, i in skeleton.joints.items()
    }
    return {"about": about, "joints": nodes}


def plain_names(names: list[str], parents: list[int]) -> list[str]:
    """Reduce node names to what maps are matched by; end sites become endsite<parent>."""
    ends = [name.startswith("EndSite") and p >= 0 for name, p in zip(names, parents, strict=True)]
    bare = [name.rsplit(":", 1)[-1] for name in names]
    joints = [name for name, end in zip(bare, ends, strict=True) if not end]
    # only a whole word is a prefix: "Hips" and "HipLeft" share letters, not a namespace
    cut = re.match(r".*_|mixamorig\d*", joints[0])
    if cut and not all(name.startswith(cut[0]) for name in joints):
        cut = None
    plain = [re.sub(r"[^a-z0-9]", "", b[cut.end() if cut else 0 :].lower()) for b in bare]
    return [
        f"endsite{plain[parent]}" if end else plain[i]
        for i, (end, parent) in enumerate(zip(ends, parents, strict=True))
    ]


def detect(plain: list[str], where: str) -> dict:
    """Pick the built-in map whose telling names are all present."""
    for name in BUILT_IN:
        table = load_map(name)
        if all(any(_plain(n) in plain for n in any_of.split("|")) for any_of in table["detect"]):
            return table
    raise ValueError(
        f"{where}: the joint names fit none of {', '.join(BUILT_IN)} (they begin "
        f"{', '.join(plain[:8])}); write a joint map like "
        "core/capture/maps/mixamo.json and name it as the map"
    )


def to_smpl(nodes: np.ndarray, plain: list[str], table: dict, where: str) -> np.ndarray:
    """Pick and complete our joints: (T, N, 3) node positions -> (T, 22, 3), in the file's units."""
    column = {name: i for i, name in reversed(list(enumerate(plain)))}
    found: dict[str, np.ndarray] = {}
    for joint, names in table["joints"].items():
        hit = next((column[_plain(n)] for n in names if _plain(n) in column), None)
        if hit is not None:
            found[joint] = nodes[:, hit]
    lacking = set(JOINTS) - OPTIONAL - set(found)
    if not {"neck", "head"} & set(found):
        lacking.add("neck")
    if lacking:
        looked = "; ".join(
            f"{joint} as {' or '.join(table['joints'].get(joint, ['nothing']))}"
            for joint in sorted(lacking)
        )
        raise ValueError(f"{where}: joints are missing (looked for {looked})")
    for chain in CHAINS:
        _fill(found, chain)
    return np.stack([found[j] for j in JOINTS], axis=1)


def _fill(found: dict[str, np.ndarray], chain: tuple[str, ...]) -> None:
    """Interpolate missing joints of a chain by our bone lengths; a missing end is extended."""
    along = np.cumsum([0.0] + [float(BONE_LENGTHS[INDEX[j]]) for j in chain[1:]])
    for i, joint in enumerate(chain):
        if joint in found:
            continue
        before = i - 1  # filled already: chains start at a joint that is always known
        after = next((k for k in range(i + 1, len(chain)) if chain[k] in found), None)
        if after is None:
            bone = found[chain[before]] - found[chain[before - 1]]
            ratio = (along[i] - along[before]) / (along[before] - along[before - 1])
            found[joint] = found[chain[before]] + ratio * bone
        else:
            gap = found[chain[after]] - found[chain[before]]
            ratio = (along[i] - along[before]) / (along[after] - along[before])
            found[joint] = found[chain[before]] + ratio * gap


def meters_per_unit(joints: np.ndarray, where: str) -> float:
    """Guess the unit from the leg length of (T, 22, 3) joints."""
    leg = float(np.median(leg_lengths(joints[:, HIPS], joints[:, KNEES], joints[:, ANKLES])))
    if leg <= 0:
        raise ValueError(f"{where}: the legs have no length; the skeleton's offsets are all zero")
    unit = min(UNITS.values(), key=lambda u: abs(np.log(leg * u / LEG)))
    if not 1 / 1.6 < leg * unit / LEG < 1.6:
        raise ValueError(
            f"{where}: a leg of {leg:g} units is no human leg in {', '.join(UNITS)}; "
            "say how many meters one unit is (the scale)"
        )
    return unit


def up_axis(joints: np.ndarray) -> str:
    """Guess "y" or "z" as the up axis from where the neck is above the ankles on average."""
    up = np.median(joints[:, INDEX["neck"]] - joints[:, ANKLES].mean(1), axis=0)
    # z must win clearly: someone lying down in a Y-up file is the likelier reading of a tie
    return "z" if up[2] > 2 * abs(up[1]) else "y"


def y_up(joints: np.ndarray) -> np.ndarray:
    """Turn (..., 3) positions whose Z is up so that Y is."""
    return np.stack([joints[..., 0], joints[..., 2], -joints[..., 1]], axis=-1)


def resample(values: np.ndarray, rate: float) -> np.ndarray:
    """Bring (T, ...) at `rate` a second to 20, by cubic splines through what is there."""
    from scipy.interpolate import CubicSpline

    if len(values) < 2 or abs(rate - FPS) < 1e-3:
        return values
    source = np.arange(len(values)) / rate
    # the small addend keeps the last one where frame times were rounded in a file
    target = np.arange(int(source[-1] * FPS + 1e-3) + 1) / FPS
    return CubicSpline(source, values)(np.minimum(target, source[-1]))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
