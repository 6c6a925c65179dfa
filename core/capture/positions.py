"""Joint positions of somebody else's proportions -> positions on our skeleton.

Bones keep their directions and take our lengths. What is rigid, the hips on the pelvis and the
shoulder girdle on the chest, is turned as a whole: by the line across and the line up, which mean
the same on every skeleton, wherever it has its joints.
"""

from __future__ import annotations

import numpy as np

from core.body.rotations import cross, matrix_to_quat, normalize, quat_rotate
from core.body.skeleton import BONE_LENGTHS, HIPS, INDEX, JOINTS, PARENTS, REST_JOINTS, SHOULDERS
from core.capture.source import Match

_REST = REST_JOINTS.astype(np.float64)
_SIDES = ("left", "right")
_BONES = (
    *(("hip", "knee"), ("knee", "ankle"), ("ankle", "foot")),
    *(("shoulder", "elbow"), ("elbow", "wrist")),
)
_SHORT = 0.03
"""A collar bone (m) shorter than this has no direction."""


def frame(left: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 3) with columns left, up, ahead; `up` is kept, `left` made to fit."""
    y = normalize(up)
    z = normalize(cross(left, y))
    return np.stack([cross(y, z), y, z], axis=-1)


def to_skeleton(places: np.ndarray, match: Match) -> np.ndarray:
    """Joints (T, 22, 3) with our bones out of nodes (T, N, 3) in meters, Y up, legs as ours."""
    found = match.joints
    out = np.zeros((len(places), len(JOINTS), 3))

    def across(name: str) -> np.ndarray:
        left, right = (places[:, found[f"{side}_{name}"]] for side in _SIDES)
        return left - right

    def middle(name: str) -> np.ndarray:
        return np.mean([places[:, found[f"{side}_{name}"]] for side in _SIDES], axis=0)

    def turned(left: np.ndarray, up: np.ndarray, pair: list[int], top: np.ndarray) -> np.ndarray:
        rest = frame(_REST[pair[0]] - _REST[pair[1]], top)
        return matrix_to_quat(frame(left, up) @ rest.T)

    def hang(name: str, turn: np.ndarray) -> None:
        i = INDEX[name]
        out[:, i] = out[:, PARENTS[i]] + quat_rotate(turn, _REST[i] - _REST[PARENTS[i]])

    def point(name: str, direction: np.ndarray) -> None:
        i = INDEX[name]
        out[:, i] = out[:, PARENTS[i]] + BONE_LENGTHS[i] * normalize(direction)

    hips, shoulders = middle("hip"), middle("shoulder")
    neck = places[:, match.neck[0]] if match.neck else None
    head = places[:, found["head"]] if "head" in found else None
    top = next(p for p in (neck, head, shoulders) if p is not None)
    curve = _along(places[:, [found["pelvis"], *match.spine]], top)
    # the lowest bit of the spine tells how the pelvis tilts
    turn = turned(across("hip"), curve[:, 1] - curve[:, 0], HIPS, _REST[INDEX["spine1"]] - _REST[0])
    out[:, 0] = hips - quat_rotate(turn, _REST[HIPS].mean(axis=0) - _REST[0])
    for i in (1, 2, 3):
        point(f"spine{i}", curve[:, i] - curve[:, i - 1])
    chest = turned(
        across("shoulder"),
        top - curve[:, 2],
        SHOULDERS,
        _REST[INDEX["neck"]] - _REST[INDEX["spine2"]],
    )
    hang("neck", chest)
    if head is not None and neck is not None:
        point("head", head - neck)
    else:
        hang("head", chest)
    for side in _SIDES:
        hang(f"{side}_hip", turn)
        hang(f"{side}_collar", chest)
        shoulder = places[:, found[f"{side}_shoulder"]]
        collar = found.get(f"{side}_collar")
        bone = None if collar is None else shoulder - places[:, collar]
        if bone is None or np.median(np.linalg.norm(bone, axis=-1)) < _SHORT:
            hang(f"{side}_shoulder", chest)
        else:
            point(f"{side}_shoulder", bone)
        for upper, lower in _BONES:
            a, b = (found.get(f"{side}_{name}") for name in (upper, lower))
            if a is not None and b is not None:
                point(f"{side}_{lower}", places[:, b] - places[:, a])
            elif lower == "foot":
                hang(f"{side}_foot", turn)
            else:  # a hand goes on as its upper arm does
                point(
                    f"{side}_wrist",
                    out[:, INDEX[f"{side}_elbow"]] - out[:, INDEX[f"{side}_shoulder"]],
                )
    return out


def _along(trunk: np.ndarray, top: np.ndarray) -> np.ndarray:
    """Four points (T, 4, 3) spread over a trunk's nodes (T, K, 3); up to `top` where K is 1."""
    if trunk.shape[1] == 1:
        trunk = np.stack([trunk[:, 0], top], axis=1)
    at = np.arange(4) * (trunk.shape[1] - 1) / 3
    low = np.minimum(at.astype(int), trunk.shape[1] - 2)
    share = (at - low)[:, None]
    return trunk[:, low] * (1 - share) + trunk[:, low + 1] * share
