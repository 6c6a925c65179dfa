"""Which way a body stands in a file: the axis that is up, and the frame of a pose.

Formats do not say what is up, or say it and are written otherwise. A body does: legs go down from
the hips, the trunk goes up. Only where it lies that means nothing, and who lies does not travel.
"""

from __future__ import annotations

import numpy as np

from core.body.legs import leg_lengths
from core.body.rotations import cross, matrix_to_quat, normalize
from core.body.skeleton import LEG
from core.capture.positions import frame
from core.capture.source import Match, Source

UPRIGHT = np.cos(np.radians(50))
"""Legs and trunk of a rest pose that is of use lie within this of the vertical."""
SQUARE = np.radians(20)
"""A rest pose this near to the axes is meant to stand along them."""
STEADY = 0.8
"""Cosine to its mean direction above which a body keeps upright."""
FAR = 2 * LEG
"""Leg lengths that a lying body does not travel, in meters of ours."""
_AXES = np.concatenate([np.eye(3), -np.eye(3)])
_Y = 1


def parts(places: np.ndarray, match: Match) -> dict[str, np.ndarray]:
    """Directions (..., 3) of a body out of nodes (..., N, 3): of its trunk, up and to its left."""

    def pair(name: str) -> tuple[np.ndarray, np.ndarray]:
        left, right = (places[..., match.joints[f"{side}_{name}"], :] for side in ("left", "right"))
        return left, right

    hips, ankles, shoulders = pair("hip"), pair("ankle"), pair("shoulder")
    hip, ankle, shoulder = ((left + right) / 2 for left, right in (hips, ankles, shoulders))
    trunk, legs = normalize(shoulder - hip), normalize(hip - ankle)
    left = normalize(hips[0] - hips[1]) + normalize(shoulders[0] - shoulders[1])
    return {"trunk": trunk, "up": normalize(trunk + legs), "left": normalize(left)}


def rest_frame(rest: np.ndarray | None, match: Match) -> np.ndarray | None:
    """Matrix (3, 3) with columns left, up, ahead of a rest pose (N, 3); None if it is no stance.

    A stance has legs below and trunk above the hips; arms may point anywhere.
    """
    if rest is None:
        return None
    found = parts(rest, match)
    up, left = found["up"], found["left"]
    bones = [found["trunk"]]
    for side in ("left", "right"):
        hip, knee, ankle = (rest[match.joints[f"{side}_{n}"]] for n in ("hip", "knee", "ankle"))
        bones += [normalize(hip - knee), normalize(knee - ankle)]
    if min(bone @ up for bone in bones) < UPRIGHT or abs(left @ up) > 1 - UPRIGHT:
        return None
    stance = frame(left, up)
    square = _squared(stance)
    turned = np.arccos(np.clip((np.trace(square.T @ stance) - 1) / 2, -1, 1))
    return square if turned < SQUARE else stance


def _squared(frame: np.ndarray) -> np.ndarray:
    """Nearest frame along the axes."""
    up = _AXES[np.argmax(_AXES @ frame[:, 1])]
    across = _AXES[np.abs(_AXES @ up) < 0.5]
    left = across[np.argmax(across @ frame[:, 0])]
    return np.stack([left, up, cross(left, up)], axis=-1)


def upright(source: Source, match: Match, rest: np.ndarray | None) -> tuple[np.ndarray, str]:
    """Rotation (4,) that stands a file's body upright in our axes, and a note where it is due.

    `rest` is the frame of its rest pose, see `rest_frame`.
    """
    found = parts(source.positions, match)
    mean = normalize(np.median(found["up"], axis=0))
    stands = _AXES[np.argmax(_AXES @ mean)]
    told = {"y": _AXES[_Y], "rest": None if rest is None else rest[:, 1]}.get(source.up or "")
    up, note = stands, ""
    if told is None:
        # Z must win clearly: lying down in a Y-up file is the likelier reading of a tie
        if not stands[_Y] and mean @ stands < 2 * abs(mean[_Y]):
            up = _AXES[_Y]
    elif stands @ told < 0.9:
        if _walks(source, match, found["up"] @ mean, mean):
            note = "The body lies in the file but walks, so it was stood upright."
        else:
            up = told
    # of all rotations the one that leaves the axis across both alone: Z up becomes Y up as usual
    return _from_up(up), note


def from_axis(up: str) -> np.ndarray:
    """Rotation (4,) after which an axis, x, y or z, is Y; raise ValueError for another word."""
    if up not in ("x", "y", "z"):
        raise ValueError(f"up must be x, y or z, got {up!r}")
    return _from_up(np.eye(3)["xyz".index(up)])


def _from_up(up: np.ndarray) -> np.ndarray:
    y = np.eye(3)[_Y]
    if up @ y > 1 - 1e-9:
        return np.array([1.0, 0, 0, 0])
    side = normalize(cross(up, y)) if abs(up @ y) < 1 - 1e-9 else np.eye(3)[0]
    theirs, ours = (np.stack([side, v, cross(side, v)], axis=-1) for v in (up, y))
    return matrix_to_quat(ours @ theirs.T)


def _walks(source: Source, match: Match, steady: np.ndarray, mean: np.ndarray) -> bool:
    """Whether a body that keeps its direction goes further than one that lies."""
    if float(np.mean(steady > STEADY)) < 0.8:
        return False
    places = source.positions
    pelvis = places[:, match.joints["pelvis"]]
    leg = leg_lengths(*(places[0, match.joints[f"left_{n}"]] for n in ("hip", "knee", "ankle")))
    across = pelvis - (pelvis @ mean)[:, None] * mean
    return float(np.linalg.norm(np.ptp(across, axis=0))) * LEG / max(leg, 1e-12) > FAR
