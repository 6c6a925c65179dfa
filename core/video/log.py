"""The log of a stretch of play: everything that makes the same frames again, as a JSON file."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from core.config import Config

UPLOADED = -1
"""`start` of play that began from a picture which is not in the gallery."""


class PlayLog(Config):
    """Keys, seed and settings; a setting of None is the checkpoint's own."""

    world: str = ""
    """What was dreamt of, such as "blocks"."""
    checkpoint: str = ""
    """Which model; empty for the first one."""
    seed: int = 0
    start: int = 0
    """Number of the picture it began from, or UPLOADED."""
    steps: int | None = None
    context_noise: float | None = None
    ahead: int = -1
    """Frames drafted in idle time, -1 for as many as pay; changes no frame."""
    together: int = 1
    """Frames denoised jointly."""
    script: str
    """The keys; see `core.video.actions.parse_script`."""


def write_log(log: PlayLog, path: Path) -> None:
    """Write a log as JSON."""
    path.write_text(log.model_dump_json(indent=2) + "\n")


def read_log(path: Path) -> PlayLog:
    """Undo `write_log`; raise ValueError for a file that holds something else."""
    try:
        return PlayLog(**json.loads(path.read_text()))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{path} is not a log of play: {where}: {first['msg']}") from error
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError) as error:
        raise ValueError(f"{path} is not a log of play: {error}") from error
