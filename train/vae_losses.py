"""What a motion VAE is judged by while it learns: likelihood, alignment, jerk and feet."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.body.features import LAYOUT, NUM_FEATURES
from core.body.skeleton import FEET
from core.motion.vae import STRIDE, MotionVAE

ALIGN_WEIGHT = 0.1
LATENT_NOISE = 0.3
"""Largest deviation of the noise that the decoder learns to bear, in the latents' own."""
JERK_WEIGHT, LIVELY_WEIGHT = 0.25, 0.1
FOOT_WEIGHT = 0.2
FOOT_STEP = 0.02
"""Meters a pose that a foot may be off for that loss to be 1."""
SWINGING = 0.2
"""How much the steps of a foot in the air count; one on the floor counts 1 more."""
COSINE_MARGIN = 0.5
"""m1 of equation 3: how near a latent must come to its frame feature."""
SIMILARITY_MARGIN = 0.25
"""m2 of equation 3: how far apart the two similarity matrices may be."""


def feature_weights() -> Tensor:
    """Return how much the error of each feature counts, (263,).

    Poses are made from root and positions; rotations, which CMDM's reference never reads, least.
    """
    weights = torch.ones(NUM_FEATURES)
    weights[:4] = 3.0
    weights[LAYOUT.joints] = 4.0
    weights[LAYOUT.rotations] = 0.5
    return weights / weights.mean()


def nll(x: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the mean negative log likelihood with the batch's deviation (sigma-VAE 2006.13202)."""
    square = (x - y).square() if weights is None else weights * (x - y).square()
    log_sigma = 0.5 * square.mean().clamp(min=1e-8).log()
    log_sigma = -6 + F.softplus(log_sigma + 6)
    return (0.5 * square / (2 * log_sigma).exp() + log_sigma).mean()


def alignment(z: Tensor, target: Tensor) -> Tensor:
    """Return both margin terms of equation 3 for projected latents and targets, (B, T, E)."""
    z, target = F.normalize(z, dim=-1), F.normalize(target, dim=-1)
    cosine = F.relu(1 - COSINE_MARGIN - (z * target).sum(-1)).mean()
    similarity = (z @ z.mT - target @ target.mT).abs()
    return cosine + F.relu(similarity - SIMILARITY_MARGIN).mean()


def adaptive(reconstruction: Tensor, align: Tensor, weight: nn.Parameter) -> Tensor:
    """Return the ratio of the two losses' gradients at a shared weight (VA-VAE's recipe)."""
    grads = [
        torch.autograd.grad(x, weight, retain_graph=True)[0].norm() for x in (reconstruction, align)
    ]
    return (grads[0] / (grads[1] + 1e-8)).clamp(0, 1e4).detach()


class AlignWeight:
    """The alignment's weight: the gradients' ratio, measured now and then, times a slow decay."""

    def __init__(self, warmup: int, every: int = 20) -> None:
        self.warmup, self.every = warmup, every
        self.ratio: Tensor | float = 0.0
        self.known = False

    def __call__(
        self, step: int, reconstruction: Tensor, align: Tensor, weight: nn.Parameter
    ) -> Tensor:
        # what is known is not asked of the ratio itself: a GPU would be waited for at every step
        if (step % self.every == 0 or not self.known) and align > 0:
            self.ratio = adaptive(reconstruction, align, weight)
            self.known = bool(self.ratio > 0)
        return ALIGN_WEIGHT * max(1.0 - 0.9 * max(step - self.warmup, 0) / 4000, 0.1) * self.ratio


def noised(z: Tensor) -> Tensor:
    """Return latents with noise of a random amount, as sampled ones are never quite right."""
    scale = z.detach().std((0, 1))  # in fixed units the encoder would learn to drown it
    level = LATENT_NOISE * torch.rand(len(z), 1, 1, device=z.device)
    return z + level * scale * torch.randn_like(z)


def foot_steps(features: Tensor) -> Tensor:
    """Return how far both ankles and toes move over the floor, (B, T - 1, 4, 2), in meters."""
    feet = features[..., LAYOUT.joints].unflatten(-1, (-1, 3))[:, :, [i - 1 for i in FEET]]
    turn = 2 * features[:, :-1, None, LAYOUT.turn]  # the feature is half of the angle
    x, z = feet[:, :-1, :, :1], feet[:, :-1, :, 2:]
    turned = torch.cat([turn.cos() * x + turn.sin() * z, turn.cos() * z - turn.sin() * x], dim=-1)
    return feet[:, 1:, :, [0, 2]] - turned + features[:, :-1, None, LAYOUT.velocity]


def liveliness(jerk: Tensor) -> Tensor:
    """Return the log size of third differences (B, T, 4 + 3 J), (4,) by place in a latent.

    Of the joint that has most, as jerk is told (FlowMDM), and by the mean: impacts are rare.
    """
    whole = jerk.shape[1] // STRIDE * STRIDE
    most = jerk[:, -whole:, 4:].unflatten(-1, (-1, 3)).abs().sum(-1).amax(-1)
    return most.unflatten(1, (-1, STRIDE)).mean((0, 1)).clamp(min=1e-3).log()


def motion_losses(model: MotionVAE, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the error of third differences and of the feet's steps over the floor.

    An eye forgives a place that is off by a centimeter, but neither a tremor nor feet that slide.
    Third differences that cannot be foretold would be left out altogether, so their size counts,
    too: the same at every place in a latent.
    """
    shown = (torch.cat([v[..., :4], v[..., LAYOUT.joints]], -1) for v in (x, y))
    real, made = (v.diff(n=3, dim=1).float() for v in shown)
    lively = (liveliness(made) - liveliness(real).mean()).square().mean()
    jerk = F.l1_loss(real, made) + LIVELY_WEIGHT / JERK_WEIGHT * lively
    real, made = (model.denormalize(v.float()) for v in (x, y))
    weight = SWINGING + real[:, :-1, LAYOUT.contacts].clamp(0, 1)
    feet = (foot_steps(real) - foot_steps(made)).norm(dim=-1) / FOOT_STEP
    return jerk, (weight * feet).mean()


def smoothed(model: MotionVAE, y: Tensor) -> Tensor:
    """Return what a stream shows of decoded features (B, T, 263), T - lookback - 1 poses of it.

    The first pose of y is the first of a latent; see `core.motion.decode.Smoother`.
    """
    weights = model.filter_weights().to(y)
    before, length = weights.shape[1] - 2, y.shape[1]
    number = length - before - 1
    chosen = weights[torch.arange(before, before + number) % STRIDE]  # (T', taps)
    seen = y[..., : LAYOUT.joints.stop]
    shown = sum(chosen[:, k, None] * seen[:, k : k + number] for k in range(weights.shape[1]))
    return torch.cat([torch.as_tensor(shown), y[:, before:-1, LAYOUT.joints.stop :]], dim=-1)
