"""Reading motion arrays: NPZ, NPY and what torch.save wrote, by AMASS, SMPL-X, GVHMR, HY-Motion,
Kimodo, HumanML3D and ourselves. What an array is follows from its name and shape.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from core.body.arrays import Archive, open_array, open_arrays
from core.capture.array_kinds import (
    KIMODO,
    PLACES,
    PLAIN,
    ROTATIONS,
    UNNAMED,
    count_poses,
    read_kimodo,
    read_plain,
    read_smpl,
)
from core.capture.joint_maps import check_length
from core.capture.kinds import HEAD, sniff
from core.capture.source import Source
from core.capture.torch_file import open_tensors
from core.settings import MOTION_RATES

MOST_BYTES = 256_000_000
"""Of the arrays that are of use, when unpacked."""
RATES = ("mocap_frame_rate", "mocap_framerate", "frame_rate", "framerate", "fps")
MOTION = (*(name for names in ROTATIONS for name in names), *PLACES, *KIMODO, *PLAIN)


def read(path: str | Path, rate: float | None = None) -> Source:
    """Read a file; `rate` is poses a second, against what it says or where it says nothing.

    Raises ValueError with a sentence about the file's name for what is damaged, too long or none.
    """
    path = Path(path)
    try:
        with _open(path, MOTION if rate else (*MOTION, *RATES)) as archive:
            return _source(archive, rate)
    except ValueError as error:
        told = str(error)
        told = told[2:] if told.startswith("it ") else f": {told}"
        raise ValueError(path.name + told) from error


def _open(path: Path, names: tuple[str, ...]) -> AbstractContextManager[Archive]:
    """Open any of the kinds by what is in the file."""
    with path.open("rb") as file:
        kind = sniff(file.read(HEAD), path.name)
    if kind == "npy":
        return open_array(path, UNNAMED, most_bytes=MOST_BYTES)
    if kind == "pt":
        return open_tensors(path, names, most_bytes=MOST_BYTES)
    return open_arrays(path, names, most_bytes=MOST_BYTES)


def _source(archive: Archive, rate: float | None) -> Source:
    shapes = archive.shapes
    spellings = [names for names in ROTATIONS if shapes.keys() >= set(names)]
    plain = [name for name in PLAIN if name in shapes]
    usual = 30.0 if spellings or KIMODO[0] in shapes else 20.0
    told = rate or _rate(archive)
    poses = max((count_poses(shapes[name]) for name in MOTION if name in shapes), default=0)
    check_length(poses / (told or usual), poses)
    if KIMODO[0] in shapes:
        found = read_kimodo(archive)
    elif spellings:
        found = read_smpl(archive, spellings[0])
    elif plain:
        found = read_plain(archive, plain[0])
    else:
        names = [f"`{name[:40]}`" for name in archive.names if name.isprintable()][:8]
        raise ValueError(
            "it holds neither `poses` of SMPL, as AMASS has them, nor `joints` (T, 22, 3)"
            + (f"; it has {', '.join(names)}" if names else "")
        )
    if told:
        return replace(found, rate=told)
    note = (
        f"The file does not tell its frame rate: {usual:g} poses a second are assumed. Where it"
        " moves too fast or too slowly, say how many they are."
    )
    return replace(found, rate=usual, notes=(*found.notes, note))


def _rate(archive: Archive) -> float | None:
    told = (archive.read(n).reshape(-1) for n in RATES if n in archive.shapes)
    rate = next((float(rates[0]) for rates in told if rates.size), None)
    least, most = MOTION_RATES
    if rate is not None and not least <= rate <= most:
        raise ValueError(f"it says that it has {rate:g} poses a second; {least} to {most} can be")
    return rate
