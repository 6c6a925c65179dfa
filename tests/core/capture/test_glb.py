"""GLB files: an animation is read, a damaged file gets a sentence."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from core.capture.follow import follow
from core.export import write
from tests.support.motion_files import refusal
from tests.support.synthetic import walk_take


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    """The walk as we export it."""
    path = tmp_path_factory.mktemp("exported") / "walk.glb"
    write(walk_take(), path)
    return path


def parts(path: Path) -> tuple[dict, bytes]:
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    return json.loads(data[20 : 20 + length]), data[28 + length :]


def join(path: Path, document: object, binary: bytes) -> Path:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
    chunks += struct.pack("<II", len(binary), 0x004E4942) + binary
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
    return path


def test_glb_without_animation(exported, tmp_path):
    document, binary = parts(exported)
    del document["animations"]
    assert "no animation" in refusal(join(tmp_path / "still.glb", document, binary))


def change(document: dict, what: str) -> None:
    sampler, channel = (document["animations"][0][k][0] for k in ("samplers", "channels"))
    accessor = document["accessors"][sampler["output"]]
    view = document["bufferViews"][accessor["bufferView"]]
    match what:
        case "uri":
            document["buffers"][0]["uri"] = "other.bin"
        case "packed":
            document["extensionsUsed"] = ["EXT_meshopt_compression"]
        case "count":
            accessor["count"] = 10**9
        case "stride":
            accessor["count"], view["byteStride"] = 10**9, 0
        case "offset":
            view["byteOffset"] = -8
        case "type":
            accessor["componentType"] = 5130
        case "keys":
            accessor["count"] -= 1
        case "node":
            channel["target"]["node"] = 10**6
        case "loop":
            document["nodes"][document["skins"][0]["joints"][5]]["children"] = [
                document["skins"][0]["joints"][0]
            ]
        case "skin":
            document["skins"][0]["joints"] = list(range(9999))


@pytest.mark.parametrize(
    "what", ["uri", "packed", "count", "stride", "offset", "type", "keys", "loop", "skin"]
)
def test_damaged_glb(exported, tmp_path, what):
    document, binary = parts(exported)
    change(document, what)
    refusal(join(tmp_path / f"{what}.glb", document, binary))


def test_names_are_not_needed(exported, tmp_path):
    document, binary = parts(exported)
    for node in document["nodes"]:
        node["name"] = "bone"
    assert len(follow(join(tmp_path / "bones.glb", document, binary)).take) == 40


@pytest.mark.parametrize("document", [[], {}, {"animations": 3}, {"animations": [{}]}, None])
def test_glb_of_something_else(tmp_path, document):
    refusal(join(tmp_path / "a.glb", document, b""))


def test_half_a_glb(exported, tmp_path):
    data = exported.read_bytes()
    for share in (3, 10, 40, len(data) // 2, len(data) - 5000):
        path = tmp_path / "half.glb"
        path.write_bytes(data[:share])
        refusal(path)


def test_glb_numbers_that_are_not_finite(exported, tmp_path):
    document, binary = parts(exported)
    sampler = document["animations"][0]["samplers"][0]
    view = document["bufferViews"][document["accessors"][sampler["output"]]["bufferView"]]
    start = view.get("byteOffset", 0)
    broken = binary[:start] + struct.pack("<f", float("nan")) + binary[start + 4 :]
    assert "not finite" in refusal(join(tmp_path / "nan.glb", document, broken))
