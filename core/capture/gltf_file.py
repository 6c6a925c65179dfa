"""What is written in a glTF file: a description in JSON, and numbers beside it.

Binary ones (GLB, VRM, VRMA) hold both; a .gltf has its numbers packed into the text or in files of
the same folder, never elsewhere. The description is checked before any number is decoded.

It stays plain JSON. pygltflib, which writes our exports, would make an object of every part, wanted
or not, at half a millisecond each (160 kB took 26 s), and decodes no accessor.
"""

from __future__ import annotations

import base64
import json
import re
import struct
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from core.capture.gltf_links import Json, channels, check_links
from core.capture.joint_maps import MOST_NAME, check_name, well_formed

_TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_JSON, _BINARY = 0x4E4F534A, 0x004E4942
MOST_CHUNKS = 16
"""Parts of a binary file; glTF knows two."""
MOST_JSON = 8_000_000
"""Bytes of a description without the numbers that a .gltf may have in its text."""
MOST_VALUES = 400_000
"""Values in it: that many are read in a twentieth of a second."""
MOST_BUFFER = 64_000_000
"""Bytes of a file of numbers."""
MOST_BESIDE = 200_000_000
"""Bytes of all files beside a .gltf."""
MOST_NUMBERS = 24_000_000
"""Of the keys of all animations, shared ones counted as often as they are used: 64 MB hold 21."""
MOST_VALUE = 1e15
"""Beyond it lie damaged numbers, whose sums are none."""
_LENGTHS = {"translation": 3, "rotation": 4, "scale": 3, "matrix": 16}
_MESHOPT = {"EXT_meshopt_compression", "KHR_meshopt_compression"}


