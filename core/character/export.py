"""A take on a visitor's own character: in its own file, as FBX, or as BVH in its own words.

The file gets an animation more and keeps the rest: meshes, materials, textures, extras, and other
animations, which come after ours because many programs play the first one. FBX has its meshes,
paints and bones, see core.character.fbx. Where its licence forbids a changed copy there is neither;
BVH, which holds nothing of it but its bones, is written. VRMA and NPZ are for any skeleton, and the
same for all: programs scale the hips' path to an avatar's height.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.body.rotations import quat_continuous, quat_inverse, quat_multiply, quat_rotate
from core.body.take import Take
from core.character.character import DAMAGED, Character
from core.character.fbx import write_fbx
from core.character.glb_file import File
from core.character.retarget import Moved, local_places, local_turns, retarget
from core.character.skins import SIMPLER
from core.export import check, resample, write
from core.export.bvh import write_joints
from core.export.metadata import describe, titled
from core.export.part import part
from core.export.root import Root, floor_root, steady
from core.settings import ExportSettings

SUFFIXES = (".glb", ".fbx", ".bvh", ".vrma", ".npz")
_COPIES = (".glb", ".fbx")
"""Those that hold what the character is."""
_OF_ANY = (".vrma", ".npz")
"""Those that hold a motion for any."""


def check_character(
    path: str | Path, character: Character, *, settings: ExportSettings | None = None
) -> None:
    """Raise ValueError for a file that `write_character` could not, or must not, make."""
    path, told = Path(path), character.licence
    check(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"a character goes home as {', '.join(SUFFIXES)}, not as {suffix}; leave the character"
            " out for a film of our own body"
        )
    if suffix in _COPIES and told is not None and told.forbids:
        raise ValueError(
            f"{character.name} must not be changed, says its licence ({told.forbids}), so it is"
            " not written with a motion in it; .bvh and .vrma hold the motion alone"
        )
    if suffix == ".glb" and settings is not None and settings.root == "floor":
        raise ValueError(
            "a character's own file gets no root bone on the floor; choose .fbx or .bvh for one, or"
            " hips or in-place for the root"
        )


def write_character(
    take: Take,
    path: str | Path,
    character: Character,
    *,
    fps: float | None = None,
    settings: ExportSettings | None = None,
) -> Take:
    """Write a take on a character as the kind of file that `path` names; return what is in it.

    Raises ValueError like `check_character`, and for an fps, a part or a loop that is not there.
    """
    path, settings = Path(path), settings or ExportSettings()
    check(path, fps=fps)
    check_character(path, character, settings=settings)
    if path.suffix.lower() in _OF_ANY:
        return write(take, path, fps=fps, settings=settings)
    take = part(take, settings)
    if fps is not None:
        take = resample(take, fps)
    moved, root = retarget(character.rig, take.root, take.rotations), None
    if settings.root == "in-place":
        away = steady(moved.places[:, 0] * [1, 0, 1], take.fps)
        moved = replace(moved, places=moved.places - away[:, None])
    elif settings.root == "floor":
        root = floor_root(moved.places[:, 0], moved.turns[:, 0], take.fps)
        moved = _carried(moved, root)
    about = describe(take, character, root=settings.root)
    if path.suffix.lower() == ".bvh":
        _write_bvh(take, path, character, moved, root, about, settings)
        return take
    try:
        if path.suffix.lower() == ".fbx":
            write_fbx(titled(take, settings.takes), path, character, moved, root, about)
        else:
            path.write_bytes(_animated(take, character, moved, about, settings.takes))
    except (*DAMAGED, ValueError) as error:  # odd where it was not read, or changed since
        raise ValueError(f"{character.name} cannot hold a motion: {_told(error)}") from error
    except MemoryError as error:
        raise ValueError(f"{character.name} needs more memory than there is; {SIMPLER}") from error
    return take


def _carried(moved: Moved, root: Root) -> Moved:
    """Tell of poses relative to a bone on the floor."""
    back = quat_inverse(root.turns)[:, None]
    places = quat_rotate(back, moved.places - root.path[:, None])
    return Moved(places, quat_multiply(back, moved.turns))


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) else "its glTF is damaged"


def _animated(
    take: Take, character: Character, moved: Moved, about: dict[str, str], takes: str
) -> bytes:
    rig, file = character.rig, File.read(character.path)
    turns = quat_continuous(local_turns(rig, moved.turns))
    tracks: dict[tuple[int, str], np.ndarray] = {}
    for i, row in enumerate(rig.rows):
        node = character.nodes[row.column]
        file.unpack(node)
        if row.parent < 0 or row.loose:
            tracks[node, "translation"] = local_places(rig, moved, i)
        tracks[node, "rotation"] = turns[:, i, [1, 2, 3, 0]]
    animations, first = [], 0
    for name, one in titled(take, takes).items():
        part = {key: values[first : first + len(one)] for key, values in tracks.items()}
        animations.append({"name": name, "extras": about, **_animation(file, part, take.fps)})
        first += len(one)
    file.json["animations"] = [*animations, *file.json.get("animations", ())]
    return file.to_bytes()


def _animation(
    file: File, tracks: dict[tuple[int, str], np.ndarray], fps: float
) -> dict[str, list[dict[str, Any]]]:
    """Channels and samplers of an animation, one key for each pose."""
    count = len(next(iter(tracks.values())))
    times = file.add(np.arange(count) / fps, bounds=True)
    targets = ({"node": node, "path": path} for node, path in tracks)
    return {
        "channels": [{"sampler": i, "target": target} for i, target in enumerate(targets)],
        "samplers": [{"input": times, "output": file.add(rows)} for rows in tracks.values()],
    }


def _write_bvh(
    take: Take,
    path: Path,
    character: Character,
    moved: Moved,
    root: Root | None,
    about: dict[str, str],
    settings: ExportSettings,
) -> None:
    rig = character.rig
    at = {row.column: i for i, row in enumerate(rig.rows)}
    parents = list(character.parents)
    for row in rig.rows:
        if row.parent < 0 or row.loose:
            parents[row.column] = rig.rows[row.parent].column if row.loose else -1
    kept: dict[int, int] = {rig.rows[0].column: 0}
    left = [rig.rows[0].column]
    while left:
        column = left.pop()
        kept.setdefault(column, len(kept))
        left += [c for c, up in enumerate(parents) if up == column]
    columns = [*kept]
    scale = 100 * character.meters
    places = character.places[columns] * scale
    up = [kept.get(parents[c], -1) for c in columns]
    offsets = np.array([p if i < 0 else p - places[i] for p, i in zip(places, up, strict=True)])
    offsets[0] = [0, places[0, 1] - rig.floor * scale, 0]
    if settings.offset == "zero":
        offsets[0] = 0
    turns = np.tile([1.0, 0, 0, 0], (len(take), len(columns), 1))
    for c, i in at.items():
        carrier, own = rig.rows[i].parent, moved.turns[:, i]
        if carrier >= 0:
            own = quat_multiply(quat_inverse(moved.turns[:, carrier]), own)
        turns[:, kept[c]] = own
    names = _words([character.names[c] for c in columns])
    floor = root and Root(root.path * scale, root.turns)
    write_joints(path, names, up, offsets, moved.places[:, 0] * scale, turns, take.fps, floor)
    about |= {"units": "centimetres", "axes": "Y up, Z forward, right-handed"}
    path.with_name(path.name + ".json").write_text(json.dumps(about, indent=2) + "\n")


def _words(names: list[str]) -> list[str]:
    """Names that are one word each and differ, as BVH wants them."""
    found: list[str] = []
    taken = set[str]()
    for name in names:
        word = "".join(c if c.isprintable() and c not in " {}" else "_" for c in name)
        found.append(word if word not in taken else f"{word}_{len(found)}")
        taken.add(found[-1])
    return found
