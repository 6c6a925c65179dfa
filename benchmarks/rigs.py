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

import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.rig_families import FAMILIES, Family
from core.body.rotations import quat_inverse, quat_multiply, quat_rotate
from core.body.skeleton import JOINTS
from core.capture.source import Source

RATE = 30

PLACES = {
    "ground": (0, 0, 0),
    "pelvis": (0, 0.95, 0),
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
the left one. A place turns with the segment that begins there. Besides there are
    s4         on the trunk, four tenths of the way from pelvis to chest (s10)
    hip/knee   half-way between two, turning with the first
    head+0.03,0.06,0.08   beside one, turning with it
    pelvis'    at one, without being that joint of ours
"""
CHEST = np.array([0, 1.33, 0])
ARM = ("shoulder", "elbow", "wrist", "hand")
DROP = {"T": 0, "A": 45, "I": 85}
"""Degrees by which arms hang in a pose at rest."""
UP = {
    "y": np.eye(3),
    "z": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "x": np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]]),
    "-y": np.diag([1, -1, -1]),
}
"""What turns ours, whose Y points up, so that another axis does."""


@dataclass(frozen=True)
class Motion:
    """How the body moves, in meters with Y up, whatever the rig."""

    root: np.ndarray
    """Where the pelvis is, (T, 3)."""
    turns: dict[str, Rotation]
    """How segments are turned in the world since they stood as in PLACES; `left knee`, `head`."""
    trunk: Callable[[float], Rotation]
    """The same for the trunk, at 0 (pelvis) to 1 (chest)."""
    rate: float = RATE

    def turn(self, segment: str) -> Rotation:
        """Return the turns of a segment of either kind."""
        tenths = re.fullmatch(r"s(\d+)", segment)
        return self.trunk(int(tenths[1]) / 10) if tenths else self.turns[segment]


def about(axis: str, angle: np.ndarray | float) -> Rotation:
    """Turns of (T,) radians about an axis."""
    return Rotation.from_rotvec(np.atleast_1d(angle)[:, None] * np.eye(3)["xyz".index(axis)])


def stroll(seconds: float = 4, speed: float = 1.0) -> Motion:
    """Walk with bending knees and swinging arms; bow on the way, then turn left by 90 degrees."""
    time = np.arange(round(seconds * RATE)) / RATE
    part = time / seconds
    step = 2 * np.pi * time
    heading = np.pi / 2 * np.clip(3 * part - 2, 0, 1) + 0.05 * np.sin(step)
    bow = 0.8 * np.clip(1 - abs(part - 0.45) / 0.2, 0, 1)
    ahead = about("y", heading)
    root = np.cumsum(ahead.apply([0, 0, speed / RATE]), axis=0)

    def trunk(share: float) -> Rotation:
        return ahead * about("x", bow * share) * about("y", -0.1 * share * np.sin(step))

    turns = {"pelvis": ahead, "ground": about("y", 0 * time)}
    turns["neck"] = trunk(1) * about("x", -0.3 * bow)
    turns |= dict.fromkeys(("neck0", "neck2", "neck3"), turns["neck"])
    turns["head"] = turns["crown"] = turns["neck"] * about("x", -0.2 * bow)
    for side, sign in (("left", 1), ("right", -1)):
        swing = sign * np.sin(step)
        thigh = ahead * about("x", -0.45 * swing - 0.1)
        shin = thigh * about("x", 0.5 + 0.4 * sign * np.cos(step))
        foot = ahead * about("x", 0.15 * swing)
        upper = trunk(1) * about("x", 0.4 * swing) * about("z", -1.25 * sign)
        lower = upper * about("y", -sign * (0.6 + 0.3 * swing))
        hand = lower * about("z", -0.1 * sign + 0.1 * swing)
        legs = {"hip": thigh, "knee": shin, "ankle": foot, "toe": foot, "tip": foot}
        arms = {"collar": trunk(1), "shoulder": upper, "elbow": lower, "wrist": hand, "hand": hand}
        turns |= {f"{side} {place}": turn for place, turn in (legs | arms).items()}
    low = [
        sum(
            turns[f"{side} {a}"].apply(np.subtract(PLACES[b], PLACES[a]))[:, 1]
            for a, b in (("hip", "knee"), ("knee", "ankle"), ("ankle", "toe"))
        )
        for side in ("left", "right")
    ]
    root[:, 1] = 0.02 - np.min(low, axis=0) + PLACES["pelvis"][1] - PLACES["hip"][1]
    return Motion(root, turns, trunk)


def glide(seconds: float = 2, speed: float = 1.0, sway: float = 0.0) -> Motion:
    """Stand with arms out while being moved ahead, and sway with the trunk, in degrees."""
    time = np.arange(round(seconds * RATE)) / RATE
    still = about("y", 0 * time)
    names = [*PLACES, *(f"{side} {place}" for side in ("left", "right") for place in PLACES)]
    turns = dict.fromkeys(names, still)
    lean = about("x", np.radians(sway) * np.sin(6 * time)) * about(
        "z", sway / 150 * np.sin(8 * time)
    )
    above = [place for place in names if PLACES[place.split()[-1]][1] > 1.3]
    root = np.array(PLACES["pelvis"]) + time[:, None] * [0, 0, speed]
    return Motion(root, turns | dict.fromkeys(above, lean), lambda share: lean if share else still)


@dataclass(frozen=True)
class Rig:
    """A skeleton of a family."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    segments: tuple[str, ...]
    """What each node turns with."""
    joints: dict[str, int]
    """Node of each of our joints that it has."""
    spine: tuple[int, ...]
    neck: tuple[int, ...]
    rest: np.ndarray
    """Nodes (N, 3) in the family's pose at rest; meters, Y up."""
    family: Family

    def renamed(self, new: Callable[[str], str]) -> Rig:
        """Return the same with other names; end sites stay nameless."""
        return replace(self, names=tuple(name and new(name) for name in self.names))

    def frames(self) -> Rotation:
        """How the N nodes are framed in the world of a file while the body is at rest."""
        if self.family.frames == "world":
            return Rotation.identity(len(self.names))
        axes = np.tile(np.eye(3), (len(self.names), 1, 1))
        for i, parent in reversed(list(enumerate(self.parents))):
            bone = self.rest[i] - self.rest[parent]
            if parent >= 0 and np.linalg.norm(bone) > 0:  # the first child is set last
                along = bone / np.linalg.norm(bone)
                side = np.cross(along, [0.1, 0.2, 1.0])
                side /= np.linalg.norm(side)
                axes[parent] = np.stack([along, side, np.cross(along, side)], axis=-1)
        return Rotation.from_matrix(UP[self.family.up] @ axes)

    def pose(self, motion: Motion) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions (T, N, 3), rotations (T, N, 4) w first, and offsets (N, 3), as in a file."""
        up, frames = Rotation.from_matrix(UP[self.family.up]), self.frames()
        turned = np.stack(
            [
                (
                    up
                    * motion.turn(s)
                    * _rest_turn(s, self.family.rest).inv()
                    * up.inv()
                    * frames[[i]]
                ).as_quat()[:, [3, 0, 1, 2]]
                for i, s in enumerate(self.segments)
            ],
            axis=1,
        )
        places = up.apply(self.rest) / self.family.unit
        offsets, positions = places.copy(), np.tile(places, (len(motion.root), 1, 1))
        root = up.apply(motion.root) / self.family.unit
        root -= (up * motion.turn("pelvis")).apply(PLACES["pelvis"]) / self.family.unit
        for i, (parent, carrier) in enumerate(zip(self.parents, self.carriers(), strict=True)):
            if parent >= 0:
                offsets[i] = frames[parent].inv().apply(places[i] - places[parent])
            if carrier is None:
                turned_by = up * motion.turn(self.segments[i]) * up.inv()
                positions[:, i] = root + turned_by.apply(places[i])
            elif self.segments[i] != "ground":
                away = frames[carrier].inv().apply(places[i] - places[carrier])
                positions[:, i] = positions[:, carrier] + quat_rotate(turned[:, carrier], away)
        return positions, turned, offsets

    def carriers(self) -> list[int | None]:
        """Node that moves each: its parent, unless that stays on the ground; None for the first."""
        loose = {"hip": self.joints["pelvis"]}
        loose |= dict.fromkeys(("collar", "shoulder"), self.spine[-1])
        return [
            parent
            if parent >= 0 and (self.segments[parent] != "ground" or self.segments[i] == "ground")
            else loose.get(self.segments[i].split()[-1])
            for i, parent in enumerate(self.parents)
        ]

    def source(self, motion: Motion | None = None) -> Source:
        """Return it in motion, as a reader would."""
        motion = motion or stroll()
        positions, rotations, offsets = self.pose(motion)
        if self.family.binds:
            rest = UP[self.family.up] @ self.rest[..., None] / self.family.unit
            rest, framed = rest[..., 0], self.frames().as_quat()[:, [3, 0, 1, 2]]
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
        lines, columns = ["HIERARCHY"], []
        children = [[j for j, p in enumerate(self.parents) if p == i] for i in range(len(offsets))]

        def write(i: int) -> None:
            parent = self.parents[i]
            if not self.names[i]:
                lines.extend(["End Site", "{", _numbers("OFFSET", offsets[i]), "}"])
                return
            lines.extend([("ROOT " if parent < 0 else "JOINT ") + self.names[i], "{"])
            lines.append(_numbers("OFFSET", 0 * offsets[i] if parent < 0 else offsets[i]))
            local, turned = positions[:, i], rotations[:, i]
            if parent >= 0:
                back = quat_inverse(rotations[:, parent])
                local = quat_rotate(back, local - positions[:, parent])
                turned = quat_multiply(back, turned)
            named = [f"{axis}rotation" for axis in order]
            if six or parent < 0 or self.segments[i] != "ground" == self.segments[parent]:
                named = ["Xposition", "Yposition", "Zposition", *named]
                columns.append(local)
            lines.append(f"CHANNELS {len(named)} {' '.join(named)}")
            with warnings.catch_warnings(action="ignore"):  # where two angles do the same
                angles = Rotation.from_quat(turned[:, [1, 2, 3, 0]]).as_euler(order, degrees=True)
            columns.append(angles)
            for child in children[i]:
                write(child)
            lines.append("}")

        write(0)
        rows = np.concatenate(columns, axis=1)
        lines += ["MOTION", f"Frames: {len(rows)}", f"Frame Time: {1 / motion.rate:.7f}"]
        lines += [_numbers("", row).strip() for row in rows]
        return "\n".join(lines) + "\n"


def _numbers(word: str, values: np.ndarray) -> str:
    return " ".join([word, *(f"{v + 0:.6f}" for v in values)])


def _rest_turn(segment: str, rest: str) -> Rotation:
    side, _, place = segment.rpartition(" ")
    sign = -1 if side == "left" else 1
    return about("z", sign * np.radians(DROP[rest]) if place in ARM else 0.0)


def _place(text: str, mirrored: bool, places: dict) -> tuple[np.ndarray, str]:
    """Where a place is, (3,), and what turns it."""
    text, _, beside = text.rstrip("'").partition("+")
    first, _, second = text.partition("/")
    ends = []
    for name in (first, second or first):
        tenths = re.fullmatch(r"s(\d+)", name)
        pelvis = np.array(places["pelvis"])
        along = pelvis + (CHEST - pelvis) * int(tenths[1]) / 10 if tenths else places[name]
        ends.append(np.array(along, float))
    at = (ends[0] + ends[1]) / 2
    if beside:
        at = at + [float(n) for n in beside.split(",")]
    sided = PLACES.get(first, (0,))[0] > 0
    side = ("right " if mirrored else "left ") if sided else ""
    return at * [-1 if mirrored else 1, 1, 1], side + first


def make(family: Family, **places: tuple[float, float, float]) -> Rig:
    """Make a rig of a family; places may be set elsewhere, in meters."""
    measured = PLACES | places
    names, parents, at_places, segments, rest = [], [], [], [], []
    joints: dict[str, int] = {}
    for line in family.tree.strip().replace("\n>", " >").splitlines():
        for side in family.sides[: 1 + ("*" in line or "^" in line)]:
            mirrored = side != family.sides[0]
            nodes = [n.strip() for n in line.replace("*", side).replace("^", side[0]).split(">")]
            parent = -1 if not names else names.index(family.prefix + nodes.pop(0))
            for node in nodes:
                name, _, place = node.partition("=")
                at, segment = _place(place, mirrored, measured)
                parents.append(parent)
                parent = len(names)
                joint = segment.replace(" ", "_") if place == segment.split()[-1] else place
                joint = joint.replace("left_toe", "left_foot").replace("right_toe", "right_foot")
                joints.setdefault(joint, parent)
                names.append("" if name == "." else family.prefix + name)
                at_places.append(place)
                segments.append(segment)
                rest.append(at)
    rest = _lower_arms(np.array(rest), segments, family.rest, measured)
    spine = [i for i, place in enumerate(at_places) if re.fullmatch(r"s\d+'?", place)]
    neck = [i for i, place in enumerate(at_places) if re.fullmatch(r"neck\d?", place)]
    back = [i for i in spine if (rest[i] != rest[parents[i]]).any()]
    named = {"spine3": back[-1:], "spine1": back[:1] if len(back) > 1 else [], "spine2": back[1:-1]}
    joints |= {name: nodes[(len(nodes) - 1) // 2] for name, nodes in named.items() if nodes}
    joints = {joint: joints[joint] for joint in JOINTS if joint in joints}
    return Rig(
        tuple(names),
        tuple(parents),
        tuple(segments),
        joints,
        tuple(spine),
        tuple(neck),
        rest,
        family,
    )


def _lower_arms(at: np.ndarray, segments: list[str], rest: str, places: dict) -> np.ndarray:
    for i, segment in enumerate(segments):
        side, _, place = segment.rpartition(" ")
        if place in ARM:
            shoulder = places["shoulder"] * np.array([1 if side == "left" else -1, 1, 1])
            at[i] = shoulder + _rest_turn(segment, rest).apply(at[i] - shoulder)[0]
    return at


RIGS = {name: make(family) for name, family in FAMILIES.items()}
