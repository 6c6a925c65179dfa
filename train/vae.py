"""Train MAC-VAE (CMDM section 3.1, equations 2 and 3): `python -m train.vae --data SET`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor

from core import checkpoint
from core.body.features import LAYOUT
from core.device import pick_device
from core.motion.align import Aligner
from core.motion.vae import PUBLISHED, STRIDE, MotionVAE, VAEConfig
from train.dataset import MotionSet
from train.loop import LoopSettings, Losses, Trainer
from train.setup import CHECKPOINTS, MotionData, Out, Preset, Run, fresh_seed, pick, warm_start
from train.vae_losses import (
    FOOT_WEIGHT,
    JERK_WEIGHT,
    AlignWeight,
    alignment,
    feature_weights,
    foot_steps,
    liveliness,
    motion_losses,
    nll,
    noised,
    smoothed,
)

PRESETS = {"default": VAEConfig(lookback=3), "published": PUBLISHED}
WINDOW = 96
"""Poses of a training window."""
ROOT_WEIGHT = 0.05
KL_WEIGHT = 1e-4
"""Per latent number; CMDM's summed loss comes to about 4e-5 (reference code)."""
SPEEDS = (1.0, 0.85, 1.18)
"""How many times as fast motions are learnt, too: about as much as bodies vary."""


def windows(motions: MotionSet, batch: int, seed: int = 0, device: str = "cpu") -> Iterator[Tensor]:
    """Yield (B, WINDOW, 263) random windows of poses that wait on the device; short clips are held
    at their last pose."""
    rng = np.random.default_rng(seed)
    lengths = np.array([len(m.features) for m in motions.motions])
    weights = motions.weights * lengths**0.5
    poses = torch.from_numpy(np.concatenate([m.features for m in motions.motions])).to(device)
    begins = lengths.cumsum() - lengths
    while True:
        clips = rng.choice(len(weights), batch, p=weights / weights.sum())
        starts = [int(rng.integers(0, max(n - WINDOW, 0) + 1)) for n in lengths[clips]]
        ends = np.stack([begins[clips] + starts, begins[clips] + lengths[clips] - 1])
        first, last = torch.from_numpy(ends).to(device)[..., None]
        yield poses[(first + torch.arange(WINDOW, device=device)).minimum(last)]


def loss_fn(
    model: MotionVAE, features: Tensor, step: int, *, aligner: Aligner, align_weight: AlignWeight
) -> Losses:
    x = model.normalize(features)
    mean, log_var = model.posterior(x)
    z = mean + (0.5 * log_var).exp() * torch.randn_like(mean)
    # half of the batch is decoded from the middle, as a stream that starts there would be, and
    # from latents that are as far off as sampled ones
    half, start = len(z) // 2, int(torch.randint(1, z.shape[1] // 2, ()))
    pairs = [
        (x[:half], model.decode(z[:half])),
        (x[half:, STRIDE * start :], model.decode(noised(z[half:, start:]))),
    ]
    weights = feature_weights().to(x.device)
    total = sum(nll(a, b, weights) for a, b in pairs) / 2
    root = sum(nll(a[..., :4], b[..., :4]) for a, b in pairs) / 2
    kl = -0.5 * (1 + log_var - mean.square() - log_var.exp()).mean()
    mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
    with torch.no_grad():
        target, _ = aligner.frames(aligner.normalize(features), mask)
    align = alignment(model.align(z), target)
    weight = align_weight(step, total, align, model.moments.weight)
    warm = min(step / align_weight.warmup, 1.0)
    moving = [motion_losses(model, a, b) for a, b in pairs]
    jerk, feet = (sum(losses) / 2 for losses in zip(*moving, strict=True))
    loss = total + ROOT_WEIGHT * root + KL_WEIGHT * warm * kl + weight * align
    loss = loss + JERK_WEIGHT * jerk + FOOT_WEIGHT * feet
    parts = {"nll": total, "root": root, "kl": kl, "align": align, "jerk": jerk, "feet": feet}
    return Losses(loss, {k: v.detach() for k, v in parts.items()})


def decoder_loss(model: MotionVAE, features: Tensor, step: int) -> Losses:
    """Teach the decoder alone to bear with sampled latents, never quite those of real motion.

    What counts is what is shown: a decoder that knows of the filter behind it makes up for what
    that takes away of real motion, and leaves to it what it does well.
    """
    x = model.normalize(features)
    with torch.no_grad():
        z = noised(model.posterior(x)[0])
    start = int(torch.randint(0, 3, ()))
    y = smoothed(model, model.decode(z[:, start:]))
    x = x[:, -y.shape[1] - 1 : -1]
    total = nll(x, y, feature_weights().to(x.device))
    jerk, feet = motion_losses(model, x, y)
    parts = {"nll": total.detach(), "jerk": jerk.detach(), "feet": feet.detach()}
    return Losses(total + JERK_WEIGHT * jerk + FOOT_WEIGHT * feet, parts)


