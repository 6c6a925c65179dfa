"""How far a motion out of a film is from the truth, and how calm it is."""

from __future__ import annotations

import numpy as np

from benchmarks.metrics import foot_skate, mpjpe_mm
from benchmarks.reporting import Row
from core.body.skeleton import FPS, INDEX, TOES

STANDS, LOW = 0.2, 0.06
"""A toe slower than this (m/s) and lower than this (m) stands."""
_PAIRS = [(INDEX[f"left_{pair}"], INDEX[f"right_{pair}"]) for pair in ("hip", "shoulder")]


def compare(found: np.ndarray, truth: np.ndarray) -> Row:
    """Figures of joints (T, 22, 3) against the truth, one heading and place for the whole clip."""
    n = min(len(found), len(truth))
    found, truth = found[:n].astype(np.float64), truth[:n].astype(np.float64)
    placed = align(found, truth)
    gap = np.linalg.norm((placed - truth)[:, 0, [0, 2]], axis=-1)
    return {
        "mpjpe_mm": mpjpe_mm([truth], [placed]),
        "pa_mpjpe_mm": pa_mpjpe_mm(found, truth),
        "root_path_cm": 100 * float(gap.mean()),
        "travel_m": float(np.linalg.norm(np.diff(truth[:, 0, [0, 2]], axis=0), axis=-1).sum()),
        "height_cm": 100 * float(np.abs((placed - truth)[:, 0, 1]).mean()),
        "slide_m_s": slide(placed, truth),
        "foot_skate": foot_skate([found]),
        "foot_skate_truth": foot_skate([truth]),
        "jitter_ratio": jitter(found) / jitter(truth),
        "flipped": float(flipped(placed, truth).mean()),
    }


def align(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Turn about the vertical and move so that all poses together fit best."""
    a, b = ((j - j[:, :1])[..., [0, 2]].reshape(-1, 2) for j in (found, truth))
    angle = np.arctan2((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum(), (a * b).sum())
    cos, sin = np.cos(angle), np.sin(angle)
    out = found.copy()
    out[..., [0, 2]] = found[..., [0, 2]] @ np.array([[cos, sin], [-sin, cos]])
    out[..., [0, 2]] += (truth - out)[:, 0, [0, 2]].mean(axis=0)
    return out


def pa_mpjpe_mm(found: np.ndarray, truth: np.ndarray) -> float:
    """Mean joint error (mm) after the best rotation, scale and place of each pose (Procrustes)."""
    a, b = (j - j.mean(axis=1, keepdims=True) for j in (found, truth))
    u, s, vt = np.linalg.svd(np.einsum("tji,tjk->tik", a, b))
    sign = np.sign(np.linalg.det(u @ vt))
    u[:, :, 2] *= sign[:, None]
    s[:, 2] *= sign
    scale = s.sum(axis=1) / np.einsum("tji,tji->t", a, a)
    fitted = scale[:, None, None] * np.einsum("tji,tik->tjk", a, u @ vt)
    return 1000 * float(np.linalg.norm(fitted - b, axis=-1).mean())


def jitter(joints: np.ndarray) -> float:
    """Mean acceleration of all joints (m/s^2)."""
    return float(np.linalg.norm(np.diff(joints, 2, axis=0), axis=-1).mean()) * FPS**2


def slide(joints: np.ndarray, truth: np.ndarray) -> float:
    """Mean speed over the floor (m/s) of toes that stand in truth; 0 where none does."""
    true, pace = (_pace(j) for j in (truth, joints))
    stands = (true < STANDS) & (truth[:-1, TOES, 1] < LOW)
    return float(pace[stands].mean()) if stands.any() else 0.0


def own_slide(joints: np.ndarray) -> float:
    """The same where no truth is known: of toes that hardly move from pose to pose by height."""
    low = joints[:, TOES, 1] < LOW
    level = np.abs(np.diff(joints[:, TOES, 1], axis=0)) * FPS < STANDS
    stands = low[:-1] & low[1:] & level
    pace = _pace(joints)
    return float(np.median(pace[stands])) if stands.any() else 0.0


def flipped(joints: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Poses (T,) whose hips and shoulders have left and right exchanged."""
    across = [sum(j[:, left] - j[:, right] for left, right in _PAIRS) for j in (joints, truth)]
    return np.einsum("ti,ti->t", *across) < 0


def _pace(joints: np.ndarray) -> np.ndarray:
    toes = joints[:, TOES][..., [0, 2]]
    return np.linalg.norm(np.diff(toes, axis=0), axis=-1) * FPS
