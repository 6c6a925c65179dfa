"""Joints moved by hand, for measures that must not know how a model moves them."""

from __future__ import annotations

import numpy as np

from core.body.skeleton import ANKLES, ELBOWS, FPS, REST_JOINTS, TOES, WRISTS


def standing(seconds: float) -> np.ndarray:
    """Somebody who stands, arms hanging, facing Z: (T, 22, 3) joints."""
    joints = REST_JOINTS[None].repeat(round(seconds * FPS), 0).astype(np.float64)
    for elbow, wrist, drop in zip(ELBOWS, WRISTS, (0.25, 0.25), strict=True):
        joints[:, [elbow, wrist], 0] *= 0.5
        joints[:, elbow, 1] -= drop
        joints[:, wrist, 1] -= 2 * drop
    return joints


def bumps(seconds: float, times: tuple[float, ...], length: float) -> np.ndarray:
    """A curve (T,) that rises to 1 and falls again, once at each of these times."""
    t = np.arange(round(seconds * FPS)) / FPS
    phases = [np.clip((t - time) / length, 0, 1) for time in times]
    return np.sum([np.sin(np.pi * phase) for phase in phases], axis=0)


def jumping(*times: float, height: float = 0.25) -> np.ndarray:
    """Eight seconds with a jump at each of these times."""
    joints = standing(8)
    joints[..., 1] += height * bumps(8, times, 0.5)[:, None]
    return joints


def stepping(count: int, length: float = 0.6) -> np.ndarray:
    """Eight seconds with so many steps forward, left foot first; the last foot stays ahead."""
    joints = standing(8)
    t = np.arange(len(joints)) / FPS
    for k in range(count):
        foot = [ANKLES[k % 2], TOES[k % 2]]
        phase = np.clip((t - 1 - 0.6 * k) / 0.5, 0, 1)
        way = length * (1 if k in (0, count - 1) else 2) if count > 1 else length
        joints[:, foot, 2] += (way * phase)[:, None]
        joints[:, foot, 1] += (0.12 * np.sin(np.pi * phase))[:, None]
        rest = [j for j in range(22) if j not in ANKLES + TOES]
        joints[:, rest, 2] += (length / 2 * phase)[:, None]
    return joints


def waving(count: int, side: int = 1, width: float = 0.2) -> np.ndarray:
    """Eight seconds in which a raised forearm goes to and fro so often."""
    joints = standing(8)
    t = np.arange(len(joints)) / FPS
    up = np.clip(2 * (t - 0.5), 0, 1) * np.clip(2 * (6.5 - t), 0, 1)
    swing = width * np.sin(2 * np.pi * np.clip(t - 1.2, 0, count))
    joints[:, WRISTS[side], 1] += 0.5 * up
    joints[:, WRISTS[side], 0] += swing
    return joints


def kicking(*times: float, side: int = 1) -> np.ndarray:
    """Eight seconds with a kick forward at each of these times."""
    joints, out = standing(8), bumps(8, times, 0.6)[:, None]
    foot = [ANKLES[side], TOES[side]]
    joints[:, foot, 1] += 0.5 * out
    joints[:, foot, 2] += 0.7 * out
    return joints


def walking(degrees: float = 0.0, speed: float = 1.0, seconds: float = 6) -> np.ndarray:
    """A stiff body that glides along its heading, which turns by so much on the way."""
    from core.body.rotations import quat_rotate

    t = np.arange(round(seconds * FPS))
    yaw = np.radians(degrees) * t / max(len(t) - 1, 1)
    half = np.stack([np.cos(yaw / 2), 0 * yaw, np.sin(yaw / 2), 0 * yaw], axis=-1)
    joints = standing(seconds)
    joints = quat_rotate(half[:, None].repeat(22, 1), joints)
    steps = np.stack([np.sin(yaw), 0 * yaw, np.cos(yaw)], axis=-1) * speed / FPS
    return joints + np.cumsum(steps, axis=0)[:, None]
