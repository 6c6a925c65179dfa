"""From 33 landmarks on the skin to the 22 joints inside, on the project's own skeleton.

Every bone has the length of the source skeleton and the direction that the landmarks show; hips,
spine and shoulders, which landmarks only hint at, are rigid pieces of the rest pose turned to fit.
"""

from __future__ import annotations

import numpy as np

from core.body.legs import leg_lengths
from core.body.rotations import cross, matrix_to_quat, normalize, quat_rotate, quat_slerp
from core.body.skeleton import BONE_LENGTHS, INDEX, JOINTS, LEG, PARENTS, REST_JOINTS
from core.capture.landmarks import POINT
from core.capture.positions import frame

SIDES = ("left", "right")
_REST = REST_JOINTS.astype(np.float64)
FOOT = 0.19
"""Heel to toes over hip to ankle, as the network has them."""
EARS = 0.045
"""How far (m) ears lie ahead of the line from neck to head."""
_AHEAD = np.array([0.0, 0.0, 1.0])


def point(landmarks: np.ndarray, name: str) -> np.ndarray:
    """One landmark (T, 3) of (T, 33, 3)."""
    return landmarks[:, POINT[name]]


def middle(landmarks: np.ndarray, name: str) -> np.ndarray:
    """Midpoint (T, 3) of a pair of landmarks."""
    left, right = (point(landmarks, f"{side}_{name}") for side in SIDES)
    return (left + right) / 2


def leg_length(landmarks: np.ndarray) -> float:
    """Hip to knee to ankle in meters, the median over time and both sides, of (T, 33, 3)."""
    legs = ([point(landmarks, f"{s}_{p}") for p in ("hip", "knee", "ankle")] for s in SIDES)
    return float(np.median([leg_lengths(*leg) for leg in legs]))


def _rest_frame(pair: str) -> np.ndarray:
    left, right = (_REST[INDEX[f"{side}_{pair}"]] for side in SIDES)
    return frame(left - right, _spine_of_rest())


def _spine_of_rest() -> np.ndarray:
    shoulders, hips = (
        np.mean([_REST[INDEX[f"{side}_{pair}"]] for side in SIDES], axis=0)
        for pair in ("shoulder", "hip")
    )
    return shoulders - hips


def landmarks_to_joints(landmarks: np.ndarray) -> np.ndarray:
    """Joints (T, 22, 3) of landmarks (T, 33, 3), meters, Y up, around the middle of the hips."""
    marks = landmarks * (LEG / leg_length(landmarks))
    spine = middle(marks, "shoulder") - middle(marks, "hip")
    turns = []
    for pair in ("hip", "shoulder"):
        across = point(marks, f"left_{pair}") - point(marks, f"right_{pair}")
        turns.append(matrix_to_quat(frame(across, spine) @ _rest_frame(pair).T))
    pelvis, chest = turns
    left = point(marks, "left_hip") - point(marks, "right_hip")
    joints = np.zeros((len(marks), len(JOINTS), 3))

    def hang(name: str, turn: np.ndarray) -> None:
        i = INDEX[name]
        bone = _REST[i] - _REST[PARENTS[i]]
        joints[:, i] = joints[:, PARENTS[i]] + quat_rotate(turn, bone)

    def point_at(name: str, direction: np.ndarray) -> None:
        i = INDEX[name]
        joints[:, i] = joints[:, PARENTS[i]] + BONE_LENGTHS[i] * normalize(direction)

    hips = np.mean([_REST[INDEX[f"{side}_hip"]] for side in SIDES], axis=0) - _REST[0]
    joints[:, 0] = middle(marks, "hip") - quat_rotate(pelvis, hips)
    hang("spine1", pelvis)
    hang("spine2", quat_slerp(pelvis, chest, np.full(len(marks), 1 / 3)))
    hang("spine3", quat_slerp(pelvis, chest, np.full(len(marks), 2 / 3)))
    hang("neck", chest)
    point_at(
        "head", middle(marks, "ear") - joints[:, INDEX["neck"]] - EARS * quat_rotate(chest, _AHEAD)
    )
    for side in SIDES:
        hang(f"{side}_hip", pelvis)
        knee, ankle = point(marks, f"{side}_knee"), point(marks, f"{side}_ankle")
        point_at(f"{side}_knee", knee - point(marks, f"{side}_hip"))
        point_at(f"{side}_ankle", ankle - knee)
        point_at(f"{side}_foot", _foot(marks, side, left))
        hang(f"{side}_collar", chest)
        hang(f"{side}_shoulder", chest)
        shoulder, elbow = point(marks, f"{side}_shoulder"), point(marks, f"{side}_elbow")
        point_at(f"{side}_elbow", elbow - shoulder)
        point_at(f"{side}_wrist", point(marks, f"{side}_wrist") - elbow)
    return joints


def _foot(marks: np.ndarray, side: str, left: np.ndarray) -> np.ndarray:
    """Directions (T, 3) from ankle to toes: along the sole and down from it as at rest.

    The network draws all toes towards the viewer, so how deep a foot reaches into the picture is
    told by anatomy instead: about as far as its length allows, where the knee could bend to.
    """
    shin = normalize(point(marks, f"{side}_knee") - point(marks, f"{side}_ankle"))
    ahead = normalize(cross(left, shin))
    sole = point(marks, f"{side}_foot_index") - point(marks, f"{side}_heel")
    seen = np.hypot(sole[:, 0], sole[:, 1])
    deep = np.sqrt(np.maximum((FOOT * LEG) ** 2 - seen**2, 0))
    slope = ahead[:, 2] / np.maximum(np.hypot(ahead[:, 0], ahead[:, 1]), 1e-6)
    sole[:, 2] = np.clip(slope * seen, -deep, deep)
    return sole
