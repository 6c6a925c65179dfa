"""What a visitor's file became: a take that can be adjusted, go on, and be exported."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import numpy as np

from app.capture.uploads import Upload
from app.live.take_buffer import TakeBuffer
from app.protocol import Follow, Reference, SkeletonInfo, TakeInfo
from core.body.skeleton import FPS
from core.body.take import Take
from core.capture.joint_maps import spelled
from core.capture.source import Skeleton

LONGEST = 180
"""Seconds of a take with all that it went on by."""
THEIRS = 0
"""Id of the prompt that the file stands for; those of continuations count from 1."""


class CapturedTake:
    """A captured motion as a take that grows. Its visitor locks, but not to `cut`."""

    def __init__(self, upload: Upload, request: Follow, capture: Any) -> None:
        self.upload, self.request, self.capture = upload, request, capture
        self.number = 1 + secrets.randbits(31)
        self.buffer = TakeBuffer(keep_seconds=LONGEST + 60)
        self.legs: list[tuple[int, dict[str, str]]] = []
        """Where each continuation begins, and what exports say of a take that reaches there."""
        for chunk in capture.take.chunks():
            self.buffer.append(chunk, prompt=THEIRS, milliseconds=0)
        self.reference = self._describe()
        """What the page is told of it."""

    @property
    def end(self) -> int:
        """One past the newest pose."""
        return self.buffer.end

    def until(self, end: int) -> CapturedTake:
        """The same up to a pose, to go on from there in another way."""
        part = CapturedTake(self.upload, self.request, self.capture)
        part.buffer = self.buffer.until(end)
        part.reference = replace(part.reference, poses=min(part.reference.poses, end))
        part.legs = [leg for leg in self.legs if leg[0] < end]
        return part

    def cut(self, start: int, end: int) -> Take:
        """Poses start..end - 1 with where they came from; ValueError when there are none."""
        infos = [info for begin, info in self.legs if begin < end]
        return self.buffer.cut(start, end, (infos or [self.capture.take.info])[-1])

    def introduce(self) -> TakeInfo:
        """Say which take its poses belong to."""
        return TakeInfo(take=self.number, first=0, seed=0, checkpoint="")

    def _describe(self) -> Reference:
        """Say what the file was found to show."""
        found = self.capture
        read = {} if found.reading is None else reading_info(found.reading, self.request)
        return Reference(
            take=self.number,
            name=self.upload.path.name,
            kind=self.upload.kind,
            poses=len(found.take),
            seconds=found.seconds,
            kept=found.kept,
            gaps=list(found.gaps),
            notes=list(found.notes),
            people=found.track.people if found.track else 1,
            person=self.request.person,
            joint_map=self.request.joint_map,
            tilt=found.settings.tilt,
            lens=found.settings.lens,
            turned=found.settings.turned,
            **read,
        )


def reading_info(reading: Any, request: Follow) -> dict[str, Any]:
    """Say what a motion file holds besides its motion."""
    return {
        "rate": reading.rate,
        "rate_asked": request.rate is not None,
        "clips": list(reading.clips),
        "clip": reading.clip + 1,
        "skeleton": skeleton_info(reading.skeleton),
    }


def skeleton_info(skeleton: Skeleton) -> SkeletonInfo:
    """Say what the page shows of a skeleton."""
    places = skeleton.places.astype(float)
    if not skeleton.how:  # units are unknown
        places = 2 * places / max(np.ptp(places, axis=0).max(), 1e-9)
    return SkeletonInfo(
        names=spelled(skeleton.names, skeleton.parents),
        parents=list(skeleton.parents),
        places=[(x, y, z) for x, y, z in (places - places[0]).round(3).tolist()],
        joints={joint: int(node) for joint, node in skeleton.joints.items()},
        how=skeleton.how,
    )


def most_onward(start: int, seconds: float) -> int:
    """One past the last pose of a continuation; raise ValueError where the take gets too long."""
    end = start + max(round(seconds * FPS), 1)
    if end > LONGEST * FPS:
        raise ValueError(f"A take can be {LONGEST} seconds long at most.")
    return end
