"""Rotations as arrays: quaternions (..., 4), real part first, in NumPy over any leading shape.

Everything here is a pure function that keeps the precision of its input. `quat_between` and the
6D form agree with HumanML3D, so that features made with its code and with ours are the same:
its 6D is the first two COLUMNS of the rotation matrix, one after the other.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

A = TypeVar("A", float, np.ndarray)

_TINY = 1e-8
_YZX = np.array([1, 2, 0])
# the matrix that multiplies by a quaternion from the left: which of its numbers, with which sign
_LEFT = np.array([[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]])
_LEFT_SIGNS = np.float32([[1, -1, -1, -1], [1, 1, -1, 1], [1, 1, 1, -1], [1, -1, 1, 1]])
_CONJUGATE = np.float32([1, -1, -1, -1])


def normalize(v: np.ndarray) -> np.ndarray:
    """Scale the last axis to unit length; a vector of length zero stays zero."""
    return v / np.maximum(np.sqrt(np.vecdot(v, v)), _TINY)[..., None]


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross product of (..., 3) and (..., 3); several times faster than np.cross on few vectors."""
    return (a * b.take(_YZX, axis=-1) - a.take(_YZX, axis=-1) * b).take(_YZX, axis=-1)


def quat_multiply(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Rotation p after rotation q: (..., 4), (..., 4) -> (..., 4)."""
    return np.vecdot(p.take(_LEFT, axis=-1) * _LEFT_SIGNS, q[..., None, :])


def quat_inverse(q: np.ndarray) -> np.ndarray:
    """Inverse of unit quaternions (..., 4)."""
    return q * _CONJUGATE


def quat_rotate(q: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Rotate vectors (..., 3) by unit quaternions (..., 4); leading axes broadcast."""
    w, xyz = q[..., :1], q[..., 1:]
    twice = 2 * cross(xyz, v)
    return v + w * twice + cross(xyz, twice)


def quat_to_matrix(q: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) of unit quaternions (..., 4); they act on column vectors."""
    w, x, y, z = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    rows = [
        1 - 2 * (y * y + z * z),
        2 * (x * y - w * z),
        2 * (x * z + w * y),
        2 * (x * y + w * z),
        1 - 2 * (x * x + z * z),
        2 * (y * z - w * x),
        2 * (x * z - w * y),
        2 * (y * z + w * x),
        1 - 2 * (x * x + y * y),
    ]
    return np.stack(rows, axis=-1).reshape(*q.shape[:-1], 3, 3)


def matrix_to_quat(m: np.ndarray) -> np.ndarray:
    """Unit quaternions (..., 4) with w >= 0 of rotation matrices (..., 3, 3).

    Of the four ways to write one (Shepperd 1978) the best conditioned is taken for each matrix.
    """
    m00, m01, m02, m10, m11, m12, m20, m21, m22 = np.moveaxis(m.reshape(*m.shape[:-2], 9), -1, 0)
    candidates = np.stack(
        [
            np.stack([1 + m00 + m11 + m22, m21 - m12, m02 - m20, m10 - m01], axis=-1),
            np.stack([m21 - m12, 1 + m00 - m11 - m22, m01 + m10, m02 + m20], axis=-1),
            np.stack([m02 - m20, m01 + m10, 1 - m00 + m11 - m22, m12 + m21], axis=-1),
            np.stack([m10 - m01, m02 + m20, m12 + m21, 1 - m00 - m11 + m22], axis=-1),
        ],
        axis=-2,
    )  # (..., 4, 4): row i is the quaternion times four times its i-th component
    best = np.argmax(np.stack([candidates[..., i, i] for i in range(4)], axis=-1), axis=-1)
    q = normalize(np.take_along_axis(candidates, best[..., None, None], axis=-2)[..., 0, :])
    return np.where(q[..., :1] < 0, -q, q)


def quat_to_6d(q: np.ndarray) -> np.ndarray:
    """First two columns of the rotation matrix: (..., 4) -> (..., 6), as HumanML3D stores them."""
    m = quat_to_matrix(q)
    return np.concatenate([m[..., 0], m[..., 1]], axis=-1)


def quat_from_6d(d6: np.ndarray) -> np.ndarray:
    """Unit quaternions (..., 4) nearest to a 6D form (..., 6) that need not be orthonormal."""
    x = normalize(d6[..., :3])
    z = normalize(cross(x, d6[..., 3:]))
    return matrix_to_quat(np.stack([x, cross(z, x), z], axis=-1))


def quat_from_axis_angle(v: np.ndarray) -> np.ndarray:
    """Unit quaternions (..., 4) of rotation vectors (..., 3) in radians."""
    angle = np.sqrt(np.einsum("...i,...i->...", v, v))[..., None]
    half = angle / 2
    # np.sinc keeps the limit 1/2 at angle zero
    return np.concatenate([np.cos(half), v * (np.sinc(half / np.pi) / 2).astype(v.dtype)], axis=-1)


def wrap(angle: A) -> A:
    """Return the same angle, radians, in -pi..pi."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def about_y(angles: np.ndarray | float) -> np.ndarray:
    """Return the rotations (..., 4) by angles (...) about the vertical."""
    zeros = np.zeros_like(angles)
    return np.stack([np.cos(angles / 2), zeros, np.sin(angles / 2), zeros], axis=-1)


def quat_to_axis_angle(q: np.ndarray) -> np.ndarray:
    """Rotation vectors (..., 3), radians, at most pi long, of unit quaternions (..., 4)."""
    q = np.where(q[..., :1] < 0, -q, q)
    sine = np.sqrt(np.einsum("...i,...i->...", q[..., 1:], q[..., 1:]))[..., None]
    angle = 2 * np.arctan2(sine, q[..., :1])
    return q[..., 1:] * np.where(sine > _TINY, angle / np.maximum(sine, _TINY), 2)


def quat_between(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Shortest rotation that takes direction u (..., 3) to direction v (..., 3).

    Opposite directions have no shortest rotation: a half turn about an axis at right angles to u
    is taken, the same one every time. Lengths do not matter as long as they are not zero.
    """
    u, v = normalize(u), normalize(v)
    w = 1 + np.vecdot(u, v)[..., None]
    q = np.concatenate([w, cross(u, v)], axis=-1)
    opposite = w[..., 0] < 1e-6
    if opposite.any():
        u = np.broadcast_to(u, q[..., 1:].shape)
        least = np.eye(3, dtype=u.dtype)[np.argmin(np.abs(u), axis=-1)]
        half_turn = np.concatenate([np.zeros_like(w), normalize(cross(u, least))], axis=-1)
        q = np.where(opposite[..., None], half_turn, q)
    return normalize(q)


def swing(q: np.ndarray, bone: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Turn q (..., 4) on as little as possible so that it takes `bone` to `direction` (..., 3)."""
    return quat_multiply(quat_between(quat_rotate(q, bone), direction), q)


def quat_slerp(p: np.ndarray, q: np.ndarray, t: np.ndarray | float) -> np.ndarray:
    """Go the short way from p to q, (..., 4) each; t (...) is 0 at p and 1 at q."""
    t = np.asarray(t, dtype=p.dtype)[..., None]
    dot = np.einsum("...i,...i->...", p, q)[..., None]
    q = np.where(dot < 0, -q, q)
    angle = np.arccos(np.clip(np.abs(dot), 0, 1))
    sine = np.sin(angle)
    near = sine < 1e-4  # there a straight line is as good and divides by nothing
    safe = np.where(near, 1, sine)
    a = np.where(near, 1 - t, np.sin((1 - t) * angle) / safe)
    b = np.where(near, t, np.sin(t * angle) / safe)
    return normalize(a * p + b * q)


def quat_continuous(q: np.ndarray, before: np.ndarray | None = None) -> np.ndarray:
    """Choose signs so that quaternions (T, ..., 4) never jump to the other hemisphere.

    `before` (..., 4) is the pose ahead of the first one, if there is one. The rotations stay the
    same; only interpolation and storage see the difference.
    """
    ahead = q[:1] if before is None else before[None]
    dots = np.vecdot(np.concatenate([ahead, q[:-1]]), q)
    return q * np.cumprod(np.where(dots < 0, -1, 1).astype(q.dtype), axis=0)[..., None]
