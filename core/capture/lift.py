"""A person's landmarks in a video -> 22 joints in the world, 20 poses a second.

Smoothing runs forwards and backwards, so nothing lags behind the video. What one camera cannot know
is guessed and can be corrected: `tilt`, how far the camera looks down beyond the guess, and `lens`,
its focal length, on which the distance walked to and fro depends. The camera is a pinhole; its axes
are right, down, away.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.body.rotations import (
    normalize,
    quat_between,
    quat_from_axis_angle,
    quat_multiply,
    quat_rotate,
)
from core.body.skeleton import FPS, INDEX, LEG
from core.capture.flips import resolve_flips, turn
from core.capture.ground import place_on_floor
from core.capture.joints import SIDES, landmarks_to_joints, leg_length, middle, point
from core.capture.landmarks import HIPS, POINT
from core.capture.resample import resample
from core.capture.track import Track
from core.settings import CaptureSettings

FOOT_POINTS = [
    POINT[f"{side}_{part}"] for side in ("left", "right") for part in ("heel", "foot_index")
]
CUT, DEPTH_CUT, STEADY_CUT = 4.5, 1.2, 0.7
"""Frequencies (Hz) above which movement, and movement to and fro, is taken for noise; the last one
where noise would pass for a jump."""
NEAREST = 0.3
"""Meters; nobody is seen from head to foot from closer."""
STRAIGHT = 0.94
"""Cosine of the most that a leg or the hips may bend in a body that tells what is upright."""
STEEPEST = np.radians(35)
"""A camera that looks up or down, or leans, by more is not believed."""
LEANING = np.radians(2)
"""How far back bodies seem to lean, in the mean of rendered ones."""
ROLL_DOUBT = np.radians(6)
"""A roll of this size is half believed: cameras are mostly held level."""
FACING_SECONDS = 0.7
"""How long at the start the heading is averaged."""


@dataclass(frozen=True)
class Lifted:
    """A motion, and where it is from."""

    joints: np.ndarray
    """Joints in the world, (T, 22, 3) float32: meters, Y up, on the floor, facing Z at first."""
    contacts: np.ndarray
    """How sure each of FOOT_POINTS stands, (T, 4)."""
    gaps: tuple[tuple[int, int], ...]
    """Poses start..end - 1 that were not seen and are filled in."""
    start: float
    """Second of the video at which the first pose is."""
    flipped: int
    """Frames of which left and right were put right."""


def lowpass(values: np.ndarray, rate: float, cut: float) -> np.ndarray:
    """Smooth (T, ...) at `rate` a second without delay (Butterworth, second order, both ways)."""
    from scipy.signal import butter, sosfiltfilt

    cut = min(cut, 0.4 * rate)
    sections = butter(2, cut, fs=rate, output="sos")
    pad = min(len(values) - 1, int(3 * rate / cut))
    return sosfiltfilt(sections, values, axis=0, padlen=pad)


def lift(track: Track, settings: CaptureSettings) -> Lifted:
    """Return the motion in the world, as tilt, lens and turning in the settings have it."""
    rate = track.rate
    resolved = resolve_flips(track)
    if settings.turned:
        resolved = turn(resolved)
    seen = np.array([frame.index for frame in track.tracked])
    every = np.arange(seen[0], seen[-1] + 1)
    pixels, world, visible = (
        _fill(values, seen, every) for values in (resolved.pixels, resolved.world, resolved.visible)
    )
    pixels, world = lowpass(pixels, rate, CUT), lowpass(world, rate, CUT)
    slopes = rays(pixels, track.size, settings.lens)
    world = straighten(world, slopes)
    depth = np.maximum(depths(world, slopes, visible), NEAREST)
    depth = lowpass(np.log(depth), rate, DEPTH_CUT)
    path = place(slopes[:, HIPS].mean(axis=1), np.exp(depth))
    # whether feet leave the floor is seen in the picture, and no wobble of the depth may fake it
    steady = np.exp(lowpass(depth, rate, STEADY_CUT))[:, None] + world[:, FOOT_POINTS, 2]
    feet = place(slopes[:, FOOT_POINTS], steady)
    # from the camera's axes, right, down, away, to right, up, towards the viewer
    level = upright(world * [1, -1, -1], np.radians(settings.tilt))
    world, path, feet = (
        quat_rotate(level, resample(values * [1, -1, -1], rate)) for values in (world, path, feet)
    )
    joints = landmarks_to_joints(world)
    scale = LEG / leg_length(world)
    root, contacts = place_on_floor(joints, scale * path, scale * feet)
    joints = face_forward(joints + root[:, None])
    return Lifted(
        joints.astype(np.float32),
        contacts,
        _gaps(seen, rate, len(joints)),
        float(seen[0] / rate),
        resolved.flipped,
    )


def rays(pixels: np.ndarray, size: tuple[int, int], lens: float) -> np.ndarray:
    """Slopes (..., 2) right and down of the lines of sight through pixels (..., 2)."""
    width, height = size
    return (pixels - [width / 2, height / 2]) / (lens * max(size))


def place(slopes: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Points (..., 3) on lines of sight (..., 2) at depths (...)."""
    return np.concatenate([slopes, np.ones((*slopes.shape[:-1], 1))], axis=-1) * depth[..., None]