class Document:
    """A file's description and the numbers that it points to."""

    def __init__(self, path: Path, data: bytes | None = None) -> None:
        """Read and check the description; raise ValueError where it is unfit.

        `data` is what the file holds, where that is known.
        """
        data = path.read_bytes() if data is None else data
        text, self._binary = split(data)
        self.json = parse(text)
        self.whole = whole(data, self.json)
        self._folder = path.parent
        self._buffers: dict[str, memoryview] = {}

    def rows(self, index: int) -> np.ndarray:
        """One accessor's numbers, (K, width), where and as they are stored."""
        accessor = self.json["accessors"][index]
        if "sparse" in accessor:
            raise ValueError("its numbers are stored sparsely; export it with all of them")
        view = self.json["bufferViews"][accessor["bufferView"]]
        kind, width = np.dtype(_TYPES[accessor["componentType"]]), _WIDTHS[accessor["type"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        count, packed = accessor["count"], kind.itemsize * width
        stride = view.get("byteStride", packed)
        if start < 0 or stride < packed or count < 1:
            raise ValueError("its data lie nowhere")
        buffer = self._buffer(view.get("buffer", 0))
        if start + stride * (count - 1) + packed > len(buffer):
            raise ValueError("its data are cut off")
        return np.ndarray((count, width), kind, buffer, start, (stride, kind.itemsize))

    def picture(self, index: int) -> bytes:
        """One image as it is stored."""
        image = self.json["images"][index]
        if "uri" in image:
            return fetch(image["uri"], self._folder)
        view = self.json["bufferViews"][image["bufferView"]]
        start = view.get("byteOffset", 0)
        return bytes(self._buffer(view.get("buffer", 0))[start : start + view["byteLength"]])

    def _buffer(self, index: int) -> memoryview:
        """Bytes of one buffer; each file is read once, however many buffers point to it."""
        buffers = self.json.get("buffers", ())
        uri = buffers[index].get("uri") if index < len(buffers) else None
        if uri is None:
            return self._binary
        if uri not in self._buffers:
            self._buffers[uri] = memoryview(fetch(uri, self._folder))
        return self._buffers[uri]


def fetch(uri: str, folder: Path) -> bytes:
    """Read numbers that are packed into `uri` or lie in a file of the folder that it names."""
    if uri.startswith("data:"):
        form, _, packed = uri.partition(",")
        if not form.endswith(";base64"):
            raise ValueError("its numbers are packed in no way that is known here")
        try:
            return base64.b64decode(packed)
        except ValueError as error:
            raise ValueError("its numbers are damaged") from error
    return beside(uri, folder).read_bytes()


def beside(uri: str, folder: Path) -> Path:
    """Find a file of the folder; raise ValueError where it is elsewhere, missing or too large."""
    name = well_formed(unquote(uri)).removeprefix("./")
    if name in ("", "..") or len(name) > MOST_NAME or set(name) & set("/\\:\0"):
        raise ValueError("its numbers lie in another folder; export it as GLB, which holds them")
    path = folder / name
    if not path.is_file():
        raise ValueError(
            f"its numbers lie in {name}, which is not beside it; bring both, in one ZIP, or export"
            " it as GLB"
        )
    if path.stat().st_size > MOST_BUFFER:
        raise ValueError(f"{name} has more than {MOST_BUFFER // 10**6} MB")
    return path


def check_beside(description: Json, folder: Path) -> None:
    """Raise ValueError unless all files that a description names are beside it, and not too much.

    What each of them holds is not looked at.
    """
    parts = (*description.get("buffers", ()), *description.get("images", ()))
    uris = {uri for part in parts if (uri := part.get("uri")) and not uri.startswith("data:")}
    if sum(beside(uri, folder).stat().st_size for uri in uris) > MOST_BESIDE:
        raise ValueError(f"the files beside it have more than {MOST_BESIDE // 10**6} MB")


def whole(data: bytes, description: Json) -> bool:
    """Whether a file holds all of its numbers, as binary ones do that have no buffer beside."""
    buffers = [buffer.get("uri") for buffer in description.get("buffers", ())]
    return data[:4] == b"glTF" and buffers in ([], [None])


def split(data: bytes) -> tuple[bytes, memoryview]:
    """Split a file into the text of its description and its numbers."""
    if data[:4] != b"glTF":
        numbers = sum(len(uri[0]) for uri in re.finditer(rb'"data:[^"]*"', data))
        _check_size(len(data) - numbers)
        return data.removeprefix(b"\xef\xbb\xbf").lstrip(), memoryview(b"")
    found, at = {}, 12
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(data):
            break
        length, kind = struct.unpack_from("<II", data, at)
        found.setdefault(kind, memoryview(data)[at + 8 : at + 8 + length])
        at += 8 + length
    if _JSON not in found:
        raise ValueError("it is cut off, or of glTF 1; export it as glTF 2")
    _check_size(len(found[_JSON]))
    return bytes(found[_JSON]), found.get(_BINARY, memoryview(b""))


def _check_size(described: int) -> None:
    if described > MOST_JSON:
        raise ValueError(f"its description has more than {MOST_JSON // 10**6} MB")


def parse(text: bytes) -> Json:
    """Read a description; raise ValueError where it is damaged or asks for more than we decode."""
    if sum(map(text.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise ValueError(f"its description has more than {MOST_VALUES} values")
    try:
        description = json.loads(text)
    except RecursionError as error:
        raise ValueError("its description is nested too deeply") from error
    except ValueError as error:  # what is no JSON, no UTF-8, or a number without end
        raise ValueError("its description is damaged") from error
    if str(description.get("asset", {}).get("version", "2")).startswith("1"):
        raise ValueError("it is of glTF 1; export it as glTF 2")
    if _MESHOPT & {*description.get("extensionsUsed", ())}:
        raise ValueError("it is packed by meshopt; export it without compression")
    check_links(description)
    check(description)
    return description


def check(description: Json) -> None:
    """Raise ValueError for odd shapes, and more keys than are decoded."""
    for node in description.get("nodes", ()):
        check_name(str(node.get("name", "")))
        for part, length in _LENGTHS.items():
            if part in node and [_number(n) for n in node[part]] != [True] * length:
                raise ValueError(f"the {part} of a node must be {length} numbers")
    numbers = 0
    for animation in description.get("animations", ()):
        for _, _, sampler in channels(animation):
            for end in ("input", "output"):
                accessor = description["accessors"][sampler[end]]
                if type(accessor["count"]) is not int or accessor["count"] < 1:
                    raise ValueError("the count of its keys must be a number above 0")
                numbers += accessor["count"] * _WIDTHS[accessor["type"]]
    if numbers > MOST_NUMBERS:
        raise ValueError(
            f"its animations have {numbers:,} numbers; {MOST_NUMBERS:,} are the most, so export"
            " only the part you want"
        )
    counts = [accessor.get("count") for accessor in description.get("accessors", ())]
    if any(type(count) is not int or count < 0 for count in counts):
        raise ValueError("the count of an accessor must be a whole number from 0 on")


def _number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < MOST_VALUE


def decode(rows: np.ndarray) -> np.ndarray:
    """Stored numbers as float64; integers stand for shares of 1."""
    values = rows.astype(np.float64)
    if rows.dtype.kind != "f":
        values /= np.iinfo(rows.dtype).max
        np.maximum(values, -1, out=values)
    return values
