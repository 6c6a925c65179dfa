"""The objects of an FBX file: nodes in the words of glTF, and what skins say of their rest.

How the format moves a node, and in which order it turns one, is said where it is done.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from core.body.rotations import (
    matrix_to_quat,
    quat_between,
    quat_from_axis_angle,
    quat_inverse,
    quat_multiply,
    quat_rotate,
    quat_to_matrix,
)
from core.capture.fbx_file import Document, Node
from core.capture.gltf_file import MOST_VALUE
from core.capture.gltf_pose import Binds
from core.capture.gltf_tree import MOST_NODES

MOST_MODELS = 20_000
"""Nodes of a scene."""
MOST_HOLDS = 100_000
"""Bones of all skins, each counted as often as it is in one."""
PARTS = {"Lcl Translation": 0.0, "Lcl Rotation": 0.0, "Lcl Scaling": 1.0}
"""What moves a node, and what it is where nothing is said."""
_ORDERS = ("XYZ", "XZY", "YZX", "YXZ", "ZXY", "ZYX")
"""In which order bones are turned about their axes, by what the format calls it."""
_BONES = ("LimbNode", "Limb", "Root")

Properties = dict[str, list[Any]]


class Scene:
    """Objects by number, and what they are connected to."""

    def __init__(self, document: Document) -> None:
        top = document.top
        self.numbers = document.numbers
        self.objects = {node.values[0]: node for node in top.first("Objects").below if node.values}
        links: dict[tuple[int, int, str], None] = {}  # a file may say the same again and again
        for link in top.first("Connections").all("C"):
            _, child, parent, *what = link.values
            if child in self.objects:
                links[child, parent, str(what[0]) if what else ""] = None
        self.above: dict[int, list[tuple[int, str]]] = {number: [] for number in self.objects}
        """Objects that each is connected to, and to which property of theirs."""
        for child, parent, what in links:
            self.above[child].append((parent, what))
        self.below: dict[int, dict[int, None]] = {}
        """What is connected to each, in the order of the file."""
        self.deformers: dict[int, list[int]] = {}
        """Skins of each mesh, and clusters of each skin."""
        for child, ends in self.above.items():
            for parent in dict.fromkeys(parent for parent, _ in ends):
                self.below.setdefault(parent, {})[child] = None
                if self.objects[child].name == "Deformer":
                    self.deformers.setdefault(parent, []).append(child)
        models = [number for number, _ in self.all("Model")]
        if len(models) > MOST_MODELS:
            raise ValueError(f"its scene has {len(models)} nodes; export the skeleton alone")
        self.places = {model: i for i, model in enumerate(models, start=1)}
        """Of models among `nodes`."""
        self.told = [{}, *(properties(self.objects[model]) for model in models)]
        settings = properties(top.first("GlobalSettings"))
        self.world = _upright(settings)
        self.unit = _unit(settings)
        """Meters of a unit of its scene."""
        self.upright = np.eye(4)
        """From its scene to meters, Y up."""
        self.upright[:3, :3] = quat_to_matrix(self.world) * self.unit

    def all(self, kind: str) -> Iterator[tuple[int, Node]]:
        """Yield the objects of a kind."""
        return ((number, node) for number, node in self.objects.items() if node.name == kind)

    def nodes(self) -> list[dict[str, Any]]:
        """Return all nodes as glTF describes them, the world first."""
        nodes: list[dict[str, Any]] = [{"rotation": self.world[[1, 2, 3, 0]], "children": []}]
        for model, place in self.places.items():
            parts = (vector(self.told[place], part, usual)[None] for part, usual in PARTS.items())
            still = {path: row[0] for path, row in transform(self.told[place], *parts).items()}
            mesh = {"mesh": 0} if self._form(model) == "Mesh" else {}
            nodes.append({"name": name(self.objects[model]), "children": [], **still, **mesh})
        for model, place in self.places.items():
            nodes[self._parent(model)]["children"].append(place)
        return nodes

    def skins(self) -> list[dict[str, list[int]]]:
        """Return the nodes of each skeleton: bones below one node, and those that move one mesh."""
        groups: dict[int, list[int]] = {}
        holds = 0
        parents = [0, *map(self._parent, self.places)]
        for model, place in self.places.items():
            if self._form(model) in _BONES:
                top, steps = place, 0
                while parents[top] and steps < MOST_NODES:  # they may hang from themselves
                    top, steps = parents[top], steps + 1
                groups.setdefault(-top, []).append(place)
            for cluster in self._clusters(model):
                for skin, _ in self.above[cluster]:
                    groups.setdefault(skin, []).append(place)
                    holds += 1
                    if holds > MOST_HOLDS:
                        raise ValueError("its bones are in too many skins; join some meshes")
        return [{"joints": [*dict.fromkeys(group)]} for group in groups.values()]

    def binds(self) -> Binds:
        """Return where bones were when skins were bound to them."""
        stored: dict[int, Node] = {}
        for _, pose in self.all("Pose"):
            for part in pose.all("PoseNode"):
                model = part.first("Node").values[0]
                if model in self.places and self._form(model) in _BONES:
                    stored[self.places[model]] = part.first("Matrix")
        for model, place in self.places.items():
            for cluster in self._clusters(model):
                stored[place] = self.objects[cluster].first("TransformLink")
        upright, binds = np.eye(4), {}
        upright[:3, :3] = quat_to_matrix(self.world)
        for place, node in stored.items():
            numbers = self.numbers(node)
            if len(numbers) == 16 and (np.abs(numbers) < MOST_VALUE).all():
                bind = upright @ numbers.reshape(4, 4).T
                with contextlib.suppress(np.linalg.LinAlgError):
                    binds[place] = np.linalg.inv(bind), bind
        return binds

    def _form(self, number: int) -> str:
        return str(self.objects[number].values[-1])

    def _parent(self, model: int) -> int:
        """Place of the node above one; the world's where there is none."""
        above = (self.places[i] for i, what in self.above[model] if i in self.places and not what)
        return next(above, 0)

    def _clusters(self, model: int) -> Iterator[int]:
        """Yield what binds skins to a bone."""
        for number, _ in self.above[model]:
            if number in self.objects and self.objects[number].name == "Deformer":
                yield number


