"""Batches of the frame transformer of a place: what is clean, what is known, what is to be drawn.

Some rows learn to draw each frame from its place alone; others after a clean beginning with a
little noise, as in play; and others after frames of another place, so that the place beats them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from core.diffusion import flow
from core.video.place import NOWHERE
from train.place.walks import Walk
from train.video import CONTEXT_NOISE, TIME_MEAN, TIME_STD

ALONE, MISLED = 0.3, 0.2
"""Shares of rows whose frames see themselves alone, and whose beginning is from another place."""
LOST = 0.1
"""Of the other rows, this share knows no place."""
FROM_NOISE, NEAR_NOISE = 0.5, (0.25, 0.2)
"""Share of frames to be drawn that start at t = 0, where play does, and share and time of those a
little later; the rest is logit-normal."""
JITTER = (1.0, 1.0, 0.3)
"""Largest deviation of the places of a clean beginning, in units and degrees."""


class Lesson(NamedTuple):
    """Rows of frames, in which those that are not clean are to be drawn."""

    data: Tensor
    """(B, T, P, C): what is to be drawn."""
    seen: Tensor
    """The same, but for clean frames of another place."""
    t: Tensor
    """(B, T): flow times."""
    actions: Tensor
    where: Tensor
    """(B, T, 3): the places, NOWHERE where they are not told."""
    clean: Tensor
    """(B, T): frames that are given."""
    alone: Tensor
    """(B, 1): rows in which no frame sees another."""


def draw_times(clean: Tensor) -> Tensor:
    """Return flow times (B, T): one for all clean frames of a row, one for each of the others."""
    rows, device = len(clean), clean.device
    t = torch.randn(clean.shape, device=device).mul(TIME_STD).add(TIME_MEAN).sigmoid()
    t = t.clamp(max=1 - CONTEXT_NOISE)
    kind, (share, near) = torch.rand(clean.shape, device=device), NEAR_NOISE
    t = torch.where(kind < FROM_NOISE + share, near, t)
    t = torch.where(kind < FROM_NOISE, flow.NOISE, t)
    level = flow.CLEAN - CONTEXT_NOISE * torch.rand(rows, 1, device=device)
    return torch.where(clean, level, t)


def lesson(walk: Walk) -> Lesson:
    """Make a lesson of walks."""
    data, actions, where = walk
    (rows, frames), device = data.shape[:2], data.device
    kind = torch.rand(rows, 1, device=device)
    alone, misled = kind < ALONE, kind > 1 - MISLED
    begun = torch.randint(1, frames, (rows, 1), device=device)
    clean = (torch.arange(frames, device=device) < begun) & ~alone
    seen = torch.where((misled & clean)[..., None, None], data.roll(1, 0), data)
    level = torch.tensor(JITTER, device=device) * torch.rand(rows, 1, 1, device=device)
    told = torch.where(clean[..., None], where + level * torch.randn_like(where), where)
    lost = ~alone & ~misled & (torch.rand(rows, 1, device=device) < LOST)
    told = torch.where(lost[..., None], NOWHERE, told)
    return Lesson(data, seen, draw_times(clean), actions, told, clean, alone)


def lessons(walks: Iterator[Walk]) -> Iterator[Lesson]:
    """Make lessons of walks for ever."""
    return map(lesson, walks)
