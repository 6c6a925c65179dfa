"""Takes edited: a middle made between two sides, a section made anew, a loop closed by a bridge.

Middles are sampled several at once, going on from what is before them. The path of each is bent to
what comes after, and it is led to the first pose there as to a key pose, with the speed that goes
on; the one is kept that fits best and whose feet slide least. Sides stay byte for byte, unless what
comes after may stand elsewhere: then it is moved to where the middle leads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.body.features import facing
from core.body.rotations import wrap
from core.body.skeleton import FPS
from core.body.take import Poses, PromptMark, Take
from core.motion import seams
from core.motion.generate import MotionModel
from core.settings import CANDIDATES, MIDDLE, MOST_CANDIDATES, MotionSettings, check_prompt
from core.steering.keys import key_from_pose
from core.steering.pins import Pins

SPARE = 8
"""Poses by which a middle may be shorter or longer where what comes after is moved."""
SLIDE, TURN, APART = 1.0, 0.2, 1.0
"""What a meter a second of bending, a radian and a meter between poses count beside a meter a
second of a foot that slides."""


@dataclass(frozen=True, kw_only=True)
class Edited:
    """A take after an edit, and what had to be done for it."""

    take: Take
    start: int
    """First pose of what was made."""
    end: int
    """The pose after it."""
    bent: float
    """Meters by which the middle missed the next side, and was bent onto it."""
    turned: float
    """Degrees likewise, to the left."""
    slide: float
    """Mean speed (m/s) of toes that stand in it."""


def between(
    model: MotionModel,
    before: Take,
    after: Take,
    prompt: str,
    poses: int,
    settings: MotionSettings,
    *,
    stay: bool = True,
    candidates: int = CANDIDATES,
) -> Edited:
    """Return two takes with a middle of so many poses; with `stay` both are where they were.

    Either may be empty. Raises ValueError for lengths and numbers out of range.
    """
    prompt = check_prompt(prompt)
    least, most = MIDDLE
    if not least * FPS <= poses <= most * FPS:
        told = f"{least:g} to {most:g} s, not {poses / FPS:g} s"
        raise ValueError(f"what is made lasts {told}; choose another length")
    if not 1 <= candidates <= MOST_CANDIDATES:
        raise ValueError(f"candidates must be in 1..{MOST_CANDIDATES}, got {candidates}")
    if not (len(before) or len(after)):
        raise ValueError("there is nothing before or after the middle; generate a motion instead")
    past = before if len(before) else None
    if not len(after):
        (made,) = model.middles(past, prompt, poses, settings)
        return _edited(before, made, prompt, after, 0.0, 0.0)
    spare = 0 if stay else min(SPARE, poses // 4)
    rows = model.middles(past, prompt, poses + spare + 2, settings, count=candidates)
    if spare:
        rows = [_likest(row, after, range(poses - spare, poses + spare + 1)) for row in rows]
    fits = (_fit(before, row, prompt, after, stay=stay) for row in rows)
    return min(fits, key=lambda fit: fit[0])[1]


def redo(
    model: MotionModel,
    take: Take,
    start: int,
    end: int,
    prompt: str,
    settings: MotionSettings,
    *,
    stay: bool = True,
    candidates: int = CANDIDATES,
) -> Edited:
    """Return a take whose poses start..end - 1 are made anew; see `between`."""
    start, end = max(start, 0), min(end, len(take))
    return between(
        model,
        _part(take, 0, start),
        _part(take, end, len(take)),
        prompt,
        end - start,
        settings,
        stay=stay,
        candidates=candidates,
    )


def bridge(
    model: MotionModel,
    take: Take,
    prompt: str,
    poses: int,
    settings: MotionSettings,
    *,
    stay: bool = False,
    candidates: int = CANDIDATES,
) -> Edited:
    """Return a take that loops: gone on with until it is in its first pose again.

    With `stay` it is back where it began, too. Its last pose is its first once more.
    """
    edited = between(
        model, take, _part(take, 0, 2), prompt, poses, settings, stay=stay, candidates=candidates
    )
    loop = edited.take.slice(0, edited.end + 1)
    turned = np.degrees(np.subtract(*facing(loop.joints[[-1, 0]])))
    seconds = (edited.end - edited.start) / FPS
    told = (
        f"{seconds:g} s made to lead back to the beginning; a round turns by {turned:.0f} degrees"
    )
    return replace(edited, take=replace(loop, info=loop.info | {"loop": told}))


def _part(take: Take, start: int, end: int) -> Take:
    """Return poses of a take, none where there are none."""
    if start < end:
        return take.slice(start, end)
    return replace(take, **vars(take[:0]), prompts=())


def _likest(row: Poses, after: Take, ends: range) -> Poses:
    """Return a middle, two poses too long, that ends at the moment most like what comes after."""
    return row[: min(ends, key=lambda end: seams.apart(row[end:], after)) + 2]


def _fit(before: Take, row: Poses, prompt: str, after: Take, *, stay: bool) -> tuple[float, Edited]:
    """Return what the sides look like with a middle that is two poses longer than it shall be, and
    how well it fits: the less, the better."""
    poses, first = len(row) - 2, after[:2]
    yaw = wrap(facing(first.joints)[0] - facing(row.joints)[poses])
    apart = seams.apart(row[poses:], first)
    bent = 0.0
    if not len(before):
        row = seams.put(row, poses, first)
        yaw = 0.0
    elif stay:
        row, bent = seams.bend(row, before, first, yaw)
    else:
        after, yaw = seams.put(after, 0, row[poses:]), 0.0
        first = after[:2]
    pins = Pins()
    if len(before):
        pins.pass_by(before[-8:])
    key = key_from_pose(first, 0, there=True).changed(at=poses / FPS)
    row = seams.speed_up(pins.push(row, 0, [key]), first)[:poses]
    edited = _edited(before, row, prompt, after, bent, float(np.degrees(yaw)))
    cost = SLIDE * bent / (poses / FPS) + TURN * abs(yaw) + APART * apart + edited.slide
    return cost, edited


def _edited(
    before: Take, middle: Poses, prompt: str, after: Take, bent: float, turned: float
) -> Edited:
    start, end = len(before), len(before) + len(middle)
    marks = [*before.prompts, PromptMark(start=start, text=prompt)]
    if len(after) and not (after.prompts and after.prompts[0].start == 0):
        marks.append(PromptMark(start=end, text=""))
    marks += [replace(mark, start=mark.start + end) for mark in after.prompts]
    side = before if len(before) else after
    told = f"{start / FPS:g} s to {end / FPS:g} s made for {prompt!r}"
    edits = "; ".join(filter(None, [side.info.get("edited"), told]))
    poses = Poses.concatenate([part for part in (before, middle, after) if len(part)])
    take = Take(**vars(poses), prompts=tuple(marks), info={**side.info, "edited": edits})
    seam = Poses.concatenate([before[-1:], middle, after[:1]])
    return Edited(
        take=take, start=start, end=end, bent=bent, turned=turned, slide=seams.slide(seam)
    )
