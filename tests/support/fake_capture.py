"""Stand-ins for what follows videos: files that say what is in them, and a person made of sums."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from core.body.skeleton import FPS, INDEX
from core.body.take import Take
from core.capture.detector import Region
from core.capture.follow import Capture, adjust
from core.capture.follow import follow as really_follow
from core.capture.landmarks import NAMES, Landmarks
from core.capture.track import Track, TrackedFrame
from core.capture.video import VideoInfo
from core.settings import LENS, CaptureSettings

MAGIC = b"fake film "
SIZE = (640, 480)
FACE = {
    "nose": (0, 0.12),
    "eye_inner": (0.02, 0.1),
    "eye": (0.03, 0.1),
    "eye_outer": (0.04, 0.1),
    "ear": (0.07, 0.045),
    "mouth": (0.02, 0.11),
}


def fake_film(frames: int = 60, **about: Any) -> bytes:
    """A file for `FakeCaptures`: frames at 20 a second, and what else is said of it."""
    return MAGIC + json.dumps({"frames": frames, **about}).encode()


def landmarks(joints: np.ndarray) -> np.ndarray:
    """Points (T, 33, 3) on the skin of joints (T, 22, 3)."""
    points = []
    for name in NAMES:
        side, _, part = name.rpartition("_") if name.startswith("mouth") else name.partition("_")
        if name.startswith("mouth"):
            side, part = part, side
        if side == "nose":
            side, part = "left", "nose"
        sign = 1 if side == "left" else -1
        if part in FACE:
            across, ahead = FACE[part]
            points.append(joints[:, INDEX["head"]] + [sign * across, 0.02, ahead])
        elif part in ("pinky", "index", "thumb"):
            points.append(joints[:, INDEX[f"{side}_wrist"]] + [0.05 * sign, 0, 0])
        elif part == "heel":
            points.append(joints[:, INDEX[f"{side}_ankle"]] + [0, -0.05, -0.05])
        else:
            joint = "foot" if part == "foot_index" else part
            points.append(joints[:, INDEX[f"{side}_{joint}"]])
    return np.stack(points, axis=1)


def track_of(joints: np.ndarray, *, people: int = 1, unseen: range = range(0)) -> Track:
    """What a camera four meters ahead sees of joints (T, 22, 3) at 20 pictures a second."""
    marks = landmarks(joints) * [1, -1, -1] + [0, 1, 4]  # right, down, away
    pixels = marks[..., :2] / marks[..., 2:] * LENS * max(SIZE) + np.array(SIZE) / 2
    world = marks - marks[:, 23:25].mean(axis=1, keepdims=True)
    region = Region(320, 240, 400)
    tracked = tuple(
        TrackedFrame(
            i,
            region,
            Landmarks(np.full(2, 0.99), pixels[[i, i]], world[[i, i]], np.ones((2, 33)), region),
        )
        for i in range(len(joints))
        if i not in unseen
    )
    return Track(tracked, float(FPS), SIZE, len(joints), 1, people)


class FakeCaptures:
    """The part of the engine that takes motions out of files, and knows real ones."""

    def __init__(self) -> None:
        self.followed: list[dict[str, Any]] = []
        self.asked: list[Any] = []

    def walked(self, prompt: str, poses: int) -> Take:
        """A take of a body that follows a prompt."""
        raise NotImplementedError

    def follow(
        self,
        path: Path,
        *,
        settings: CaptureSettings | None = None,
        progress: Any = None,
        apart: bool = False,
    ) -> Capture:
        settings = settings or CaptureSettings()
        self.followed.append({"path": path, **dict(settings)})
        data = Path(path).read_bytes()
        if not data.startswith(MAGIC):
            return really_follow(path, settings, progress=progress, apart=apart)
        about = json.loads(data[len(MAGIC) :])
        frames, people = about["frames"], about.get("people", 1)
        for i in range(frames):
            time.sleep(about.get("cost", 0.001))
            if progress:
                progress((i + 1) / frames, f"{(i + 1) / FPS:.1f} s of the video seen")
        if "problem" in about:
            raise (RuntimeError if about.get("fault") else ValueError)(about["problem"])
        joints = self.walked("a person stands", frames).joints
        unseen = range(*about.get("unseen", (0, 0)))
        track = track_of(joints, people=people, unseen=unseen)
        video = VideoInfo(Path(path), FPS, FPS, frames / FPS, "fake")
        seen = self.walked("a person stands", 2)
        lacking = Capture(take=seen, kept=(0, 1), seconds=1, video=video, track=track)
        return adjust(lacking, tilt=settings.tilt, lens=settings.lens, turned=settings.turned)

    def adjust(self, capture: Capture, *, tilt: float, lens: float, turned: bool) -> Capture:
        return adjust(capture, tilt=tilt, lens=lens, turned=turned)

    def similar(self, what: Any, count: int, *, checkpoint: str | None) -> list[Any]:
        self.asked.append(what)
        words = what if isinstance(what, str) else "a person walks"
        made = self.walked(words, 2 * FPS)
        return [
            SimpleNamespace(
                id=f"cmu_{i:02d}",
                label=f"walk {i}",
                caption=f"{words}, number {i}",
                licence="CMU, free",
                pack="cmu",
                score=0.9 - 0.1 * i,
                seconds=made.seconds,
                mirrored=False,
                take=lambda: made,
            )
            for i in range(count)
        ]

    def manner(
        self, take: Take | None, prompt: str, *, weight: float, checkpoint: str | None
    ) -> Any:
        self.asked.append((len(take) if take else 0, prompt))
        matches = tuple(self.similar(prompt, 2, checkpoint=checkpoint))
        return SimpleNamespace(weight=weight, matches=matches)
