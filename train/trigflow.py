"""TrigFlow (sCM, arXiv 2410.11081): the same noise process on a circle, for consistency training.

x_a = cos(a) data + sin(a) noise with angle a in [0, pi/2], 0 = data: another parametrisation of our
flow, so that a trained velocity needs no retraining (SANA-Sprint, arXiv 2503.09641, section 3.1).
Latents have unit variance, hence sigma_d = 1. Shapes: angle (B, T), x (B, T, P, C).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Velocity = Callable[[Tensor, Tensor], Tensor]
"""(x, t) of our flow -> velocity."""


def like(a: Tensor) -> Tensor:
    """Return (B, T) as (B, T, 1, 1)."""
    return a[..., None, None]


def to_flow(x: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """Return x and t of our flow for x on the circle."""
    total = angle.cos() + angle.sin()
    return x / like(total), angle.cos() / total


def to_angle(t: Tensor) -> Tensor:
    """Return the angle of a time of our flow."""
    return torch.atan2(1 - t, t)


def add_noise(data: Tensor, noise: Tensor, angle: Tensor) -> Tensor:
    """Return x at an angle between data (0) and noise (pi / 2)."""
    return like(angle.cos()) * data + like(angle.sin()) * noise


def field(velocity: Velocity, x: Tensor, angle: Tensor) -> Tensor:
    """Return F, which is dx/dangle where the velocity is exact."""
    x_flow, t = to_flow(x, angle)
    v = velocity(x_flow, t).float()
    data, noise = x_flow + like(1 - t) * v, x_flow - like(t) * v
    return like(angle.cos()) * noise - like(angle.sin()) * data


def predict_data(x: Tensor, f: Tensor, angle: Tensor) -> Tensor:
    """Return the data that x and F = `f` point at: the consistency function."""
    return like(angle.cos()) * x - like(angle.sin()) * f


def tangent(
    velocity: Velocity, dx: Tensor, x: Tensor, angle: Tensor, moving: Tensor, ramp: float
) -> tuple[Tensor, Tensor]:
    """Return F and the normalized tangent g of the frames that are `moving` (B, T).

    `dx` is the teacher's dx/dangle; `ramp` (0 to 1) brings in the second term (sCM section 4.2).
    The norm is taken per frame, as every frame has an angle of its own (NFD section 3.2).
    """
    cos, sin = like(angle.cos()), like(angle.sin())
    still = (~moving)[..., None, None]
    speed = (cos * sin).masked_fill(still, 0.0)
    f, df = torch.func.jvp(
        lambda x, angle: field(velocity, x, angle), (x, angle), (speed * dx, speed[..., 0, 0])
    )[:2]
    g = -(cos**2) * (f - dx) - ramp * (cos * sin * x + df)
    g = g / (g.square().mean((2, 3), keepdim=True).sqrt() + 0.1)
    return f, g
