"""Rectified flow, stated once: t in [0, 1] per frame, 0 = noise, 1 = data.

x_t = (1 - t) noise + t data, velocity = data - noise (arXiv 2209.03003). `t` has shape (B, T); `x`,
`data` and `noise` have shape (B, T, ...), and every function broadcasts t over what follows.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

NOISE = 0.0
CLEAN = 1.0


def _like(t: Tensor, x: Tensor) -> Tensor:
    return t.reshape(*t.shape, *(1,) * (x.dim() - t.dim()))


def add_noise(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """Return x_t between noise (t = 0) and data (t = 1)."""
    return noise.lerp(data, _like(t, data))


def velocity(data: Tensor, noise: Tensor) -> Tensor:
    """Return dx/dt, which is the same at every t."""
    return data - noise


def step(x: Tensor, v: Tensor, t: Tensor, t_next: Tensor) -> Tensor:
    """Follow the velocity from t to t_next with one Euler step."""
    return x + _like(t_next - t, x) * v


def with_clean(v: Tensor, frames: int) -> Tensor:
    """Return velocities (B, T, P, D) behind those of clean frames, which stay where they are."""
    return F.pad(v, (0, 0, 0, 0, frames, 0)) if frames else v


def extrapolate(v: Tensor, before: Tensor, ratio: float) -> Tensor:
    """Return the mean velocity over the next step, by Adams and Bashforth's rule of second order.

    `before` is the velocity a step ago, `ratio` how long the next step is against that one.
    """
    return v + ratio / 2 * (v - before)


def predict_data(x: Tensor, v: Tensor, t: Tensor) -> Tensor:
    """Return the clean data that x_t and its velocity point at."""
    return x + _like(CLEAN - t, x) * v
