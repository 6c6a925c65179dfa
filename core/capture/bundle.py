"""The one motion file in a ZIP, with what belongs to it; measured before anything is unpacked."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath

from core.body.arrays import MOST_ENTRIES, count_entries
from core.capture.kinds import FULL, MOTION, READ, sniff

MOST_BYTES = 64_000_000
"""Of what is unpacked."""
MOST_TOLD = 5
"""Files that a sentence names."""
_DAMAGE = (*(zipfile.BadZipFile, zlib.error, UnicodeDecodeError), *(OSError, EOFError, MemoryError))


def unpack(path: Path, folder: Path) -> Path:
    """Unpack the motion file of a ZIP, and the .bin files beside a .gltf, into `folder`.

    Raises ValueError with a sentence where there is none or several, or too much of it, and OSError
    where the disk is full.
    """
    if count_entries(path) > MOST_ENTRIES:
        raise ValueError(f"{path.name} has more than {MOST_ENTRIES:,} files in it")
    try:
        with zipfile.ZipFile(path) as archive:
            wanted = _wanted(archive, path.name)
            size = sum(info.file_size for info in wanted)
            if size > MOST_BYTES:
                raise ValueError(
                    f"{path.name} has {size:,} bytes of motion in it; {MOST_BYTES:,} are the most"
                )
            for info in wanted:
                # NumPy and glTF know two ways of packing; others unpack without bounds
                if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise ValueError(f"{path.name} is packed in a way that is not known here")
                (folder / _name(info)).write_bytes(archive.read(info))
    except RuntimeError as error:  # NotImplementedError is one of them
        raise ValueError(
            f"{path.name} is locked by a password, or packed in a way that is not known here"
        ) from error
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        raise ValueError(f"{path.name} is a damaged ZIP") from error
    return folder / _name(wanted[0])


def _name(info: zipfile.ZipInfo) -> str:
    """What a file is called, without the folders that it is in."""
    return PurePosixPath(info.filename.replace("\\", "/")).name


def _kind(info: zipfile.ZipInfo) -> str:
    return sniff(b"", _name(info))


def _wanted(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """The motion file, and what it needs."""
    files = [
        info
        for info in archive.infolist()
        # macOS adds a shadow of each file
        if not (info.is_dir() or _name(info).startswith(".") or "__MACOSX" in info.filename)
    ]
    motions = [info for info in files if _kind(info) in {*MOTION} - {"zip"}]
    if len(motions) != 1:
        told = ", ".join(_name(info)[:60] for info in (motions or files)[:MOST_TOLD])
        told += ", ..." if len(motions or files) > MOST_TOLD else ""
        if motions:
            raise ValueError(f"{name} holds {len(motions)} motion files, {told}; pack one alone")
        raise ValueError(f"{name} holds no motion file, but {told or 'nothing'}. {READ}")
    (motion,) = motions
    if _kind(motion) != "gltf":
        return [motion]
    beside = PurePosixPath(motion.filename).parent
    numbers = [
        info
        for info in files
        if info.filename.lower().endswith(".bin") and PurePosixPath(info.filename).parent == beside
    ]
    return [motion, *numbers]
