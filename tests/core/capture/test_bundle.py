"""ZIPs: the one motion file in them is read, and nothing is unpacked that was not measured."""

from __future__ import annotations

import errno
import json
import struct
import zipfile
from pathlib import Path

import pytest

from core.capture import bundle
from core.capture.bundle import unpack
from core.capture.follow import follow
from core.export import write
from tests.core.capture.test_glb import parts
from tests.support.motion_files import refusal
from tests.support.synthetic import walk_take


def zipped(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture(scope="module")
def walk(tmp_path_factory) -> dict[str, bytes]:
    """The walk by suffix; a .gltf has its numbers in a .bin."""
    folder = tmp_path_factory.mktemp("walk")
    files = {}
    for suffix in ("bvh", "npz", "glb"):
        write(walk_take(), folder / f"walk.{suffix}")
        files[suffix] = (folder / f"walk.{suffix}").read_bytes()
    document, binary = parts(folder / "walk.glb")
    document["buffers"][0]["uri"] = "walk.bin"
    return {**files, "gltf": json.dumps(document).encode(), "bin": binary}


@pytest.mark.parametrize("suffix", ["bvh", "npz", "glb", "gltf"])
@pytest.mark.parametrize("folder", ["", "My dance/"])
def test_the_motion_in_a_zip_is_read(tmp_path, walk, suffix, folder):
    files = {
        f"{folder}walk.{suffix}": walk[suffix],
        "__MACOSX/._walk.bvh": b"\0\5\x16\7",
        ".DS_Store": b"x",
        f"{folder}textures/skin.png": b"\x89PNG",
        "license.txt": b"CC0",
    }
    if suffix == "gltf":
        files[f"{folder}walk.bin"] = walk["bin"]
        files["other/walk.bin"] = b"of another one"
    found = follow(zipped(tmp_path / "dance.zip", files))
    assert len(found.take) == 40
    assert found.take.info["reference"] == "dance.zip"


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([], "holds no motion file, but nothing."),
        (["Walking.dae", "a.txt"], "holds no motion file, but Walking.dae, a.txt. Videos, BVH"),
        (["a.bvh", "b/a.bvh"], "holds 2 motion files, a.bvh, a.bvh; pack one alone"),
        (
            [f"{i}.bvh" for i in range(9)],
            "holds 9 motion files, 0.bvh, 1.bvh, 2.bvh, 3.bvh, 4.bvh, ...",
        ),
        (["inner.zip"], "holds no motion file, but inner.zip"),
        (["a.bvh"], "in a.zip, a.bvh cannot be read: "),
        (["a.gltf"], "in a.zip, a.gltf cannot be read: "),
        (["x" * 300 + ".bvh"], "a damaged ZIP"),
    ],
)
def test_what_is_wrong_with_a_zip_is_told(tmp_path, names, told):
    assert told in refusal(zipped(tmp_path / "a.zip", dict.fromkeys(names, b"x")))


def test_files_leave_their_folders(tmp_path, walk):
    path = zipped(tmp_path / "a.zip", {"../../up/../walk.bvh": walk["bvh"]})
    out = tmp_path / "out"
    out.mkdir()
    assert unpack(path, out) == out / "walk.bvh"
    assert {p.name for p in tmp_path.rglob("*")} == {"a.zip", "out", "walk.bvh"}


def test_a_zip_that_would_be_large_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(zipfile.ZipFile, "read", pytest.fail)
    bomb = zipped(tmp_path / "bomb.zip", {"a.bvh": bytes(bundle.MOST_BYTES + 1)})
    assert bomb.stat().st_size < 100_000
    assert "64,000,001 bytes of motion in it; 64,000,000 are the most" in refusal(bomb)
    beside = {"a.gltf": b"{}", "a.bin": bytes(bundle.MOST_BYTES)}
    assert "are the most" in refusal(zipped(tmp_path / "beside.zip", beside))
    many = zipped(tmp_path / "many.zip", {f"{i}": b"" for i in range(1001)})
    assert "more than 1,000 files" in refusal(many)


def test_a_zip_in_a_zip_is_not_unpacked(tmp_path, walk):
    inner = zipped(tmp_path / "inner.zip", {"a.bvh": walk["bvh"]}).read_bytes()
    for name in ("a.glb", "a.bvh"):
        told = refusal(zipped(tmp_path / "outer.zip", {name: inner}))
        assert told == f"in outer.zip, {name} is a ZIP itself; pack the motion file alone"


def test_a_full_disk_is_no_damage(tmp_path, monkeypatch, walk):
    path = zipped(tmp_path / "a.zip", {"a.bvh": walk["bvh"]})

    def write(*_) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write)
    assert refusal(path) == "the server has no room to read a.zip now; try again later"


def test_a_name_that_is_no_text_is_damage(tmp_path):
    path = zipped(tmp_path / "a.zip", {"é.bvh": b"x"})
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xff"))
    assert "damaged ZIP" in refusal(path)


def test_a_zip_that_lies_about_sizes_is_damaged(tmp_path, walk):
    path = zipped(tmp_path / "a.zip", {"a.bvh": walk["bvh"]})
    data = path.read_bytes()
    at = data.index(b"PK\x01\x02") + 24
    path.write_bytes(data[:at] + struct.pack("<I", 100) + data[at + 4 :])
    assert "damaged ZIP" in refusal(path)
    path.write_bytes(data[:200])
    assert "damaged ZIP" in refusal(path)


def test_locked_and_oddly_packed_zips(tmp_path, walk):
    path = zipped(tmp_path / "a.zip", {"a.bvh": walk["bvh"]}, zipfile.ZIP_BZIP2)
    assert "packed in a way that is not known" in refusal(path)
    data = bytearray(zipped(tmp_path / "b.zip", {"a.bvh": walk["bvh"]}).read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "b.zip").write_bytes(data)
    assert "locked by a password" in refusal(tmp_path / "b.zip")
