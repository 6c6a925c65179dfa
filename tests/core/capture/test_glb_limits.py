"""GLB files whose description asks for too much are refused before a number is decoded."""

from __future__ import annotations

import base64
import json
import struct
import tracemalloc

import numpy as np
import pytest

from core.capture import glb, gltf_file
from core.capture.scene import MOST_CLIPS
from core.export import write
from tests.core.capture.test_glb import join, parts
from tests.support.motion_files import refusal
from tests.support.synthetic import walk_take


def animated(nodes: int, keys: int) -> tuple[dict, bytes]:
    """So many nodes that share two accessors."""
    binary = np.zeros((keys, 5), "<f4").tobytes()
    channels = [{"sampler": 0, "target": {"node": i, "path": "rotation"}} for i in range(nodes)]
    document = {
        "bufferViews": [{}, {"byteOffset": 4 * keys}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": keys, "type": "SCALAR"},
            {"bufferView": 1, "componentType": 5126, "count": keys, "type": "VEC4"},
        ],
        "nodes": [{"name": f"n{i}"} for i in range(nodes)],
        "animations": [{"samplers": [{"input": 0, "output": 1}], "channels": channels}],
    }
    return document, binary


def shared(document: dict) -> None:
    document["animations"] *= 200


def wide(document: dict) -> None:
    document["nodes"][0]["translation"] = [0] * 100_000


def nested(document: dict) -> None:
    document["nodes"][0]["scale"] = [[0] * 100_000] * 3


def named(document: dict) -> None:
    document["nodes"][0]["name"] = "n" * 100_000


def flat(document: dict) -> None:
    document["nodes"] += [{} for _ in range(500)]


def chains(document: dict) -> None:
    """Few joints, each below nodes of its own."""
    document["nodes"] = [{} if i % 100 == 0 else {"children": [i - 1]} for i in range(2000)]
    document["skins"] = [{"joints": list(range(0, 2000, 100))}]


def uncounted(document: dict) -> None:
    document["accessors"][1]["count"] = -(10**12)


def gigantic(document: dict) -> None:
    document["nodes"][0]["translation"] = [10**400, 0, 0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (shared, "numbers; 24,000,000 are the most"),
        (wide, "translation of a node must be 3 numbers"),
        (nested, "scale of a node must be 3 numbers"),
        (named, "more than 200 characters"),
        (flat, "600 joints; 500 are the most"),
        (chains, "more than 600 nodes"),
        (uncounted, "count of its keys"),
        (gigantic, "translation of a node must be 3 numbers"),
    ],
)
def test_a_glb_that_asks_for_too_much_is_not_decoded(tmp_path, monkeypatch, change, told):
    monkeypatch.setattr(glb, "_sample", pytest.fail)
    document, binary = animated(100, 300)
    change(document)
    assert told in refusal(join(tmp_path / "a.glb", document, binary))


def test_channels_that_share_numbers_take_no_memory_of_their_own(tmp_path):
    """3,000 of them in half a megabyte took 3 GB."""
    path = join(tmp_path / "a.glb", *animated(400, 10_000))
    tracemalloc.start()
    try:
        assert "were not found" in refusal(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 10_000_000  # decoded apart they would be 160 MB


def test_a_glb_with_thousands_of_channels_is_refused_by_its_description(tmp_path, monkeypatch):
    monkeypatch.setattr(gltf_file.Document, "rows", pytest.fail)
    path = join(tmp_path / "a.glb", *animated(3000, 10_000))
    assert "have 150,000,000 numbers" in refusal(path)


def test_a_glb_description_is_shallow_and_short(tmp_path, monkeypatch):
    path = tmp_path / "a.glb"
    text = b'{"extras":' + b"[" * 100_000 + b"]" * 100_000 + b"} "
    chunk = struct.pack("<II", len(text), 0x4E4F534A) + text
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunk)) + chunk)
    assert "nested too deeply" in refusal(path)
    monkeypatch.setattr(json, "loads", pytest.fail)
    monkeypatch.setattr(gltf_file, "MOST_JSON", 100_000)
    assert "description has more than" in refusal(path)
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12) + bytes(8) * 100_000 + chunk)
    assert "cut off" in refusal(path)


def test_only_the_longest_animation_is_decoded(tmp_path, monkeypatch):
    write(walk_take(), tmp_path / "walk.glb")
    document, binary = parts(tmp_path / "walk.glb")
    alone = glb.read(tmp_path / "walk.glb").positions
    short = json.loads(json.dumps(document["animations"][0]))
    for sampler in short["samplers"]:
        for end in ("input", "output"):
            document["accessors"].append({**document["accessors"][sampler[end]], "count": 2})
            sampler[end] = len(document["accessors"]) - 1
    document["animations"] = [short, document["animations"][0], short]
    decoded, curves = [], glb._curves
    monkeypatch.setattr(glb, "_curves", lambda *a: decoded.append(a[1]) or curves(*a))
    assert (glb.read(join(tmp_path / "b.glb", document, binary)).positions == alone).all()
    assert decoded == [document["animations"][1]]


def test_a_description_in_text_is_as_short_without_its_numbers(tmp_path, monkeypatch):
    write(walk_take(), tmp_path / "walk.glb")
    document, binary = parts(tmp_path / "walk.glb")
    packed = base64.b64encode(binary).decode()
    document["buffers"][0]["uri"] = f"data:application/octet-stream;base64,{packed}"
    path = tmp_path / "walk.gltf"
    path.write_text(json.dumps(document))
    monkeypatch.setattr(gltf_file, "MOST_JSON", path.stat().st_size - len(packed))
    assert len(glb.read(path).positions) == 40
    path.write_text(json.dumps(document | {"extras": "x" * 100}))
    assert "description has more than" in refusal(path)


def test_names_are_few_and_well_formed(tmp_path):
    write(walk_take(), tmp_path / "walk.glb")
    document, binary = parts(tmp_path / "walk.glb")
    document["nodes"][0]["name"] = "Hips \ud800"
    document["animations"] = [{**document["animations"][0], "name": "\udfff" * 99}] * 300
    found = glb.read(join(tmp_path / "a.glb", document, binary), clip=299)
    assert "Hips ?" in found.names
    assert (found.clip, found.clips) == (298, ("?" * 60,) * MOST_CLIPS)
    bones = {"hips": {"node": 0}, "q" * 100_000: {"node": 1}}
    document["extensions"] = {"VRMC_vrm": {"humanoid": {"humanBones": bones}}}
    assert "more than 200 characters" in refusal(join(tmp_path / "a.glb", document, binary))


@pytest.mark.parametrize(
    ("described", "told"),
    [
        (b'{"x":[' + b"[]," * 2_600_000 + b"[]]}", "more than 400000 values"),
        (b'{"x":"\xff"}', "damaged"),
        (b"", "damaged"),
        (b'{"x":' + b"1" * 5000 + b"}", "damaged"),
    ],
    ids=["values", "utf-8", "empty", "digits"],
)
def test_a_description_that_cannot_be_read_gets_a_sentence(tmp_path, described, told):
    described += b" " * (-len(described) % 4)
    chunk = struct.pack("<II", len(described), 0x4E4F534A) + described
    path = tmp_path / "odd.glb"
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunk)) + chunk)
    assert told in refusal(path)
