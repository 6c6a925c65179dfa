"""Reading a rigged character: GLB, glTF with what lies beside it, VRM 0 and VRM 1, binary FBX.

The pose in which its skin was bound is its rest pose, or else the one in which it stands in the
file. Textures are never decoded.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.capture.gltf_file import Document, check_beside
from core.capture.gltf_links import humanoid
from core.capture.gltf_pose import Transform, at_bind, inverse_binds, placed
from core.capture.gltf_tree import above, skeleton, upward
from core.capture.joint_maps import check_name
from core.capture.matching import match
from core.capture.source import Match, MatchError, Source
from core.character.calibrate import calibrated, spots
from core.character.glb_file import content
from core.character.licence import Licence, licence
from core.character.rig import Rig
from core.character.skins import MOST_NODES, SIMPLER

SUFFIXES = (".glb", ".gltf", ".vrm", ".fbx")
MOST_FILE = 64_000_000
"""Bytes."""
LARGE = 10
"""Units in a meter from which on a file is taken to be in centimeters."""
BUNDLED = {
    path.stem: path
    for path in sorted((Path(__file__).parents[2] / "assets" / "characters").glob("*.*"))
    if path.suffix in SUFFIXES
}
"""Those of our own by their names."""
DAMAGED = (AttributeError, LookupError, TypeError, OverflowError, struct.error)
"""What an odd file raises where its parts are no such parts, besides ValueError."""
_ABROAD = {".blend": "is a Blender file; open it in Blender and export it as glTF 2.0 (.glb)"}
_OURS = " and ".join(BUNDLED)


@dataclass(frozen=True, kw_only=True, eq=False)
class Character:
    """A rigged character as its file tells it."""

    path: Path
    rig: Rig
    match: Match
    """Which of its nodes are our joints, by their number among `names`."""
    names: tuple[str, ...]
    """Of the nodes of its skeleton, as the file has them."""
    parents: tuple[int, ...]
    """Of each of these, -1 for roots; parents stand before their children."""
    nodes: tuple[int, ...]
    """Their numbers in the file."""
    rest: Transform
    """How they stand at rest: K of them, in the rig's axes and meters."""
    licence: Licence | None
    """None for what is no VRM."""

    @property
    def name(self) -> str:
        """Its file's name."""
        return self.path.name

    @property
    def places(self) -> np.ndarray:
        """Where its nodes are at rest, (K, 3)."""
        return self.rest[0]

    @property
    def meters(self) -> float:
        """Meters that a meter of its rig is in its file; those in centimeters, against what glTF
        says, are told by its size."""
        return self.rig.per / (100 if self.rig.per >= LARGE else 1)

    @property
    def credit(self) -> str:
        """Whose it is, as far as its file says."""
        return str(self.licence or "")

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the visitor."""
        return self.match.notes


def read_character(path: str | Path, joint_map: str | dict[str, Any] | None = None) -> Character:
    """Read a file, or one of BUNDLED by its name.

    `joint_map` says which nodes are our joints where that is not found out.

    Raises ValueError with the file's name where it is no character, MatchError (one of these, with
    the skeleton) where joints are not found.
    """
    path = BUNDLED.get(str(path), Path(path))
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        kinds = f"{', '.join(SUFFIXES)} files, and {_OURS} by name"
        raise ValueError(
            f"{path.name} {_ABROAD.get(suffix, f'is no character; those are {kinds}')}"
        )
    if not path.is_file():
        raise ValueError(f"there is no file {path.name}; of our own there are {_OURS}")
    if path.stat().st_size > MOST_FILE:
        raise ValueError(
            f"{path.name} has more than {MOST_FILE // 10**6} MB; make its textures smaller"
        )
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what is no number is found where used
            return _read(Document(path, content(path)), path, joint_map)
    except MatchError as error:
        raise MatchError(f"{path.name} cannot be moved: {error}", error.skeleton) from error
    except DAMAGED as error:
        kind = "FBX" if suffix == ".fbx" else "glTF"
        raise ValueError(f"{path.name} is not a readable {kind} file") from error
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be moved: {error}") from error
    except MemoryError as error:
        raise ValueError(f"{path.name} needs more memory than there is; {SIMPLER}") from error


def _read(document: Document, path: Path, joint_map: str | dict[str, Any] | None) -> Character:
    nodes, skins = document.json["nodes"], document.json.get("skins", ())
    if not skins:
        raise ValueError("it has no skin, a mesh that bones move; export it with its armature")
    if len(nodes) > MOST_NODES:
        raise ValueError(f"it has {len(nodes)} nodes, {MOST_NODES} are the most; export it alone")
    if not document.whole:  # all of it goes home with a motion
        check_beside(document.json, path.parent)
    told = {node: str(bone) for bone, node in humanoid(document.json)}
    joints = [*dict.fromkeys([*(joint for skin in skins for joint in skin["joints"]), *told])]
    whole = {**document.json, "skins": [{"joints": joints}]}
    tree = skeleton(whole, {*range(len(nodes))})
    upward(nodes)  # no rings beside it either
    column = {node: i for i, node in enumerate(tree.kept)}
    parents = tuple(column.get(above(i, tree.parents, column), -1) for i in tree.kept)
    names = tuple(check_name(str(nodes[i].get("name") or f"node{i}")) for i in tree.kept)
    still = placed(nodes, tree, {})
    source = Source(
        names=tuple(told.get(i) or name for i, name in zip(tree.kept, names, strict=True)),
        parents=parents,
        positions=spots(still, tree.kept)[None],
        rate=1.0,
    )
    if not np.isfinite(source.positions).all():
        raise ValueError("it has joints at places that are no numbers")
    found = match(source, joint_map or ("humanoid" if told else None))
    ours = {tree.kept[i] for i in found.joints.values()}
    skin = max(skins, key=lambda skin: len(ours & {*skin["joints"]}))
    bound = at_bind(nodes, tree, inverse_binds(document, skin))
    for pose in (bound, still):
        if (rest := calibrated(document, tree, found, parents, names, pose)) is not None:
            return Character(
                path=path,
                rig=rest[0],
                match=found,
                names=names,
                parents=parents,
                nodes=tuple(tree.kept),
                rest=rest[1],
                licence=licence(document.json),
            )
    raise ValueError("it does not stand upright at rest; export it standing, arms out or down")
