"""What a body is told of path and poses to see whether it obeys, and the streams that it makes.

Way-points are drawn, drives are scripted, keys and aims are taken from recordings by looking ahead.
A run is told in one script and judged by it, even where the stream was given another or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from benchmarks.motion_items import Item
from benchmarks.probes import Streams
from core.body.skeleton import FPS
from core.body.take import PoseChunk, Take
from core.motion.decode import perform
from core.steering.keys import key_of, placed
from core.steering.wishes import Drive, KeyPose, Steer, Waypoint, Wishes

GAITS = {"a person walks forward": (0.8, 1.4), "a person runs forward": (2.0, 3.0)}
"""Prompts of way-points, and the speeds (m/s) that their times are made for."""
APART, SHARPEST = (1.0, 3.0), 120.0
"""Meters between two way-points, and degrees that the way turns at one at most."""
TURNING = 120.0
"""Degrees a second that a turn adds to a way-point's time."""
GETTING_GOING = 0.6
"""Seconds that the first way-point has more."""
LATE = 1.5
"""Seconds that a stream goes on after its last way-point's time, which may be put off."""
PAST = 30
"""Poses of a recording that a stream goes on from."""
AHEAD = (1, 2, 4, 8)
"""Seconds after those at which a recording's own place is wanted."""
EVENT, DRIVEN = 60, 120
"""Pose at which another drive is wanted, and poses of such a stream."""
WALK, RUN = 1.4, 2.8
"""Meters a second that keys ask for."""
DRIVES: dict[str, tuple[str, tuple[float, float], tuple[float, float]]] = {
    "start": ("a person walks", (0, 0), (0, WALK)),
    "stop": ("a person walks", (0, WALK), (0, 0)),
    "turn_90": ("a person walks", (0, WALK), (WALK, 0)),
    "turn_180": ("a person walks", (0, WALK), (0, -WALK)),
    "faster": ("a person runs", (0, WALK), (0, RUN)),
}
"""Prompts, and velocities (x, z) wanted before and after the event."""
STROLL = 0.8
"""Meters a second of who does not look where the way leads."""
ASIDE: tuple[tuple[float, float], ...] = (
    (STROLL, 0),
    (-STROLL, 0),
    (0, -STROLL),
    (0.7 * STROLL, 0.7 * STROLL),
)
"""Velocities (x, z) of a body that goes on looking along Z."""
SPINS = (90.0, -90.0, 180.0)
"""Degrees to which a standing body turns."""
HANDS = ("left_hand", "right_hand")

Script = tuple[tuple[int, Wishes], ...]
"""Wishes and the pose from which they hold, by time."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One stream: what is asked for in words and in wishes."""

    prompt: str
    script: Script
    poses: int
    """Of the whole take, those that it goes on from included."""
    seed: int
    after: Take | None = None

    @property
    def wishes(self) -> Wishes:
        """What is wanted at the end."""
        return self.script[-1][1]


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a stream made, from the take's first pose on."""

    joints: np.ndarray
    """(T, 22, 3), those of the take that it went on from in front."""
    features: np.ndarray
    """(T', 263), of what was made only."""
    events: tuple[int, ...]
    """Poses that there were when each part of the script was told."""
    put_off: dict[Waypoint | KeyPose, float]
    """Wishes whose time the stream says has come, and when it came: later where none could be."""


def told(
    engine: Streams, run: Run, checkpoint: str, script: Script | None, **options: Any
) -> tuple[list[PoseChunk], tuple[int, ...], Steer]:
    """Make a run, told in a script, its own or another; None for no wishes at all.

    Returns its chunks, how many poses there were when each part of the script was told, and what
    the stream read its wishes from.
    """
    made = 0
    if run.after is not None:
        options["after"], made = run.after, len(run.after)
    parts = iter(script or ())
    steer, chunks, events = Steer(), [], []
    if script:
        steer.wishes = next(parts)[1]
        options["steer"] = steer
        events.append(0)
    pending = next(parts, None)
    for chunk in engine.motion(repeat(run.prompt), checkpoint=checkpoint, seed=run.seed, **options):
        chunks.append(chunk.until(run.poses))
        made += len(chunk)
        if made >= run.poses:
            break
        if pending and made >= pending[0]:
            steer.wishes, pending = pending[1], next(parts, None)
            events.append(made)
    return chunks, tuple(events), steer


def stream(engine: Streams, run: Run, checkpoint: str, script: Script | None) -> Made:
    """Make a run as `told` does and join what it made."""
    chunks, events, steer = told(engine, run, checkpoint, script)
    past = [] if run.after is None else [run.after.joints]
    return Made(
        joints=np.concatenate([*past, *(chunk.joints for chunk in chunks)]),
        features=np.concatenate([chunk.features for chunk in chunks]),
        events=events,
        put_off={met.wish: met.at for met in getattr(steer, "report", ())},
    )


def shuffled(runs: Sequence[Run]) -> list[Script]:
    """Return the script of another run for each: about half a turn through them."""
    shift = len(runs) // 2 | 1  # odd: drives come in fives
    return [runs[(i + shift) % len(runs)].script for i in range(len(runs))]


