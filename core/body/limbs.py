"""What the hinges of arms and legs tell about the twist of upper arm and thigh.

A knee bends about one axis only, an elbow likewise, so a bent one tells how the bone above is
turned. A straight leg is told by its foot, a straight arm by nothing.
"""

from __future__ import annotations

import numpy as np

from core.body.feet import holding
from core.body.rotations import cross, normalize, quat_rotate, wrap
from core.body.skeleton import ANKLES, ELBOWS, HIPS, KNEES, REST_JOINTS, SHOULDERS, TOES, WRISTS
from core.body.twists import Told, angle_to, dot

# The four limbs in this order everywhere: left leg, right leg, left arm, right arm.
UPPER, MIDDLE, END = [*HIPS, *SHOULDERS], [*KNEES, *ELBOWS], [*ANKLES, *WRISTS]
_LOWER_BONES = normalize(REST_JOINTS[END].astype(np.float64) - REST_JOINTS[MIDDLE])
_FOOT_BONES = normalize(REST_JOINTS[TOES].astype(np.float64) - REST_JOINTS[ANKLES])
_UP = np.array([0.0, 1, 0])
_FOOT_LINES = normalize(cross(_UP, _FOOT_BONES))
"""Across the soles at rest, at right angles to the feet, to the left."""
_HINGES = np.array([[1.0, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0]])
"""Axes at rest about which knees and elbows bend by positive angles."""

_STRAIGHT, _BENT = np.radians(10), np.radians(25)
"""A hinge bent less than this says nothing about the twist; bent more, everything."""
_IN_LINE, _ASIDE = np.radians(15), np.radians(40)
"""So does a foot that is this far from the line of its thigh."""
_LIES, _STANDS = 0.0, 0.3
"""How much a shin points down, as a sine, where its foot does not stand and where it does."""
_UPRIGHT, _LEVEL = 0.2, 0.5
"""How much a foot lies level, as a cosine, where it stands on its tip and can't lie flat."""
_LEG_TWIST_LIMIT = np.radians(100)
"""No hip turns further; a knee that claims so is overstretched, not turned."""


def _hinge_twist(
    swung: np.ndarray,
    axis: np.ndarray,
    hinge: np.ndarray,
    bone: np.ndarray,
    seen: np.ndarray,
    side: int,
) -> np.ndarray:
    """Twist about `axis` after which a bone on a hinge can point where it was seen.

    A hinge keeps the bone's component along itself: hinge . seen = hinge . bone, which reads
    A cos t + B sin t = C in the twist t. Of its two solutions `side` (+1 or -1) takes one.
    """
    h = quat_rotate(swung, hinge)
    along = dot(h, axis)
    flat = h - along[..., None] * axis
    a, b = dot(flat, seen), dot(cross(axis, flat), seen)
    c = dot(hinge, bone) - along * dot(axis, seen)
    size = np.maximum(np.hypot(a, b), 1e-9)
    return wrap(np.arctan2(b, a) + side * np.arccos(np.clip(c / size, -1, 1)))


def foot_twists(swung: np.ndarray, shins: np.ndarray, feet: np.ndarray, near: np.ndarray) -> Told:
    """Twists (T, 2) by which feet lie flat beyond `swung` (T, 2, 4), the more the nearer the floor.

    `near` (T, 2) is 1 on the floor. Feet whose shins, like them (T, 2, 3), do not point down lie on
    their sides or backs.
    """
    flat = angle_to(swung, _FOOT_LINES, cross(_UP, feet), feet)
    stands = holding(-shins[..., 1], _STANDS, _LIES)
    level = np.hypot(feet[..., 0], feet[..., 2])
    stands = stands * holding(level, _LEVEL, _UPRIGHT)
    return near * stands * flat, np.ones_like(near)


def limb_twists(swung: np.ndarray, upper: np.ndarray, lower: np.ndarray, foot: np.ndarray) -> Told:
    """Twists (T, 4) of the limbs' upper bones beyond `swung` (T, 4, 4); how settled they are.

    `upper` and `lower` are the directions (T, 4, 3) of the limbs' bones, `foot` (T, 2, 3) those of
    the feet.
    """
    bend = np.arccos(np.clip(dot(upper, lower), -1, 1))
    settled = holding(bend, _BENT, _STRAIGHT)
    twists = _hinge_twist(swung, upper, _HINGES, _LOWER_BONES, lower, +1)
    knees, by_knee = twists[:, :2], settled[:, :2]
    by_knee = by_knee * (np.abs(knees) < _LEG_TWIST_LIMIT)
    feet = _hinge_twist(swung[:, :2], upper[:, :2], _HINGES[:2], _FOOT_BONES, foot, -1)
    aside = np.arccos(np.clip(np.abs(dot(upper[:, :2], foot)), 0, 1))
    by_foot = holding(aside, _ASIDE, _IN_LINE)
    by_foot = by_foot * (np.abs(feet) < _LEG_TWIST_LIMIT) * (1 - by_knee)
    settled[:, :2] = by_knee + by_foot
    share = by_knee / np.maximum(settled[:, :2], 1e-9)
    twists[:, :2] = feet + share * wrap(knees - feet)
    return twists, settled
