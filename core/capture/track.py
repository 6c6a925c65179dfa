"""One person followed through a video: detect once, then let each frame say where to look next.

Where the person is lost, the detector looks again: somebody close to where they were is taken for
the same; only when nobody has been for a while does another become the person, and then a new
track begins. The longest track is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from core.capture.detector import Detector, Person, Region, closer
from core.capture.landmarks import HIPS, Landmarker, Landmarks
from core.capture.video import LEAST_SECONDS, VideoInfo, frames
from core.settings import CHECKPOINTS, POSE_THREADS

NETWORKS = CHECKPOINTS / "blazepose"
"""Folder of detector.onnx.gz and landmarks.onnx."""
SURE = 0.5
"""Lowest score of a region with a body in it."""
STEP, STEP_GAP = 0.25, 0.05
"""How far (body heights) a person may go from one frame to the next, and more for each lost one."""
SIZES = (0.6, 1.7)
"""How much larger the same person may look at once."""
PATIENCE = 0.5
"""Seconds without the person before somebody else is taken."""
SCENE, POSE = 0.08, 3.0
"""A picture that changes by more than SCENE (mean over all pixels, of 1), and a body whose points
move faster than POSE (mean, body heights a second) into it, are another scene. Neither is it by
itself: lights flash, and dancers are fast."""
LOOKS = 3
"""How often a second small people are looked for while there is nobody."""
LONGEST_GAP = 1.0
"""Seconds; what was not seen for longer is not guessed."""
ROOM, EDGE = 0.12, 0.5
"""Whoever walks in or out is left out while the hips are closer to the picture's side than this
(body heights): the network guesses what lies outside. For so many seconds at most."""

Progress = Callable[[float, str], None]
"""Told the share that is done, 0 to 1, and what is going on."""


@dataclass(frozen=True)
class TrackedFrame:
    """The person's landmarks in a frame, and where they were looked for."""

    index: int
    region: Region
    landmarks: Landmarks
    cut: bool = False
    """Whether another scene begins here."""


@dataclass(frozen=True)
class Track:
    """Frames with one person, at most LONGEST_GAP apart, and what the whole video had."""

    tracked: tuple[TrackedFrame, ...]
    rate: float
    """Frames a second."""
    size: tuple[int, int]
    """Width and height of the pictures that were looked at."""
    frames: int
    """Frames of the video."""
    tracks: int
    """How many tracks there were, this one being the longest."""
    people: int
    """How many people the detector saw in the frame where it began."""
    trimmed: int = 0
    """How many tracked frames were left out because the person was partly outside the picture."""


@dataclass(frozen=True)
class Candidates:
    """A frame early in a video with as many people as come into view, numbered from the left."""

    index: int
    frame: np.ndarray
    """The picture, (H, W, 3) uint8 RGB."""
    people: tuple[Person, ...]


def continues(a: Region, b: Region, gap: int) -> bool:
    """Whether the person at `a` can be at `b` after `gap` frames more than one."""
    height = a.side / 1.25
    step = np.hypot(b.x - a.x, b.y - a.y)
    return bool(step < (STEP + STEP_GAP * gap) * height and SIZES[0] < b.side / a.side < SIZES[1])


class PersonTracker:
    """Look for a person in frames that come one after the other.

    `start` is a frame and a region in it, where somebody was chosen.
    """

    def __init__(
        self,
        rate: float,
        start: tuple[int, Region] | None = None,
        threads: int = POSE_THREADS,
        networks: Path = NETWORKS,
    ) -> None:
        self._detector = Detector(networks / "detector.onnx.gz", threads)
        self._landmarker = Landmarker(networks / "landmarks.onnx", threads)
        self._rate, self._start = rate, start
        self._region: Region | None = None
        self._last: TrackedFrame | None = None
        self._picture: np.ndarray | None = None
        self._changed = False
        self.people = 0

    def look(self, index: int, frame: np.ndarray) -> TrackedFrame | None:
        """Return what is seen of the person in the next frame."""
        self._compare(frame)
        for _ in range(2):  # where to look is known, or else found out
            region = self._region or self._search(index, frame)
            if region is None:
                return None
            tracked, self._region = self._region is not None, None
            landmarks = self._landmarker.read(frame, region)
            if landmarks.scores.mean() >= SURE and _within(landmarks.next, frame):
                self._region = landmarks.next
                cut = self._changed and self._leaps(index, landmarks)
                self._changed = False
                self._last = TrackedFrame(index, region, landmarks, cut)
                return self._last
            if not tracked:
                return None
        return None

    def _compare(self, frame: np.ndarray) -> None:
        """Note whether much of the picture is another than it was a frame ago."""
        picture, before = frame[4::8, 4::8].astype(np.int16), self._picture
        self._picture = picture
        if before is not None and np.abs(picture - before).mean() > 255 * SCENE:
            self._changed = True

    def _leaps(self, index: int, now: Landmarks) -> bool:
        """Whether a body is elsewhere, or in another pose, all at once."""
        if self._last is None:
            return False
        before, seconds = self._last.landmarks, (index - self._last.index) / self._rate
        step = np.linalg.norm(now.pixels - before.pixels, axis=-1).mean()
        return bool(step > POSE * seconds * before.next.side / 1.25)

    def _search(self, index: int, frame: np.ndarray) -> Region | None:
        if self._last is None and self._start is not None and index <= self._start[0]:
            return self._start[1] if index == self._start[0] else None
        if self._last is None:
            return self._discover(index, frame)
        around = replace(self._last.region, side=2 * self._last.region.side, angle=0.0)
        people = self._detector.find(frame, [around])
        if not people:
            return None
        gap = index - self._last.index - 1
        near = [p.region for p in people if continues(self._last.region, p.region, gap)]
        if near:
            x, y = self._last.region.x, self._last.region.y
            return min(near, key=lambda region: np.hypot(region.x - x, region.y - y))
        return people[0].region if self._changed or gap > PATIENCE * self._rate else None

    def _discover(self, index: int, frame: np.ndarray) -> Region | None:
        """Where the first person is: the largest."""
        people = self._detector.find(frame)
        if people or index % max(1, round(self._rate / LOOKS)) == 0:
            people = self._detector.find(frame, closer(frame))
            self.people = len(people)
        return people[0].region if people else None


