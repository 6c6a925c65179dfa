"""Skeletons as tools and data sets make them, in a motion that is known: `RIGS["mixamo"].source()`.

One body of a person is measured once (`PLACES`) and moves once (`stroll`); a family says which
nodes it has at which of these places, under which names, in which tree, and how its files put
them: unit, axis that points up, pose at rest, frames of its bones. So it is known which node is
which joint, where it is and how it is turned, and a rig writes that as a `Source` or as BVH text.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.rig_families import FAMILIES, LIKE_MIXAMO, Family
from core.body.rotations import quat_inverse, quat_multiply, quat_rotate
from core.body.skeleton import JOINTS
from core.capture.source import Source

PLACES = {
    "ground": (0, 0, 0),
    "pelvis": (0, 0.95, 0),
    "s10": (0, 1.33, 0),
    "neck0": (0, 1.33, 0),
    "neck": (0, 1.48, -0.01),
    "neck2": (0, 1.52, 0),
    "neck3": (0, 1.55, 0),
    "head": (0, 1.58, 0.01),
    "crown": (0, 1.76, 0.02),
    "hip": (0.09, 0.88, 0),
    "knee": (0.095, 0.48, 0.01),
    "ankle": (0.095, 0.08, -0.03),
    "toe": (0.1, 0.02, 0.1),
    "tip": (0.1, 0.02, 0.17),
    "collar": (0.03, 1.43, 0.01),
    "shoulder": (0.18, 1.44, -0.02),
    "elbow": (0.45, 1.44, -0.03),
    "wrist": (0.7, 1.44, -0.03),
    "hand": (0.79, 1.44, -0.02),
}
"""Of a person who stands with arms out, in meters: Y up, facing +Z, left at +X; of two like places
the left one. What lies there turns with the part of the body that begins there. There are also
    s4         four tenths of the way along the trunk, from the pelvis to s10
    hip/knee   half-way between two, turning with the first
    head+0.03,0.06,0.08   beside one, turning with it
    pelvis'    at one, without being that joint of ours
