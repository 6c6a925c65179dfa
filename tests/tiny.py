"""Checkpoints of models so small that a test can stream from them."""

from __future__ import annotations

from pathlib import Path

import torch

from core import checkpoint
from core.motion.model import MotionConfig, MotionDiT
from core.motion.vae import MotionVAE, VAEConfig

VAE = VAEConfig(width=16, dilations=(3, 1))
DIT = MotionConfig(
    width=32, depth=2, heads=2, hidden=48, block=2, context=6, max_blocks=18, steps=4, stagger=2,
)  # fmt: skip


def tiny_vae(cfg: VAEConfig = VAE, seed: int = 0) -> MotionVAE:
    """A VAE with random weights whose decoded bodies stand upright at human size."""
    torch.manual_seed(seed)
    vae = MotionVAE(cfg).eval().requires_grad_(False)
    vae.std.fill_(0.01)
    vae.mean.copy_(_standing())
    return vae


def _standing() -> torch.Tensor:
    from core.motion.features import encode
    from core.motion.skeleton import REST_JOINTS

    return torch.from_numpy(encode(REST_JOINTS[None].repeat(3, 0))[0])


def write_checkpoints(folder: Path, **licences: str) -> Path:
    """Write one motion checkpoint per licence, and the VAE that they share; return the folder."""
    checkpoint.save(tiny_vae(), folder / "motion-vae", kind="motion-vae", about={})
    for seed, (name, licence) in enumerate((licences or {"motion": "CC0 1.0"}).items()):
        torch.manual_seed(seed)
        model = MotionDiT(DIT)
        for parameter in model.parameters():
            parameter.data.normal_(std=0.2)
        about = {
            "licence": licence, "non_commercial": "NC" in licence, "data": {"made-up": licence},
        }  # fmt: skip
        name = name.replace("_", "-")
        checkpoint.save(model, folder / name, kind="motion-dit", about=about)
    return folder
