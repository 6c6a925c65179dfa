"""The front: `follow("clip.mp4")` makes a motion of a file, whatever its kind.

A video is followed and lifted; a motion file is read. What is left to the visitor, tilt, lens and
whether the body was seen the wrong way round, is changed afterwards by `adjust` without looking at
the pictures again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.body.features import encode_all
from core.body.ik import PoseSolver
from core.body.skeleton import FPS, forward
from core.body.take import Take
from core.capture.apart import read_apart
from core.capture.kinds import MOTION, look
from core.capture.lift import Lifted, lift
from core.capture.read import Reading, read_motion
from core.capture.track import NETWORKS, Progress, Track, follow_person
from core.capture.video import VideoInfo, open_video
from core.settings import POSE_THREADS, CaptureSettings

CHOPPY = 12.0
"""A video with fewer pictures a second than this cannot show fast movements."""
STILL = 0.02
"""A body none of whose joints moves more than this (m) from its mean place is as good as still."""
LATE = 0.3
"""Seconds at either end that are worth a word when nobody was seen in them."""


@dataclass(frozen=True, kw_only=True)
class Capture:
    """A motion out of somebody's file, in the form of all others, and what to know of it."""

    take: Take
    """Poses for the page and for every export, 20 a second."""
    gaps: tuple[tuple[int, int], ...] = ()
    """Poses start..end - 1 that were not seen and are filled in."""
    kept: tuple[float, float]
    """From which second to which the poses are: pose i shows kept[0] + i / 20, counted from the
    file's first picture."""
    seconds: float
    """Length of the file."""
    notes: tuple[str, ...] = ()
    """Sentences for the visitor."""
    video: VideoInfo | None = None
    track: Track | None = None
    """What was seen of the person; None for motion files."""
    reading: Reading | None = None
    """What a motion file holds besides, its skeleton above all; None for videos."""
    settings: CaptureSettings = field(default_factory=CaptureSettings)
    """How a file was read, or a video's person lifted."""

    @property
    def joints(self) -> np.ndarray:
        """Joint positions (T, 22, 3) float32: meters, Y up, on the floor, facing Z at first."""
        return self.take.joints

    @property
    def features(self) -> np.ndarray:
        """The project's features (T, 263) float32."""
        return self.take.features


def follow(
    path: str | Path,
    settings: CaptureSettings | None = None,
    *,
    networks: Path = NETWORKS,
    threads: int = POSE_THREADS,
    progress: Progress | None = None,
    apart: bool = False,
) -> Capture:
    """Make a motion of a video of a person, or of a motion file, told apart by what is in them.

    `networks` is the folder of the pose networks. `progress` is told the share that is done; what
    it raises ends the work. With `apart` a motion file is read in a process of its own, within
    limits of time and memory, as befits files of strangers. Raises ValueError with a sentence for
    unfit files and missing networks.
    """
    path, settings = Path(path), settings or CaptureSettings()
    if look(path) in MOTION:
        if apart:
            reading = read_apart(path, settings, progress=progress)
        else:
            reading = read_motion(path, settings)
        return _of_file(reading, path.name, settings)
    video, person = open_video(path), settings.person
    track = follow_person(
        video, person=person, threads=threads, networks=networks, progress=progress
    )
    return _capture(video, track, settings, chosen=person is not None)


def _of_file(reading: Reading, name: str, settings: CaptureSettings) -> Capture:
    take = _take(reading.root, reading.rotations, {"reference": name})
    return Capture(
        take=take,
        kept=(0.0, take.seconds),
        seconds=take.seconds,
        notes=reading.notes,
        reading=reading,
        settings=settings,
    )


def adjust(
    capture: Capture,
    *,
    tilt: float | None = None,
    lens: float | None = None,
    turned: bool | None = None,
) -> Capture:
    """Lift a video's person anew; what is left out stays. Takes a fraction of a second."""
    if capture.video is None or capture.track is None:
        raise ValueError("tilt, lens and turning are for videos; a motion file has its own space")
    asked = {"tilt": tilt, "lens": lens, "turned": turned}
    given = {name: value for name, value in asked.items() if value is not None}
    settings = capture.settings.changed(**given)
    return _capture(capture.video, capture.track, settings, chosen=True)


def _capture(video: VideoInfo, track: Track, settings: CaptureSettings, *, chosen: bool) -> Capture:
    lifted = lift(track, settings)
    info = {
        "reference": video.path.name,
        "pose_network": "BlazePose GHUM full (Apache-2.0)",
        "tilt": f"{settings.tilt:g}",
        "lens": f"{settings.lens:g}",
    }
    take = make_take(lifted.joints, lifted.contacts, info)
    kept = lifted.start, lifted.start + (len(take) - 1) / FPS
    seconds = track.frames / track.rate
    notes = tuple(_notes(video, track, lifted, kept, seconds, chosen))
    return Capture(
        take=take,
        gaps=lifted.gaps,
        kept=kept,
        seconds=seconds,
        notes=notes,
        video=video,
        track=track,
        settings=settings,
    )


def make_take(joints: np.ndarray, contacts: np.ndarray, info: dict[str, str]) -> Take:
    """Solve joints (T, 22, 3) for rotations; feet that stand, of `contacts` (T, 4), do not slide.

    The take's joints are those of the solved body, so that page, exports and features agree.
    """
    return _take(*PoseSolver().push(joints, contacts > 0.5), info)


def _take(root: np.ndarray, rotations: np.ndarray, info: dict[str, str]) -> Take:
    solved, _ = forward(root, rotations)
    return Take(
        root=root,
        rotations=rotations,
        joints=solved,
        features=encode_all(solved),
        info={"checkpoint": "none", "licence": "that of the reference", **info},
    )


def _notes(
    video: VideoInfo,
    track: Track,
    lifted: Lifted,
    kept: tuple[float, float],
    seconds: float,
    chosen: bool,
) -> Iterator[str]:
    """Yield what the visitor should know."""
    if track.people > 1 and not chosen:
        yield (
            f"{track.people} people are in the picture; the largest was followed. Another can be"
            " chosen by number, counted from the left."
        )
    if track.tracks > 1:
        yield (
            f"The person was lost for long or another one came up; of {track.tracks} stretches"
            f" the longest is kept: {kept[0]:.1f} to {kept[1]:.1f} s of {seconds:.1f} s."
        )
    elif kept[0] > LATE or seconds - kept[1] > LATE:
        yield f"A person is seen from {kept[0]:.1f} to {kept[1]:.1f} s; only that is kept."
    if lifted.gaps:
        missing = sum(end - start for start, end in lifted.gaps) / FPS
        yield f"{missing:.2g} s in between were not seen and are filled in."
    if lifted.flipped:
        seen = len(track.tracked)
        yield f"Left and right were unclear in {lifted.flipped} of {seen} pictures and put right."
    if video.shown < CHOPPY:
        yield f"With {video.shown:g} pictures a second, fast movements cannot be seen."
    relative = lifted.joints - lifted.joints[:, :1]
    moves = np.linalg.norm(relative - relative.mean(axis=0), axis=-1).mean(axis=0)  # (22,)
    if moves.max() < STILL and _stays(lifted.joints):
        yield "Hardly anything moves in this video."


def _stays(joints: np.ndarray) -> bool:
    return bool(np.ptp(joints[:, 0], axis=0).max() < 5 * STILL)
