"""Figures of merit for text-to-motion, in NumPy; definitions follow Guo et al., FlowMDM and GMD.

Embeddings are rows of an evaluator: motion (N, D) and text (N, D). Joints are (T, 22, 3) meters at
20 poses a second, Y up. Every random draw takes a generator. Figures from two evaluators, frame
rates or thresholds cannot be compared with each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.body.rotations import normalize, quat_inverse, quat_multiply, quat_rotate
from core.body.skeleton import AIMS, FPS, REST_JOINTS, TOES

SKATE_SPEED = 0.5
"""A foot on the floor that moves faster than this (m/s) skates (GMD, OmniControl)."""
SKATE_HEIGHT = 0.05
"""A foot joint below this height (m) is on the floor."""


def r_precision(
    motion: np.ndarray,
    text: np.ndarray,
    rng: np.random.Generator,
    *,
    pool: int = 32,
    top: int = 3,
    repeats: int = 20,
) -> list[float]:
    """Share of motions whose own text is among the 1, ..., top nearest of `pool` texts.

    Each repeat shuffles the set and cuts it into whole pools. Texts at the same distance as the own
    one (the same caption twice) do not count as nearer. Chance is k / pool.
    """
    pool = min(pool, len(motion))
    hits = np.zeros(top)
    total = 0
    for _ in range(repeats):
        order = rng.permutation(len(motion))[: len(motion) // pool * pool]
        for chosen in order.reshape(-1, pool):
            distance = _distances(motion[chosen], text[chosen])
            own = np.diagonal(distance)[:, None]
            rank = (distance < own - 1e-6).sum(1)
            hits += [(rank < k).sum() for k in range(1, top + 1)]
            total += pool
    return [float(h / total) for h in hits]


def mm_dist(motion: np.ndarray, text: np.ndarray) -> float:
    """Mean distance from each motion to its own text."""
    return float(np.linalg.norm(motion - text, axis=-1).mean())


def fid(real: np.ndarray, made: np.ndarray) -> float:
    """Frechet distance between Gaussians fitted to two sets of embeddings, (N, D) and (M, D).

    Biased upwards for sets that are small against D: compare equal sizes only.
    """
    gap = real.mean(0) - made.mean(0)
    cov_a, cov_b = np.cov(real, rowvar=False), np.cov(made, rowvar=False)
    root = _matrix_root(cov_a)
    # trace of (A B)^(1/2) = trace of (A^(1/2) B A^(1/2))^(1/2), which is symmetric
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ cov_b @ root), 0, None)).sum()
    return float(max(gap @ gap + np.trace(cov_a) + np.trace(cov_b) - 2 * cross, 0.0))


def diversity(motion: np.ndarray, rng: np.random.Generator, *, pairs: int = 300) -> float:
    """Mean distance between random pairs of different motions; the target is the real set's."""
    first = rng.integers(len(motion), size=pairs)
    second = (first + rng.integers(1, len(motion), size=pairs)) % len(motion)
    return float(np.linalg.norm(motion[first] - motion[second], axis=-1).mean())


def multimodality(samples: np.ndarray, rng: np.random.Generator, *, pairs: int = 10) -> float:
    """Mean distance between samples of one text, (texts, samples, D), over `pairs` pairs a text."""
    return float(np.mean([diversity(of_one_text, rng, pairs=pairs) for of_one_text in samples]))


def foot_skate(motions: Sequence[np.ndarray], *, speed: float = SKATE_SPEED) -> float:
    """Share of frames in which a toe on the floor slides (GMD), mean over motions.

    On the floor: below 5 cm now and in the next frame. Sliding: faster than `speed` over the floor
    (m/s), both now and in the mean over five frames.
    """
    return float(np.mean([_skating(joints, speed).mean() for joints in motions]))


def jerk(joints: np.ndarray) -> np.ndarray:
    """Jerk (T - 3,) in m/frame^3 of (T, J, 3): third difference, L1 over xyz, largest joint."""
    return np.abs(np.diff(joints, n=3, axis=0)).sum(-1).max(-1)


def peak_jerk(curves: np.ndarray) -> float:
    """Peak over time of the mean jerk curve of (N, window) windows (FlowMDM's PJ)."""
    return float(curves.mean(0).max())


def area_under_jerk(curves: np.ndarray, level: float) -> float:
    """Sum over time of how far the mean jerk curve of (N, window) windows is from `level` (AUJ).

    `level` is the mean jerk of continuous real motion.
    """
    return float(np.abs(curves.mean(0) - level).sum())


def rotation_steps(rotations: np.ndarray) -> np.ndarray:
    """Degrees (T - 1, 22) that joints turn from pose to pose beyond what their bones make them.

    `rotations` (T, 22, 4) are relative to the parents. What a bone makes its joint turn is the
    smallest rotation that takes it from where it points to where it points next; joints that
    several bones hang from have a main one, see `AIMS`.
    """
    turns = quat_multiply(quat_inverse(rotations[:-1]), rotations[1:]).astype(np.float64)
    angles = 2 * np.arctan2(np.linalg.norm(turns[..., 1:], axis=-1), np.abs(turns[..., 0]))
    bones = normalize(REST_JOINTS[list(AIMS)] - REST_JOINTS)
    points = quat_rotate(rotations, np.broadcast_to(bones, (len(rotations), *bones.shape)))
    points = points.astype(np.float64)
    across = np.linalg.norm(np.cross(points[:-1], points[1:]), axis=-1)
    needed = np.arctan2(across, (points[:-1] * points[1:]).sum(-1))
    needed[:, [aim < 0 for aim in AIMS]] = 0  # nothing hangs from the last joint of a limb
    return np.degrees(angles - needed)


def mpjpe_mm(real: Sequence[np.ndarray], made: Sequence[np.ndarray]) -> float:
    """Mean joint error with roots aligned (mm), over all frames of pairs of motions."""
    errors = [
        np.linalg.norm((a - a[:, :1]) - (b - b[:, :1]), axis=-1).mean(1)
        for a, b in zip(real, made, strict=True)
    ]
    return float(1000 * np.concatenate(errors).mean())


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a[:, None] - b[None], axis=-1)


def _matrix_root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


def _skating(joints: np.ndarray, speed: float) -> np.ndarray:
    """Return which steps skate, (T - 1,) bool."""
    toes = joints[:, TOES]
    pace = np.linalg.norm(np.diff(toes[..., [0, 2]], axis=0), axis=-1) * FPS
    smooth = np.stack([np.convolve(p, np.full(5, 0.2), mode="same") for p in pace.T], axis=1)
    low = toes[..., 1] < SKATE_HEIGHT
    return ((low[:-1] & low[1:]) & (pace > speed) & (smooth > speed)).any(1)