"""
LEG = ("hip", "knee", "ankle", "toe", "tip")
ARM = ("shoulder", "elbow", "wrist", "hand")
HANGING = {"T": 0, "A": 45, "I": 85}
"""Degrees by which arms hang in a pose at rest."""
UP = {
    "y": np.eye(3),
    "z": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "x": np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]]),
    "-y": np.diag([1, -1, -1]),
}
"""What turns our world, whose Y points up, so that another axis does."""


@dataclass(frozen=True)
class Motion:
    """How the body moves, in meters with Y up, whatever the rig."""

    root: np.ndarray
    """How far the pelvis is from where it is at rest, (T, 3)."""
    turns: dict[str, Rotation]
    """How parts of the body are turned in the world since they stood as in PLACES: `left knee`."""
    trunk: Callable[[float], Rotation]
    """The same for the trunk, at 0 (pelvis) to 1 (chest)."""
    rate: float

    def turn(self, part: str) -> Rotation:
        """T turns of a part of the body, `s4` and the like among them."""
        tenths = re.fullmatch(r"s(\d+)", part)
        return self.trunk(int(tenths[1]) / 10) if tenths else self.turns[part]


def about(axis: str, angle: np.ndarray | float) -> Rotation:
    """Turns about an axis by an angle, or by (T,) of them, in radians."""
    return Rotation.from_rotvec(np.atleast_1d(angle)[:, None] * np.eye(3)["xyz".index(axis)])


def stroll(seconds: float = 4, speed: float = 1.0, rate: float = 30) -> Motion:
    """Walk with bending knees and swinging arms; bow on the way, then turn left by 90 degrees."""
    time = np.arange(round(seconds * rate)) / rate
    part, step = time / seconds, 2 * np.pi * time
    heading = np.pi / 2 * np.clip(3 * part - 2, 0, 1) + 0.05 * np.sin(step)
    bow = 0.8 * np.clip(1 - abs(part - 0.45) / 0.2, 0, 1)
    ahead = about("y", heading)

    def trunk(share: float) -> Rotation:
        return ahead * about("x", bow * share) * about("y", -0.1 * share * np.sin(step))

    neck = trunk(1) * about("x", -0.3 * bow)
    turns = {"pelvis": ahead, "ground": about("y", 0 * time)}
    turns |= dict.fromkeys(("neck0", "neck", "neck2", "neck3"), neck)
    turns |= dict.fromkeys(("head", "crown"), neck * about("x", -0.2 * bow))
    heights = []
    for side, sign in (("left", 1), ("right", -1)):
        swing = sign * np.sin(step)
        thigh = ahead * about("x", -0.45 * swing - 0.1)
        shin = thigh * about("x", 0.5 + 0.4 * sign * np.cos(step))
        foot = ahead * about("x", 0.15 * swing)
        upper = trunk(1) * about("x", 0.4 * swing) * about("z", -1.25 * sign)
        lower = upper * about("y", -sign * (0.6 + 0.3 * swing))
        hand = lower * about("z", -0.1 * sign + 0.1 * swing)
        leg = dict(zip(LEG, (thigh, shin, foot, foot, foot), strict=True))
        arm = dict(zip(ARM, (upper, lower, hand, hand), strict=True))
        turns |= {f"{side} {place}": turn for place, turn in (leg | arm).items()}
        turns[f"{side} collar"] = trunk(1)
        bones = {a: np.subtract(PLACES[b], PLACES[a]) for a, b in pairwise(LEG[:4])}
        heights.append(sum(leg[a].apply(bone)[:, 1] for a, bone in bones.items()))
    root = np.cumsum(ahead.apply([0, 0, speed / rate]), axis=0)
    root[:, 1] = PLACES["toe"][1] - PLACES["hip"][1] - np.min(heights, axis=0)
    return Motion(root, turns, trunk, rate)


def glide(seconds: float = 2, speed: float = 1.0, sway: float = 0.0, rate: float = 20) -> Motion:
    """Stand with arms out while being moved ahead, and sway with the trunk, in degrees."""
    time = np.arange(round(seconds * rate)) / rate
    still, sway = about("y", 0 * time), np.radians(sway)
    lean = about("z", 0.4 * sway * np.sin(8 * time)) * about("x", sway * np.sin(6 * time))
    turns = {
        f"{side}{place}": still if place in ("ground", "pelvis", *LEG) else lean
        for place in PLACES
        for side in ("", "left ", "right ")
    }
    root = time[:, None] * [0, 0, speed]
    return Motion(root, turns, lambda share: lean if share else still, rate)


@dataclass(frozen=True)
class Rig:
    """A skeleton of a family. Nodes stand as in a BVH file, each before what hangs from it."""

    family: Family
    names: tuple[str, ...]
    """Empty for end sites."""
    parents: tuple[int, ...]
    places: tuple[str, ...]
    parts: tuple[str, ...]
    """Of the body, that nodes turn with."""
    rest: np.ndarray
    """Nodes (N, 3) in the family's pose at rest; meters, Y up."""

    def renamed(self, new: Callable[[str], str]) -> Rig:
        """The same with other names; end sites stay nameless."""
        return replace(self, names=tuple(name and new(name) for name in self.names))

    @cached_property
    def joints(self) -> dict[str, int]:
        """Node of each of our joints that it has."""
        found = {}
        for i, (place, part) in enumerate(zip(self.places, self.parts, strict=True)):
            if place == part.split()[-1]:
                found.setdefault(part.replace(" ", "_").replace("toe", "foot"), i)
        back = [i for i in self.spine if (self.rest[i] != self.rest[self.parents[i]]).any()]
        named = {"spine1": back[:-1][:1], "spine2": back[1:-1], "spine3": back[-1:]}
        found |= {name: nodes[(len(nodes) - 1) // 2] for name, nodes in named.items() if nodes}
        return {joint: found[joint] for joint in JOINTS if joint in found}

    @cached_property
    def spine(self) -> tuple[int, ...]:
        """Nodes between pelvis and chest, and the chest's."""
        pelvis, chest = (self._above(self.places.index(place)) for place in ("pelvis", "s10"))
        return tuple(i for i in reversed(chest) if i not in pelvis)

    @cached_property
    def neck(self) -> tuple[int, ...]:
        """Nodes between chest and head."""
        return tuple(i for i, place in enumerate(self.places) if re.fullmatch(r"neck\d?", place))

    def _above(self, node: int) -> list[int]:
        return [] if node < 0 else [node, *self._above(self.parents[node])]

    def frames(self) -> Rotation:
        """How the N nodes are framed in the world of a file while the body is at rest."""
        if self.family.frames == "world":
            return Rotation.identity(len(self.names))
        axes = np.tile(np.eye(3), (len(self.names), 1, 1))
        for i, parent in reversed(list(enumerate(self.parents))):
            bone = self.rest[i] - self.rest[parent]
            if parent >= 0 and bone.any():  # the first child is set last
                along = bone / np.linalg.norm(bone)
                side = np.cross(along, [0.1, 0.2, 1.0])
                side /= np.linalg.norm(side)
                axes[parent] = np.stack([along, side, np.cross(along, side)], axis=-1)
        return Rotation.from_matrix(UP[self.family.up] @ axes)

    def carriers(self) -> list[int | None]:
        """What moves each node: its parent, unless that stays on the ground; None for the root."""
        loose = {"hip": self.joints["pelvis"]}
        loose |= dict.fromkeys(("collar", "shoulder"), self.spine[-1])
        return [
            parent
            if parent >= 0 and (self.parts[parent] != "ground" or self.parts[i] == "ground")
            else loose.get(self.parts[i].split()[-1])
            for i, parent in enumerate(self.parents)
        ]

    def pose(self, motion: Motion) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions (T, N, 3), rotations (T, N, 4) w first, and offsets (N, 3), as in a file."""
        up, frames = Rotation.from_matrix(UP[self.family.up]), self.frames()
        # how each part is turned in the file's world since the pose at rest
        turns = [
            up * motion.turn(part) * _at_rest(part, self.family.rest).inv() * up.inv()
            for part in self.parts
        ]
        turned = [_wxyz(turn * frames[[i]]) for i, turn in enumerate(turns)]
        rotations = np.stack(turned, axis=1)
        places = up.apply(self.rest) / self.family.unit
        pelvis = places[self.joints["pelvis"]]
        root = pelvis + up.apply(motion.root) / self.family.unit
        offsets, positions = places.copy(), np.tile(places, (len(root), 1, 1))
        for i, (parent, carrier) in enumerate(zip(self.parents, self.carriers(), strict=True)):
            if parent >= 0:
                offsets[i] = frames[parent].inv().apply(places[i] - places[parent])
            if self.parts[i] == "ground":
                continue
            if carrier is None:
                positions[:, i] = root + turns[i].apply(places[i] - pelvis)
            else:
                away = turns[carrier].apply(places[i] - places[carrier])
                positions[:, i] = positions[:, carrier] + away
        return positions, rotations, offsets

    def source(self, motion: Motion | None = None) -> Source:
        """It in motion, as a reader hands it on."""
        motion = motion or stroll()
        positions, rotations, offsets = self.pose(motion)
        if self.family.binds:
            rest = Rotation.from_matrix(UP[self.family.up]).apply(self.rest) / self.family.unit
            framed = _wxyz(self.frames())
        else:
            rest, framed = offsets.copy(), np.tile([1.0, 0, 0, 0], (len(offsets), 1))
            for i, parent in enumerate(self.parents):
                rest[i] = offsets[i] + rest[parent] if parent >= 0 else 0
        return Source(
            names=self.names,
            parents=self.parents,
            positions=positions,
            rotations=rotations,
            rest=rest,
            rest_rotations=framed,
            rate=motion.rate,
        )

    def bvh(self, motion: Motion | None = None, order: str = "ZYX", six: bool = False) -> str:
        """Write it as BVH; `six`: with position channels at every joint, as Blender does."""
        motion = motion or stroll()
        positions, rotations, offsets = self.pose(motion)
        lines, columns, open_blocks = ["HIERARCHY"], [], []
        for i, (name, parent) in enumerate(zip(self.names, self.parents, strict=True)):
            while open_blocks and open_blocks[-1] != parent:
                lines.append("}")
                open_blocks.pop()
            open_blocks.append(i)
            lines += [f"{'JOINT' if parent >= 0 else 'ROOT'} {name}" if name else "End Site", "{"]
            lines.append("OFFSET " + _row(offsets[i] if parent >= 0 else 0 * offsets[i]))
            if not name:
                continue
            place, turned = positions[:, i], rotations[:, i]
            if parent >= 0:
                back = quat_inverse(rotations[:, parent])
                place = quat_rotate(back, place - positions[:, parent])
                turned = quat_multiply(back, turned)
            channels = [f"{axis}rotation" for axis in order]
            if six or parent < 0 or self.parts[i] != "ground" == self.parts[parent]:
                channels = ["Xposition", "Yposition", "Zposition", *channels]
                columns.append(place)
            lines.append(f"CHANNELS {len(channels)} {' '.join(channels)}")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # where two angles do the same
                angles = Rotation.from_quat(turned[:, [1, 2, 3, 0]]).as_euler(order, degrees=True)
            columns.append(angles)
        lines += ["}"] * len(open_blocks)
        rows = np.concatenate(columns, axis=1)
        lines += ["MOTION", f"Frames: {len(rows)}", f"Frame Time: {1 / motion.rate:.7f}"]
        return "\n".join([*lines, *map(_row, rows)]) + "\n"


def _row(values: np.ndarray) -> str:
    return " ".join(f"{value + 0:.6f}" for value in values)


def _wxyz(turns: Rotation) -> np.ndarray:
    return turns.as_quat()[:, [3, 0, 1, 2]]


def _at_rest(part: str, rest: str) -> Rotation:
    """How a part of the body is turned in a pose at rest."""
    side, _, place = part.rpartition(" ")
    sign = -1 if side == "left" else 1
    return about("z", sign * np.radians(HANGING[rest]) if place in ARM else 0.0)


def make(family: Family, **measured: tuple[float, float, float]) -> Rig:
    """Make a rig of a family; places may be measured anew, in meters."""
    nodes: list[tuple[str, str, bool]] = []  # name, place, whether on the right
    children: list[list[int]] = []
    for line in family.tree.strip().replace("\n>", " >").splitlines():
        for side in family.sides[: 1 + ("*" in line or "^" in line)]:
            chain = [n.strip() for n in line.replace("*", side).replace("^", side[0]).split(">")]
            names = [name for name, _, _ in nodes]
            above = children[names.index(family.prefix + chain.pop(0))] if nodes else []
            for name, _, place in (node.partition("=") for node in chain):
                above.append(len(nodes))
                above = []
                children.append(above)
                written = "" if name == "." else family.prefix + name
                nodes.append((written, place, side != family.sides[0]))

    order, parents = [], []

    def visit(node: int, parent: int) -> None:
        at = len(order)
        order.append(node)
        parents.append(parent)
        for child in children[node]:
            visit(child, at)

    visit(0, -1)
    names, places, mirrored = zip(*(nodes[i] for i in order), strict=True)
    body = PLACES | measured
    found = [
        _find(place, right, family.rest, body)
        for place, right in zip(places, mirrored, strict=True)
    ]
    return Rig(
        family,
        names,
        tuple(parents),
        places,
        tuple(p for _, p in found),
        np.array([at for at, _ in found]),
    )


def _find(place: str, mirrored: bool, rest: str, body: dict) -> tuple[np.ndarray, str]:
    """Where a place (3,) is in a pose at rest, and the part of the body that turns it."""
    spot, _, beside = place.rstrip("'").partition("+")
    first, _, second = spot.partition("/")
    ends = []
    for name in (first, second or first):
        tenths = re.fullmatch(r"s(\d+)", name)
        low, high = np.array(body["pelvis"], float), np.array(body["s10"], float)
        ends.append(
            low + (high - low) * int(tenths[1]) / 10 if tenths else np.array(body[name], float)
        )
    at = sum(ends) / 2 + (np.array(beside.split(","), float) if beside else 0)
    mirror = np.array([-1 if mirrored else 1, 1, 1])
    at = at * mirror
    part = first
    if PLACES.get(first, (0,))[0] > 0:
        part = f"{'right' if mirrored else 'left'} {first}"
    if first in ARM:
        shoulder = body["shoulder"] * mirror
        at = shoulder + _at_rest(part, rest).apply(at - shoulder)[0]
    return at, part


RIGS = {name: make(family) for name, family in FAMILIES.items()}


def case(
    drop: float = 0.08, collar: float = 0.05, neck: bool = True, toe: bool = True, root: str = ""
) -> Rig:
    """Make a rig with straight legs, with its hips `drop` m below its pelvis and its collars that
    far from the middle; with or without a neck, toe joints and a root that stands still."""
    tree = LIKE_MIXAMO if neck else LIKE_MIXAMO.replace("Neck=neck > ", "")
    tree = tree if toe else tree.replace("*ToeBase=toe > .=tip", ".=toe")
    chest = 1.3 + drop
    arms = chest + 0.12
    middle = {"pelvis": 0.96 + drop, "s10": chest, "neck": chest + 0.15}
    middle |= {"head": chest + 0.24, "crown": chest + 0.42}
    measured = {name: (0.0, y, 0.0) for name, y in middle.items()}
    measured |= {"hip": (0.09, 0.96, 0), "knee": (0.09, 0.51, 0), "ankle": (0.09, 0.06, 0)}
    measured |= {"toe": (0.09, 0, 0.12), "tip": (0.09, 0, 0.17), "collar": (collar, arms, 0)}
    measured |= {"shoulder": (0.17, arms, 0), "elbow": (0.44, arms, 0)}
    measured |= {"wrist": (0.69, arms, 0), "hand": (0.77, arms, 0)}
    return make(Family(tree=f"{root}=ground > {tree.strip()}" if root else tree), **measured)


def cases() -> dict[str, bytes]:
    """Files with one oddity each, by name; they last 2 s, and the legs in them never bend."""
    walk, still = case().bvh(glide()), glide(speed=0)
    texts = {f"straight_drop{cm}.bvh": case(drop=cm / 100).bvh(still) for cm in (0, 4, 8, 12, 16)}
    texts |= {
        "plain_walk.bvh": walk,
        "static_root_walk.bvh": case(root="Armature").bvh(glide()),
        "collars_on_midline.bvh": case(collar=0, neck=False).bvh(glide(speed=0, sway=5)),
        "collars_5cm.bvh": case(neck=False).bvh(glide(speed=0, sway=5)),
        "one_row_more.bvh": walk.replace("Frames: 40", "Frames: 39"),
        "one_row_less.bvh": walk.replace("Frames: 40", "Frames: 41"),
        "no_toe_joint.bvh": case(toe=False).bvh(still),
        "comment_first.bvh": "# made by hand\n" + walk,
        "decimal_comma.bvh": walk.replace(".", ","),
        "names_with_spaces.bvh": case().renamed("Bip01 {}".format).bvh(glide()),
        "japanese_names.bvh": case().renamed("骨{}".format).bvh(glide()),
        "trailing_ctrl_z.bvh": walk + "\x1a",
        "trailing_nul.bvh": walk + "\0",
    }
    files = {name: text.encode() for name, text in texts.items()}
    return files | {"utf16.bvh": walk.encode("utf-16")}