def drawn_path(rng: np.random.Generator, prompt: str, points: int, seed: int) -> Run:
    """A run past so many way-points, half of which say where to look."""
    place, way, at, found = np.zeros(2), 0.0, GETTING_GOING, []
    for _ in range(points):
        turn, length = rng.uniform(-SHARPEST, SHARPEST), rng.uniform(*APART)
        way += turn
        place = place + length * np.array([np.sin(np.radians(way)), np.cos(np.radians(way))])
        at += length / rng.uniform(*GAITS[prompt]) + abs(turn) / TURNING
        facing = (way + 180) % 360 - 180 if rng.random() < 0.5 else None
        found.append(Waypoint(place=tuple(place.tolist()), at=at, facing=facing))
    poses = round((at + LATE) * FPS)
    wishes = Wishes(waypoints=tuple(found))
    return Run(prompt=prompt, script=((0, wishes),), poses=poses, seed=seed)


def paths(rng: np.random.Generator, count: int, points: int = 4) -> list[Run]:
    """Draw runs past way-points, walking and running in turn."""
    prompts = list(GAITS)
    return [drawn_path(rng, prompts[i % len(prompts)], points, i) for i in range(count)]


def drives(seeds: Sequence[int]) -> list[Run]:
    """Every change of keys with each of the seeds."""
    return [
        Run(
            prompt=prompt,
            script=(
                (0, Wishes(drive=Drive(velocity=before))),
                (EVENT, Wishes(drive=Drive(velocity=then))),
            ),
            poses=DRIVEN,
            seed=seed,
        )
        for seed in seeds
        for prompt, before, then in DRIVES.values()
    ]


def faced(seeds: Sequence[int], wanted: Sequence[Drive]) -> list[Run]:
    """Every drive of a body that stood and looked along Z before, with each of the seeds."""
    stands = Wishes(drive=Drive(velocity=(0, 0), facing=0))
    return [
        Run(
            prompt="a person walks",
            script=((0, stands), (EVENT, Wishes(drive=drive))),
            poses=DRIVEN + EVENT,
            seed=seed,
        )
        for seed in seeds
        for drive in wanted
    ]


def asides(seeds: Sequence[int]) -> list[Run]:
    """Every way to go without looking there."""
    return faced(seeds, [Drive(velocity=velocity, facing=0) for velocity in ASIDE])


def spins(seeds: Sequence[int]) -> list[Run]:
    """Every turn on the spot."""
    return faced(seeds, [Drive(velocity=(0, 0), facing=facing) for facing in SPINS])


def wandering(rng: np.random.Generator, seconds: float) -> Run:
    """A long drive that asks for another way every three seconds."""
    way, script = 0.0, []
    for pose in range(0, round(seconds * FPS), EVENT):
        way += rng.uniform(-SHARPEST, SHARPEST)
        velocity = (WALK * np.sin(np.radians(way)), WALK * np.cos(np.radians(way)))
        script.append((pose, Wishes(drive=Drive(velocity=velocity))))
    return Run(prompt="a person walks", script=tuple(script), poses=round(seconds * FPS), seed=0)


def from_recording(item: Item, wishes: Wishes, poses: int, seed: int) -> Run:
    """A run that goes on from the first poses of a recording, under its own caption."""
    after = perform(item.features[:PAST], (), {})
    return Run(prompt=item.caption, script=((0, wishes),), poses=poses, seed=seed, after=after)


def aimed(item: Item, seed: int) -> Run:
    """A run to the places where the recording itself gets to."""
    joints = item.joints
    poses = [PAST + s * FPS for s in AHEAD if PAST + s * FPS < len(joints)]
    points = tuple(Waypoint(place=_place(joints[p]), at=p / FPS) for p in poses)
    return from_recording(item, Wishes(waypoints=points), len(joints), seed)


def keyed(item: Item, seed: int, parts: tuple[str, ...] = ("body",)) -> Run:
    """A run to the pose that the recording has one second or two after its beginning."""
    joints = item.joints
    pose = min(PAST + (1 + seed % 2) * FPS, len(joints) - 1)
    wishes = Wishes(keys=(key_pose(joints[pose], pose, parts),))
    return from_recording(item, wishes, min(pose + FPS // 2, len(joints)), seed)


def bridged(item: Item, gap: int, seed: int) -> Run:
    """A run over so many seconds to two poses in a row: where the recording goes on, and how."""
    joints, end = item.joints, PAST + gap * FPS
    keys = tuple(key_pose(joints[pose], pose) for pose in (end, end + 1))
    return from_recording(item, Wishes(keys=keys), end + 2, seed)


def key_pose(joints: np.ndarray, pose: int, parts: tuple[str, ...] = ("body",)) -> KeyPose:
    """Make a wish of joints (22, 3) in the world."""
    return key_of(joints.astype(np.float64), pose / FPS, parts, there=True)


def key_joints(key: KeyPose) -> np.ndarray:
    """Return the joints (22, 3) of a wish in the world; one without place or facing is refused."""
    if key.place is None or key.facing is None:
        raise ValueError("a key pose without place and facing is nowhere in the world")
    return placed(key, np.zeros(3), 0.0)


def _place(joints: np.ndarray) -> tuple[float, float]:
    return float(joints[0, 0]), float(joints[0, 2])
