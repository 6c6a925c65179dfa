"""All that makes a motion again, as a `.livestep.json` file: what was asked for, and when.

The same project on the same checkpoint streams the same poses. Prompts count poses, wishes the
readings of `Steer` (twice a block), since that is when a stream asks for them. Of wishes a file has
what changed; the first form of such files had all of them each time, and is read as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from core.body.mesh import BODIES
from core.settings import MotionSettings, Settings, check_prompt, one_of, within
from core.steering.files import MOST_BYTES, entries, parse
from core.steering.wishes import Steer, Wishes, changes

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


def remembered(history: Iterable[tuple[int, Wishes]]) -> tuple[Wished, ...]:
    """Return what a project says of a `Steer.history`."""
    return tuple(Wished(reading=reading, wishes=wishes) for reading, wishes in history)


def fitted(settings: MotionSettings, steps: int) -> MotionSettings:
    """Return a project's settings for a checkpoint that now takes so many steps of its own.

    Checkpoints come to take fewer: a larger stagger meant to answer fastest, which all steps do.
    """
    stagger = settings.stagger and min(settings.stagger, settings.steps or steps)
    return settings.changed(stagger=stagger)


class Project(Settings):
    """A motion to be made again."""

    livestep: Literal[2] = 2
    """Which form of such files it is."""
    checkpoint: Name
    settings: MotionSettings = MotionSettings()
    body: Annotated[str, one_of(BODIES)] = "neutral"
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
        values = self.model_dump(mode="json", exclude={"wishes"})
        values["wishes"] = changes((wished.reading, wished.wishes) for wished in self.wishes)
        text = json.dumps(values, indent=1) + "\n"
        if len(text) > MOST_BYTES:
            raise ValueError(f"a project has at most {MOST_BYTES:,} bytes; this one has more")
        return text


def read_project(text: str | bytes) -> Project:
    """Return the project that a file holds; raise ValueError where it holds none."""
    try:
        values = parse(text)
        version = values.get("livestep") if isinstance(values, dict) else None
        if version not in (1, 2) or version is True:
            raise ValueError('a project is a JSON object with "livestep": 2')
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
        lists["wishes"] = _whole(lists["wishes"])
        project = Project(**{**values, **lists, "livestep": 2})
        if project.prompts[-1].start >= project.poses:
            raise ValueError("its last prompt must begin before its last pose is made")
        return project
    except ValueError as error:
        raise ValueError(f"this is no project of Livestep: {error}") from None


def _whole(read: tuple[Wished, ...]) -> tuple[Wished, ...]:
    """Return all that was wished each time, of what a file says that changed."""
    whole, before = [], Wishes()
    for wished in read:
        new = {name: getattr(wished.wishes, name) for name in wished.wishes.model_fields_set}
        before = before.model_copy(update=new)
        whole.append(Wished(reading=wished.reading, wishes=before))
    return tuple(whole)
