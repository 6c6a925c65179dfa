"""The log of a stretch of play: everything that makes the same frames again, as a JSON file."""

from __future__ import annotations

import base64
import binascii
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field, ValidationError, model_validator
from typing_extensions import Self

from core.config import Config
from core.settings import AUTO, WorldSettings

if TYPE_CHECKING:
    from core.video.dream import Dream

UPLOADED = -1
"""`start` of play that began from a picture which is not in the gallery."""
MOST_SCRIPT = 2000
"""Characters of the keys that a film's metadata repeat."""


def _unset(value: float | None) -> bool:
    return value is None


def check_whole_place(x: float | None, y: float | None, degrees: float | None) -> None:
    """Raise ValueError for half a place."""
    if (x is None) != (y is None) or (degrees is not None and x is None):
        raise ValueError("a place is x and y, with a heading in degrees or without")


class Change(Config):
    """What was changed during play, just before this frame was made; None = kept."""

    frame: int
    steps: int | None = None
    context_noise: float | None = None
    together: int | None = None
    # logs of worlds without a place hold no word of places
    x: float | None = Field(default=None, exclude_if=_unset)
    """Where somebody stood from then on, in the world's units; see `Dream.stand`."""
    y: float | None = Field(default=None, exclude_if=_unset)
    degrees: float | None = Field(default=None, exclude_if=_unset)

    @model_validator(mode="after")
    def _whole_place(self) -> Self:
        check_whole_place(self.x, self.y, self.degrees)
        return self

    @property
    def place(self) -> tuple[float, float, float | None] | None:
        """Arguments of `Dream.stand`; None where the place is kept."""
        return None if self.x is None or self.y is None else (self.x, self.y, self.degrees)

    def make(self, dream: Dream) -> None:
        """Change a world that is about to make the frame.

        Raises ValueError and changes nothing where that cannot be.
        """
        if self.place is not None:
            dream.check_place(*self.place)
        dream.tune(steps=self.steps, context_noise=self.context_noise, together=self.together)
        if self.place is not None:
            dream.stand(*self.place)


class PlayLog(Config):
    """Keys, seed and settings; a setting of None is the checkpoint's own."""

    world: str = ""
    """What was dreamt of, such as "blocks"."""
    checkpoint: str = ""
    """Which model; empty for the first one."""
    seed: int = 0
    start: int = 0
    """Number of the picture it began from, or UPLOADED."""
    picture: str = ""
    """That picture where it was UPLOADED: a PNG in base64."""
    steps: int | None = None
    context_noise: float | None = None
    ahead: int = AUTO
    """Frames drafted in idle time; changes no frame."""
    together: int = 1
    """Frames denoised jointly."""
    changes: tuple[Change, ...] = ()
    script: str
    """The keys; see `core.video.actions.parse_script`."""

    @property
    def settings(self) -> WorldSettings:
        """What it was played with; raise ValueError for a value out of range."""
        names = WorldSettings.model_fields
        return WorldSettings(**{name: value for name, value in self if name in names})


def to_text(png: bytes) -> str:
    """Return a PNG as a log holds it."""
    return base64.b64encode(png).decode()


def picture_of(log: PlayLog) -> np.ndarray:
    """Return the uploaded picture (H, W, 3) uint8 of a log; raise ValueError where it has none."""
    from PIL import Image, UnidentifiedImageError

    if not log.picture:
        raise ValueError(f"start {UPLOADED} is an uploaded picture, and the log holds none")
    try:
        with Image.open(io.BytesIO(base64.b64decode(log.picture, validate=True))) as image:
            return np.asarray(image.convert("RGB"))
    except (binascii.Error, UnidentifiedImageError) as error:
        raise ValueError(f"the picture in the log cannot be read: {error}") from error


def describe(log: PlayLog, card: dict[str, Any]) -> dict[str, str]:
    """Say in a film where it comes from; `card` is `Engine.world_card` of its checkpoint."""
    settings = {"steps": log.steps, "context_noise": log.context_noise}
    script = log.script
    return {
        "generator": "Livestep",
        "checkpoint": log.checkpoint,
        "licence": str(card["licence"]),
        "data": str(card["data"]),
        "seed": str(log.seed),
        "start": str(log.start),
        **{name: "default" if value is None else f"{value:g}" for name, value in settings.items()},
        "together": str(log.together),
        "keys": script if len(script) <= MOST_SCRIPT else f"{script[:MOST_SCRIPT]}...",
    }


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
        said = first.get("ctx", {}).get("error", first["msg"])
        raise ValueError(f"{path} is not a log of play: {where}: {said}") from error
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is not a log of play: {error}") from error
