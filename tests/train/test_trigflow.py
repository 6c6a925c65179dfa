"""TrigFlow is our flow on a circle; its tangent is the derivative it says it is."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import Tensor

from core.diffusion import flow
from tests.support.tiny import KEYS, tiny_world
from train import distill

# torch's own forward-mode derivatives still use it
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")

SHAPE = (2, 4, 8, 4)


def draw(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Data, noise (B, T, P, C) and angles (B, T) inside the quarter circle."""
    generator = torch.Generator().manual_seed(seed)
    data, noise = torch.randn(2, *SHAPE, generator=generator)
    angle = 0.05 + (math.pi / 2 - 0.1) * torch.rand(*SHAPE[:2], generator=generator)
    return data, noise, angle


def test_angles_and_times_are_inverse():
    x, _, angle = draw()
    _, t = distill.to_flow(x, angle)
    assert torch.allclose(distill.to_angle(t), angle, atol=1e-6)
    ends = distill.to_angle(torch.tensor([flow.CLEAN, flow.NOISE]))
    assert torch.allclose(ends, torch.tensor([0.0, math.pi / 2]))


def test_both_put_the_same_noise_into_the_same_data():
    data, noise, angle = draw()
    x, t = distill.to_flow(distill.add_noise(data, noise, angle), angle)
    assert torch.allclose(x, flow.add_noise(data, noise, t), atol=1e-6)


def test_field_and_data_of_a_known_pair():
    data, noise, angle = draw()
    x = distill.add_noise(data, noise, angle)
    f = distill.field(lambda x, t: flow.velocity(data, noise), x, angle)
    _, slope = torch.func.jvp(
        lambda a: distill.add_noise(data, noise, a), (angle,), (torch.ones_like(angle),)
    )
    assert torch.allclose(f, slope, atol=1e-5)
    assert torch.allclose(distill.predict_data(x, f, angle), data, atol=1e-5)


def test_field_of_a_gaussian_is_the_slope_of_its_paths():
    """Paths are x(a) = cos(a) mean + deviation(a) z, with the variance cos^2 std^2 + sin^2."""
    mean, std = torch.tensor([2.0, -1.0, 0.0, 0.5]), torch.tensor([0.5, 1.5, 1.0, 0.1])
    _, z, angle = draw()

    def velocity(x: Tensor, t: Tensor) -> Tensor:
        t = distill.like(t)
        variance = (1 - t) ** 2 + (t * std) ** 2
        data = mean + t * std**2 / variance * (x - t * mean)
        return data - (1 - t) / variance * (x - t * mean)

    def path(angle: Tensor) -> Tensor:
        cos, sin = distill.like(angle.cos()), distill.like(angle.sin())
        return cos * mean + (cos**2 * std**2 + sin**2).sqrt() * z

    x, slope = torch.func.jvp(path, (angle,), (torch.ones_like(angle),))
    assert torch.allclose(distill.field(velocity, x, angle), slope, atol=1e-4)


def test_the_tangent_of_a_consistent_model_is_zero():
    """Where all data is one point, every path leads there: nothing is left to correct."""
    data, noise, angle = draw()

    def velocity(x: Tensor, t: Tensor) -> Tensor:
        return (data - x) / distill.like(1 - t)

    x = distill.add_noise(data, noise, angle)
    dx = distill.field(velocity, x, angle)
    moving = torch.ones_like(angle, dtype=torch.bool)
    f, g = distill.tangent(velocity, dx, x, angle, moving, ramp=1.0)
    assert torch.equal(f, dx)
    assert g.abs().max() < 1e-3
    _, g = distill.tangent(lambda x, t: velocity(x, t) / 2, dx, x, angle, moving, ramp=1.0)
    assert g.abs().max() > 0.1


@pytest.fixture(scope="module")
def velocity():
    model = tiny_world().dit
    actions = torch.randint(0, 2, (*SHAPE[:2], len(KEYS)), generator=torch.Generator()).float()
    return partial(lambda actions, x, t: model.denoise(x, t, actions), actions)


MOVING = torch.tensor([[False, False, True, True], [False, True, False, True]])


def normalized(g: Tensor) -> Tensor:
    return g / (g.square().mean((2, 3), keepdim=True).sqrt() + 0.1)


@pytest.mark.parametrize("ramp", [0.0, 0.4, 1.0])
def test_tangent_agrees_with_finite_differences(velocity, ramp):
    x, dx, angle = draw()
    cos, sin = distill.like(angle.cos()), distill.like(angle.sin())
    speed, step = cos * sin * distill.like(MOVING), 2e-3

    def at(s: float) -> Tensor:
        return distill.field(velocity, x + s * speed * dx, angle + s * speed[..., 0, 0])

    df = (at(step) - at(-step)) / (2 * step)
    expected = normalized(-(cos**2) * (at(0) - dx) - ramp * (cos * sin * x + df))
    with torch.no_grad():  # as it is called in training
        f, g = distill.tangent(velocity, dx, x, angle, MOVING, ramp)
    assert torch.allclose(f, at(0), atol=1e-5)
    assert torch.allclose(g, expected, atol=0.01)
    assert df.abs().max() > 0.1


def test_frames_that_do_not_move_move_no_other(velocity):
    x, dx, angle = draw()
    _, g = distill.tangent(velocity, dx, x, angle, MOVING, ramp=1.0)
    other = torch.where(distill.like(MOVING), dx, 100.0)
    _, changed = distill.tangent(velocity, other, x, angle, MOVING, ramp=1.0)
    assert torch.equal(g[MOVING], changed[MOVING])


def test_every_frame_has_a_norm_of_its_own(velocity):
    x, dx, angle = draw()
    dx[:, -1] *= 1000  # the last frame: no other sees it
    _, g = distill.tangent(velocity, dx, x, angle, MOVING, ramp=0.0)
    _, usual = distill.tangent(velocity, draw()[1], x, angle, MOVING, ramp=0.0)
    norms = g.square().mean((2, 3)).sqrt()
    assert torch.allclose(norms[:, -1], torch.ones(2), atol=0.05)
    assert (norms < 1).all()
    assert torch.equal(g[:, :-1], usual[:, :-1])
