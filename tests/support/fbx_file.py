"""A small reader of binary FBX, written after the format and not after our writer, to hold it
against: nodes with their values, objects with what they are connected to, and what a scene does."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

SECOND = 46_186_158_000
_SCALARS = {"C": "<?", "Y": "<h", "I": "<i", "L": "<q", "F": "<f", "D": "<d"}
_ARRAYS = {"f": "<f4", "d": "<f8", "i": "<i4", "l": "<i8", "b": "u1"}


@dataclass
class Node:
    name: str
    values: list[Any] = field(default_factory=list)
    below: list[Node] = field(default_factory=list)

    def all(self, name: str) -> list[Node]:
        return [node for node in self.below if node.name == name]

    def __getitem__(self, name: str) -> Node:
        (found,) = self.all(name)
        return found

    @property
    def value(self) -> Any:
        return self.values[0]

    def properties(self) -> dict[str, Any]:
        """What Properties70 says; one value alone, or all of them."""
        rows = [row.values for part in self.all("Properties70") for row in part.below]
        return {row[0]: row[4] if len(row) == 5 else np.array(row[4:]) for row in rows}


def read(path: Path) -> Node:
    """Read a file; assert what readers rely on."""
    data = path.read_bytes()
    assert data[:23] == b"Kaydara FBX Binary  \0\x1a\0"
    assert struct.unpack_from("<I", data, 23) == (7400,)
    top, at = Node(""), 27
    while (found := _node(data, at)) is not None:
        node, at = found
        top.below.append(node)
    at += 13
    foot = data[at:]
    assert len(foot) == 16 + 4 + (-(at + 20) % 16 or 16) + 4 + 120 + 16
    assert (len(data) - 16 - 120 - 4) % 16 == 0
    return top


def _node(data: bytes, at: int) -> tuple[Node, int] | None:
    end, count, size, letters = struct.unpack_from("<IIIB", data, at)
    if not end:
        assert (count, size, letters) == (0, 0, 0)
        return None
    at += 13
    node = Node(data[at : at + letters].decode())
    at += letters
    stop = at + size
    for _ in range(count):
        value, at = _value(data, at)
        node.values.append(value)
    assert at == stop
    while at < end:
        found = _node(data, at)
        if found is None:
            at += 13
            break
        below, at = found
        node.below.append(below)
    assert at == end
    return node, end


def _value(data: bytes, at: int) -> tuple[Any, int]:
    kind = chr(data[at])
    at += 1
    if kind in _SCALARS:
        form = _SCALARS[kind]
        return struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)
    if kind in "SR":
        (size,) = struct.unpack_from("<I", data, at)
        raw = data[at + 4 : at + 4 + size]
        return raw.decode() if kind == "S" else raw, at + 4 + size
    count, packed, size = struct.unpack_from("<III", data, at)
    raw = data[at + 12 : at + 12 + size]
    numbers = np.frombuffer(zlib.decompress(raw) if packed else raw, _ARRAYS[kind])
    assert len(numbers) == count
    return numbers, at + 12 + size


class Scene:
    """The objects of a file by number."""

    def __init__(self, path: Path) -> None:
        self.top = read(path)
        self.objects = {node.value: node for node in self.top["Objects"].below}
        assert len(self.objects) == len(self.top["Objects"].below)
        self.below: dict[int, list[tuple[int, str]]] = {}
        for link in self.top["Connections"].below:
            child, parent, *what = link.values[1:]
            assert child in self.objects
            assert parent == 0 or parent in self.objects
            self.below.setdefault(parent, []).append((child, what[0] if what else ""))

    def name(self, number: int) -> str:
        return self.objects[number].values[1].split("\0\x01")[0]

    def kind(self, kind: str, form: str | None = None) -> list[int]:
        """Numbers of all objects of a kind."""
        return [
            number
            for number, node in self.objects.items()
            if node.name == kind and form in (None, node.values[2])
        ]

    def under(self, parent: int, kind: str, what: str = "") -> list[int]:
        """Numbers of objects below one, or at a property of it."""
        found = self.below.get(parent, [])
        return [child for child, to in found if to == what and self.objects[child].name == kind]

    def bones(self) -> dict[str, tuple[int, str]]:
        """Number of each bone, and what the one above is called; parents first."""
        found: dict[str, tuple[int, str]] = {}

        def visit(number: int, above: str) -> None:
            for child in self.under(number, "Model"):
                if self.objects[child].values[2] == "LimbNode":
                    found[self.name(child)] = child, above
                    visit(child, self.name(child))

        visit(0, "")
        return found

    def play(self, stack: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Times (T) of an animation, and matrices (T, 4, 4) of all bones relative to the world."""
        (layer,) = self.under(stack, "AnimationLayer")
        curves = set(self.under(layer, "AnimationCurveNode"))
        times, world = np.zeros(0), {}
        for name, (number, above) in self.bones().items():
            parts = {}
            for what in ("Lcl Translation", "Lcl Rotation"):
                still = self.objects[number].properties()[what]
                found = curves & set(self.under(number, "AnimationCurveNode", what))
                axes = [still[None, k] for k in range(3)]
                for node in found:
                    for k, axis in enumerate("XYZ"):
                        (curve,) = self.under(node, "AnimationCurve", f"d|{axis}")
                        keys = self.objects[curve]
                        times = keys["KeyTime"].value / SECOND
                        axes[k] = keys["KeyValueFloat"].value.astype(float)
                        assert len(axes[k]) == len(times) == keys["KeyAttrRefCount"].value.sum()
                parts[what] = np.stack(np.broadcast_arrays(*axes), axis=-1)
            world[name] = _matrices(parts["Lcl Translation"], parts["Lcl Rotation"])
            if above:
                world[name] = world[above] @ world[name]
        return times, world


def _matrices(places: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Transforms of places (T, 3) and Euler angles (T, 3) in degrees, X first."""
    from scipy.spatial.transform import Rotation

    count = max(len(places), len(angles))
    matrices = np.tile(np.eye(4), (count, 1, 1))
    matrices[:, :3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    matrices[:, :3, 3] = places
    return matrices


def matrix(numbers: np.ndarray) -> np.ndarray:
    """A matrix as it is written, row by row of its transpose."""
    return numbers.reshape(4, 4).T