def name(node: Node) -> str:
    """Return what an object is called, without its class."""
    return str(node.values[1]).split("\0", 1)[0]


def properties(node: Node) -> Properties:
    """Return the values of what is said of an object."""
    rows = node.first("Properties70").all("P")
    return {str(row.values[0]): row.values[4:] for row in rows if len(row.values) > 4}


def vector(told: Properties, what: str, usual: float = 0.0) -> np.ndarray:
    """Return a property of three numbers, (3,)."""
    values = told.get(what, [])
    if [isinstance(n, int | float) and abs(n) < MOST_VALUE for n in values] != [True] * 3:
        return np.full(3, usual)
    return np.array(values, np.float64)


def transform(
    told: Properties, place: np.ndarray, turn: np.ndarray, size: np.ndarray
) -> dict[str, np.ndarray]:
    """Return what glTF says of a node, (T, 3) and (T, 4), of what moves it, (T, 3) each.

    The format moves one by T Ro Rp Rpre R Rpost^-1 Rp^-1 So Sp S Sp^-1.
    """
    rotation = _turned(turn)
    if _first(told, "RotationActive", 0):
        rotation = _turned(turn, _ORDERS[_first(told, "RotationOrder", 0) % len(_ORDERS)])
        before, after = (_turned(vector(told, f"{at}Rotation")[None]) for at in ("Pre", "Post"))
        rotation = quat_multiply(quat_multiply(before, rotation), quat_inverse(after))
    pivot, offset, scaled_at, shift = (
        vector(told, what)
        for what in ("RotationPivot", "RotationOffset", "ScalingPivot", "ScalingOffset")
    )
    carried = quat_rotate(rotation, shift + scaled_at - size * scaled_at - pivot)
    return {
        "translation": place + offset + pivot + carried,
        "rotation": rotation[:, [1, 2, 3, 0]],
        "scale": size,
    }


def _turned(angles: np.ndarray, order: str = "XYZ") -> np.ndarray:
    """Return rotations (T, 4) by angles (T, 3) in degrees about X, Y and Z, one after the other."""
    turned = np.array([[1.0, 0, 0, 0]])
    for axis in map("XYZ".index, order):
        about = np.radians(angles[:, axis, None]) * np.eye(3)[axis]
        turned = quat_multiply(quat_from_axis_angle(about), turned)
    return turned


def _first(told: Properties, what: str, usual: int) -> int:
    value = told.get(what, [usual])[0]
    return value if isinstance(value, int) else usual


def _unit(told: Properties) -> float:
    (size,) = told.get("UnitScaleFactor", [1.0])[:1] or [1.0]
    return size / 100 if isinstance(size, float) and 1e-3 < size < 1e4 else 0.01


def _upright(told: Properties) -> np.ndarray:
    """Return the rotation (4,) that takes the file's up to Y, and ahead to Z where it says so."""
    rows = [
        np.eye(3)[_first(told, f"{axis}Axis", usual) % 3] * _first(told, f"{axis}AxisSign", 1)
        for axis, usual in (("Coord", 0), ("Up", 1), ("Front", 2))
    ]
    matrix = np.clip(np.stack(rows), -1, 1)
    if np.linalg.det(matrix) > 0.5:
        return matrix_to_quat(matrix)
    return quat_between(matrix[1], np.array([0.0, 1.0, 0.0]))
