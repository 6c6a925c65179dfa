"""Visitors' characters are read and written in a process of their own, see core.capture.apart."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

from core.body.take import Take
from core.capture.apart import MOST_WRITTEN, Tell, apart
from core.character.skins import SIMPLER
from core.settings import ExportSettings


def rig_apart(path: Path, *, progress: Tell | None = None) -> str:
    """Return what `rig_to_json` says of a file, as JSON; raise like `apart`."""
    return apart("core.character.apart:rig", path, {}, str, progress=progress, advice=SIMPLER)


def dress_apart(
    take: Take,
    path: Path,
    target: Path,
    *,
    fps: float,
    settings: ExportSettings,
    progress: Tell | None = None,
) -> bytes:
    """Have `write_character` write a take on the character of a file as `target`; return that.

    Raises like `apart`.
    """
    how = {"fps": fps, "settings": settings.model_dump(mode="json")}
    told = {"take": take, "target": str(target), **how}
    apart("core.character.apart:dress", path, told, bool, progress=progress, advice=SIMPLER)
    if target.is_symlink() or not target.is_file():  # by a process that a file has taken over
        raise ValueError(f"{path.name} is damaged in a way that its reader does not know")
    return target.read_bytes()


def rig(path: Path) -> str:
    """Return what is said of a character, where that does no harm."""
    from core.character.character import read_character
    from core.character.wire import rig_to_json

    return json.dumps(rig_to_json(read_character(path)), separators=(",", ":"), allow_nan=False)


def dress(path: Path, take: Take, target: str, fps: float, settings: dict[str, Any]) -> bool:
    """Write a take on a character, where that does no harm."""
    from core.character.character import read_character
    from core.character.export import write_character

    try:
        how = ExportSettings(**settings)
        write_character(take, target, read_character(path), fps=fps, settings=how)
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        most = f"{MOST_WRITTEN // 10**6} MB"
        raise ValueError(f"{path.name} has more than {most} with a motion in it") from error
    return True