@torch.no_grad()
def held_out(model: MotionVAE, batches: list[Tensor]) -> dict[str, float]:
    """Return errors of what is shown, in mm: of joints and of their steps; with noisy latents
    of the size of jerk at each place and of standing feet. And the latents' deviation."""
    errors, steps, jerks, slides, latents = [], [], [], [], []
    generator = torch.Generator().manual_seed(0)
    for features in batches:
        z = model.encode(model.normalize(features))
        noise = torch.randn(z.shape, generator=generator).to(z.device)
        noisy = z + 0.25 * z.std((0, 1)) * noise
        y, shaken = (model.denormalize(smoothed(model, model.decode(v))) for v in (z, noisy))
        real = features[:, -y.shape[1] - 1 : -1]
        sizes = [
            liveliness(
                (v[..., : LAYOUT.joints.stop] / model.std[: LAYOUT.joints.stop]).diff(n=3, dim=1)
            )
            for v in (real, shaken)
        ]
        jerks.append((sizes[1] - sizes[0].mean()).abs().mean())
        joints = [v[..., LAYOUT.joints].unflatten(-1, (-1, 3)) for v in (real, y)]
        errors.append((joints[0] - joints[1]).norm(dim=-1).mean() * 1000)
        steps.append((real - y)[..., LAYOUT.velocities].abs().mean() * 1000)
        off = (foot_steps(real) - foot_steps(shaken)).norm(dim=-1)
        slides.append((off * real[:, :-1, LAYOUT.contacts]).mean() * 1000)
        latents.append(z.flatten(0, 1))
    std = torch.cat(latents).std(0)
    mm, step = torch.stack(errors).mean().item(), torch.stack(steps).mean().item()
    jerk, slide = (torch.stack(x).mean().item() for x in (jerks, slides))
    return {
        "score": mm + 5 * step + 20 * jerk + 4 * slide,
        "mpjpe_mm": mm,
        "step_mm": step,
        "noisy_jerk_off": jerk,
        "noisy_slide_mm": slide,
        "latent_std": std.mean().item(),
    }


def main(
    data: MotionData,
    out: Out = CHECKPOINTS / "motion-vae",
    aligner: Annotated[
        Path, typer.Option(help="Its frame features are the alignment targets.")
    ] = CHECKPOINTS / "motion-aligner",
    run: Run = Path("runs/vae"),
    preset: Preset = "default",
    steps: int = 8000,
    minutes: float = 1e9,
    batch: int = 32,
    decoder_only: Annotated[
        bool, typer.Option(help="Second stage: the latents stay, the decoder learns to bear noise.")
    ] = False,
    lr: Annotated[float, typer.Option(help="Highest rate; 0: 1e-3, for the decoder 3e-4.")] = 0,
    precision: str = "auto",
) -> None:
    """Train the causal motion VAE."""
    cfg = pick(PRESETS, preset)
    seed, device = fresh_seed(run), pick_device()
    motions = MotionSet(data, "train", speeds=SPEEDS)
    validation = MotionSet(data, "val", mirrored=False)
    model = MotionVAE(cfg)
    if not warm_start(model, out):
        motions.set_statistics(model)
        if model.cfg.shortcut:
            poses = torch.from_numpy(np.concatenate([m.features for m in motions.motions]))
            model.start_from_pca(model.normalize(poses), feature_weights())
    if decoder_only:
        model.requires_grad_(False)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name.startswith(("unpack", "decoder", "unpatch", "filter")))
    teacher = checkpoint.load(aligner, Aligner, device=device)
    stream = windows(validation, 64, seed=1)
    judged = [next(stream) for _ in range(3)]
    lr = lr or (3e-4 if decoder_only else 1e-3)
    trained = partial(loss_fn, aligner=teacher, align_weight=AlignWeight(warmup=500))
    settings = LoopSettings(
        run,
        steps,
        minutes,
        precision,
        lr=lr,
        lr_factors={"filter": 5.0},
        warmup=100,
        ema=0.99,
        eval_every=100,
    )
    trainer = Trainer(model, settings, out, motions.about())
    batches = windows(motions, batch, seed, device)
    trainer.run(batches, decoder_loss if decoder_only else trained, held_out, judged)


if __name__ == "__main__":
    typer.run(main)
