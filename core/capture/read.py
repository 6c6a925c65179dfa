"""Motion files of other programs: BVH, glTF, FBX, arrays (AMASS, SMPL, our own), a ZIP with one."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.body.rotations import quat_between, quat_continuous, quat_multiply, quat_rotate
from core.body.skeleton import ANKLES, FPS, HIPS, forward, local_rotations
from core.body.soles import heights
from core.capture import bundle, bvh, fbx, glb, npz
from core.capture.doubts import doubts
from core.capture.joint_maps import check_length
from core.capture.kinds import READ, look, room_for
from core.capture.matching import match as find_joints
from core.capture.retarget import Motion, retarget
from core.capture.source import MatchError, Skeleton, Source, drawn
from core.settings import CaptureSettings

MOST_BYTES = 64_000_000
LEAST_POSES = 10
MOST_DRAWN = 100.0
"""Meters from the pelvis at which a node is drawn, wherever beyond it is."""
SLOW = 0.35
"""A foot slower than this (m/s) stands."""
OFF_FLOOR = 0.03
"""Soles of standing feet may be this far (m) off a file's floor, or it is not their floor."""
NEAR, AHEAD = 0.3, np.cos(np.radians(30))
"""A motion that begins this near the origin (m) and this much ahead stays where it is."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a motion file holds, on our skeleton: 20 poses a second, on the floor, facing Z."""

    root: np.ndarray
    """(T, 3) float32, meters."""
    rotations: np.ndarray
    """Local, (T, 22, 4) float32, w x y z."""
    skeleton: Skeleton
    """The file's own."""
    rate: float
    """Poses a second in the file."""
    clips: tuple[str, ...] = ()
    """Animations that the file holds, where it can hold several."""
    clip: int = 0
    """Which of them this is."""
    notes: tuple[str, ...] = ()
    """Sentences for the visitor."""

    @property
    def joints(self) -> np.ndarray:
        """Joint positions (T, 22, 3) float32."""
        return forward(self.root, self.rotations)[0]


def read_motion(path: str | Path, settings: CaptureSettings | None = None) -> Reading:
    """Read a motion file.

    Raises ValueError with a sentence for files that are none of ours, too long or too short, and
    MatchError, which brings the skeleton, where its joints are not found.
    """
    path, settings = Path(path), settings or CaptureSettings()
    if not path.is_file():
        raise ValueError(f"there is no file {path.name}")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path.name} has more than {MOST_BYTES // 10**6} MB; cut out the part")
    with _named(path):
        return _reading(path, settings)


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let every sentence have the file's name and never its folder; a full disk gets one too."""

    def told(error: ValueError) -> str:
        sentence = str(error).replace(str(path), path.name)
        return sentence if path.name in sentence else f"{path.name} cannot be read: {sentence}"

    try:
        with room_for(path.name):
            yield
    except MatchError as error:
        raise MatchError(told(error), error.skeleton) from error
    except ValueError as error:
        raise ValueError(told(error)) from error


def _reading(path: Path, settings: CaptureSettings) -> Reading:
    source = _read(path, settings)
    check_length((len(source.positions) - 1) / source.rate)
    match = find_joints(source, settings.joint_map)
    motion = retarget(source, match)
    if len(motion.root) < LEAST_POSES:
        raise ValueError(f"{path.name} lasts {len(motion.root) / FPS:g} s; half a second is least")
    root, rotations = _placed(motion)
    if not (np.isfinite(root).all() and np.isfinite(rotations).all()):
        raise ValueError("its numbers are too large or too small for a body")
    with np.errstate(over="ignore", invalid="ignore"):  # of nodes that are none of ours
        if motion.frame is not None and source.rest is not None:  # a pose that a body can take
            places = source.rest @ motion.frame
        else:
            places = quat_rotate(motion.turn, source.positions[len(source.positions) // 2])
        places = places * motion.scale
    reading = Reading(
        root=root,
        rotations=rotations,
        skeleton=Skeleton(
            names=source.names,
            parents=source.parents,
            places=drawn(places, places[match.joints["pelvis"]], MOST_DRAWN),
            joints=match.joints,
            how=match.how,
        ),
        rate=source.stored_rate or source.rate,
        clips=source.clips,
        clip=source.clip,
        notes=(*motion.notes, *match.notes),
    )
    return replace(reading, notes=(*reading.notes, *doubts(reading.joints)))


def read_joints(
    path: str | Path, *, joint_map: str | Path | None = None, up: str | None = None
) -> np.ndarray:
    """Read a BVH file of one's own, however long, as joints (T, 22, 3) of our skeleton.

    `joint_map` and `up` (x, y or z) replace what names and posture say. Raises ValueError like
    `read_motion`.
    """
    with _named(Path(path)):
        source = bvh.read(path, bounded=False)
        motion = retarget(source, find_joints(source, joint_map), up=up)
        return forward(*_placed(motion))[0]


def _read(path: Path, settings: CaptureSettings, *, packed: bool = False) -> Source:
    """Read a file, `packed` being one out of a ZIP, which is no ZIP itself: they nest for ever."""
    match look(path):
        case "bvh":
            return bvh.read(path, rate=settings.rate)
        case "npz" | "npy" | "pt":
            return npz.read(path, settings.rate)
        case "glb" | "gltf":
            return glb.read(path, settings.clip)
        case "fbx":
            return fbx.read(path, settings.clip)
        case "zip" if packed:
            raise ValueError(f"{path.name} is a ZIP itself; pack the motion file alone")
        case "zip":
            with tempfile.TemporaryDirectory(prefix="livestep-") as folder:
                inner = bundle.unpack(path, Path(folder))
                try:
                    return _read(inner, settings, packed=True)
                except ValueError as error:
                    raise ValueError(f"in {path.name}, {error}") from error
    raise ValueError(f"{path.name} is no motion file; {READ}")


def _placed(motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """Put a motion on the floor; over the origin and facing Z, unless it nearly is."""
    root, world = motion.root.copy(), motion.world
    rest = local_rotations(world)
    joints = forward(root, rest)[0]
    floor = _standing_height(joints[:, ANKLES], world[:, ANKLES])
    if motion.floor is not None and abs(floor - motion.floor) < OFF_FLOOR:
        floor = motion.floor
    root[:, 1] -= floor
    across = joints[0, HIPS[0]] - joints[0, HIPS[1]]
    ahead = np.array([-across[2], 0.0, across[0]])
    ahead /= max(np.linalg.norm(ahead), 1e-9)
    if np.linalg.norm(root[0, [0, 2]]) > NEAR or ahead[2] < AHEAD:
        turn = quat_between(ahead, np.array([0.0, 0.0, 1.0]))
        root = quat_rotate(turn, root - root[0] * [1, 0, 1])
        rest[:, 0] = quat_multiply(turn, rest[:, 0])
    return root.astype(np.float32), quat_continuous(rest).astype(np.float32)


def _standing_height(ankles: np.ndarray, rotations: np.ndarray) -> float:
    """Height (m) of the floor under ankles (T, 2, 3) turned like this (T, 2, 4): where they stand.

    Most poses that stand do so on it; some sink a little.
    """
    low = heights(ankles, rotations)
    speed = np.linalg.norm(np.diff(ankles, axis=0), axis=-1) * FPS
    lower = low[1:].argmin(axis=1)[:, None]
    stands = np.take_along_axis(low[1:], lower, 1)[np.take_along_axis(speed, lower, 1) < SLOW]
    return float(np.percentile(stands, 5) if len(stands) else low.min())
