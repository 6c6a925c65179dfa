"""All that makes a motion again, as a `.livestep.json` file: what was asked for, and when.

The same project on the same checkpoint streams the same poses. Prompts count poses, wishes the
readings of `Steer` (twice a block), since that is when a stream asks for them.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from core.settings import MotionSettings, Settings, check_prompt, within
from core.steering.files import MOST_BYTES, entries, parse
from core.steering.wishes import Steer, Wishes

SUFFIX = ".livestep.json"
MOST_POSES, MOST_PROMPTS, MOST_CHANGES = 72_000, 1000, 5000
MOST_NAME = 100


def _short(name: str) -> str:
    if not 0 < len(name) <= MOST_NAME or not name.isprintable():
        raise ValueError(f"names have 1 to {MOST_NAME} characters")
    return name


Name = Annotated[str, AfterValidator(_short)]
Count = Annotated[int, within(0, MOST_POSES)]


class Asked(Settings):
    """A prompt and the pose from which it holds."""

    start: Count
    text: Annotated[str, AfterValidator(check_prompt)]
    poses: Count | None = None
    """For how many its steps were planned; None where that was not known, as in a live take."""


class Wished(Settings):
    """Wishes and the reading from which they hold."""

    reading: Count
    wishes: Wishes


class Project(Settings):
    """A motion to be made again."""

    livestep: Literal[1] = 1
    """Which form of such files it is."""
    checkpoint: Name
    settings: MotionSettings = MotionSettings()
    body: Name = "neutral"
    poses: Annotated[int, within(1, MOST_POSES)]
    """How many were made."""
    prompts: tuple[Asked, ...]
    wishes: tuple[Wished, ...] = ()

    @property
    def steer(self) -> Steer:
        """Return one that wishes the same again."""
        return Steer(replay=[(wished.reading, wished.wishes) for wished in self.wishes])

    def dump(self) -> str:
        """Return the file's text; raise ValueError for one that could not be read again."""
        if len(self.prompts) > MOST_PROMPTS or len(self.wishes) > MOST_CHANGES:
            told = f"{MOST_PROMPTS:,} prompts and {MOST_CHANGES:,} wishes"
            raise ValueError(f"a project holds at most {told}; this motion has more")
        text = json.dumps(self.model_dump(mode="json"), indent=1) + "\n"
        if len(text) > MOST_BYTES:
            raise ValueError(f"a project has at most {MOST_BYTES:,} bytes; this one has more")
        return text


def read_project(text: str | bytes) -> Project:
    """Return the project that a file holds; raise ValueError where it holds none."""
    try:
        values = parse(text)
        version = values.get("livestep") if isinstance(values, dict) else None
        if version != 1 or version is True:
            raise ValueError('a project is a JSON object with "livestep": 1')
        lists: dict[str, Any] = {
            "prompts": entries(values.get("prompts"), Asked, "prompt", MOST_PROMPTS),
            "wishes": entries(values.get("wishes", []), Wished, "wish", MOST_CHANGES),
        }
        if not lists["prompts"] or lists["prompts"][0].start:
            raise ValueError("its first prompt must hold from pose 0")
        for told, starts in (
            ("prompts", [asked.start for asked in lists["prompts"]]),
            ("wishes", [wished.reading for wished in lists["wishes"]]),
        ):
            if starts != sorted(set(starts)):
                raise ValueError(f"its {told} must follow each other in time")
        return Project(**{**values, **lists})
    except ValueError as error:
        raise ValueError(f"this is no project of Livestep: {error}") from None
