"""What a stranger's file is, by its first bytes and then its suffix, in the page and elsewhere.

Kinds are words: "video" for whatever ffmpeg may know, those of `MOTION` for what is read here, and
those of `_ELSEWHERE` for what is not, each with what would be read in its place.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

HEAD = 4096
"""Bytes from which a kind is told."""
MOTION = ("bvh", "glb", "gltf", "fbx", "npz", "npy", "pt", "zip")
"""Kinds whose motion is read."""

_MAGIC = (
    ("glb", b"glTF"),
    ("video", b"\x1aE\xdf\xa3"),
    ("video", b"GIF8"),
    ("video", b"0&\xb2u"),  # Windows Media, whose suffix can be that of Acclaim's skeletons
    ("npy", b"\x93NUMPY"),
    ("fbx", b"Kaydara FBX"),
    ("fbx", b"; FBX"),
    ("blend", b"BLENDER"),
    ("usd", b"PXR-USDC"),
    ("usd", b"#usda"),
    ("abc", b"Ogawa"),
    ("vmd", b"Vocaloid Motion Data"),
    ("trc", b"PathFileType"),
    ("maya", b"//Maya"),
    ("pkl", b"\x80\x02"),
    ("pkl", b"\x80\x03"),
    ("pkl", b"\x80\x04"),
    ("pkl", b"\x80\x05"),
    ("rar", b"Rar!"),
    ("7z", b"7z\xbc\xaf"),
    ("gz", b"\x1f\x8b"),
    ("pdf", b"%PDF"),
    ("picture", b"\x89PNG"),
    ("picture", b"\xff\xd8\xff"),
    ("picture", b"II*\x00"),
    ("picture", b"MM\x00*"),
    ("sound", b"ID3"),
    ("sound", b"fLaC"),
)
_SUFFIXES = {
    "vrm": "glb",
    "vrma": "glb",
    "pth": "pt",
    "ckpt": "pt",
    "pickle": "pkl",
    **dict.fromkeys(("usda", "usdc", "usdz"), "usd"),
    **dict.fromkeys(("ma", "mb"), "maya"),
    **dict.fromkeys(("sto", "osim"), "mot"),
    **dict.fromkeys(("tgz", "tar", "bz2", "xz", "zst"), "gz"),
    **dict.fromkeys(("tsv", "xlsx"), "csv"),
    **dict.fromkeys(("yaml", "yml", "xml", "md"), "txt"),
    "htm": "html",
    **dict.fromkeys(("png", "jpg", "jpeg", "bmp", "tif", "tiff", "webp", "heic"), "picture"),
    **dict.fromkeys(("mp3", "wav", "flac", "m4a", "aac"), "sound"),
}
"""Where they are not their kind's word."""

_BLENDER = "export its motion as BVH or GLB (in Blender: File > Import, then File > Export)"
_PLAIN = "export the motion as BVH or GLB"
_UNPACK = "unpack it, or pack the motion file as a ZIP"
_ELSEWHERE = {
    "dae": ("a Collada file", _BLENDER),
    "usd": ("a USD scene", _BLENDER),
    "blend": ("a scene of Blender", "open it there and File > Export its motion as BVH or glTF"),
    "maya": ("a scene of Maya", _PLAIN),
    "max": ("a scene of 3ds Max", _PLAIN),
    "bip": ("a motion of 3ds Max's Biped", _PLAIN),
    "abc": ("an Alembic file, which holds surfaces without a skeleton", _PLAIN),
    "amc": ("a motion for a skeleton in another file (ASF/AMC)", "turn the two into a BVH"),
    "asf": ("a skeleton without its motion (ASF/AMC)", "turn the two into a BVH"),
    "c3d": ("a recording of markers", "export the skeleton that was solved from them as BVH"),
    "trc": ("a recording of markers", "export the skeleton that was solved from them as BVH"),
    "vmd": ("a motion of MikuMikuDance", "put it on its model and export that as BVH or GLB"),
    "pmx": ("a model of MikuMikuDance without a motion", _PLAIN),
    "mot": ("a file of OpenSim", "export the places of the joints, or a skeleton as BVH"),
    "pkl": ("a Python pickle, which can run programs", "write its arrays into an NPZ"),
    "bin": ("numbers without their description", "bring its .gltf with it, both in one ZIP"),
    "rar": ("a RAR archive", _UNPACK),
    "7z": ("a 7z archive", _UNPACK),
    "gz": ("a packed archive", _UNPACK),
    "json": ("a JSON file and no glTF", _PLAIN),
    "csv": ("a table", _PLAIN),
    "txt": ("a text", _PLAIN),
    "pdf": ("a PDF document", "bring a video or a motion file"),
    "html": ("a web page", "download the file itself: this may be the page around it"),
    "picture": ("a still picture", "a video of a person who moves is needed"),
    "sound": ("sound without pictures", "a video of a person who moves is needed"),
}
FULL = (errno.ENOSPC, errno.EDQUOT)
"""What a system says whose disk, or a user's part of it, is full."""
READ = "Videos, BVH, GLB, glTF, VRMA, FBX, NPZ and NPY are read."


