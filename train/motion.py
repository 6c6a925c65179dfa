"""Train the causal diffusion transformer (CMDM section 3.2): `python -m train.motion --data SET`.

Causal diffusion forcing: every block of latents gets a flow time of its own; a random number of
leading blocks is clean history without text, so that streams go on for ever and prompts can switch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

from core import checkpoint
from core.device import pick_device
from core.diffusion import flow
from core.motion.model import PUBLISHED, MotionConfig, MotionDiT
from core.motion.text import load_text_encoder
from core.motion.traits import TRAITS
from core.motion.vae import MotionVAE
from train.dataset import read_sets
from train.feed import feed
from train.latents import LatentBatch, LatentSet
from train.loop import LoopSettings, Losses, Trainer
from train.setup import (
    CHECKPOINTS,
    Compile,
    MotionData,
    Out,
    Preset,
    Run,
    compiles,
    fresh_seed,
    pick,
    warm_start,
)

PRESETS = {"default": MotionConfig(traits=len(TRAITS)), "published": PUBLISHED}
PARAPHRASES = 3
"""Other ways to say a caption that are learnt."""
TEXT_DROP = 0.12
"""Share of training rows without text, for guidance."""
HISTORY_NOISE = 0.15
"""Largest deviation of the noise on clean history, in latent deviations."""


def diffusion_forcing(
    model: MotionDiT,
    batch: LatentBatch,
    t: Tensor,
    noise: Tensor,
    drop: Tensor,
    history_noise: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the squared error per block (B, T) and which blocks count (noisy and not padding)."""
    x = model.to_blocks(batch.latents)
    t = t.masked_fill(batch.history, flow.CLEAN)
    prompt = model.prompt(batch.text, batch.text_mask & ~batch.untold[:, None], traits=batch.traits)
    drop = drop | (batch.untold & batch.traits.isnan().all(1))
    x_t = flow.add_noise(x, noise, t)
    if history_noise is not None:
        x_t = x_t + history_noise * batch.history[..., None, None]
    v = model(x_t, t, [prompt], drop=drop)
    error = (v - flow.velocity(x, noise)).square().mean((2, 3))
    return error, ~batch.history & batch.valid


def loss_fn(model: nn.Module, batch: LatentBatch, step: int) -> Losses:
    shape = batch.history.shape
    noise = torch.randn(*shape, *model.frame_shape, device=batch.latents.device)
    # half of the rows share one time in all blocks up to a small ramp, as sampling windows do
    t = torch.rand(shape, device=noise.device)
    ramp = torch.rand(len(t), 1, device=t.device) - torch.linspace(
        0, 0.5, shape[1], device=t.device
    )
    t = torch.where(torch.rand(len(t), 1, device=t.device) < 0.3, ramp.clamp(0, 1), t)
    t = t.clamp(max=0.999)
    drop = torch.rand(len(t), device=t.device) < TEXT_DROP
    # a stream must bear its own small errors: its history is never quite clean
    jitter = HISTORY_NOISE * torch.rand(len(t), 1, 1, 1, device=t.device) * torch.randn_like(noise)
    error, counts = diffusion_forcing(model, batch, t, noise, drop, jitter)
    loss = (error * counts).sum() / counts.sum()
    return Losses(loss)


@torch.no_grad()
def held_out(model: MotionDiT, batches: list[LatentBatch]) -> dict[str, float]:
    """Return the loss on fixed noise and times, and how much the right text lowers it."""
    totals = {"score": 0.0, "without_text": 0.0}
    generator = torch.Generator().manual_seed(0)
    for batch in batches:
        shape = batch.history.shape
        noise = torch.randn(*shape, *model.frame_shape, generator=generator)
        t = torch.rand(shape, generator=generator) * 0.95
        noise, t = noise.to(batch.latents.device), t.to(batch.latents.device)
        for name, drop in (("score", False), ("without_text", True)):
            rows = torch.full_like(batch.untold, drop)
            error, counts = diffusion_forcing(model, batch, t, noise, rows)
            totals[name] += ((error * counts).sum() / counts.sum()).item() / len(batches)
    return totals


def main(
    data: MotionData,
    out: Out = CHECKPOINTS / "motion-teacher",
    vae: Annotated[Path, typer.Option(help="Checkpoint of the VAE.")] = CHECKPOINTS / "motion-vae",
    run: Run = Path("runs/motion"),
    start_from: Annotated[Path | None, typer.Option(help="Checkpoint to warm-start from.")] = None,
    preset: Preset = "default",
    steps: int = 20000,
    minutes: float = 1e9,
    batch: int = 48,
    lr: float = 5e-4,
    precision: str = "auto",
    more: Annotated[
        int, typer.Option(help="Paraphrases a caption, and motions made of others; 0: neither.")
    ] = PARAPHRASES,
    new_latents: Annotated[
        bool, typer.Option(help="The VAE is another than the one that the weights are for.")
    ] = False,
    compile: Compile = None,
) -> None:
    """Train the motion diffusion transformer."""
    seed, device = fresh_seed(run), pick_device()
    cfg = pick(PRESETS, preset).model_copy(update={"vae": vae.name})
    encoder = load_text_encoder(cfg.text_encoder)
    coder = checkpoint.load(vae, MotionVAE)
    motions, validation, bank = read_sets(data, encoder, mirrored=False, more=more)
    model = MotionDiT(cfg)
    train = LatentSet(motions, coder, bank, cfg.block, transitions=1200, seed=seed)
    if not warm_start(model, start_from or out) or new_latents:
        mean, std = train.statistics()
        model.latent_mean.copy_(mean)
        model.latent_std.copy_(std)
    judged = LatentSet(validation, coder, bank, cfg.block, transitions=0, seed=1).batches(32)
    fixed = [next(judged) for _ in range(6)]
    settings = LoopSettings(run, steps, minutes, precision, lr=lr, weight_decay=0.01)
    trainer = Trainer(model, settings, out, motions.about())
    if compiles(compile):  # batches differ in length: the whole would be compiled for minutes
        model.transformer.fuse(dynamic=True)
    trainer.run(feed(train.batches(batch), device, seed=seed), loss_fn, held_out, fixed)


if __name__ == "__main__":
    typer.run(main)
