"""Files made of takes: what is offered, how they are called, who writes them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from app.exports.store import Order, Tell, Write
from app.live.replies import sentence
from core.body.mesh import BODIES
from core.body.take import Take
from core.settings import EXPORT_RATES, EXPORT_SUFFIXES, FILMS, ExportSettings

FORMATS = tuple(suffix[1:] for suffix in EXPORT_SUFFIXES)
MOST_FRAMES = {
    **dict.fromkeys(("bvh", "vrma", "npz"), 36_000),
    **dict.fromkeys(("glb", "fbx"), 18_000),
    "mp4": 1_800,
    "webp": 400,
}
"""Longest export by format; a picture takes some 50 ms of a core, a pose next to nothing."""


def check(take: Take, *, format: str, body: str, fps: int) -> None:
    """Raise ValueError, with a sentence, for an export that is not offered."""
    if format not in FORMATS:
        raise ValueError(f"The format must be one of {', '.join(FORMATS)}.")
    if body not in BODIES:
        raise ValueError(f"The body must be one of {', '.join(BODIES)}.")
    if fps not in EXPORT_RATES:
        raise ValueError(f"The frame rate must be one of {', '.join(map(str, EXPORT_RATES))}.")
    most = MOST_FRAMES[format]
    if take.seconds * fps > most:
        raise ValueError(
            f"{format.upper()} at {fps} frames a second can be {most // fps} s long at most, "
            f"this is {take.seconds:.0f} s. Select a shorter range or a lower rate."
        )


def order(take: Take, *, format: str, body: str, fps: int, **how: Any) -> Order:
    """Return a file's name, what writes it and a note; raise ValueError, with a sentence, for none.

    `how` are fields of ExportSettings.
    """
    from core.export.part import part  # late: brings SciPy with it

    settings = ExportSettings(**how)
    take = part(take, settings)
    check(take, format=format, body=body, fps=fps)
    whole = settings.changed(start=0.0, end=None, loop=False)
    note = f"The loop is {take.info['loop']}." if settings.loop else ""
    return f"{file_stem(take)}.{format}", writer(take, body=body, fps=fps, settings=whole), note


def remarked(wanted: Order, *remarks: str) -> Order:
    """Add to what is said of a file what its prompt or its video was not taken for."""
    name, write, note = wanted
    said = " ".join(filter(None, remarks))
    return name, write, " ".join(filter(None, (note, sentence(ValueError(said)) if said else "")))


def file_stem(take: Take, character: str = "") -> str:
    """A file name made of the visitor's file, or the first prompt, and of who moves in it, if not
    our body: only a-z, 0-9 and dashes."""
    prompt = take.prompts[0].text if take.prompts else ""
    text = Path(take.info.get("reference", "")).stem or prompt
    return "-".join(filter(None, ("livestep", _plain(character, 20), _plain(text, 40))))


def _plain(text: str, most: int) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    own = re.sub(r"^(livestep(-|$))+", "", plain)  # a file of ours that came back
    return own[:most].strip("-")


def writer(take: Take, *, body: str, fps: int, settings: ExportSettings) -> Write:
    """Return what writes the take to a path; films, which take longest, tell how far they are."""

    def write(path: Path, tell: Tell) -> None:
        from core.export import write  # late: brings the writers' libraries with it

        told = {"progress": tell} if path.suffix in FILMS else {}
        write(take, path, body=body, fps=fps, settings=settings, **told)

    return write