def straighten(world: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Turn bodies (T, 33, 3) from the axes of their line of sight to those of the camera.

    The network sees a crop as if the camera were turned to it; `slopes` (T, 33, 2) tell how far.
    """
    hips = slopes[:, HIPS].mean(axis=1)
    line = normalize(np.concatenate([hips, np.ones((len(hips), 1))], axis=1))
    ahead = np.array([0.0, 0.0, 1.0])
    return quat_rotate(quat_between(ahead, line)[:, None], world)


def depths(world: np.ndarray, slopes: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Distances (T,) along the camera's axis at which bodies (T, 33, 3) fit their pictures.

    Weighted least squares for the translation of each frame; of it only the depth is needed, as
    the hips' line of sight tells the rest.
    """
    u = slopes.reshape(len(slopes), -1)  # two equations a point: t_x - u t_z = u Z - X
    rhs = u * world[..., 2:].repeat(2, axis=-1).reshape(u.shape) - world[..., :2].reshape(u.shape)
    matrix = np.zeros((*u.shape, 3))
    matrix[:, 0::2, 0], matrix[:, 1::2, 1] = 1, 1
    matrix[..., 2] = -u
    weight = visible.repeat(2, axis=-1)[..., None]
    normal = np.einsum("tki,tkj->tij", matrix * weight, matrix) + 1e-9 * np.eye(3)
    right = np.einsum("tki,tk->ti", matrix * weight, rhs)
    return np.linalg.solve(normal, right[..., None])[:, 2, 0]


def upright(world: np.ndarray, tilt: float) -> np.ndarray:
    """The rotation (4,) that levels a camera, from bodies (T, 33, 3): right, up, to the viewer.

    In frames with straight legs and hips a body points up from its feet; the median of those says
    how the camera looks down (pitch) and leans (roll). A body that lies says nothing.
    """
    shoulders, hips, ankles = (middle(world, p) for p in ("shoulder", "hip", "ankle"))
    straight = _cosine(shoulders - hips, hips - ankles)
    for side in SIDES:
        hip, knee, ankle = (point(world, f"{side}_{p}") for p in ("hip", "knee", "ankle"))
        straight = np.minimum(straight, _cosine(knee - hip, ankle - knee))
    order = np.argsort(-straight)
    enough = max(int((straight > STRAIGHT).sum()), len(world) // 4)
    up = np.median(normalize(shoulders - ankles)[order[:enough]], axis=0)
    pitch, roll = np.arctan2(up[2], up[1]), np.arctan2(up[0], up[1])
    if max(abs(pitch), abs(roll)) > STEEPEST:
        pitch = roll = 0.0
    else:
        pitch, roll = pitch + LEANING, roll**3 / (roll**2 + ROLL_DOUBT**2)
    lean = quat_from_axis_angle(np.array([0.0, 0.0, roll]))
    dip = quat_from_axis_angle(np.array([-(pitch + tilt), 0.0, 0.0]))
    return quat_multiply(dip, lean)


def face_forward(joints: np.ndarray) -> np.ndarray:
    """Turn and move joints (T, 22, 3) so that they start over the origin, facing Z."""
    left, right = ([INDEX[f"{side}_{part}"] for part in ("hip", "shoulder")] for side in SIDES)
    across = joints[:, left].sum(axis=1) - joints[:, right].sum(axis=1)
    x, _, z = across[: max(1, round(FACING_SECONDS * FPS))].mean(axis=0)
    turn = quat_from_axis_angle(np.array([0.0, np.arctan2(z, x), 0.0]))
    return quat_rotate(turn, joints - joints[0, 0] * [1, 0, 1])


def _cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("ti,ti->t", normalize(a), normalize(b))


def _fill(values: np.ndarray, seen: np.ndarray, every: np.ndarray) -> np.ndarray:
    """Bring (N, ...) of the frames `seen` to `every` one, along straight lines through gaps."""
    flat = values.reshape(len(values), -1)
    columns = [np.interp(every, seen, column) for column in flat.T]
    return np.stack(columns, axis=1).reshape(len(every), *values.shape[1:])


def _gaps(seen: np.ndarray, rate: float, poses: int) -> tuple[tuple[int, int], ...]:
    """Runs of poses whose frames were not seen."""
    found = []
    for before, after in pairwise(seen.tolist()):
        start = int(np.ceil((before + 1 - seen[0]) * FPS / rate))
        end = min(int(np.ceil((after - seen[0]) * FPS / rate)), poses)
        if after - before > 1 and end > start:
            found.append((start, end))
    return tuple(found)