def look(path: Path) -> str:
    """Return the kind of a file that is read; raise ValueError with a sentence for all others."""
    if not path.is_file():
        raise ValueError(f"there is no file {path.name}")
    with path.open("rb") as file:
        kind = sniff(file.read(HEAD), path.name)
    refuse(kind, path.name)
    return kind


def no_room(name: str) -> str:
    """Return what is said of a file where the disk is full."""
    return f"the server has no room to read {name} now; try again later"


@contextlib.contextmanager
def room_for(name: str) -> Iterator[None]:
    """Make that sentence of what a full disk raises."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise ValueError(no_room(name)) from error
        raise


def refuse(kind: str, name: str) -> None:
    """Raise ValueError, with what would be read in its place, where a kind is not read."""
    if kind in _ELSEWHERE:
        what, instead = _ELSEWHERE[kind]
        raise ValueError(f"{name} is {what}; {instead}. {READ}")


def sniff(head: bytes, name: str) -> str:
    """Return the kind of a file that begins with `head`; "video" for what is not known."""
    if kind := next((kind for kind, magic in _MAGIC if head.startswith(magic)), ""):
        return kind
    suffix = Path(name).suffix[1:].lower()
    told = _SUFFIXES.get(suffix, suffix)
    if head[:4] == b"PK\x03\x04":
        return _packed(head, told)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "video"
    if head[:4] == b"RIFF":
        return {b"WAVE": "sound", b"WEBP": "picture"}.get(head[8:12], "video")
    if kind := _text(head.decode(encoding(head), errors="replace")):
        return kind
    return told if told in MOTION or told in _ELSEWHERE else "video"


def encoding(head: bytes) -> str:
    """Guess how a text is written from how it begins."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if 0 in head[:2]:
        return "utf-16-le" if head[0] else "utf-16-be"
    for name in ("utf-8-sig", "cp932"):
        try:
            codecs.getincrementaldecoder(name)().decode(head)
        except UnicodeDecodeError:
            continue
        return name
    return "latin-1"


def _packed(head: bytes, told: str) -> str:
    """Tell archives apart by the name of their first file."""
    length = int.from_bytes(head[26:28], "little")
    first = head[30 : 30 + length].lower()
    if first.endswith(b".npy"):
        return "npz"
    if first.endswith((b"/data.pkl", b"/.format_version", b"/byteorder")):
        return "pt"
    if first.endswith((b".usd", b".usda", b".usdc")):
        return "usd"
    return told if told in ("npz", "csv") else "zip"


def _text(text: str) -> str:
    """Tell a kind of text by its beginning; "" for what is none."""
    if any(line.strip()[:9].upper() == "HIERARCHY" for line in text.splitlines()):
        return "bvh"
    text = text.lstrip().lower()
    if text.startswith("{") and '"asset"' in text:
        return "gltf"
    return "html" if text.startswith(("<!doctype html", "<html")) else ""
