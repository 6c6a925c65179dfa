"""What any FBX scene is made of: objects, what they are connected to, and what is said of them all.

Centimeters, Y up, Z ahead, right-handed.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from core.export.fbx_file import CREATED, FILE_ID, VERSION, Node, Value, node

_SECOND = 46_186_158_000
"""On the format's clock."""
_RATES = {24: 11, 30: 6, 60: 3}
"""What it calls rates; for others it has a word of its own."""
_OTHER_RATE = 14


class Scene:
    """Objects, in the order in which they are added."""

    def __init__(self) -> None:
        self._objects: list[Node] = []
        self._links: list[Node] = []
        self._takes: dict[str, np.int64] = {}

    def add(
        self, kind: str, name: str, form: str, *parts: Node, to: int | None = 0, is_a: str = ""
    ) -> int:
        """Add an object below another one, 0 being the world; return its number."""
        number = 1_000_000 + len(self._objects)
        full = f"{name}\0\x01{is_a or kind.replace('Animation', 'Anim')}"
        self._objects.append(node(kind, np.int64(number), full, form, *parts))
        if to is not None:
            self.link(number, to)
        return number

    def link(self, number: int, to: int, what: str = "") -> None:
        """Connect an object to another one, or to a property of it."""
        ends = np.int64(number), np.int64(to)
        self._links.append(node("C", "OP", *ends, what) if what else node("C", "OO", *ends))

    def add_take(self, name: str, end: np.int64) -> int:
        """Add an animation from 0 to a time; return the number of its one layer."""
        names = ("LocalStart", "LocalStop", "ReferenceStart", "ReferenceStop")
        spans = zip(names, (np.int64(0), end) * 2, strict=True)
        rows = ((name, "KTime", "Time", "", time) for name, time in spans)
        stack = self.add("AnimationStack", name, "", properties(*rows), to=None)
        self._takes[name] = end
        return self.add("AnimationLayer", "BaseLayer", "", properties(), to=stack)

    def document(self, fps: float) -> list[Node]:
        """Return all that a file holds, in the order in which readers expect it."""
        kinds = Counter(one.name for one in self._objects) | {"GlobalSettings": 1}
        spans = [
            node(
                "Take",
                name,
                node("FileName", f"{name}.tak"),
                node("LocalTime", np.int64(0), end),
                node("ReferenceTime", np.int64(0), end),
            )
            for name, end in self._takes.items()
        ]
        settings = _settings(fps, max(self._takes.values()))
        root = node("RootNode", np.int64(0))
        scene = node("Document", np.int64(1), "Scene", "Scene", properties(), root)
        versions = node("FBXHeaderVersion", 1003), node("FBXVersion", VERSION)
        counts = [node("ObjectType", kind, node("Count", n)) for kind, n in kinds.items()]
        total = node("Count", sum(kinds.values()))
        return [
            node("FBXHeaderExtension", *versions, node("Creator", "Livestep")),
            node("FileId", FILE_ID),
            node("CreationTime", CREATED),
            node("Creator", "Livestep"),
            node("GlobalSettings", node("Version", 1000), settings),
            node("Documents", node("Count", 1), scene),
            node("References"),
            node("Definitions", node("Version", 100), total, *counts),
            node("Objects", *self._objects),
            node("Connections", *self._links),
            node("Takes", node("Current", next(iter(self._takes))), *spans),
        ]


def _settings(fps: float, end: np.int64) -> Node:
    axes = {"UpAxis": 1, "FrontAxis": 2, "CoordAxis": 0}
    return properties(
        *((name, "int", "Integer", "", axis) for name, axis in axes.items()),
        *((f"{name}Sign", "int", "Integer", "", 1) for name in axes),
        ("UnitScaleFactor", "double", "Number", "", 1.0),
        ("OriginalUnitScaleFactor", "double", "Number", "", 1.0),
        ("TimeMode", "enum", "", "", _RATES.get(int(fps), _OTHER_RATE)),
        ("CustomFrameRate", "double", "Number", "", float(fps)),
        ("TimeSpanStart", "KTime", "Time", "", np.int64(0)),
        ("TimeSpanStop", "KTime", "Time", "", end),
    )


def properties(*rows: tuple[Value, ...]) -> Node:
    """Return a node of properties: name, type, label, flags and values of each."""
    return node("Properties70", *(node("P", *row) for row in rows))


def times(count: int, fps: float) -> np.ndarray:
    """Return when poses are, on the format's clock."""
    return np.round(np.arange(count) * (_SECOND / fps)).astype(np.int64)