def _within(region: Region, frame: np.ndarray) -> bool:
    height, width = frame.shape[:2]
    inside = -0.2 * width < region.x < 1.2 * width and -0.2 * height < region.y < 1.2 * height
    return inside and region.side > 16


def networks_in(checkpoints: Path) -> Path:
    """Return a checkpoint folder's pose networks, or those that are shipped where it has none."""
    networks = checkpoints / NETWORKS.name
    return networks if networks.is_dir() else NETWORKS


def find_candidates(
    video: VideoInfo, threads: int = POSE_THREADS, networks: Path = NETWORKS
) -> Candidates:
    """Find the people between whom one may choose; raise ValueError where there is nobody."""
    detector = Detector(networks / "detector.onnx.gz", threads)
    best: Candidates | None = None
    until, every = np.inf, max(1, round(video.rate / 5))
    for index, frame in enumerate(frames(video)):
        if index > until:
            break
        if best is None or index % every == 0:
            people = sorted(detector.find(frame, closer(frame)), key=lambda p: p.region.x)
            if people and (best is None or len(people) > len(best.people)):
                until = min(until, index + video.rate)  # others may come into view within a second
                best = Candidates(index, frame, tuple(people))
    if best is None:
        raise ValueError(nobody(video.path.name))
    return best


def nobody(name: str) -> str:
    """What is said where nobody was found."""
    return f"no person was found in {name}; one who is seen from head to foot works best"


def follow_person(
    video: VideoInfo,
    *,
    person: int | None = None,
    threads: int = POSE_THREADS,
    networks: Path = NETWORKS,
    progress: Progress | None = None,
) -> Track:
    """Follow a person through a video, the largest or number `person` from the left.

    Raises ValueError where nobody is seen for long enough.
    """
    start, people = None, 0
    if person is not None:
        seen = find_candidates(video, threads, networks)
        people = len(seen.people)
        if not 1 <= person <= people:
            raise ValueError(
                f"person must be a number from 1 to {people}, counted from the left; got {person}"
            )
        start = seen.index, seen.people[person - 1].region
    tracker = PersonTracker(video.rate, start, threads, networks)
    tracked, size, index = [], (0, 0), -1
    expected = video.seconds * video.rate if video.seconds else None
    for index, frame in enumerate(frames(video)):
        size = frame.shape[1], frame.shape[0]
        if (found := tracker.look(index, frame)) is not None:
            tracked.append(found)
        if progress is not None:
            share = min(1.0, (index + 1) / expected) if expected else 0.5
            progress(share, f"{(index + 1) / video.rate:.1f} s of the video seen")
    name = video.path.name
    if not tracked:
        raise ValueError(nobody(name))
    tracks = list(_tracks(tracked, LONGEST_GAP * video.rate))
    most = max(tracks, key=len)
    longest = _trim(most, size, EDGE * video.rate)
    seconds = (longest[-1].index - longest[0].index + 1) / video.rate
    if seconds < LEAST_SECONDS:
        raise ValueError(
            f"a person was seen in {name} for {seconds:.2g} s at a time; {LEAST_SECONDS:g} s are"
            " the least"
        )
    return Track(
        tracked=tuple(longest),
        rate=video.rate,
        size=size,
        frames=index + 1,
        tracks=len(tracks),
        people=max(people, tracker.people),
        trimmed=len(most) - len(longest),
    )


def _tracks(tracked: list[TrackedFrame], most: float) -> Iterator[list[TrackedFrame]]:
    """Cut where the person cannot be the same, or was lost for more than `most` frames."""
    track = tracked[:1]
    for before, frame in pairwise(tracked):
        gap = frame.index - before.index - 1
        if frame.cut or gap > most or not continues(before.region, frame.region, gap):
            yield track
            track = []
        track.append(frame)
    yield track


def _trim(tracked: list[TrackedFrame], size: tuple[int, int], most: float) -> list[TrackedFrame]:
    """Leave out up to `most` frames at either end in which the person is partly outside."""
    hips = np.array([frame.landmarks.pixels[:, HIPS, 0].mean() for frame in tracked])
    heights = np.array([frame.region.side / 1.25 for frame in tracked])
    whole = np.minimum(hips, size[0] - hips) > ROOM * heights
    if not whole.any():
        return tracked
    start = next((i for i, seen in enumerate(whole) if seen or i >= most), 0)
    end = next((i for i, seen in enumerate(whole[::-1]) if seen or i >= most), 0)
    return tracked[start : len(tracked) - end]
