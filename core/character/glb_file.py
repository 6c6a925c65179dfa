"""A character's own file with something added at its end; all that was in it stays as it was."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from core.capture.gltf_file import check_beside, fetch, parse, split, whole
from core.capture.gltf_pose import local

_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
_FORMS = {"u1": 5121, "u2": 5123, "u4": 5125, "f4": 5126}
_KINDS = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}


def content(path: Path) -> bytes:
    """Return a character's file as glTF: what is in it, or what is made of FBX.

    What the page has made into glTF is called .fbx still.
    """
    data = path.read_bytes()
    if path.suffix.lower() != ".fbx" or data.startswith((b"glTF", b"{")):
        return data
    from core.character.from_fbx import to_glb

    return to_glb(path)


class File:
    """A description and its numbers, to which more can be added."""

    def __init__(self, description: dict[str, Any], binary: bytes | memoryview = b"") -> None:
        """`description` is changed in place."""
        self.json, self._binary = description, bytearray(binary)

    @classmethod
    def read(cls, path: Path) -> File:
        """Read a GLB, glTF with what lies beside it, or FBX; raise ValueError where that is not."""
        data = content(path)
        text, binary = split(data)
        file = cls(parse(text), binary)
        if not whole(data, file.json):
            check_beside(file.json, path.parent)
            file._gather(path.parent)
        return file

    def _gather(self, folder: Path) -> None:
        """Bring numbers and pictures from beside the description into one buffer."""
        own, self._binary = bytes(self._binary), bytearray()
        uris = [buffer.get("uri") for buffer in self.json.get("buffers", ())]
        begin = {  # each once, however many point to it
            uri: self._append(own if uri is None else fetch(uri, folder))
            for uri in dict.fromkeys(uris or [None])
        }
        starts = [begin[uri] for uri in uris or [None]]
        for view in self.json.get("bufferViews", ()):
            view["byteOffset"] = view.get("byteOffset", 0) + starts[view.get("buffer", 0)]
            view["buffer"] = 0
        views: dict[str, int] = {}
        for image in self.json.get("images", ()):
            uri = image.get("uri", "")
            if uri and not uri.startswith("data:"):
                image["mimeType"] = _KINDS.get(Path(uri).suffix.lower(), "image/png")
                if uri not in views:
                    views[uri] = self.view(fetch(uri, folder))
                image["bufferView"] = views[uri]
                del image["uri"]

    def _append(self, data: bytes) -> int:
        """Add bytes where four bytes begin; return where."""
        self._binary += bytes(-len(self._binary) % 4)
        start = len(self._binary)
        self._binary += data
        return start

    def view(self, data: bytes) -> int:
        """Add bytes; return the number of their view."""
        views = self.json.setdefault("bufferViews", [])
        views.append({"buffer": 0, "byteOffset": self._append(data), "byteLength": len(data)})
        return len(views) - 1

    def add(self, values: np.ndarray, *, bounds: bool = False, **more: Any) -> int:
        """Add numbers (T,) or (T, width), floats or as they are; return their accessor."""
        kind = "f4" if values.dtype.kind == "f" else values.dtype.str[1:]
        rows = np.ascontiguousarray(values.reshape(len(values), -1), dtype=f"<{kind}")
        accessor: dict[str, Any] = {
            "bufferView": self.view(rows.tobytes()),
            "componentType": _FORMS[kind],
            "count": len(rows),
            "type": _TYPES[rows.shape[1]],
            **more,
        }
        if bounds:
            accessor |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
        accessors = self.json.setdefault("accessors", [])
        accessors.append(accessor)
        return len(accessors) - 1

    def unpack(self, node: int) -> None:
        """Write a node's matrix in parts, which alone can be animated."""
        told = self.json["nodes"][node]
        if "matrix" in told:
            place, linear, turn = local(told, {})
            told["translation"], told["rotation"] = (
                place[0].tolist(),
                turn[0, [1, 2, 3, 0]].tolist(),
            )
            told["scale"] = np.linalg.norm(linear[0], axis=0).tolist()
            del told["matrix"]

    def to_bytes(self) -> bytes:
        """Return it as GLB."""
        binary = bytes(self._binary) + bytes(-len(self._binary) % 4)
        first = {**(self.json.get("buffers") or [{}])[0], "byteLength": len(self._binary)}
        first.pop("uri", None)
        description = {**self.json, "buffers": [first]}
        text = json.dumps(description, separators=(",", ":"), ensure_ascii=False).encode(
            errors="replace"  # of halves of characters
        )
        text += b" " * (-len(text) % 4)
        parts = struct.pack("<II", len(text), 0x4E4F534A) + text
        parts += struct.pack("<II", len(binary), 0x004E4942) + binary
        return struct.pack("<III", 0x46546C67, 2, 12 + len(parts)) + parts
