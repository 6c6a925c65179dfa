"""Takes edited: a middle made between two sides, a section made anew, a loop closed by a bridge.

Middles are sampled several at once, going on from what is before them. The path of each is bent to
what comes after, and it is led to the first pose there as to a key pose, with the speed that goes
on; the one is kept that fits best and whose feet slide least. Sides stay byte for byte, unless what
comes after may stand elsewhere: then it is moved to where the middle leads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.body.features import contacts, facing
from core.body.moved import P, moved, posed
from core.body.rotations import (
    about_y,
    quat_continuous,
    quat_from_axis_angle,
    quat_inverse,
    quat_multiply,
    quat_rotate,
    quat_to_axis_angle,
    wrap,
)
from core.body.skeleton import ANKLES, FPS, TOES, forward
from core.body.take import Poses, PromptMark, Take
from core.motion.generate import MotionModel
from core.settings import CANDIDATES, MIDDLE, MOST_CANDIDATES, MotionSettings, check_prompt
from core.steering.keys import key_from_pose
from core.steering.limbs import Stance
from core.steering.pins import Pins
from core.steering.ramps import ease

SPARE = 8
"""Poses by which a middle may be shorter or longer where what comes after is moved."""
EASE = 12
"""Poses in which the last difference of speed goes."""
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
    return row[: min(ends, key=lambda end: _apart(row[end:], after)) + 2]


def _fit(before: Take, row: Poses, prompt: str, after: Take, *, stay: bool) -> tuple[float, Edited]:
    """Return what the sides look like with a middle that is two poses longer than it shall be, and
    how well it fits: the less, the better."""
    poses, first = len(row) - 2, after[:2]
    yaw = wrap(facing(first.joints)[0] - facing(row.joints)[poses])
    apart = _apart(row[poses:], first)
    bent = 0.0
    if not len(before):
        row = _put(row, poses, first)
        yaw = 0.0
    elif stay:
        row, bent = _bend(row, before, first, yaw)
    else:
        after, yaw = _put(after, 0, row[poses:]), 0.0
        first = after[:2]
    pins = Pins()
    if len(before):
        pins.pass_by(before[-8:])
    key = key_from_pose(first, 0, there=True).changed(at=poses / FPS)
    row = _speed_up(pins.push(row, 0, [key]), first)[:poses]
    edited = _edited(before, row, prompt, after, bent, float(np.degrees(yaw)))
    cost = SLIDE * bent / (poses / FPS) + TURN * abs(yaw) + APART * apart + edited.slide
    return cost, edited


def _bend(row: Poses, before: Take, first: Poses, yaw: float) -> tuple[Poses, float]:
    """Turn and shift a path, all along it, until it ends where the next side begins; return it and
    by how many meters."""
    poses = len(row) - 2
    root = np.concatenate([before.root[-1:], row.root]).astype(np.float64) * [1, 0, 1]
    steps = np.diff(root, axis=0)
    t = np.arange(1, len(row) + 1) / (poses + 1)
    rate = np.where(t < 1, 30 * t**2 * np.maximum(1 - t, 0) ** 2, 0)
    rate *= 0.3 + np.linalg.norm(steps, axis=1) * FPS  # the more, the faster it goes
    share = np.cumsum(rate) / rate[: poses + 1].sum()
    turn = yaw * share
    path = root[0] + np.cumsum(quat_rotate(about_y(turn), steps), axis=0)
    lacks = first.root[0] * [1, 0, 1] - path[poses]
    path += share[:, None] * lacks
    row = moved(row, path - quat_rotate(about_y(turn), row.root * [1, 0, 1]), turn)
    root, local = Stance().push(
        row.root.astype(np.float64),
        row.rotations.astype(np.float64),
        contacts(row.features),
        row.joints[:, ANKLES].astype(np.float64),
    )
    return _shown(row, root, local), float(np.linalg.norm(lacks))


def _speed_up(row: Poses, first: Poses) -> Poses:
    """Let a middle, two poses too long, come to the next side's first poses with their speed."""
    end = len(row) - 2
    goal, last = first.rotations.astype(np.float64), row.rotations[end:].astype(np.float64)
    turns = quat_to_axis_angle(quat_multiply(goal, quat_inverse(last))).reshape(2, -1)
    gap = np.concatenate([turns, first.root - row.root[end:]], axis=1)
    length = min(EASE, end)
    fade = ease(gap[0], gap[0] - gap[1], length + 1)[:0:-1]  # backwards in time, without the seam
    local, root = row.rotations.astype(np.float64), row.root.astype(np.float64)
    near = slice(end - length, end)
    turns = quat_from_axis_angle(fade[:, :-3].reshape(length, -1, 3))
    local[near] = quat_multiply(turns, local[near])
    root[near] += fade[:, -3:]
    return _shown(row, root, local)


def _shown(row: Poses, root: np.ndarray, local: np.ndarray) -> Poses:
    local = quat_continuous(local).astype(np.float32)
    root = root.astype(np.float32)
    return posed(row, root, local, forward(root, local)[0])


def _put(poses: P, number: int, there: Poses) -> P:
    """Return poses moved so that pose `number` stands and looks like the first one there."""
    yaw = facing(there.joints[:1])[0] - facing(poses.joints[number : number + 1])[0]
    root = quat_rotate(about_y(yaw), poses.root[number].astype(np.float64))
    return moved(poses, (there.root[0] - root) * [1, 0, 1], yaw)


def _apart(some: Poses, others: Poses) -> float:
    """Return how far apart (m) joints of two poses are, and where they will be a moment on."""
    seen = []
    for poses in (some, others):
        back = about_y(-facing(poses.joints[:1])[0])
        local = quat_rotate(back, poses.joints[:2] - poses.joints[:1, :1] * [1, 0, 1])
        seen.append(np.stack([local[0], local[0] + 2 * (local[1] - local[0])]))
    return float(np.linalg.norm(seen[0] - seen[1], axis=-1).mean())


def _slide(poses: Poses) -> float:
    """Return the mean speed (m/s) over the floor of toes that stand."""
    stand = contacts(poses.features)[:, 1::2]
    steps = np.diff(poses.joints[:, TOES][..., [0, 2]], axis=0)
    held = stand[1:] & stand[:-1]
    return float((np.linalg.norm(steps, axis=-1) * held).sum() / max(held.sum(), 1)) * FPS


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
    return Edited(take=take, start=start, end=end, bent=bent, turned=turned, slide=_slide(seam))
