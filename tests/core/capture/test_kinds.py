"""What a file is, and a sentence for what is not read, under the visitor's own name."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from core.capture.follow import follow
from core.capture.kinds import _ELSEWHERE, MOTION, READ, encoding, look, refuse, sniff
from tests.support.motion_files import refusal


def zipped(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, b"x" * 100)
    return data.getvalue()


def saved_arrays() -> bytes:
    data = io.BytesIO()
    np.savez_compressed(data, joints=np.zeros((2, 22, 3)))
    return data.getvalue()


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (b"HIERARCHY\nROOT", "a.bvh", "bvh"),
        (b"\xef\xbb\xbf \r\n\thierarchy\rROOT", "a.mp4", "bvh"),
        ("# by hand\n\nHIERARCHY\n".encode("utf-16"), "a.txt", "bvh"),
        ("HIERARCHY\n".encode("utf-16-le"), "", "bvh"),
        (b"% some words\n" * 900, "a.BVH", "bvh"),
        (b"", "a.bvh", "bvh"),
        (b"glTF\x02\0\0\0", "avatar.vrm", "glb"),
        (b"glTF\x02\0\0\0", "dance", "glb"),
        (b"", "dance.vrma", "glb"),
        (b'\n{"asset": {"version"', "dance.json", "gltf"),
        (b'{"nodes": [', "dance.gltf", "gltf"),
        (b'{"joints": [', "dance.json", "json"),
        (saved_arrays(), "dance", "npz"),
        (b"PK\x03\x04 but no archive", "x.npz", "npz"),
        (zipped("dance/walk.gltf", "dance/walk.bin"), "dance.bvh", "zip"),
        (zipped("scene.usdc"), "scene.usdz", "usd"),
        (zipped("archive/data.pkl"), "hmr4d_results.pt", "pt"),
        (zipped("[Content_Types].xml"), "joints.xlsx", "csv"),
        (b"\0\0\0\x18ftypmp42", "a.bvh", "video"),
        (b"\x1aE\xdf\xa3", "a.bvh", "video"),
        (b"RIFF\0\0\0\0AVI LIST", "a", "video"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "clip.asf", "video"),
        (b"\x00\xff" * 900, "what.xyz", "video"),
        (b"", "", "video"),
        (b"Kaydara FBX Binary  \x00", "Walking.fbx", "fbx"),
        (b"; FBX 7.4.0 project file", "Walking", "fbx"),
        (b"# AST/ASF file", "01.asf", "asf"),
        (b":FULLY-SPECIFIED", "01_01.AMC", "amc"),
        (b"\x02P", "a.c3d", "c3d"),
        (b"PathFileType\t4", "markers", "trc"),
        (b"#usda 1.0", "a.usda", "usd"),
        (b"Ogawa\xff", "a.abc", "abc"),
        (b"BLENDER-v300", "a.blend1", "blend"),
        (b'<?xml version="1.0"?><COLLADA', "a.dae", "dae"),
        (b"Vocaloid Motion Data 0002", "a.vmd", "vmd"),
        (b"Coordinates\nversion=1", "a.mot", "mot"),
        (b"\x80\x05\x95", "a.bin", "pkl"),
        (b"\x93NUMPY\x01\0", "a.txt", "npy"),
        (b"Rar!\x1a\x07", "a.zip", "rar"),
        (b"7z\xbc\xaf\x27\x1c", "a", "7z"),
        (b"%PDF-1.7", "a", "pdf"),
        (b"<!DOCTYPE html>\n<html>", "Walking.fbx", "html"),
        (b"\x89PNG\r\n", "film.webm", "picture"),
        (b"RIFF\0\0\0\0WEBPVP8", "a", "picture"),
        (b"RIFF\0\0\0\0WAVEfmt", "a", "sound"),
        (b"ID3\x03", "a.mp3", "sound"),
        (b"time,x,y\n", "joints.csv", "csv"),
    ],
)
def test_kinds_are_told_by_the_first_bytes_and_then_the_name(head, name, kind):
    assert sniff(head[:4096], name) == kind


@pytest.mark.parametrize("kind", _ELSEWHERE)
def test_what_is_not_read_is_named_with_what_would_be(tmp_path, kind):
    path = tmp_path / f"J\u00fcrgen walking.{kind}"
    path.write_bytes(b"\x01\x02\x03\x04\x05\x06\x07\x08")
    if kind not in ("picture", "sound"):  # which are no suffixes
        told = refusal(path)
        assert told.startswith(f"{path.name} is ")
        assert told.endswith(READ)
    with pytest.raises(ValueError, match=r"^x\.y is .*; .*\. Videos, BVH"):
        refuse(kind, "x.y")


def test_kinds_that_are_read_are_not_refused(tmp_path):
    for kind in (*MOTION, "video"):
        refuse(kind, "x.y")
    (tmp_path / "a.vrma").touch()
    assert look(tmp_path / "a.vrma") == "glb"
    with pytest.raises(ValueError, match="there is no file"):
        look(tmp_path)


def test_a_collada_says_what_to_do(tmp_path):
    path = tmp_path / "Walking.dae"
    path.write_bytes(b"<COLLADA>" + b" " * 100)
    told = r"^Walking\.dae is a Collada file; export its motion as BVH or GLB \(in Blender: File"
    with pytest.raises(ValueError, match=told):
        follow(path)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"plain", "utf-8-sig"),
        ("\u9aa8 \u5de6".encode(), "utf-8-sig"),
        ("\u9aa8".encode()[:2], "utf-8-sig"),  # cut off within a character
        ("\u9aa8 \u5de6".encode("cp932"), "cp932"),
        ("H\u00fcfte".encode("latin-1") + b"\xff", "latin-1"),
        ("a".encode("utf-16"), "utf-16"),
        ("ab".encode("utf-16-be"), "utf-16-be"),
        ("ab".encode("utf-16-le"), "utf-16-le"),
        (b"", "utf-8-sig"),
    ],
)
def test_how_a_text_is_written(data, name):
    assert encoding(data) == name
